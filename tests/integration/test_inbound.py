"""Calls to us in the database: what is refused, who is served, and what is left out of what counts for dialing."""

from __future__ import annotations

from datetime import timedelta
from uuid import UUID

import pytest
from django.db import IntegrityError, transaction

from dialer.agents.models import AgentSession
from dialer.calls import incoming, ledger, placing, queueing, services, snapshots, trunks
from dialer.calls.models import CallTask
from dialer.calls.rules import Event, Kind
from dialer.campaigns.models import Campaign, DialMethod
from dialer.compliance.services import add_to_dnc
from dialer.core.clock import now
from dialer.core.ids import new_id
from dialer.handling import services as handling
from dialer.handling.models import Conversation
from dialer.inbound.models import Did
from dialer.leads.models import Lead
from tests import factories

pytestmark = pytest.mark.django_db
CALLER = "+12125550155"


@pytest.fixture
def did(campaign: Campaign) -> Did:
    factories.make_session(campaign, state="paused")  # somebody works there
    return factories.make_did(factories.make_queue(campaign))


def call_in(did: Did, caller: str = "", *, call_id: UUID | None = None) -> CallTask:
    """Somebody calls and waits, or is taken when an agent is ready."""
    taken = incoming.take(call_id=call_id or new_id(), dialed=did.phone, caller=caller, at=now())
    assert taken is not None
    services.apply_event(call_id=taken.call.pk, event=taken.then, at=now())
    return factories.get_call(taken.call.pk)


def agent_of(call: CallTask) -> int | None:
    return factories.get_call(call.pk).session_id


def test_a_call_is_taken_once(did: Did) -> None:
    name = new_id()
    first = incoming.take(call_id=name, dialed=did.phone[1:], caller=CALLER, at=now())
    again = incoming.take(call_id=name, dialed=did.phone, caller="", at=now())
    assert first is not None and again is not None
    assert first.call == again.call
    assert (again.call.phone, again.call.state, again.call.caller_id) == (CALLER, "answered", did.phone)
    assert CallTask.objects.for_tenant(did.tenant_id).count() == 1


@pytest.mark.parametrize("dialed", ["+16465559999", "", "s", "+1' OR 1=1", "١٢٣"])
def test_a_number_of_nobody_s_makes_no_row(did: Did, dialed: str) -> None:
    assert incoming.take(call_id=new_id(), dialed=dialed, caller=CALLER, at=now()) is None
    assert not CallTask.objects.across_tenants().exists()


def test_the_database_holds_what_is_dialed_to_its_verdict(campaign: Campaign, did: Did) -> None:
    """Calling us is no way around the gate: neither as a new row nor by changing one."""
    inbound = call_in(did, CALLER)
    rows = CallTask.objects.for_tenant(campaign.tenant_id)
    dialed = factories.make_call(campaign)
    for row, change in (
        (inbound, {"state": "queued"}),
        (inbound, {"placed_at": now()}),
        (inbound, {"own_agent": True}),
        (inbound, {"inbound": False}),
        (inbound, {"inbound": False, "verdict_row": dialed.verdict_row}),
        (dialed, {"verdict_row": None}),
        (dialed, {"inbound": True}),
    ):
        with pytest.raises(IntegrityError), transaction.atomic():
            rows.filter(pk=row.pk).update(**change)


def test_whoever_must_not_be_called_may_call_us(did: Did) -> None:
    add_to_dnc(tenant_id=did.tenant_id, number=CALLER, source="test", by=None)
    assert call_in(did, CALLER).state == "human"


def test_nobody_is_called_while_they_call_us(campaign: Campaign, did: Did) -> None:
    lead = factories.make_lead(campaign, phone=CALLER)
    assert call_in(did, CALLER).lead_id == lead.pk
    factories.make_session(campaign, state="paused")
    other = factories.make_campaign(campaign.tenant)
    factories.make_lead(other, phone=CALLER)
    factories.make_session(other)
    placing.pace(campaign_id=other.pk)
    assert not CallTask.objects.for_tenant(campaign.tenant_id).filter(inbound=False).exists()
    assert not Lead.objects.for_tenant(campaign.tenant_id).filter(state="reserved").exists()


def test_whoever_calls_while_we_call_them_is_taken_all_the_same(campaign: Campaign, did: Did) -> None:
    lead = factories.make_lead(campaign, phone=CALLER)
    factories.make_call(campaign, lead=lead, phone=CALLER)
    call = call_in(did, CALLER)
    assert (call.state, call.lead_id, call.phone) == ("human", None, CALLER)


def test_nothing_of_it_is_in_the_ledger_or_counts_as_a_dial(campaign: Campaign, did: Did) -> None:
    waits = call_in(did, CALLER)
    assert snapshots.snapshot_of(campaign, now()).calls == ()
    use = trunks.use_of(waits.trunk, now() + timedelta(milliseconds=5))
    services.apply_event(call_id=waits.pk, event=Event(Kind.HUNG_UP, cause=16), at=now() + timedelta(hours=1))
    ended = factories.get_call(waits.pk)
    assert (ended.outcome, ended.queue_since) == ("left_queue", None)
    assert ledger.check(campaign, now()) == {}
    assert use is not None


