"""The abandonment ledger's rules: periods, what a call counts, what is left, when the gate closes."""

from __future__ import annotations

from datetime import date, timedelta

from hypothesis import given
from hypothesis import strategies as st

from dialer.compliance.abandonment import NOTHING, US, Counts, Standing, counted, period_of, spent
from dialer.compliance.rulebook import abandonment_rule

days = st.dates(date(2026, 1, 1), date(2028, 12, 31))
verdicts = st.sampled_from(("", "HUMAN", "NONE", "NOTSURE", "MACHINE", "HANGUP"))


@given(days, st.integers(0, 400), st.integers(1, 60))
def test_periods_follow_each_other_without_gap_or_overlap(first: date, later: int, length: int) -> None:
    today = first + timedelta(days=later)
    starts, ends = period_of(first, today, length)
    assert starts <= today <= ends
    assert (ends - starts).days == length - 1
    assert (starts - first).days % length == 0
    assert period_of(first, ends + timedelta(days=1), length)[0] == ends + timedelta(days=1)


def test_the_first_period_is_the_first_thirty_days() -> None:
    first = date(2026, 3, 1)
    assert period_of(first, date(2026, 3, 30), 30) == (first, date(2026, 3, 30))
    assert period_of(first, date(2026, 3, 31), 30)[0] == date(2026, 3, 31)
    assert period_of(first, date(2026, 2, 1), 30)[0] == first, "a clock that stepped back stays in the first period"


@given(verdicts, st.booleans(), st.booleans(), st.booleans(), st.booleans())
def test_every_doubt_counts_against_us(verdict: str, unsure: bool, own: bool, abandoned: bool, machine: bool) -> None:
    found = counted(verdict=verdict, unsure_to_agent=unsure, own_agent=own, abandoned=abandoned, found_machine=machine)
    assert 0 <= found.abandoned <= found.answered <= 1
    assert found.abandoned == abandoned
    if not abandoned and (own or machine or verdict in ("", "MACHINE", "HANGUP")):
        assert found == NOTHING
    if verdict in ("HUMAN", "NONE") and not own and not machine:
        assert found.answered == 1


@given(st.integers(0, 5000), st.integers(0, 300), st.floats(0.001, 0.03))
def test_the_breaker_closes_later_than_the_cap_and_stays_closed_with_more(n: int, lost: int, cap: float) -> None:
    day = Counts(n + lost, lost)
    if lost <= cap * max(day.answered, 100):
        assert not spent(day, cap)
    if spent(day, cap):
        assert spent(Counts(day.answered + 1, lost + 1), cap)


def test_what_is_left_is_a_count() -> None:
    today = date(2026, 3, 1)

    def standing(answered: int, abandoned: int) -> Standing:
        return Standing(Counts(answered, abandoned), NOTHING, US.cap, today, today)

    assert (standing(0, 0).allowed, standing(0, 0).left) == (3, 3)
    assert (standing(1200, 27).allowed, standing(1200, 27).left) == (36, 9)
    assert standing(1200, 40).left == 0
    assert abandonment_rule("ZZ") == abandonment_rule("US") == US
