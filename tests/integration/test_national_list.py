"""Official do-not-call lists: what is in the file is found, nothing else is, and a list is never half there."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import pytest
from django.core.management import CommandError, call_command
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from dialer.compliance import national
from dialer.compliance.models import NationalChunk, NationalList
from dialer.compliance.selectors import on_national

FETCHED = datetime(2026, 11, 1, tzinfo=UTC)


def load(path: Path, text: str | bytes, name: str = "national-us", **options: object) -> NationalList:
    path.write_bytes(text.encode() if isinstance(text, str) else text)
    values = {"path": path, "name": name, "country_code": 1, "as_of": FETCHED, **options}
    return national.load(**values)  # type: ignore[arg-type]


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "list.txt"


@pytest.mark.parametrize(
    "text",
    [
        "2125550142\n2125550143",
        "212,5550142\r\n212,5550143\r\n",
        "\ufeff+1 (212) 555-0142\n\n12125550143\n12125550143\n",
        "Area code,Number\n212,5550142\n212,5550143\n",
    ],
)
def test_the_forms_that_lists_come_in(db: None, file: Path, text: str) -> None:
    made = load(file, text)
    assert made.numbers == 2
    assert on_national([12125550141, 12125550142, 12125550143, 12125550144]) == {12125550142, 12125550143}


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("2125550142\nhello\n", "Line 2"),
        ("2125550142\n\n12\n", "Line 3"),
        ("2125550142\n99999999999999999999999\n", "Line 2"),
        ("", "no numbers"),
        ("x\n", "no numbers"),
    ],
)
def test_a_bad_file_changes_nothing_and_names_the_line(db: None, file: Path, text: str, line: str) -> None:
    load(file, "2125550199\n")
    with pytest.raises(national.BadFile, match=line):
        load(file, text)
    assert on_national([12125550199]) == {12125550199}
    assert NationalList.objects.count() == 1


def test_a_new_list_takes_the_place_of_the_old_one(db: None, file: Path) -> None:
    first = load(file, "2125550142\n")
    second = load(file, "2125550143\n")
    assert on_national([12125550142, 12125550143]) == {12125550143}
    assert set(NationalChunk.objects.values_list("list_id", flat=True)) == {second.pk}
    first.refresh_from_db()
    assert not first.is_current


def test_lists_of_other_names_stay(db: None, file: Path) -> None:
    load(file, "2125550142\n")
    load(file, "02071234567\n", name="tps-uk", country_code=44)
    assert on_national([12125550142, 442071234567]) == {12125550142, 442071234567}
    assert on_national([12125550142, 442071234567], names=["tps-uk"]) == {442071234567}


def test_a_list_that_shrank_by_half_is_refused_unless_said(db: None, file: Path) -> None:
    load(file, "\n".join(str(2125550100 + n) for n in range(10)))
    with pytest.raises(national.BadFile, match="cut off"):
        load(file, "2125550100\n")
    assert load(file, "2125550100\n", may_shrink=True).numbers == 1


def test_a_list_from_the_future_is_refused(db: None, file: Path) -> None:
    with pytest.raises(national.BadFile, match="yet to come"):
        load(file, "2125550142\n", as_of=datetime.now(UTC) + timedelta(days=1))


@settings(max_examples=30, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.sets(st.integers(12125500000, 12125700000), min_size=1, max_size=300),
    st.lists(st.integers(12125500000, 12125700000), max_size=300),
    st.integers(0, 2),
)
def test_exactly_the_numbers_of_the_file_are_found(
    db: None, file: Path, kept: set[int], asked: list[int], dense: int
) -> None:
    kept |= set(range(12125550000, 12125550000 + dense * 5000))  # enough for bitmaps
    load(file, "\n".join(map(str, kept)), may_shrink=True)
    wanted = [*asked, *list(kept)[:200]]
    assert on_national(wanted) == set(wanted) & kept


def test_many_numbers_at_once(db: None, file: Path) -> None:
    chance = np.random.default_rng(1)
    kept = chance.integers(12_000_000_000, 19_999_999_999, 100_000)
    load(file, "\n".join(map(str, kept.tolist())))
    asked = [*kept[:30_000].tolist(), *chance.integers(12_000_000_000, 19_999_999_999, 30_000).tolist()]
    assert on_national(asked) == set(asked) & set(kept.tolist())
    assert on_national([]) == set()


def test_the_command_says_what_is_in_use(db: None, file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file.write_text("2125550142\n")
    call_command("load_dnc", str(file), "--list", "national-us", "--as-of", "2026-11-01")
    assert "national-us: 1 numbers" in capsys.readouterr().out
    for arguments, words in [
        (["nowhere.txt", "--list", "national-us"], "There is no file"),
        ([str(file), "--list", "national-xx"], "--country-code"),
        ([str(file), "--list", "national-us", "--as-of", "soon"], "no date"),
    ]:
        with pytest.raises(CommandError, match=words):
            call_command("load_dnc", *arguments)
