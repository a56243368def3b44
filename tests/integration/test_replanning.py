"""Recycle rules that are changed hold for leads that rest already, and a list's priority for its leads: in batches."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import pytest
from django.db import transaction

from dialer.calls import replanning, services
from dialer.calls.rules import Event, Kind
from dialer.campaigns import history, rework
from dialer.campaigns.models import Campaign, Disposition, LeadList, RecycleRule
from dialer.campaigns.rework import Rework
from dialer.compliance.services import Asked, add_to_dnc, judge
from dialer.core.clock import now
from dialer.leads import bulk, priorities
from dialer.leads import services as leads
from dialer.leads.importing import services as imports
from dialer.leads.models import BulkChange, Lead, LeadNumber, LeadState
from dialer.leads.rules import CALLBACK_PRIORITY
from tests import switch
from tests.factories import get_call, get_lead, make_call, make_lead, make_leads, make_list, make_session, make_user
from tests.importing import confirmed, no_scrub

BUSY, NO_ANSWER = Event(Kind.HUNG_UP, cause=17), Event(Kind.HUNG_UP, cause=19)


def ring(campaign: Campaign, lead: Lead, event: Event = BUSY, **values: Any) -> datetime:
    """Call a lead that does not answer; when that ended."""
    call = make_call(campaign, lead=lead, **values)
    services.begin_placing(call_id=call.pk)
    services.apply_event(call_id=call.pk, event=event, at=now())
    ended_at = get_call(call.pk).ended_at
    assert ended_at is not None
    return ended_at


def set_rule(campaign: Campaign, outcome: str = "busy", **values: Any) -> None:
    """Change a rule as the screen does; what it asks of leads waits to be done."""
    with history.change(campaign, by=None):
        RecycleRule.objects.across_tenants().update_or_create(
            tenant_id=campaign.tenant_id, campaign=campaign, outcome=outcome, defaults=values
        )


def work_off() -> None:
    assert replanning.work_off(within_s=600) is False


def reworked(campaign: Campaign) -> Rework:
    found = Rework.objects.for_tenant(campaign.tenant_id).get(campaign=campaign)
    assert isinstance(found, Rework)
    return found


def in_minutes(lead: Lead, since: datetime) -> float:
    """How long after a moment a lead is due."""
    return (get_lead(lead.pk).next_attempt_at - since) / timedelta(minutes=1)


def test_those_who_rest_by_the_rule_are_planned_anew_from_their_last_call(campaign: Campaign) -> None:
    busy, other, fresh = make_leads(make_list(campaign), 3)
    ended_at = ring(campaign, busy)
    ring(campaign, other, NO_ANSWER)
    before = (get_lead(other.pk).next_attempt_at, get_lead(fresh.pk).next_attempt_at)
    for minutes in (120, 1):
        set_rule(campaign, delay_min=minutes)
        work_off()
        assert in_minutes(busy, ended_at) == pytest.approx(minutes, abs=0.1)
        assert (reworked(campaign).looked, reworked(campaign).changed) == (1, 1)
    assert (get_lead(other.pk).next_attempt_at, get_lead(fresh.pk).next_attempt_at) == before
    work_off()
    assert get_lead(busy.pk).state == LeadState.WAITING


def test_who_is_due_or_in_a_call_or_promised_is_left(campaign: Campaign) -> None:
    due, held, promised = make_leads(make_list(campaign), 3)
    for lead in (due, held, promised):
        ring(campaign, lead)
    rows = Lead.objects.for_tenant(campaign.tenant_id)
    rows.filter(pk=due.pk).update(next_attempt_at=now())
    rows.filter(pk=held.pk).update(state=LeadState.RESERVED)
    rows.filter(pk=promised.pk).update(priority=CALLBACK_PRIORITY)
    before = {lead.pk: (lead.state, lead.next_attempt_at) for lead in rows}
    set_rule(campaign, delay_min=600, again=False)
    work_off()
    assert {lead.pk: (lead.state, lead.next_attempt_at) for lead in rows} == before


def test_a_rule_that_ends_leads_can_be_taken_back(campaign: Campaign) -> None:
    lead = make_lead(campaign)
    ended_at = ring(campaign, lead)
    set_rule(campaign, again=False)
    work_off()
    assert get_lead(lead.pk).state == LeadState.DONE
    assert reworked(campaign).ended == 1
    set_rule(campaign, again=True, delay_min=45)
    work_off()
    assert get_lead(lead.pk).state == LeadState.WAITING
    assert in_minutes(lead, ended_at) == pytest.approx(45, abs=0.1)
    set_rule(campaign, again=False)
    work_off()
    assert get_lead(lead.pk).state == LeadState.DONE
    made = BulkChange.objects.for_tenant(campaign.tenant_id).filter(action=bulk.BY_RULE).first()
    assert made is not None
    assert bulk.undo(made=made, by=make_user(campaign.tenant, "admin")) == 1
    assert get_lead(lead.pk).state == LeadState.WAITING


def test_who_was_ended_by_hand_is_not_brought_back(campaign: Campaign) -> None:
    lead = make_lead(campaign)
    ring(campaign, lead)
    rows = Lead.objects.for_tenant(campaign.tenant_id).filter(pk=lead.pk)
    bulk.change(campaign=campaign, rows=rows, action="done", target=None, by=make_user(campaign.tenant, "admin"))
    set_rule(campaign, delay_min=1)
    work_off()
    assert get_lead(lead.pk).state == LeadState.DONE


def test_how_often_at_most_counts_the_calls_before(campaign: Campaign) -> None:
    once, twice = make_leads(make_list(campaign), 2)
    ring(campaign, once)
    for _ in range(2):
        ring(campaign, twice)
    set_rule(campaign, delay_min=30, times=1)
    work_off()
    assert (get_lead(once.pk).state, get_lead(twice.pk).state) == (LeadState.WAITING, LeadState.DONE)


def test_fewer_attempts_hold_for_leads_that_wait_and_those_that_are_due(campaign: Campaign) -> None:
    """A cap that is lowered by mistake and put back brings back whom it ended, and nobody who had ended before."""
    resting, due, once, promised, over = make_leads(make_list(campaign), 5)
    for lead in (resting, due, promised, over):
        for _ in range(2):
            ring(campaign, lead)
    ring(campaign, once, NO_ANSWER)
    rows = Lead.objects.for_tenant(campaign.tenant_id)
    rows.filter(pk=due.pk).update(next_attempt_at=now())
    rows.filter(pk=promised.pk).update(priority=CALLBACK_PRIORITY)
    rows.filter(pk=over.pk).update(state=LeadState.DONE)
    before = {lead.pk: get_lead(lead.pk).next_attempt_at for lead in (resting, once, promised)}
    for most, state in ((2, LeadState.DONE), (campaign.max_attempts, LeadState.WAITING)):
        with history.change(campaign, by=None):
            Campaign.objects.for_tenant(campaign.tenant_id).filter(pk=campaign.pk).update(max_attempts=most)
        work_off()
        assert {get_lead(lead.pk).state for lead in (resting, due)} == {state}
        assert {get_lead(lead.pk).state for lead in (once, promised)} == {LeadState.WAITING}
        assert get_lead(over.pk).state == LeadState.DONE
    assert before == {pk: get_lead(pk).next_attempt_at for pk in before}


def test_whom_the_gate_put_off_since_is_not_called_before(campaign: Campaign) -> None:
    lead = make_lead(campaign)
    ended_at = ring(campaign, lead)
    add_to_dnc(tenant_id=campaign.tenant_id, number=lead.phone, source="test", by=None)
    judge(campaign=campaign, asked=[Asked(lead.phone, ("America/New_York",), lead.pk)], at=now())
    leads.refuse(lead_ids=[lead.pk], rule="calling_hours", again_at=ended_at + timedelta(hours=10))
    set_rule(campaign, delay_min=1)
    work_off()
    assert in_minutes(lead, ended_at) == pytest.approx(600, abs=0.1)
    set_rule(campaign, delay_min=1440)
    work_off()
    assert in_minutes(lead, ended_at) == pytest.approx(1440, abs=0.1)


def test_another_number_still_comes_soon_after(campaign: Campaign) -> None:
    lead = make_lead(campaign)
    LeadNumber.objects.create(tenant_id=campaign.tenant_id, lead=lead, phone="+12125550177", kind="home")
    ended_at = ring(campaign, lead, phone=lead.phone)
    assert get_lead(lead.pk).turn == 1
    set_rule(campaign, delay_min=600)
    work_off()
    assert in_minutes(lead, ended_at) == pytest.approx(15, abs=0.1)
    ended_at = ring(campaign, get_lead(lead.pk), phone="+12125550177")
    set_rule(campaign, delay_min=700)
    work_off()
    assert in_minutes(lead, ended_at) == pytest.approx(700, abs=0.1)


def test_a_disposition_s_rule_too(campaign: Campaign) -> None:
    other = Disposition.objects.for_tenant(campaign.tenant_id).get(code="OTHER")
    session, lead = make_session(campaign), make_lead(campaign)
    call = switch.connect(campaign, lead)
    switch.hang_up(call.pk)
    services.dispose(session_id=session.pk, code="OTHER")
    disposed_at = get_call(call.pk).disposed_at
    assert disposed_at is not None
    assert in_minutes(lead, disposed_at) == pytest.approx(1440, abs=0.1)
    set_rule(campaign, outcome="", disposition=other, delay_min=90)
    work_off()
    assert in_minutes(lead, disposed_at) == pytest.approx(90, abs=0.1)


def test_batch_by_batch_and_anew_when_a_change_comes_between(
    campaign: Campaign, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(priorities, "AT_ONCE", 2)
    many = [*make_leads(make_list(campaign), 5), *make_leads(make_list(campaign, name="Other"), 2)]
    ended = {lead.pk: ring(campaign, lead) for lead in many}
    set_rule(campaign, delay_min=50)
    assert replanning._batch(campaign)
    assert (reworked(campaign).looked, reworked(campaign).done_at) == (2, None)
    set_rule(campaign, delay_min=70)
    set_rule(campaign, outcome="no_answer", delay_min=70)
    assert reworked(campaign).keys == ["busy", "no_answer"]
    work_off()
    assert [in_minutes(lead, ended[lead.pk]) for lead in many] == pytest.approx([70] * 7, abs=0.1)
    assert reworked(campaign).looked == 7
    assert replanning._batch(campaign) is False


def test_a_list_s_leads_take_its_priority_in_batches(campaign: Campaign, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(priorities, "AT_ONCE", 2)
    where, other = make_list(campaign, priority=1), make_list(campaign, name="Other", priority=5)
    many = make_leads(where, 5, priority=1)
    [promised] = make_leads(where, 1, priority=CALLBACK_PRIORITY)
    [usual] = make_leads(other, 1, priority=5)
    LeadList.objects.for_tenant(campaign.tenant_id).filter(pk=where.pk).update(priority=9)
    with transaction.atomic():
        rework.reprioritise(lead_list=where)
    assert replanning._batch(None)
    chosen = leads.reserve(campaign_id=campaign.pk, count=9, at=now())
    assert [lead.pk for lead in chosen] == [promised.pk, *(one.pk for one in many[:2]), usual.pk, *(
        one.pk for one in many[2:]
    )]  # fmt: skip
    work_off()
    assert [get_lead(one.pk).priority for one in (*many, promised, usual)] == [9] * 5 + [CALLBACK_PRIORITY, 5]
    assert reworked(campaign).changed == 5


def test_an_import_under_way_takes_the_list_s_new_priority(campaign: Campaign) -> None:
    made = confirmed(campaign, "phone\n+12125550101\n", priority=3)
    LeadList.objects.for_tenant(campaign.tenant_id).filter(pk=made.list_id).update(priority=8)
    imports.work_off(no_scrub)
    assert Lead.objects.for_tenant(campaign.tenant_id).get(phone="+12125550101").priority == 8
