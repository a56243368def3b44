"""Leads that are shown for longer than the campaign allows: dialed or skipped by the server's clock."""

from __future__ import annotations

from datetime import timedelta

import pytest

from dialer.agents.models import AgentSession, LegState
from dialer.agents.rules import AgentState
from dialer.calls import board, placing
from dialer.campaigns.models import Campaign, DialMethod, PreviewEnd
from dialer.compliance.services import add_to_dnc
from dialer.core.clock import now
from dialer.desk.selectors import desk_of
from dialer.leads.models import LeadState
from dialer.people.models import Tenant
from tests.factories import get_lead, get_session, make_campaign, make_leads, make_list, make_session

LIMIT = timedelta(seconds=20)


@pytest.fixture
def session(tenant: Tenant) -> AgentSession:
    campaign = make_campaign(tenant, dial_method=DialMethod.PREVIEW, preview_s=20)
    make_leads(make_list(campaign), 2)
    return make_session(campaign, state=AgentState.PAUSED)


def show(session: AgentSession, since: timedelta) -> int:
    """Show a lead, since so long ago; its id."""
    lead = placing.next_lead(session_id=session.pk)
    AgentSession.objects.across_tenants().filter(pk=session.pk).update(preview_since=now() - since)
    return lead.pk


def then(session: AgentSession, end: PreviewEnd) -> None:
    Campaign.objects.across_tenants().filter(pk=session.campaign_id).update(preview_then=end)


def test_only_what_is_overdue_is_ended(session: AgentSession) -> None:
    assert board.overdue_previews(now()) == []
    lead = show(session, LIMIT / 2)
    assert board.overdue_previews(now()) == []
    placing.end_preview(session_id=session.pk)
    assert get_session(session.pk).preview_lead_id == lead
    until = desk_of(session.user_id).preview_until
    assert until is not None
    assert timedelta() < until - now() <= LIMIT / 2
    assert board.overdue_previews(until + timedelta(milliseconds=1)) == [session.pk]


def test_without_a_limit_a_lead_is_shown_for_ever(session: AgentSession) -> None:
    Campaign.objects.across_tenants().update(preview_s=0)
    lead = show(session, timedelta(days=1))
    assert board.overdue_previews(now()) == []
    placing.end_preview(session_id=session.pk)
    assert get_session(session.pk).preview_lead_id == lead
    assert desk_of(session.user_id).preview_until is None


def test_it_is_skipped(session: AgentSession) -> None:
    lead = show(session, LIMIT * 2)
    assert board.overdue_previews(now()) == [session.pk]
    placing.end_preview(session_id=session.pk)
    shown = get_session(session.pk)
    assert (shown.preview_lead_id, shown.preview_since, shown.call_id) == (None, None, None)
    assert get_lead(lead).state == LeadState.WAITING
    assert board.overdue_previews(now()) == []


def test_it_is_dialed(session: AgentSession) -> None:
    then(session, PreviewEnd.DIAL)
    lead = show(session, LIMIT * 2)
    placing.end_preview(session_id=session.pk)
    placing.end_preview(session_id=session.pk)  # told of twice is once
    dialing = get_session(session.pk)
    assert dialing.state == AgentState.RESERVED
    assert dialing.call is not None
    assert dialing.call.lead_id == lead


@pytest.mark.parametrize("why", ["do not call", "phone down"])
def test_what_cannot_be_dialed_is_not(session: AgentSession, why: str) -> None:
    then(session, PreviewEnd.DIAL)
    lead = show(session, LIMIT * 2)
    if why == "do not call":
        add_to_dnc(tenant_id=session.tenant_id, number=get_lead(lead).phone, source="asked", by=None)
    else:
        AgentSession.objects.across_tenants().filter(pk=session.pk).update(leg=LegState.DOWN)
    placing.end_preview(session_id=session.pk)
    left = get_session(session.pk)
    assert (left.preview_lead_id, left.call_id) == (None, None)


def test_one_who_asked_for_the_next_is_left_alone(session: AgentSession) -> None:
    then(session, PreviewEnd.DIAL)
    show(session, LIMIT * 2)
    placing.skip_lead(session_id=session.pk)
    second = placing.next_lead(session_id=session.pk)
    placing.end_preview(session_id=session.pk)
    assert get_session(session.pk).preview_lead_id == second.pk
