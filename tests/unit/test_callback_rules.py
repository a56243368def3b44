"""Callbacks: the customer's clock, and what an attempt makes of a promise."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dialer.leads.rules import BadTime, callback_after, promised_moment

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
ZONES = ("America/New_York", "Europe/Berlin", "Asia/Kathmandu", "Australia/Lord_Howe", "Pacific/Kiritimati", "UTC")


@given(
    st.datetimes(min_value=datetime(2026, 1, 1), max_value=datetime(2028, 1, 1)),  # noqa: DTZ001 - a clock on a wall
    st.sampled_from(ZONES),
)
def test_a_promise_is_in_the_future_and_reads_as_it_was_said(local: datetime, name: str) -> None:
    zone = ZoneInfo(name)
    local = local.replace(second=0, microsecond=0)
    try:
        moment = promised_moment(local, zone, NOW)
    except BadTime:
        return
    assert NOW < moment <= NOW + timedelta(days=366)
    assert moment.utcoffset() == timedelta(0)
    assert moment.astimezone(zone).replace(tzinfo=None) == local


def at(text: str) -> datetime:
    return datetime.fromisoformat(text)


@pytest.mark.parametrize(
    ("local", "words"),
    [
        ("2026-03-08T02:30", "the clock is set forward"),
        ("2026-03-01T06:59", "is over where the customer is"),
        ("2028-01-01T10:00", "more than a year away"),
    ],
)
def test_times_that_no_callback_can_have(local: str, words: str) -> None:
    with pytest.raises(BadTime, match=words):
        promised_moment(at(local), ZoneInfo("America/New_York"), NOW)


def test_an_hour_that_comes_twice_means_the_first() -> None:
    moment = promised_moment(at("2026-11-01T01:30"), ZoneInfo("America/New_York"), NOW)
    assert moment == datetime(2026, 11, 1, 5, 30, tzinfo=UTC)


@pytest.mark.parametrize(
    ("outcome", "done", "state"),
    [
        ("connected", True, "kept"),
        ("busy", False, "open"),
        ("no_answer", True, "failed"),
        ("invalid_number", True, "failed"),
    ],
)
def test_what_an_attempt_makes_of_it(outcome: str, done: bool, state: str) -> None:
    assert callback_after(outcome, done) == state
