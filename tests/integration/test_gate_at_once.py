"""Several dialers at the same moment, and somebody who forbids a number meanwhile, on real transactions."""

from __future__ import annotations

import random
from threading import Event, Thread
from typing import Any

import pytest
from django.db import connection, transaction

from dialer.agents.services import NotNow
from dialer.calls import placing, services
from dialer.calls.models import CallTask
from dialer.campaigns.models import Campaign
from dialer.compliance.laws import Level
from dialer.compliance.models import CampaignTerms, DncEntry
from dialer.compliance.rules import Allow
from dialer.compliance.services import (
    Asked,
    add_consent,
    add_pattern,
    add_to_dnc,
    judge,
    revoke_consents,
    stop_region,
)
from dialer.core.clock import now
from dialer.people.models import Role
from tests.factories import get_call, make_call, make_campaign, make_session, make_user, number_of
from tests.threads import at_once

NUMBER = "+12125550155"
ZONES = ("America/New_York",)

pytestmark = pytest.mark.django_db(transaction=True)


def dial_and_end(campaign: Campaign, numbers: list[str], *, by_hand: bool = False) -> int:
    """Decide about numbers and write calls that were placed and are over, in one transaction; how many calls."""
    with transaction.atomic():
        judged = judge(campaign=campaign, asked=[Asked(one, ZONES) for one in numbers], at=now(), by_hand=by_hand)
        calls = [
            placing._call_of(campaign, one, now(), None, campaign.caller_id)
            for one in judged
            if isinstance(one.answer, Allow)
        ]
        for call in calls:
            call.state, call.outcome, call.placed_at, call.ended_at = "ended", "no_answer", now(), now()
        CallTask.objects.bulk_create(calls)
    return len(calls)


def made(campaign: Campaign, number: str) -> int:
    count: int = CallTask.objects.for_tenant(campaign.tenant_id).filter(phone=number).count()
    return count


def waits_for_a_lock() -> bool:
    with connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND NOT granted")
        return bool(cursor.fetchone()[0])


def test_dialers_at_once_do_not_call_a_number_more_often_than_is_allowed(campaign: Campaign) -> None:
    other = make_campaign(campaign.tenant)
    CampaignTerms.objects.across_tenants().update(attempts=3)
    numbers = [number_of(place) for place in range(6)]

    def dialer(seed: int) -> int:
        chance, count = random.Random(seed), 0
        for _ in range(6):
            count += dial_and_end(chance.choice((campaign, other)), chance.sample(numbers, 4), by_hand=seed % 2 == 0)
        return count

    counts = at_once([lambda seed=seed: dialer(seed) for seed in range(8)])  # type: ignore[misc]
    assert sum(counts) == 3 * len(numbers)
    assert [made(campaign, number) for number in numbers] == [3] * len(numbers)


def test_no_call_is_decided_after_a_number_is_listed(campaign: Campaign) -> None:
    """Dialers take numbers as fast as they can; whatever was not committed when the listing was, never is."""
    numbers = [number_of(place) for place in range(12)]
    over = Event()
    seen: dict[str, int] = {}

    def dialer(seed: int) -> None:
        chance = random.Random(seed)
        while not over.is_set():
            dial_and_end(campaign, chance.sample(numbers, 5), by_hand=seed == 0)

    def lister() -> None:
        try:
            for place, number in enumerate(numbers):
                where = campaign if place % 2 else None
                add_to_dnc(tenant_id=campaign.tenant_id, number=number, source="test", by=None, campaign=where)
                seen[number] = made(campaign, number)
        finally:
            over.set()

    at_once([lister, *[lambda seed=seed: dialer(seed) for seed in range(3)]])  # type: ignore[misc]
    assert {number: made(campaign, number) for number in seen} == seen
    assert dial_and_end(campaign, numbers) == 0


def test_a_pattern_forbids_at_once(campaign: Campaign) -> None:
    call = make_call(campaign, phone=NUMBER)
    boss = make_user(campaign.tenant, Role.ADMIN)
    add_pattern(tenant_id=campaign.tenant_id, prefix="+1212555", note="", by=boss, campaign=campaign)
    assert services.begin_placing(call_id=call.pk) is None
    assert dial_and_end(campaign, [NUMBER]) == 0
    assert dial_and_end(make_campaign(campaign.tenant), [NUMBER]) == 1


