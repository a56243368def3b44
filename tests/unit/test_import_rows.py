"""Rows of a file made leads: numbers, places, zones, own fields, and what is said of those that are not taken."""

from __future__ import annotations

import json

import pytest
from django import forms
from hypothesis import example, given
from hypothesis import strategies as st

from dialer.core.numbers import NotANumber, parse_number
from dialer.core.places import place_of
from dialer.leads.importing.cells import BadCell, OwnField, number_as_typed, own_value
from dialer.leads.importing.columns import TARGETS
from dialer.leads.importing.reading import Broken
from dialer.leads.importing.rows import Preparer, Refused, told


@pytest.mark.parametrize(
    ("cell", "typed"),
    [
        ("2125550101.0", "2125550101"),
        ("1.2125550101E+10", "12125550101"),
        ("2.125550101e9", "2125550101"),
        ('="2125550101"', "2125550101"),
        ("'+12125550101", "+12125550101"),
        ("212-555-0101", "212-555-0101"),
    ],
)
def test_numbers_that_went_through_a_spreadsheet(cell: str, typed: str) -> None:
    assert number_as_typed(cell) == typed


@pytest.mark.parametrize("cell", ["1.5E+10", "1.21256E+10", "2E9", "2,1E+9"])
def test_numbers_that_a_spreadsheet_rounded_are_refused(cell: str) -> None:
    with pytest.raises(NotANumber, match="rounded"):
        number_as_typed(cell)
    with pytest.raises(Refused, match="rounded"):
        Preparer({0: "phone"}, [], "US", 1).line(2, [cell])


@pytest.mark.parametrize(
    ("given_", "region", "zones"),
    [
        (("10001", "", ""), "US-NY", {"America/New_York"}),
        (("2134", "", ""), "US-MA", {"America/New_York"}),
        (("94110-1234", "", ""), "US-CA", {"America/Los_Angeles"}),
        (("79901", "", ""), "US-TX", {"America/Chicago", "America/Denver"}),
        (("", "texas", ""), "US-TX", {"America/Chicago", "America/Denver"}),
        (("78701", "TX", ""), "US-TX", {"America/Chicago"}),
        (("90210", "NY", ""), "US-NY", {"America/New_York", "America/Los_Angeles"}),
        (("K1A 0B1", "", ""), "CA-ON", {"America/Toronto", "America/Winnipeg"}),
        (("", "", "1 Main St, Austin, TX 78701"), "US-TX", {"America/Chicago"}),
        (("", "", "1 Main St, Austin, TX 78701, USA"), "US-TX", {"America/Chicago"}),
        (("", "", "Main Street 5"), "", set()),
        (("SW1A 1AA", "", ""), "", set()),
        (("", "Bavaria", ""), "", set()),
    ],
)
def test_where_somebody_lives(given_: tuple[str, str, str], region: str, zones: set[str]) -> None:
    place = place_of(*given_)
    assert (place.region, set(place.zones)) == (region, zones)


@given(st.text(max_size=12), st.text(max_size=12), st.text(max_size=40))
@example("\u0661\u0662\u0663\u0664\u0665", "", "")
def test_any_text_may_stand_for_a_place(postal: str, region: str, address: str) -> None:
    place = place_of(postal, region, address)
    assert len(place.region) <= 6
    assert len(place.postal_code) <= 12


def parts(mapping: dict[int, str], cells: list[str], own: list[OwnField] | None = None) -> list[str]:
    phone, line = Preparer(mapping, own or [], "US", len(cells)).line(2, cells)
    found = line.split("\t")
    assert found[2] == phone
    return found


def test_the_zones_of_number_and_place_both_count() -> None:
    assert (
        parts({0: "phone", 1: "postal_code"}, ["2125550101", "94110"])[11] == "{America/New_York,America/Los_Angeles}"
    )
    assert parts({0: "phone", 1: "postal_code"}, ["2125550101", "10001"])[11] == "{America/New_York}"
    told_zone = parts({0: "phone", 1: "postal_code", 2: "time_zone"}, ["2125550101", "94110", "America/Denver"])
    assert told_zone[11] == "{America/Denver}"


