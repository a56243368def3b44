"""Which queue a caller comes to, whether it is open, and who is served next."""

from __future__ import annotations

from collections import Counter
from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dialer.inbound.rules import (
    DAY_MIN,
    Hours,
    TurnedAway,
    Waiter,
    in_order,
    is_open,
    numbers_meant,
    on_arrival,
    servable,
)

MONDAY = datetime(2026, 11, 23, tzinfo=UTC)

hours = st.builds(Hours, st.integers(0, DAY_MIN - 1), st.integers(1, DAY_MIN), st.frozensets(st.integers(0, 6)))
moments = st.integers(0, 7 * DAY_MIN - 1).map(lambda minute: MONDAY + timedelta(minutes=minute))
waiters = st.lists(
    st.builds(
        Waiter,
        st.integers(0, 1 << 30).map(lambda number: UUID(int=number)),
        st.integers(1, 9),
        st.integers(0, 50).map(lambda second: MONDAY + timedelta(seconds=second)),
        st.frozensets(st.integers(1, 4), max_size=3),
    ),
    max_size=12,
    unique_by=lambda one: one.call,
)
ready = st.dictionaries(st.integers(1, 5), st.integers(0, 4))


@pytest.mark.parametrize(
    ("opens", "closes", "days", "day", "clock", "expected"),
    [
        (0, DAY_MIN, (), 6, "03:00", True),
        (540, 1020, (), 0, "08:59", False),
        (540, 1020, (), 0, "09:00", True),
        (540, 1020, (), 0, "16:59", True),
        (540, 1020, (), 0, "17:00", False),
        (540, 1020, (0, 1, 2, 3, 4), 5, "10:00", False),
        (1320, 360, (4,), 4, "23:00", True),  # Friday night
        (1320, 360, (4,), 5, "05:59", True),  # belongs to Friday
        (1320, 360, (4,), 4, "05:00", False),  # belongs to Thursday
        (1320, 360, (4,), 5, "23:00", False),
    ],
)
def test_opening_hours(opens: int, closes: int, days: tuple[int, ...], day: int, clock: str, expected: bool) -> None:
    hour, minute = map(int, clock.split(":"))
    local = MONDAY + timedelta(days=day, hours=hour, minutes=minute)
    assert is_open(Hours(opens, closes, frozenset(days)), local) is expected


@given(hours)
def test_a_day_is_open_for_as_long_as_its_hours_say(chosen: Hours) -> None:
    """Over a week of minutes: each of its days once, whether the hours end before midnight or after it."""
    week = sum(is_open(chosen, MONDAY + timedelta(minutes=minute)) for minute in range(7 * DAY_MIN))
    length = (chosen.closes - chosen.opens) % DAY_MIN or DAY_MIN
    assert week == length * (len(chosen.days) or 7)


@given(hours, moments, st.integers(0, 3))
def test_on_arrival(chosen: Hours, moment: datetime, agents: int) -> None:
    away = on_arrival(chosen, moment, agents)
    assert (away is TurnedAway.CLOSED) is not is_open(chosen, moment)
    assert (away is None) == (is_open(chosen, moment) and agents > 0)


@pytest.mark.parametrize(
    ("dialed", "expected"),
    [
        ("+12125550199", ("+12125550199",)),
        ("12125550199", ("+12125550199",)),
        ("2125550199", ("+12125550199", "+2125550199")),
        ("+34911234567", ("+34911234567",)),
        ("34911234567", ("+34911234567",)),
        ("", ()),
        ("s", ()),
        ("+1212555*99", ()),
        ("٢١٢٥٥٥٠١٩٩", ()),
    ],
)
def test_what_a_trunk_means_by_what_was_dialed(dialed: str, expected: tuple[str, ...]) -> None:
    assert numbers_meant(dialed) == expected


@given(st.text(max_size=30))
def test_only_numbers_are_looked_up(dialed: str) -> None:
    assert all(number[0] == "+" and number[1:].isascii() and number[1:].isdigit() for number in numbers_meant(dialed))


@given(waiters, ready)
def test_the_first_goes_first(waiting: list[Waiter], free: dict[int, int]) -> None:
    """Nobody is passed over: whoever is not served has no agent left that a later one could have been given instead."""
    served = servable(waiting, free)
    ahead = in_order(waiting)
    assert served == [one.call for one in ahead if one.call in served]
    for one in ahead:
        if one.call not in served:
            earlier = [other.call for other in ahead[: ahead.index(one)]]
            later = [other for other in ahead[ahead.index(one) + 1 :] if other.call in served]
            took = sum(call in served for call in earlier)
            # With all that are free less those whom the earlier ones took, nothing of its campaigns is left.
            assert sum(free.get(campaign, 0) for campaign in one.campaigns) <= took
            assert not any(one.campaigns == other.campaigns for other in later)


@given(waiters, ready)
def test_no_agent_is_promised_twice(waiting: list[Waiter], free: dict[int, int]) -> None:
    served = servable(waiting, free)
    assert len(served) == len(set(served)) <= sum(free.values())
    groups = Counter(one.campaigns for one in waiting if one.call in served)
    for campaigns, count in groups.items():
        assert count <= sum(free.get(campaign, 0) for campaign in campaigns)


@given(waiters)
def test_order_is_by_priority_then_by_wait(waiting: list[Waiter]) -> None:
    keys = [(-one.priority, one.since) for one in in_order(waiting)]
    assert keys == sorted(keys)


def test_who_could_be_served_elsewhere_leaves_the_scarce_agent_to_others() -> None:
    first = Waiter(UUID(int=1), 5, MONDAY, frozenset({1, 2}))
    second = Waiter(UUID(int=2), 5, MONDAY + timedelta(seconds=1), frozenset({1}))
    assert servable([first, second], {1: 1, 2: 1}) == [first.call, second.call]