def test_no_call_is_decided_after_a_pattern_or_a_stop(campaign: Campaign) -> None:
    """The same for what forbids numbers without naming them: no number's own lock is held for it."""
    areas = {"+1212555": "US-NY", "+1305555": "US-FL", "+1310555": "US-CA", "+1312555": "US-IL"}
    boss = make_user(campaign.tenant, Role.ADMIN)
    numbers = {prefix: [f"{prefix}{place:04d}" for place in range(101, 104)] for prefix in areas}
    every = [number for some in numbers.values() for number in some]
    over = Event()
    seen: dict[str, int] = {}

    def dialer(seed: int) -> None:
        chance = random.Random(seed)
        while not over.is_set():
            dial_and_end(campaign, chance.sample(every, 4), by_hand=seed == 0)

    def forbidder() -> None:
        try:
            for place, (prefix, region) in enumerate(areas.items()):
                if place % 2:
                    stop_region(tenant_id=campaign.tenant_id, region=region, why="", by=boss)
                else:
                    add_pattern(tenant_id=campaign.tenant_id, prefix=prefix, note="", by=boss)
                seen.update({number: made(campaign, number) for number in numbers[prefix]})
        finally:
            over.set()

    at_once([forbidder, *[lambda seed=seed: dialer(seed) for seed in range(3)]])  # type: ignore[misc]
    assert {number: made(campaign, number) for number in seen} == seen
    assert set(seen) == set(every)
    assert dial_and_end(campaign, every) == 0


@pytest.mark.parametrize("what", ["pattern", "stop"])
def test_a_pattern_or_a_stop_waits_for_a_decision_under_way(campaign: Campaign, what: str) -> None:
    boss = make_user(campaign.tenant, Role.ADMIN)

    def forbid() -> None:
        if what == "pattern":
            add_pattern(tenant_id=campaign.tenant_id, prefix="+1212", note="", by=boss)
        else:
            stop_region(tenant_id=campaign.tenant_id, region="US-NY", why="", by=boss)

    call = while_a_decision_is_under_way(campaign, forbid)
    assert services.begin_placing(call_id=call.pk) is None
    assert get_call(call.pk).outcome == "cancelled"


def while_a_decision_is_under_way(campaign: Campaign, forbid: Any) -> CallTask:
    """Somebody forbids a number whose call is decided but not committed: they wait for it."""
    waiting = Thread(target=lambda: (forbid(), connection.close()))
    with transaction.atomic():
        judged = judge(campaign=campaign, asked=[Asked(NUMBER, ZONES)], at=now())
        waiting.start()
        while not waits_for_a_lock():
            assert waiting.is_alive()
        assert not DncEntry.objects.for_tenant(campaign.tenant_id).exists()
        [call_id] = placing.queue_calls(campaign=campaign, judged=judged, at=now())
    waiting.join(20)
    assert not waiting.is_alive()
    return get_call(call_id)


def test_a_call_that_was_decided_before_the_listing_is_not_placed_after_it(campaign: Campaign) -> None:
    def forbid() -> None:
        add_to_dnc(tenant_id=campaign.tenant_id, number=NUMBER, source="test", by=None)

    call = while_a_decision_is_under_way(campaign, forbid)
    assert services.begin_placing(call_id=call.pk) is None
    ended = get_call(call.pk)
    assert (ended.state, ended.outcome, ended.placed_at) == ("ended", "cancelled", None)


def test_a_consent_that_is_taken_back_is_gone_at_once(campaign: Campaign) -> None:
    CampaignTerms.objects.across_tenants().update(consent="express")
    add_consent(
        tenant_id=campaign.tenant_id,
        number=NUMBER,
        kind=Level.EXPRESS,
        source="web form",
        proof="",
        given_at=now(),
        expires_at=None,
        by=None,
    )

    def forbid() -> None:
        assert revoke_consents(tenant_id=campaign.tenant_id, number=NUMBER, how="letter", by=None) == 1

    call = while_a_decision_is_under_way(campaign, forbid)
    assert services.begin_placing(call_id=call.pk) is None
    assert get_call(call.pk).outcome == "cancelled"
    [judged] = judge(campaign=campaign, asked=[Asked(NUMBER, ZONES)], at=now())
    assert judged.answer.rule == "consent_needed"


def test_an_agent_cannot_dial_a_listed_number_by_hand(campaign: Campaign) -> None:
    session = make_session(campaign, make_user(campaign.tenant), state="paused")
    add_to_dnc(tenant_id=campaign.tenant_id, number=NUMBER, source="test", by=None)
    with pytest.raises(NotNow, match="do-not-call"):
        placing.dial_number(session_id=session.pk, text=NUMBER)
    assert made(campaign, NUMBER) == 0
