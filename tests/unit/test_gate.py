"""The dial gate: no moment, zone or change of the clocks lets a call through outside the window."""

from __future__ import annotations

import random
import time
from datetime import UTC, date, datetime, timedelta
from functools import cache
from itertools import product
from zoneinfo import ZoneInfo, available_timezones

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from dialer.compliance import rulebook
from dialer.compliance.laws import Laws, Purpose
from dialer.compliance.rules import (
    Allow,
    CampaignFacts,
    Consent,
    Deny,
    LeadFacts,
    NumberFacts,
    gate,
)
from dialer.core.zones import known_zone
from tests.gate import NEW_YORK, NOON, NUMBER, sales

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
NO_LAW = Laws((), purpose=Purpose.SERVICE, by_hand=False)
"""No pack: the tenant's own hours alone."""


def ask(now: datetime, names: tuple[str, ...], window: tuple[int, int] = (480, 1260), **how: object) -> Allow | Deny:
    number = NumberFacts(**{"e164": NUMBER, **how})  # type: ignore[arg-type]
    return gate(LeadFacts(names), number, CampaignFacts(NO_LAW, *window), now)


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
    assert isinstance(ask(now, NEW_YORK), Allow) is allowed


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
    answer = ask(NOON, ())
    assert isinstance(answer, Deny)
    assert answer.rule == "zone_unknown"


@given(
    moments,
    st.lists(zones, max_size=2).map(tuple),
    windows,
    st.sampled_from(["dnc", "dnc_campaign", "dnc_pattern", "litigator"]),
)
def test_do_not_call_is_refused_whatever_else_holds(
    now: datetime, names: tuple[str, ...], window: tuple[int, int], why: str
) -> None:
    answer = ask(now, names, window, listed=why)
    assert isinstance(answer, Deny)
    assert (answer.rule, answer.again_at) == (why, None)


@pytest.mark.parametrize(
    "number", ["", "+", "12125550142", "+1212555٠142", "+1 212 555 0142", "+12125550142\r\n", "+1;${X}", "anonymous"]
)
def test_what_is_no_number_is_refused(number: str) -> None:
    answer = ask(NOON, NEW_YORK, e164=number)
    assert isinstance(answer, Deny)
    assert answer.rule == "bad_number"


def test_every_answer_names_its_pack_and_its_grounds() -> None:
    for now, names in product((NOON, NOON - timedelta(hours=10)), [("America/New_York", "America/Chicago")]):
        answer = sales(now, lead=LeadFacts(names))
        assert "us-federal/" in answer.pack
        assert set(answer.evidence["clocks"]) == set(names)
        assert answer.evidence["regions"] == ["US-NY"]


# --- the packs


def case(vector: dict[str, object]) -> Allow | Deny:
    """A pack's own test case, asked of the gate."""
    now = datetime.fromisoformat(str(vector["at"]))

    def ago(name: str) -> datetime | None:
        return now - timedelta(hours=vector[name]) if name in vector else None  # type: ignore[arg-type]

    calls = tuple(now - timedelta(hours=hours) for hours in vector.get("calls_hours_ago", ()))  # type: ignore[attr-defined]
    given = (Consent(str(vector["consent"]), now - timedelta(days=30)),) if "consent" in vector else ()
    e164 = str(vector["number"])
    number = NumberFacts(
        e164, rulebook.regions_of_number(e164), consents=given, calls=calls, abandoned_at=ago("abandoned_hours_ago")
    )
    regions = tuple(vector.get("regions", ()))  # type: ignore[call-overload]
    lead = LeadFacts(tuple(vector["zones"]), regions, calls, ago("talked_hours_ago"))  # type: ignore[arg-type]
    fetched = now - timedelta(days=vector.get("list_age_days", 1))  # type: ignore[arg-type]
    return sales(
        now,
        number,
        lead,
        lists=dict.fromkeys(("national-us", "national-ca", "tps-uk"), fetched),
        by_hand=vector.get("by_hand", False),
        purpose=vector.get("purpose", "sales"),
    )


VECTORS = [(pack.id, vector) for pack in rulebook.packs() for vector in pack.vectors]


@pytest.mark.parametrize(("pack", "vector"), VECTORS, ids=[f"{pack}: {vector['says']}" for pack, vector in VECTORS])
def test_a_pack_s_own_cases(pack: str, vector: dict[str, object]) -> None:
    assert case(vector).rule == vector["expect"]


def test_every_pack_has_cases_sources_and_a_version() -> None:
    for pack in rulebook.packs():
        assert len(pack.vectors) >= 5, pack.id
        assert date.fromisoformat(pack.version)
        assert all(len(rule.source) > 8 for rule in pack.rules)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ('kind = "windows"', "windows"),
        ('kind = "attempts"\nper = "day"\ncalls = 3\nhours = 24', "day"),
        ('kind = "attempts"\nper = "lead"\nhours = 24', "missing"),
        ('kind = "abandoned"\nhours = 72\nhour = 1', "unknown"),
        ('kind = "window"\nhours = { mon = "20:00-08:00" }', "no span"),
        ('kind = "window"\nhours = { monday = "08:00-20:00" }', "unknown days"),
        ('kind = "consent"\nlevel = "spoken"', "spoken"),
        ('kind = "abandoned"\nhours = 72\npurposes = ["fun"]', "fun"),
    ],
)
def test_a_pack_that_says_something_unknown_is_refused(tmp_path, text: str, words: str) -> None:  # type: ignore[no-untyped-def]
    file = tmp_path / "odd.toml"
    file.write_text(f'id = "odd"\nversion = "1"\ncountries = ["US"]\n[[rule]]\nid = "x"\nsource = "a law"\n{text}\n')
    with pytest.raises(rulebook.BadPack, match=words):
        rulebook.read(file)