def test_rows_that_are_not_taken_say_why() -> None:
    preparer = Preparer({0: "phone", 1: "time_zone", 2: "mobile_phone"}, [], "US", 3)
    for cells, words in (
        (["555", "", ""], "“555”"),
        (["", "", ""], "is not a telephone number"),
        (["2125550101", "Mars/Olympus", ""], "Mars/Olympus"),
        (["2125550101", "", "12"], "“12”"),
        (["2125550101", "", "", "more"], "4 cells and the header 3"),
    ):
        with pytest.raises(Refused, match=words):
            preparer.line(2, cells)
    with pytest.raises(Refused, match="a quote"):
        preparer.line(2, Broken("a quote", "x"))
    assert preparer.line(2, ["2125550101"])[0] == "+12125550101"
    assert preparer.line(2, ["2125550101", "", "", "", " "])[0] == "+12125550101"


def test_other_numbers_each_once_and_never_the_own_one() -> None:
    mapping = {0: "phone", 1: "mobile_phone", 2: "home_phone", 3: "work_phone"}
    found = parts(mapping, ["2125550101", "2125550102", "(212) 555-0102", "+12125550101"])
    assert found[-1] == "mobile:+12125550102"


@given(st.lists(st.text(max_size=30), min_size=len(TARGETS), max_size=len(TARGETS)))
def test_any_cells_make_one_line_for_copy_or_a_refusal(cells: list[str]) -> None:
    cells = ["2125550101", *cells[1:]]
    preparer = Preparer(dict(enumerate(TARGETS)), [], "US", len(cells))
    try:
        line = preparer.line(2, cells)[1]
    except Refused as refusal:
        line = told(2, str(refusal), cells, len(cells))
        assert line.count("\t") == 2
        assert json.loads(line.split("\t")[2].replace("\\\\", "\\")) is not None
    else:
        assert line.count("\t") == 14
    line.encode()
    assert "\n" not in line
    assert "\r" not in line
    assert "\0" not in line


FIELDS = {
    "number": forms.DecimalField(max_digits=18, decimal_places=6),
    "date": forms.DateField(input_formats=["%Y-%m-%d"]),
    "choice": forms.ChoiceField(choices=[("A", "A"), ("B", "B")]),
    "text": forms.CharField(max_length=500),
}


@given(
    st.sampled_from(sorted(FIELDS)),
    st.one_of(
        st.from_regex(r"[-+]?[0-9]{0,20}([.][0-9]{0,8})?(e-?[0-9]{1,2})?", fullmatch=True),
        st.dates().map(str),
        st.sampled_from(["A", "B", "C", "NaN", "Infinity", "1_000", "x" * 501, "2026-02-30", "0.0", "-0"]),
    ),
)
def test_own_fields_take_what_the_lead_s_form_takes(kind: str, text: str) -> None:
    if not text:
        return
    try:
        cleaned = FIELDS[kind].clean(text)
        expected = f"{cleaned.normalize():f}" if kind == "number" else str(cleaned)
    except forms.ValidationError:
        with pytest.raises(BadCell):
            own_value(OwnField("x", "X", kind, ["A", "B"]), text)
    else:
        assert own_value(OwnField("x", "X", kind, ["A", "B"]), text) == expected


def test_yes_and_no() -> None:
    one = OwnField("x", "Winter", "yesno")
    assert [own_value(one, text) for text in ("Y", "yes", "TRUE", "1", "n", "False", "0")] == [True] * 4 + [False] * 3
    with pytest.raises(BadCell, match="Winter “maybe”"):
        own_value(one, "maybe")


def test_numbers_agree_with_those_that_people_type() -> None:
    for typed in ("(212) 555-0101", "+44 20 7946 0958", "212.555.0101"):
        assert parts({0: "phone"}, [typed])[2] == parse_number(typed, "US")
