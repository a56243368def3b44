"""Dispositions: of the call that was meant, once, with what they mean for lead, list and agent."""

from __future__ import annotations

from contextlib import suppress
from datetime import timedelta
from uuid import uuid4

import pytest

from dialer.agents import services as agents
from dialer.agents.models import AgentSession
from dialer.agents.rules import AgentState
from dialer.agents.rules import Event as AgentEvent
from dialer.agents.rules import Kind as AgentKind
from dialer.agents.services import NotNow
from dialer.calls import services
from dialer.calls.models import CallEvent, CallTask
from dialer.calls.rules import Event, Kind
from dialer.campaigns.models import Campaign, Disposition
from dialer.compliance.models import DncEntry
from dialer.core.clock import now
from dialer.leads.models import Lead, LeadState
from tests.factories import get_call, get_lead, get_session, make_call, make_lead, make_session
from tests.threads import at_once


def happen(call: CallTask, *told: Event) -> None:
    for event in told:
        services.apply_event(call_id=call.pk, event=event, at=now())


def talked(campaign: Campaign, session: AgentSession, lead: Lead | None = None) -> CallTask:
    """A call that an agent has talked on and that is over."""
    call = make_call(campaign, lead=lead or make_lead(campaign))
    services.begin_placing(call_id=call.pk)
    happen(
        call,
        Event(Kind.READY, verdict="HUMAN"),
        Event(Kind.BRIDGED, session=session.pk),
        Event(Kind.HUNG_UP, cause=16),
    )
    assert get_session(session.pk).state == AgentState.WRAPUP
    return call


@pytest.fixture
def session(campaign: Campaign) -> AgentSession:
    """An agent who is ready."""
    return make_session(campaign)


@pytest.mark.parametrize(
    ("code", "state", "listed"),
    [
        ("SALE", LeadState.DONE, False),
        ("NI", LeadState.DONE, False),
        ("CALLBK", LeadState.WAITING, False),
        ("OTHER", LeadState.WAITING, False),
        ("DNC", LeadState.DONE, True),
    ],
)
def test_what_a_disposition_means(
    campaign: Campaign, session: AgentSession, code: str, state: str, listed: bool
) -> None:
    lead = make_lead(campaign)
    call = talked(campaign, session, lead)
    services.dispose(session_id=session.pk, code=code, by=session.user)
    after = get_lead(lead.pk)
    assert after.state == state
    if state == LeadState.WAITING:
        assert after.next_attempt_at > now() + timedelta(hours=23)
    assert DncEntry.objects.for_tenant(campaign.tenant).filter(phone=call.phone).exists() is listed
    assert get_session(session.pk).state == AgentState.READY
    row = CallEvent.objects.for_tenant(campaign.tenant).get(call=call, kind="disposed")
    assert row.data == {"code": code, "by": "agent"}


def test_wrapup_s_time_out_takes_the_default(campaign: Campaign, session: AgentSession) -> None:
    call = talked(campaign, session)
    code = services.default_disposition(session_id=session.pk)
    services.dispose(session_id=session.pk, code=code)
    disposition = get_call(call.pk).disposition
    assert disposition is not None
    assert disposition.is_default
    assert CallEvent.objects.for_tenant(campaign.tenant).get(call=call, kind="disposed").data["by"] == "time"


def test_without_a_default_the_last_one_is_taken(campaign: Campaign, session: AgentSession) -> None:
    Disposition.objects.for_tenant(campaign.tenant).update(is_default=False)
    assert services.default_disposition(session_id=session.pk) == "OTHER"


def test_refusals(campaign: Campaign, session: AgentSession) -> None:
    with pytest.raises(NotNow, match="no call to dispose of"):
        services.dispose(session_id=session.pk, code="SALE")
    call = make_call(campaign)
    services.begin_placing(call_id=call.pk)
    happen(call, Event(Kind.READY, verdict="HUMAN"), Event(Kind.BRIDGED, session=session.pk))
    with pytest.raises(NotNow, match="Hang up first"):
        services.dispose(session_id=session.pk, code="SALE")
    happen(call, Event(Kind.HUNG_UP))
    with pytest.raises(NotNow, match="no disposition “nonsense”"):
        services.dispose(session_id=session.pk, code="nonsense")
    assert get_call(call.pk).disposition is None
    assert get_session(session.pk).state == AgentState.WRAPUP


