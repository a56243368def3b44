"""The dial gate's rules one by one: consent, official lists, reassigned numbers, limits, stops, recordings."""

from __future__ import annotations

from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dialer.compliance import rulebook
from dialer.compliance.laws import Level, Notice, Purpose
from dialer.compliance.rules import (
    CampaignFacts,
    Consent,
    Deny,
    LeadFacts,
    NumberFacts,
    Reassigned,
    recording_notice,
)
from tests.gate import NEW_YORK, NOON, NUMBER, sales


def test_consent_is_over_at_once_when_revoked_or_expired() -> None:
    given_at = NOON - timedelta(days=10)
    regions = ("US-FL",)
    for consent, rule in [
        (Consent(Level.WRITTEN, given_at), "allowed"),
        (Consent(Level.WRITTEN, given_at, expires_at=NOON), "consent_needed"),
        (Consent(Level.WRITTEN, given_at, revoked_at=NOON - timedelta(microseconds=1)), "consent_revoked"),
        (Consent(Level.WRITTEN, NOON + timedelta(seconds=1)), "consent_needed"),
        (Consent(Level.RELATIONSHIP, given_at), "consent_needed"),
    ]:
        assert sales(NOON, NumberFacts("+13055550142", regions, consents=(consent,))).rule == rule, consent
    again = (Consent(Level.WRITTEN, given_at, revoked_at=given_at), Consent(Level.WRITTEN, given_at))
    assert sales(NOON, NumberFacts("+13055550142", regions, consents=again)).rule == "allowed"


def test_what_the_campaign_asks_for_beside_the_law() -> None:
    express = (Consent(Level.EXPRESS, NOON - timedelta(days=1)),)
    number = NumberFacts(NUMBER, ("US-NY",), consents=express)
    assert sales(NOON, number, consent="express").rule == "allowed"
    assert sales(NOON, number, consent="written").rule == "consent_needed"
    assert sales(NOON, NumberFacts(NUMBER, ("US-NY",)), consent="express").rule == "consent_needed"


def test_the_official_list_and_what_excuses_from_it() -> None:
    on_list = frozenset({"national-us"})
    for level, rule in [
        ("", "national_list"),
        ("express", "national_list"),
        ("written", "allowed"),
        ("relationship", "allowed"),
    ]:
        consents = (Consent(level, NOON - timedelta(days=1)),) if level else ()
        number = NumberFacts(NUMBER, ("US-NY",), national=on_list, consents=consents)
        assert sales(NOON, number).rule == rule, level
    assert sales(NOON, NumberFacts(NUMBER, ("US-NY",), national=on_list), purpose="service").rule == "allowed"


@given(st.integers(0, 100), st.booleans())
def test_a_list_that_is_missing_or_too_old_always_refuses(days: int, missing: bool) -> None:
    lists = {} if missing else {"national-us": NOON - timedelta(days=days, seconds=1)}
    answer = sales(NOON, lists=lists)
    assert isinstance(answer, Deny) is (missing or days >= 31)
    if isinstance(answer, Deny):
        assert answer.rule == "list_stale"
        assert "Load a fresh one" in answer.reason


def test_a_list_from_the_future_is_no_list() -> None:
    """A clock that was set back must not make an old list fresh."""
    assert sales(NOON, lists={"national-us": NOON + timedelta(minutes=1)}).rule == "list_stale"


def test_reassigned_numbers() -> None:
    given_at = NOON - timedelta(days=400)
    consent = (Consent(Level.WRITTEN, given_at),)
    for check, rule in [
        (None, "reassigned_unknown"),
        (Reassigned("no", NOON - timedelta(days=5), given_at.date()), "allowed"),
        (Reassigned("no", NOON - timedelta(days=46), given_at.date()), "reassigned_unknown"),
        (Reassigned("no", NOON - timedelta(days=5), NOON.date()), "reassigned_unknown"),
        (Reassigned("no_data", NOON - timedelta(days=5), given_at.date()), "reassigned_unknown"),
        (Reassigned("yes", NOON - timedelta(days=5), given_at.date()), "reassigned"),
    ]:
        number = NumberFacts(NUMBER, ("US-NY",), consents=consent, reassigned=check)
        assert sales(NOON, number, consent="written", reassigned_days=45).rule == rule, check


