"""The abandonment budget: never looser for more abandonments, shut at the cap, stricter late in the day."""

from __future__ import annotations

from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from dialer.pacing import Ledger
from dialer.pacing.budget import DAY_FACTOR, SAVED_COUNT, budget_of, saved_since

answers = st.integers(0, 20_000)


@given(answers, st.floats(0, 0.08), answers, st.floats(0, 0.08), st.integers(1, 600))
def test_one_abandonment_more_never_loosens(answered: int, share: float, day: int, of_day: float, seats: int) -> None:
    day = min(answered, day)
    ledger = Ledger(answered, share * answered, day, min(of_day * day, share * answered))
    more = replace(ledger, abandoned=ledger.abandoned + 1, day_abandoned=ledger.day_abandoned + 1)
    now, then = budget_of(ledger, 0, seats), budget_of(more, 0, seats)
    assert then.rate <= now.rate
    assert then.damp <= now.damp
    assert then.left <= now.left
    assert now.open or not then.open
    assert 0.0 < then.rate < 1.6 * ledger.cap * DAY_FACTOR


@given(st.integers(300, 20_000), st.integers(1, 600))
def test_at_the_cap_the_risk_limit_is_all_but_shut(answered: int, seats: int) -> None:
    at_cap = Ledger(answered, 0.03 * answered, answered, 0.03 * answered)
    assert budget_of(at_cap, 0, seats).damp < 0.03
    over = Ledger(answered, 0.05 * answered + 4, answered, 0.05 * answered + 4)
    assert not budget_of(over, 0, seats).open


def test_a_bad_day_is_not_hidden_by_a_good_month() -> None:
    day = Ledger(60_000, 900, 600, 24)
    assert budget_of(day, 0, 15).damp < 0.05


def test_what_is_overspent_late_in_the_day_is_worked_off_before_it_ends() -> None:
    over = Ledger(9000, 240, 800, 26)
    early, late = budget_of(over, 0, 15, 5 * 3600.0), budget_of(over, 0, 15, 900.0)
    assert late.rate < early.rate
    assert late.damp == early.damp
    saved = Ledger(9000, 150, 800, 5)
    assert budget_of(saved, 0, 15, 900.0) == budget_of(saved, 0, 15, None)  # no rush at the end of the day


def test_evidence_narrows_the_margin() -> None:
    rates = [budget_of(Ledger(n, 0.027 * n, n, 0.027 * n), 0, 15).rate for n in (200, 2000, 20_000)]
    assert rates == sorted(rates)


def test_what_quiet_hours_saved_is_not_spent_in_one_evening() -> None:
    quiet = saved_since(1e9, (0.0, 0.0), Ledger(8000, 100, 8000, 100), 15)
    assert quiet == SAVED_COUNT
    window = Ledger(8000, 100, 8000, 100)
    assert budget_of(window, 0, 15, None, quiet).rate < 0.0305 + SAVED_COUNT / 400.0 < budget_of(window, 0, 15).rate
    spent = saved_since(quiet, (8000.0, 100.0), Ledger(9000, 140, 9000, 140), 15)
    assert -8.0 < spent < -5.0  # a thousand answers allow thirty, and four were saved


@given(st.integers(0, 9000), st.integers(0, 300), st.integers(0, 2000), st.integers(0, 100), st.integers(1, 600))
def test_savings_follow_the_ledger(answered: int, abandoned: int, more: int, lost: int, seats: int) -> None:
    """Never more than may be saved, and each abandonment costs one."""
    before = (float(answered), float(min(abandoned, answered)))
    then = Ledger(answered + more, before[1] + lost, answered + more, before[1] + lost)
    saved = saved_since(2.0, before, then, seats)
    assert saved <= SAVED_COUNT * max(1.0, (seats / 15.0) ** 0.5)
    worse = replace(then, abandoned=then.abandoned + 1, day_abandoned=then.day_abandoned + 1)
    assert saved_since(2.0, before, worse, seats) <= saved


def test_a_new_window_begins_with_what_may_be_saved() -> None:
    assert saved_since(-40.0, (9000.0, 310.0), Ledger(3, 0, 3, 0), 15) == SAVED_COUNT
