"""Telephone numbers: what people and files send becomes E.164 of plain digits, or an error to show."""

from __future__ import annotations

import re

import phonenumbers
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from phonenumbers import timezone

from dialer.core.numbers import NotANumber, display_number, mask_number, parse_beginning, parse_number, zones_of_number

E164 = re.compile(r"\+[1-9][0-9]{6,14}", re.ASCII)
REGIONS = ("US", "GB", "DE", "IT", "AU", "ZZ", "")

hostile = st.one_of(
    st.text(max_size=60),
    st.text(alphabet="+0123456789 ()-./;=,#*~", max_size=40),
    st.text(alphabet="٠١٢٣٤٥٦٧٨٩۰۱۲०१२３４５+", max_size=20),
    st.from_regex(r"\+?[0-9 ]{4,20}['\"\r\n;,${}<>&|\\]{1,10}[0-9A-Za-z ]{0,20}", fullmatch=True),
)


@given(hostile, st.sampled_from(REGIONS))
@example("+12125550142\r\nAction: Originate", "US")
@example("+1212555${EXTEN}0142", "US")
@example("2125550142'; DROP TABLE leads;--", "US")
@example("2125550142\x00", "US")
@example("+49" + "1" * 15, "DE")  # possible in Germany, too long for E.164
@example("112", "DE")
@example("0000000", "DE")  # read again it would be another number
@example("+49112", "DE")
@example("9" * 100_000, "US")
@example("+" * 300, "US")
@example("\udc80+12125550142", "US")
def test_hostile_text_is_no_number_or_plain_digits(text: str, region: str) -> None:
    try:
        answer = parse_number(text, region)
    except NotANumber as error:
        answer = str(error)
    assert answer.isprintable()
    assert len(answer) < 200
    if answer.startswith("+"):
        assert E164.fullmatch(answer)
        assert parse_number(answer, "ZZ") == answer


@pytest.mark.parametrize(
    ("text", "region", "number"),
    [
        ("(212) 555-0142", "US", "+12125550142"),
        ("1-212-555-0142", "US", "+12125550142"),
        (" +44 20 7946 0958 ", "US", "+442079460958"),
        ("020 7946 0958", "GB", "+442079460958"),
        ("٢١٢٥٥٥٠١٤٢", "US", "+12125550142"),
        ("06 698 12345", "IT", "+390669812345"),  # Italian zeros stay
    ],
)
def test_numbers_as_people_write_them(text: str, region: str, number: str) -> None:
    assert parse_number(text, region) == number


@pytest.mark.parametrize("text", ["", "911", "555-0142", "112", "call me", "+999123456789", "212555014"])
def test_what_cannot_be_dialed_says_why(text: str) -> None:
    with pytest.raises(NotANumber, match="is not a telephone number"):
        parse_number(text, "US")


def test_zones_of_numbers() -> None:
    assert zones_of_number("+12125550142") == ["America/New_York"]
    assert len(zones_of_number("+18005550142")) > 1  # toll-free: anywhere
    assert zones_of_number("+99912345678") == []
    assert zones_of_number("no number") == []


@given(st.from_regex(E164, fullmatch=True))
def test_a_masked_number_shows_two_digits(number: str) -> None:
    masked = mask_number(number)
    assert len(masked) == len(number)
    assert sum(letter.isdigit() for letter in masked) == 2
    assert display_number(number)


def by_the_library(text: str, region: str) -> str:
    """The E.164 form as phonenumbers has it, or "" for what it does not take."""
    try:
        number = phonenumbers.parse(text.strip(), region)
    except phonenumbers.NumberParseException:
        return ""
    possible = phonenumbers.is_possible_number_with_reason(number) == phonenumbers.ValidationResult.IS_POSSIBLE
    return phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164) if possible else ""


NORTH_AMERICAN = st.builds(
    lambda before, parts, between: before + between.join(parts),
    st.sampled_from(["", "1", "+1", "+1 ", "1-", "(", " +1 (", "001", "+", "0", "11"]),
    st.tuples(st.from_regex(r"[0-9]{3}\)?", fullmatch=True), st.from_regex(r"[0-9]{3}"), st.from_regex(r"[0-9]{4,5}")),
    st.sampled_from(["", " ", "-", ".", ") ", "/"]),
)


@settings(max_examples=2000)
@given(NORTH_AMERICAN, st.sampled_from(["US", "CA", "GB", "BS", "JM", "DE"]))
def test_the_fast_way_reads_north_american_numbers_as_the_library_does(text: str, region: str) -> None:
    try:
        read = parse_number(text, region)
    except NotANumber:
        read = ""
    expected = by_the_library(text, region)
    if read.startswith("+1") or expected.startswith("+1"):
        assert read == expected


@settings(max_examples=3000)
@given(st.integers(200_000_0000, 999_999_9999))
@example(829_284_0000)
def test_the_fast_way_finds_the_zones_that_the_library_finds(national: int) -> None:
    number = phonenumbers.parse(f"+1{national}")
    expected = [zone for zone in timezone.time_zones_for_number(number) if zone != "Etc/Unknown"]
    assert zones_of_number(f"+1{national}") == expected


def test_every_area_code_has_the_zones_that_the_library_finds() -> None:
    for area in range(200, 1000):
        for rest in ("2345678", "9876543", "0123456", "5551212"):
            number = phonenumbers.parse(f"+1{area}{rest}")
            expected = [zone for zone in timezone.time_zones_for_number(number) if zone != "Etc/Unknown"]
            assert zones_of_number(f"+1{area}{rest}") == expected, area


@pytest.mark.parametrize(
    ("text", "region", "read"),
    [("212", "US", "+1212"), ("(212) 555", "CA", "+1212555"), ("+44 20", "US", "+4420"), ("+1", "DE", "+1")],
)
def test_the_beginning_of_numbers(text: str, region: str, read: str) -> None:
    assert parse_beginning(text, region) == read


@pytest.mark.parametrize(
    ("text", "region"), [("212", "DE"), ("21", "US"), ("+0", "US"), ("the Bronx", "US"), ("", "US")]
)
def test_what_is_no_beginning_is_said(text: str, region: str) -> None:
    with pytest.raises(NotANumber, match="not the beginning"):
        parse_beginning(text, region)