# --- a hundred thousand instants, against a second reading of the same law

HOURS = {
    # state: weekdays, Saturday, Sunday (None: closed), closed on holidays; written by hand beside the packs
    "NY": ((8, 21), (8, 21), (8, 21), False),
    "WA": ((8, 20), (8, 20), (8, 20), False),
    "TX": ((9, 21), (9, 21), (12, 21), False),
    "AL": ((8, 20), (8, 20), None, True),
    "MS": ((8, 20), (8, 20), None, False),
    "KY": ((10, 21), (10, 21), (10, 21), False),
    "RI": ((9, 18), (10, 17), None, False),
    "NV": ((9, 20), (9, 20), (9, 20), False),
}
PHONES = {"NY": "212", "WA": "206", "TX": "512", "AL": "205", "MS": "601", "KY": "502", "RI": "401", "NV": "702"}
CASES = 100_000


@cache
def offsets(name: str) -> list[tuple[float, float]]:
    """From when on (seconds since 1970) a zone is how many seconds ahead of UTC, 2024 to 2031, by bisection."""
    zone = ZoneInfo(name)

    def ahead(second: float) -> float:
        found = datetime.fromtimestamp(second, UTC).astimezone(zone).utcoffset()
        assert found is not None
        return found.total_seconds()

    start, end, step = datetime(2024, 1, 1, tzinfo=UTC).timestamp(), datetime(2031, 1, 1, tzinfo=UTC).timestamp(), 86400
    found = [(start, ahead(start))]
    second = start
    while second < end:
        if ahead(second + step) != found[-1][1]:
            low, high = second, second + step
            while high - low > 1:
                middle = (low + high) // 2
                low, high = (middle, high) if ahead(middle) == found[-1][1] else (low, middle)
            found.append((high, ahead(high)))
        second += step
    return found


def local_of(second: float, name: str) -> tuple[date, int]:
    """The day and minute there, by the table of offsets and plain arithmetic."""
    ahead = next(offset for since, offset in reversed(offsets(name)) if second >= since)
    days, seconds = divmod(int(second + ahead), 86400)
    return date(1970, 1, 1) + timedelta(days=days), seconds // 60


def lawful(second: float, state: str, names: tuple[str, ...]) -> bool:
    week, saturday, sunday, holidays = HOURS[state]
    for name in names:
        day, minute = local_of(second, name)
        hours = sunday if day.weekday() == 6 else saturday if day.weekday() == 5 else week
        if hours is None or (holidays and rulebook.is_holiday(f"US-{state}", day)):
            return False
        if not max(hours[0], 8) * 60 <= minute < min(hours[1], 21) * 60:
            return False
    return True


def test_a_hundred_thousand_instants_none_of_them_outside_the_window() -> None:
    """Near changes of the clocks, midnights, edges of windows, leap days, and clocks that step, more often than not."""
    chance = random.Random(20261126)
    start = datetime(2024, 1, 2, tzinfo=UTC).timestamp()
    edges = [
        *(since for name in ODD_ZONES for since, _ahead in offsets(name)[1:]),
        *(datetime(year, 2, 29, tzinfo=UTC).timestamp() for year in (2024, 2028)),
        *(datetime(year, 12, 31, tzinfo=UTC).timestamp() for year in range(2024, 2031)),
    ]
    states = list(HOURS)
    allowed = 0
    second = start
    for _ in range(CASES):
        kind = chance.random()
        if kind < 0.4:
            second = chance.choice(edges) + chance.uniform(-90000, 90000)
        elif kind < 0.7:
            second = start + chance.randrange(2500) * 86400 + chance.choice((8, 9, 10, 12, 17, 18, 20, 21)) * 3600
            second += chance.choice((-1, 0, 1)) - chance.choice((4, 5, 6, 7, 8)) * -3600
        elif kind < 0.8:
            second += chance.choice((-3600, -1, 1, 3600, -86400))  # the clock stepped
        else:
            second = start + chance.uniform(0, 2500 * 86400)
        state = chance.choice(states)
        names = tuple(chance.sample(ODD_ZONES, 1 if chance.random() < 0.7 else 2))
        number = NumberFacts(f"+1{PHONES[state]}5550142", (f"US-{state}",))
        answer = sales(datetime.fromtimestamp(second, UTC), number, LeadFacts(names))
        assert isinstance(answer, Allow) is lawful(second, state, names), (second, state, names, answer)
        allowed += isinstance(answer, Allow)
    assert CASES * 0.1 < allowed < CASES * 0.9


def test_a_hot_verdict_is_cheap() -> None:
    """A generous multiple of what ./run bench leads measures, so that a busy machine does not fail it."""
    facts = CampaignFacts(rulebook.laws_for(Purpose.SALES, False), lists={"national-us": NOON})
    number, lead = NumberFacts(NUMBER, ("US-NY",)), LeadFacts(NEW_YORK)
    gate(lead, number, facts, NOON)
    best = 1.0
    for _ in range(20):
        began = time.perf_counter()
        for _ in range(100):
            gate(lead, number, facts, NOON)
        best = min(best, (time.perf_counter() - began) / 100)
    assert best < 0.0005