# ---- who is served


def test_the_longest_waiting_gets_the_agent_and_the_call_their_campaign(campaign: Campaign, did: Did) -> None:
    second = factories.make_campaign(campaign.tenant, record_calls=False)
    did.queue.campaigns.add(second)
    calls = [call_in(did) for _ in range(3)]
    session = factories.make_session(second)
    for call in reversed(calls):  # in whatever order they are tried
        services.claim_for_waiting(call_id=call.pk, at=now())
    assert [agent_of(call) for call in calls] == [session.pk, None, None]
    taken = factories.get_call(calls[0].pk)
    assert (taken.campaign_id, taken.record) == (second.pk, False)


def test_priority_goes_first_and_other_queues_agents_are_left_alone(campaign: Campaign, did: Did) -> None:
    urgent = factories.make_did(factories.make_queue(campaign, priority=9))
    elsewhere = factories.make_campaign(campaign.tenant)
    slow, fast = call_in(did), call_in(urgent)
    factories.make_session(elsewhere)
    assert queueing.to_serve() == []
    session = factories.make_session(campaign)
    assert queueing.to_serve() == [fast.pk]
    for call in (slow, fast):
        services.claim_for_waiting(call_id=call.pk, at=now())
    assert (agent_of(slow), agent_of(fast)) == (None, session.pk)


def test_a_newcomer_does_not_go_before_those_who_wait(campaign: Campaign, did: Did) -> None:
    first = call_in(did)
    factories.make_session(campaign)
    late = call_in(did)
    assert agent_of(late) is None
    services.claim_for_waiting(call_id=first.pk, at=now())
    assert agent_of(first) is not None


def connected(did: Did, session: AgentSession) -> CallTask:
    call = call_in(did)
    services.apply_event(call_id=call.pk, event=Event(Kind.BRIDGED, session=session.pk), at=now())
    return factories.get_call(call.pk)


def test_a_transferred_customer_waits_in_order_and_is_served(campaign: Campaign, did: Did) -> None:
    other = factories.make_campaign(campaign.tenant)
    queue = factories.make_queue(other)
    session = factories.make_session(campaign)
    call = connected(did, session)
    assert call.queue_since is None
    Conversation.objects.create(tenant_id=call.tenant_id, call=call, mode="parked")
    with transaction.atomic():
        locked = services.lock(call.pk)
        assert locked is not None
        services.apply_to_locked(call=locked, event=Event(Kind.HANDED), at=now())
        queueing.wait_in(call=locked, queue_id=queue.pk, at=now())
    assert handling.serve(call_id=call.pk, at=now()) is None, "nobody is there"
    taker = factories.make_session(other)
    assert queueing.to_serve() == [call.pk]
    assert handling.serve(call_id=call.pk, at=now()) is not None
    after = factories.get_call(call.pk)
    assert (after.session_id, after.campaign_id, after.queue_since) == (taker.pk, campaign.pk, None)
    assert queueing.to_serve() == []


# ---- blended


def test_blended_pacing_is_told_of_callers_and_leaves_agents_for_them(campaign: Campaign, did: Did) -> None:
    campaign.dial_method = DialMethod.BLENDED
    campaign.save()
    for _ in range(3):
        call_in(did)
    told = snapshots.snapshot_of(campaign, now())
    assert told.inbound_waiting == 3
    assert told.inbound_per_s == pytest.approx(3 / 600)
    colleague = factories.make_campaign(campaign.tenant)
    factories.make_session(colleague, state="paused")
    did.queue.campaigns.add(colleague)
    shared = snapshots.snapshot_of(campaign, now())
    assert shared.inbound_per_s == pytest.approx(1.5 / 600), "each of both has one agent"
    campaign.dial_method = DialMethod.PREDICTIVE
    campaign.save()
    assert snapshots.snapshot_of(campaign, now()).inbound_waiting == 0


def test_blended_dials_nobody_for_agents_whom_callers_need(campaign: Campaign, did: Did) -> None:
    campaign.dial_method = DialMethod.BLENDED
    campaign.save()
    for number in range(5):
        factories.make_lead(campaign, phone=factories.number_of(6_100_000 + number))
    callers = [call_in(did) for _ in range(2)]
    factories.make_session(campaign)
    placing.pace(campaign_id=campaign.pk)
    assert not CallTask.objects.for_tenant(campaign.tenant_id).filter(inbound=False).exists()
    for caller in callers:
        services.apply_event(call_id=caller.pk, event=Event(Kind.HUNG_UP), at=now())
    placing.pace(campaign_id=campaign.pk)
    assert CallTask.objects.for_tenant(campaign.tenant_id).filter(inbound=False).exists()