def test_numbers_that_are_dialed_by_hand_only() -> None:
    wireless = NumberFacts(NUMBER, ("US-NY",), wireless=True)
    assert sales(NOON, wireless).rule == "allowed"
    assert sales(NOON, wireless, wireless_by_hand=True).rule == "by_hand_only"
    assert sales(NOON, wireless, wireless_by_hand=True, by_hand=True).rule == "allowed"
    assert sales(NOON, NumberFacts(NUMBER, ("US-NY",), by_hand_only=True)).rule == "by_hand_only"


def test_an_emergency_stop_of_a_state_or_a_country() -> None:
    for stopped, rule in [({"US-NY"}, "state_stopped"), ({"US"}, "state_stopped"), ({"US-NJ"}, "allowed")]:
        assert sales(NOON, stopped=frozenset(stopped)).rule == rule
        assert sales(NOON, stopped=frozenset(stopped), by_hand=True).rule == rule
    anywhere = NumberFacts("+18005550142", rulebook.regions_of_number("+18005550142"))
    assert sales(NOON, anywhere, stopped=frozenset({"US-WY"}), by_hand=True).rule == "state_stopped"


@given(st.lists(st.integers(0, 48 * 60), max_size=12), st.integers(1, 5))
def test_the_campaign_s_own_limit_holds_and_says_when_it_is_over(minutes: list[int], limit: int) -> None:
    calls = tuple(NOON - timedelta(minutes=ago) for ago in minutes)
    answer = sales(NOON, NumberFacts(NUMBER, ("US-NY",), calls=calls), attempts=limit)
    recent = [call for call in calls if NOON - call < timedelta(hours=24)]
    assert isinstance(answer, Deny) is (len(recent) >= limit)
    if isinstance(answer, Deny):
        assert answer.again_at is not None
        left = [call for call in calls if answer.again_at - call < timedelta(hours=24)]
        assert len(left) < limit


def test_the_strictest_of_several_places_decides() -> None:
    half_past_eight = datetime(2026, 6, 1, 20, 30, tzinfo=ZoneInfo("America/New_York"))
    number = NumberFacts(NUMBER, ("US-NY",))
    assert sales(half_past_eight, number, LeadFacts(NEW_YORK)).rule == "allowed"
    assert sales(half_past_eight, number, LeadFacts(NEW_YORK, ("US-MA",))).rule == "state_hours"


@pytest.mark.parametrize(
    ("number", "regions"),
    [
        ("+12125550142", ("US-NY",)),
        ("+14165550142", ("CA-ON",)),
        ("+442071234567", ("GB",)),
        ("+4930123456", ("DE",)),
        ("+9999", ("??",)),
        ("+", ("??",)),
        ("", ("??",)),
    ],
)
def test_where_a_number_is(number: str, regions: tuple[str, ...]) -> None:
    assert rulebook.regions_of_number(number) == regions


def test_a_number_of_no_area_may_be_in_any_state() -> None:
    assert len(rulebook.regions_of_number("+18005550142")) == 51


@pytest.mark.parametrize(
    ("number", "zone", "notice"),
    [
        ("+13055550142", "America/New_York", Notice.ANNOUNCE),
        ("+12125550142", "America/New_York", Notice.NONE),
        ("+18005550142", "America/New_York", Notice.ANNOUNCE),
        ("+442071234567", "Europe/London", Notice.ANNOUNCE),
    ],
)
def test_what_must_be_heard_of_a_recording(number: str, zone: str, notice: Notice) -> None:
    facts = NumberFacts(number, rulebook.regions_of_number(number))
    campaign = CampaignFacts(rulebook.laws_for(Purpose.SERVICE, False))
    assert recording_notice(LeadFacts((zone,)), facts, campaign, NOON) is notice
