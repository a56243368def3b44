"""What becomes of a lead after an attempt."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dialer.calls.outcomes import Outcome
from dialer.leads.rules import AT_LEAST, MAX_ATTEMPTS, Plan, Recycling, after_attempt, after_disposition, best_hour

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


ZONES = [ZoneInfo(name) for name in ("America/New_York", "Europe/London", "Asia/Kolkata", "Australia/Lord_Howe")]
MOMENTS = st.datetimes(datetime(2026, 1, 1), datetime(2028, 12, 31)).map(lambda moment: moment.replace(tzinfo=UTC))  # noqa: DTZ001
SHARES = st.dictionaries(st.integers(0, 23), st.floats(0, 1), max_size=24)
RULES = st.builds(
    Recycling,
    delay=st.integers(1, 60 * 24 * 90).map(lambda minutes: timedelta(minutes=minutes)),
    again=st.booleans(),
    times=st.integers(0, 10),
    best_hour=st.booleans(),
)
PLANS = st.builds(
    Plan,
    rule=st.none() | RULES,
    max_attempts=st.integers(1, 50),
    earlier=st.integers(0, 12),
    shares=SHARES,
    zone=st.none() | st.sampled_from(ZONES),
)


@given(st.sampled_from(Outcome), st.integers(0, 60), MOMENTS, PLANS)
def test_no_rule_goes_round_the_caps_or_below_what_must_be(
    outcome: Outcome, attempts: int, at: datetime, plan: Plan
) -> None:
    following = after_attempt(outcome, attempts, True, at, plan)
    assert following.counts
    if following.at is None:
        return
    rule = plan.rule
    assert attempts + 1 < plan.max_attempts
    assert outcome not in (Outcome.CONNECTED, Outcome.INVALID_NUMBER)
    assert following.at >= at + AT_LEAST.get(outcome, timedelta(0))
    if rule is not None:
        assert rule.again
        assert not rule.times or plan.earlier < rule.times
        wait = max(rule.delay, AT_LEAST.get(outcome, timedelta(0)))
        assert timedelta(0) <= following.at - at - wait < timedelta(days=1)
        assert rule.best_hour or following.at == at + wait


@given(MOMENTS, st.sampled_from(ZONES), SHARES)
def test_the_best_hour_is_within_a_day_and_none_is_better(
    at: datetime, zone: ZoneInfo, shares: dict[int, float]
) -> None:
    chosen = best_hour(at, zone, shares)
    assert at <= chosen < at + timedelta(days=1)
    reached = {(at + timedelta(hours=hours)).astimezone(zone).hour for hours in range(24)} & set(shares)
    if reached and chosen != at:
        got = shares[chosen.astimezone(zone).hour]
        assert got >= max(shares[hour] for hour in reached)


def test_the_best_hour_of_the_lead_not_of_the_server() -> None:
    new_york = ZoneInfo("America/New_York")
    assert best_hour(NOW, new_york, {18: 0.5, 9: 0.2}) == datetime(2026, 6, 1, 22, 0, tzinfo=UTC)
    inside = datetime(2026, 6, 1, 22, 40, tzinfo=UTC)
    assert best_hour(inside, new_york, {18: 0.5, 9: 0.2}) == inside
    assert best_hour(NOW, None, {18: 0.5}) == NOW
    assert best_hour(NOW, new_york, {}) == NOW


@given(st.booleans(), st.integers(0, 60), PLANS)
def test_a_disposition_is_recycled_only_when_it_says_so(recycled: bool, attempts: int, plan: Plan) -> None:
    again = after_disposition(recycled, attempts, NOW, plan)
    if again is not None:
        assert recycled
        assert attempts < plan.max_attempts
        assert again > NOW


def test_a_disposition_without_a_rule_is_called_again_tomorrow() -> None:
    assert after_disposition(True, 1, NOW) == NOW + timedelta(days=1)