@pytest.mark.parametrize("by_id", [True, False])
def test_a_screen_that_is_behind_does_not_dispose_of_the_next_call(
    campaign: Campaign, session: AgentSession, by_id: bool
) -> None:
    first = talked(campaign, session)
    services.dispose(session_id=session.pk, code="SALE")
    second = talked(campaign, session)
    with pytest.raises(NotNow, match="its disposition already"):
        services.dispose(session_id=session.pk, code="DNC", call_id=first.pk if by_id else uuid4())
    assert get_call(second.pk).disposition is None
    assert get_session(session.pk).state == AgentState.WRAPUP


def test_a_note_is_kept_as_it_is(campaign: Campaign, session: AgentSession) -> None:
    call = talked(campaign, session)
    services.dispose(session_id=session.pk, code="SALE", note="a\0'; DROP TABLE x;--\r\n${X}")
    assert get_call(call.pk).note == "a'; DROP TABLE x;--\r\n${X}"


def test_a_lead_in_its_next_call_is_left_to_that_call(campaign: Campaign, session: AgentSession) -> None:
    """Somebody dials the number again before the first agent has said what came of it."""
    lead = make_lead(campaign)
    talked(campaign, session, lead)
    make_call(campaign, lead=lead)
    services.dispose(session_id=session.pk, code="CALLBK")
    assert get_lead(lead.pk).state == LeadState.RESERVED


@pytest.mark.django_db(transaction=True)
def test_a_double_click_disposes_once(campaign: Campaign, session: AgentSession) -> None:
    for _ in range(5):
        call = talked(campaign, session)

        def click(code: str) -> str:
            try:
                services.dispose(session_id=session.pk, code=code)
            except NotNow:
                return ""
            return code

        done = [code for code in at_once([lambda code=code: click(code) for code in ("SALE", "NI", "SALE")]) if code]
        assert len(done) == 1
        disposition = get_call(call.pk).disposition
        assert disposition is not None
        assert disposition.code == done[0]
        assert CallEvent.objects.for_tenant(campaign.tenant).filter(call=call, kind="disposed").count() == 1


@pytest.mark.django_db(transaction=True)
def test_the_end_of_a_call_its_disposition_and_the_next_claim_at_once(campaign: Campaign) -> None:
    """Round after round on the same agent: nobody waits for ever, and the agent has one call at a time."""
    agent = make_session(campaign)
    current = talked(campaign, agent)
    for _ in range(6):
        following = make_call(campaign, lead=make_lead(campaign))
        services.begin_placing(call_id=following.pk)
        happen(following, Event(Kind.READY, verdict="HUMAN"))

        def dispose() -> None:
            services.dispose(session_id=agent.pk, code="OTHER")

        def claim(call: CallTask = following) -> None:
            while get_call(call.pk).session_id is None:
                services.claim_for_waiting(call_id=call.pk, at=now())

        def end(call: CallTask = current) -> None:
            happen(call, Event(Kind.HUNG_UP), Event(Kind.AGENT_GONE, session=agent.pk), Event(Kind.MISSING))

        def pause() -> None:
            agents.apply(session_id=agent.pk, event=AgentEvent(AgentKind.PAUSE_ASKED), at=now())
            while get_session(agent.pk).state != AgentState.RESERVED:
                with suppress(NotNow):  # in wrap-up: the disposition comes first
                    agents.apply(session_id=agent.pk, event=AgentEvent(AgentKind.READY_ASKED), at=now())

        at_once([dispose, claim, end, pause])
        assert get_session(agent.pk).call_id == following.pk
        happen(following, Event(Kind.BRIDGED, session=agent.pk), Event(Kind.HUNG_UP))
        current = following
