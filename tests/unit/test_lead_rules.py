"""What becomes of a lead after an attempt."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dialer.calls.rules import Outcome
from dialer.leads.rules import MAX_ATTEMPTS, after_attempt

NOW = datetime(2026, 6, 1, 12, 0, tzinfo=UTC)


@given(st.sampled_from(Outcome), st.integers(0, 50), st.booleans())
def test_every_outcome_has_a_future_or_is_the_end(outcome: Outcome, attempts: int, placed: bool) -> None:
    following = after_attempt(outcome, attempts, placed, NOW)
    assert following.counts is placed
    if not placed:
        assert following.at is not None
    if following.at is not None:
        assert following.at > NOW
        assert not placed or attempts + 1 < MAX_ATTEMPTS


def test_an_abandoned_number_rests_for_72_hours() -> None:
    assert after_attempt(Outcome.ABANDONED, 0, True, NOW).at == NOW + timedelta(hours=72)


@pytest.mark.parametrize("outcome", [Outcome.CONNECTED, Outcome.INVALID_NUMBER, Outcome.MESSAGE_LEFT])
def test_these_are_not_called_again(outcome: Outcome) -> None:
    assert after_attempt(outcome, 0, True, NOW).at is None


@pytest.mark.parametrize("outcome", [Outcome.NO_ANSWER, Outcome.BUSY, Outcome.CONGESTION, Outcome.MACHINE])
def test_who_was_not_reached_is_called_again_not_sooner_than_half_an_hour(outcome: Outcome) -> None:
    again = after_attempt(outcome, 0, True, NOW).at
    assert again is not None
    assert again >= NOW + timedelta(minutes=30)


def test_the_last_attempt_is_the_last() -> None:
    assert after_attempt(Outcome.NO_ANSWER, MAX_ATTEMPTS - 2, True, NOW).at is not None
    assert after_attempt(Outcome.NO_ANSWER, MAX_ATTEMPTS - 1, True, NOW).at is None


def test_a_call_that_never_left_costs_no_attempt() -> None:
    following = after_attempt(Outcome.CANCELLED, MAX_ATTEMPTS - 1, False, NOW)
    assert following.at == NOW + timedelta(minutes=1)
    assert not following.counts
