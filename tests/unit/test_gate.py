"""The dial gate: no moment, zone or change of the clocks lets a call through outside the window."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from itertools import product
from zoneinfo import ZoneInfo, available_timezones

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from dialer.compliance.rules import PACK, Allow, Deny, Facts, gate
from dialer.core.zones import known_zone

NUMBER = "+12125550142"
KNOWN = available_timezones()
ZONES = sorted(KNOWN - {"localtime", "posixrules"})
ODD_ZONES = (
    "America/New_York",
    "America/Los_Angeles",
    "America/St_Johns",  # half an hour
    "Asia/Kathmandu",  # three quarters
    "Australia/Lord_Howe",  # changes by half an hour
    "Pacific/Apia",  # lost a whole day in 2011
    "Africa/Casablanca",
    "America/Sao_Paulo",  # changed at midnight until 2019
    "Antarctica/Troll",  # changes by two hours
    "Pacific/Kiritimati",  # UTC+14
    "Etc/GMT+12",
)
EPOCH = datetime(2007, 1, 1, tzinfo=UTC)
moments = st.integers(0, 31 * 365 * 86_400).map(lambda seconds: EPOCH + timedelta(seconds=seconds))
windows = st.one_of(
    st.just((480, 1260)),
    st.tuples(st.integers(0, 1439), st.integers(1, 1440)).filter(lambda window: window[0] < window[1]),
)
zones = st.one_of(st.sampled_from(ODD_ZONES), st.sampled_from(ZONES))


def ask(now: datetime, names: tuple[str, ...], window: tuple[int, int] = (480, 1260), **how: object) -> Allow | Deny:
    facts = {"number": NUMBER, "zones": names, "now": now, "on_dnc": False, "opens": window[0], "closes": window[1]}
    return gate(Facts(**{**facts, **how}))  # type: ignore[arg-type]


def minute_there(now: datetime, name: str) -> int:
    """Minutes since midnight where that zone is, by adding its offset instead of asking for its clock."""
    offset = ZoneInfo(name).utcoffset(now.astimezone(ZoneInfo(name)))
    assert offset is not None
    seconds = (now - datetime(2000, 1, 1, tzinfo=UTC) + offset).total_seconds()
    return int(seconds // 60) % 1440


@given(moments, st.lists(zones, min_size=1, max_size=3).map(tuple), windows)
@example(datetime(2026, 3, 8, 7, 0, tzinfo=UTC), ("America/New_York",), (150, 200))  # 02:30 does not exist that night
@example(datetime(2026, 11, 1, 5, 59, tzinfo=UTC), ("America/New_York",), (90, 110))  # 01:30 comes twice
@example(datetime(2011, 12, 30, 9, 59, tzinfo=UTC), ("Pacific/Apia",), (480, 1260))
def test_a_call_is_allowed_exactly_within_every_zone_s_window(
    now: datetime, names: tuple[str, ...], window: tuple[int, int]
) -> None:
    lawful = all(window[0] <= minute_there(now, name) < window[1] for name in names)
    assert isinstance(ask(now, names, window), Allow) is lawful


@given(moments, st.lists(zones, min_size=1, max_size=3).map(tuple), windows)
@example(datetime(2026, 3, 8, 6, 59, tzinfo=UTC), ("America/New_York",), (150, 200))
@example(datetime(2026, 11, 1, 5, 59, tzinfo=UTC), ("America/New_York",), (90, 110))
def test_again_at_is_a_moment_at_which_it_is_allowed(
    now: datetime, names: tuple[str, ...], window: tuple[int, int]
) -> None:
    answer = ask(now, names, window)
    if isinstance(answer, Deny) and answer.again_at is not None:
        assert now < answer.again_at <= now + timedelta(days=6)
        assert isinstance(ask(answer.again_at, names, window), Allow)


@settings(max_examples=25)
@given(moments, st.lists(zones, min_size=1, max_size=3).map(tuple))
def test_again_at_is_the_first_such_moment(now: datetime, names: tuple[str, ...]) -> None:
    """Looked for quarter by quarter, all the way: no lawful time is slept through."""
    answer = ask(now, names)
    if not isinstance(answer, Deny):
        return
    until = answer.again_at or now + timedelta(days=2)
    moment = now.replace(minute=now.minute // 15 * 15, second=0, microsecond=0)
    while (moment := moment + timedelta(minutes=15)) < until:
        assert isinstance(ask(moment, names), Deny)


def test_a_number_in_two_zones_waits_for_the_later_one_of_the_same_morning() -> None:
    nine_in_new_york = datetime(2026, 6, 1, 13, 0, tzinfo=UTC)
    answer = ask(nine_in_new_york, ("America/New_York", "America/Los_Angeles"))
    assert isinstance(answer, Deny)
    assert answer.again_at == datetime(2026, 6, 1, 15, 0, tzinfo=UTC)  # eight in Los Angeles


def test_zones_without_common_hours_are_refused_for_good() -> None:
    answer = ask(datetime(2026, 6, 1, 13, 0, tzinfo=UTC), ("America/New_York", "Asia/Tokyo"), (540, 600))
    assert isinstance(answer, Deny)
    assert (answer.rule, answer.again_at) == ("no_common_hours", None)


@pytest.mark.parametrize(
    ("local", "allowed"),
    [
        ("07:59:59.999999", False),
        ("08:00:00", True),
        ("20:59:59.999999", True),
        ("21:00:00", False),
        ("00:00:00", False),
    ],
)
def test_the_window_s_edges(local: str, allowed: bool) -> None:
    now = datetime.fromisoformat(f"2026-07-01T{local}").replace(tzinfo=ZoneInfo("America/New_York"))
    assert isinstance(ask(now, ("America/New_York",)), Allow) is allowed


@given(moments, st.lists(zones, max_size=2), st.text(max_size=80))
@example(datetime(2026, 6, 1, 15, 0, tzinfo=UTC), [], "America")  # a folder of zones
@example(datetime(2026, 6, 1, 15, 0, tzinfo=UTC), ["America/New_York"], "")
@example(datetime(2026, 6, 1, 15, 0, tzinfo=UTC), ["America/New_York"], "../../etc/passwd")
@example(datetime(2026, 6, 1, 15, 0, tzinfo=UTC), ["America/New_York"], "/etc/localtime")
@example(datetime(2026, 6, 1, 15, 0, tzinfo=UTC), ["America/New_York"], "America/New_York\x00")
@example(datetime(2026, 6, 1, 15, 0, tzinfo=UTC), ["America/New_York"], "x" * 5000)
@example(datetime(2026, 6, 1, 15, 0, tzinfo=UTC), ["America/New_York"], "\udc80")
def test_a_zone_that_is_none_is_refused_beside_any_others(now: datetime, names: list[str], text: str) -> None:
    if known_zone(text) is not None:
        return
    answer = ask(now, (*names, text))
    assert isinstance(answer, Deny)
    assert (answer.rule, answer.again_at) == ("zone_unknown", None)


def test_nothing_known_of_the_zone_is_refused() -> None:
    answer = ask(datetime(2026, 6, 1, 15, 0, tzinfo=UTC), ())
    assert isinstance(answer, Deny)
    assert answer.rule == "zone_unknown"


@given(moments, st.lists(zones, max_size=2).map(tuple), windows)
def test_do_not_call_is_refused_whatever_else_holds(
    now: datetime, names: tuple[str, ...], window: tuple[int, int]
) -> None:
    answer = ask(now, names, window, on_dnc=True)
    assert isinstance(answer, Deny)
    assert (answer.rule, answer.again_at) == ("dnc", None)


@pytest.mark.parametrize(
    "number", ["", "+", "12125550142", "+1212555٠142", "+1 212 555 0142", "+12125550142\r\n", "+1;${X}", "anonymous"]
)
def test_what_is_no_number_is_refused(number: str) -> None:
    answer = ask(datetime(2026, 6, 1, 15, 0, tzinfo=UTC), ("America/New_York",), number=number)
    assert isinstance(answer, Deny)
    assert answer.rule == "bad_number"


def test_every_answer_names_its_pack_and_its_grounds() -> None:
    hours = (datetime(2026, 6, 1, 15, 0, tzinfo=UTC), datetime(2026, 6, 1, 5, 0, tzinfo=UTC))
    for now, names in product(hours, [("America/New_York", "America/Chicago")]):
        answer = ask(now, names)
        assert answer.pack == PACK
        assert set(answer.evidence) == set(names)
