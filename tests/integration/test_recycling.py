"""Recycle rules at the end of real calls: the campaign's own words decide when a lead is called again."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from dialer.calls import hours, placing, services
from dialer.calls.models import CallTask
from dialer.calls.rules import Event, Kind
from dialer.campaigns.models import AnswerHour, Campaign, Disposition, RecycleRule
from dialer.core.clock import now
from dialer.leads.models import Lead, LeadState
from tests import switch
from tests.factories import get_lead, make_call, make_lead, make_leads, make_list, make_session

BUSY = Event(Kind.HUNG_UP, cause=17)


def ring(campaign: Campaign, lead: Lead, event: Event = BUSY) -> Lead:
    """Call a lead that does not answer, and what is stored of it then."""
    call = make_call(campaign, lead=lead)
    services.begin_placing(call_id=call.pk)
    services.apply_event(call_id=call.pk, event=event, at=now())
    return get_lead(lead.pk)


def rule_of(campaign: Campaign, **values: object) -> RecycleRule:
    return RecycleRule.objects.create(tenant_id=campaign.tenant_id, campaign=campaign, **values)


def test_without_a_rule_busy_comes_again_in_half_an_hour(campaign: Campaign) -> None:
    lead = ring(campaign, make_lead(campaign))
    assert lead.state == LeadState.WAITING
    assert timedelta(minutes=29) < lead.next_attempt_at - now() <= timedelta(minutes=30)


def test_a_rule_of_the_campaign_decides_and_of_no_other(campaign: Campaign) -> None:
    rule_of(campaign, outcome="busy", delay_min=5, times=2)
    rule_of(campaign, outcome="no_answer", again=False)
    lead = make_lead(campaign)
    for attempt in (1, 2):
        got = ring(campaign, lead)
        assert got.attempts == attempt
        assert got.state == LeadState.WAITING
        assert timedelta(minutes=4) < got.next_attempt_at - now() <= timedelta(minutes=5)
    got = ring(campaign, lead)  # its third busy: no more
    assert got.attempts == 3
    assert got.state == LeadState.DONE


def test_a_lead_comes_back_by_itself_when_its_time_has_come(campaign: Campaign) -> None:
    """Nothing has to be moved anywhere: a tick finds who is due."""
    make_session(campaign)
    lead = ring(campaign, make_lead(campaign))
    assert placing.pace(campaign_id=campaign.pk).queued == ()
    Lead.objects.for_tenant(campaign.tenant_id).filter(pk=lead.pk).update(next_attempt_at=now())
    [again] = placing.pace(campaign_id=campaign.pk).queued
    assert CallTask.objects.for_tenant(campaign.tenant_id).get(pk=again).lead_id == lead.pk


def test_the_campaign_says_how_many_attempts_there_are(campaign: Campaign) -> None:
    Campaign.objects.for_tenant(campaign.tenant_id).update(max_attempts=2)
    lead = make_lead(campaign)
    assert ring(campaign, lead).state == LeadState.WAITING
    assert ring(campaign, lead).state == LeadState.DONE


@pytest.mark.parametrize(("flags", "state"), [({"is_recycled": True}, LeadState.WAITING), ({}, LeadState.DONE)])
def test_a_disposition_that_is_not_recycled_lets_the_lead_rest(
    campaign: Campaign, flags: dict[str, bool], state: str
) -> None:
    other = Disposition.objects.for_tenant(campaign.tenant_id).get(code="OTHER")
    Disposition.objects.for_tenant(campaign.tenant_id).filter(pk=other.pk).update(**{"is_recycled": False, **flags})
    rule_of(campaign, disposition=other, delay_min=90)
    session = make_session(campaign)
    lead = make_lead(campaign)
    call = switch.connect(campaign, lead)
    switch.hang_up(call.pk)
    services.dispose(session_id=session.pk, code="OTHER")
    got = get_lead(lead.pk)
    assert got.state == state
    if state == LeadState.WAITING:
        assert timedelta(minutes=89) < got.next_attempt_at - now() <= timedelta(minutes=90)


def test_the_best_hour_is_learned_from_the_campaign_s_calls(campaign: Campaign) -> None:
    """At 18 in New York people answer, at 10 they do not; busy leads are called at 18 on their clock."""
    rule_of(campaign, outcome="busy", delay_min=1, best_hour=True)
    leads = make_leads(make_list(campaign), 44)
    for place, lead in enumerate(leads):
        answered = place % 2
        made = make_call(campaign, lead=lead)
        local = datetime(2026, 6, 2, 22 if answered else 14, 5, tzinfo=UTC)
        rows = CallTask.objects.for_tenant(campaign.tenant_id).filter(pk=made.pk)
        values = {"ready_at": local, "outcome": "connected"} if answered else {"outcome": "no_answer"}
        rows.update(state="ended", placed_at=local, queued_at=now(), ended_at=local, **values)
    assert hours.refresh(at=now()) == 1
    assert {(row.hour, row.placed, row.answered) for row in AnswerHour.objects.for_tenant(campaign.tenant_id)} == {
        (10, 22, 0),
        (18, 22, 22),
    }
    again = ring(campaign, make_lead(campaign)).next_attempt_at
    assert again.astimezone(ZoneInfo("America/New_York")).hour == 18
    assert again - now() <= timedelta(days=1, minutes=1)
