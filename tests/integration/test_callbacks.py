"""Promises to call back: one open one per lead, at the lead's next attempt, dialed first and by whom they belong to."""

from __future__ import annotations

from datetime import timedelta

import pytest

from dialer.agents.models import AgentSession
from dialer.agents.rules import CALLBACK_DUE, AgentState
from dialer.agents.services import NotNow
from dialer.calls import board, placing, promises, services
from dialer.calls.models import CallEvent
from dialer.calls.rules import Event, Kind
from dialer.campaigns.models import Campaign, Disposition
from dialer.compliance.services import add_to_dnc
from dialer.core.clock import now
from dialer.leads import callbacks
from dialer.leads import services as leads
from dialer.leads.callbacks import Promise
from dialer.leads.models import Callback, CallbackState, Lead, LeadState
from dialer.leads.rules import CALLBACK_PRIORITY, MAX_ATTEMPTS
from dialer.people.models import User
from tests.factories import (
    get_call,
    get_lead,
    get_session,
    make_call,
    make_campaign,
    make_lead,
    make_leads,
    make_list,
    make_session,
    make_user,
)

from .test_dispose import happen, talked

ZONE = "America/New_York"


@pytest.fixture
def session(campaign: Campaign) -> AgentSession:
    """An agent who is ready, in a campaign where CALLBK asks for a time."""
    Disposition.objects.for_tenant(campaign.tenant).filter(code="CALLBK").update(needs_callback=True)
    Disposition.objects.for_tenant(campaign.tenant).filter(code="NI").update(needs_note=True)
    return make_session(campaign)


def promised(lead: Lead, user: User | None, by: User, minutes: float = 60) -> Callback:
    promise = Promise(now() + timedelta(minutes=minutes), ZONE, user, "ask for Ada")
    return callbacks.make(lead_id=lead.pk, promise=promise, by=by, at=now())


def state_of(callback: Callback) -> str:
    return str(Callback.objects.across_tenants().get(pk=callback.pk).state)


def make_due(lead: Lead) -> None:
    Lead.objects.across_tenants().filter(pk=lead.pk).update(next_attempt_at=now() - timedelta(seconds=1))


def test_a_disposition_makes_the_promise(campaign: Campaign, session: AgentSession) -> None:
    lead = make_lead(campaign)
    call = talked(campaign, session, lead)
    with pytest.raises(NotNow, match="needs a time to call back"):
        services.dispose(session_id=session.pk, code="CALLBK", by=session.user)
    assert get_session(session.pk).state == AgentState.WRAPUP
    promise = Promise(now() + timedelta(days=2), ZONE, session.user, "after lunch")
    services.dispose(session_id=session.pk, code="CALLBK", by=session.user, promise=promise)
    after = get_lead(lead.pk)
    assert (after.state, after.next_attempt_at) == (LeadState.WAITING, promise.at)
    assert (after.promised_to_id, after.priority) == (session.user_id, CALLBACK_PRIORITY)
    made = Callback.objects.for_tenant(campaign.tenant).get()
    assert (made.lead_id, made.user_id, made.made_by_id, made.made_on) == (
        lead.pk,
        session.user_id,
        session.user_id,
        call.pk,
    )
    told = CallEvent.objects.for_tenant(campaign.tenant).get(call=call, kind="disposed")
    assert told.data["callback"] == promise.at.isoformat()


def test_the_time_out_asks_for_nothing(campaign: Campaign, session: AgentSession) -> None:
    for code in ("CALLBK", "NI"):
        call = talked(campaign, session)
        services.dispose(session_id=session.pk, code=code)
        disposition = get_call(call.pk).disposition
        assert disposition is not None
        assert disposition.code == code
    assert not Callback.objects.for_tenant(campaign.tenant).exists()


def test_a_note_that_is_needed(campaign: Campaign, session: AgentSession) -> None:
    call = talked(campaign, session)
    for note in ("", "  \n "):
        with pytest.raises(NotNow, match="needs a note"):
            services.dispose(session_id=session.pk, code="NI", by=session.user, note=note)
    assert get_call(call.pk).disposition is None
    services.dispose(session_id=session.pk, code="NI", by=session.user, note="has one already")
    assert get_call(call.pk).note == "has one already"


def test_a_number_that_was_on_no_list_gets_a_lead(campaign: Campaign, session: AgentSession) -> None:
    call = make_call(campaign)
    services.begin_placing(call_id=call.pk)
    happen(call, Event(Kind.READY, verdict="HUMAN"), Event(Kind.BRIDGED, session=session.pk), Event(Kind.HUNG_UP))
    promise = Promise(now() + timedelta(days=1), ZONE, None)
    services.dispose(session_id=session.pk, code="CALLBK", by=session.user, promise=promise)
    lead = Lead.objects.for_tenant(campaign.tenant).get(phone=call.phone)
    assert (lead.next_attempt_at, lead.list.name) == (promise.at, callbacks.OWN_LIST)
    assert get_call(call.pk).lead_id == lead.pk


def test_one_open_promise_per_lead(campaign: Campaign, session: AgentSession) -> None:
    lead = make_lead(campaign)
    first = promised(lead, session.user, session.user)
    second = promised(lead, None, session.user, 90)
    assert (state_of(first), state_of(second)) == (CallbackState.REPLACED, CallbackState.OPEN)
    after = get_lead(lead.pk)
    assert (after.next_attempt_at, after.promised_to_id) == (second.promised_for, None)


def test_a_lead_in_a_call_is_not_promised(campaign: Campaign, session: AgentSession) -> None:
    lead = make_lead(campaign)
    callback = promised(lead, None, session.user)
    make_call(campaign, lead=lead)
    with pytest.raises(callbacks.LeadBusy):
        promised(lead, None, session.user)
    with pytest.raises(callbacks.LeadBusy):
        callbacks.cancel(callback=callback, at=now())


def test_cancelling_gives_the_lead_back(campaign: Campaign, session: AgentSession) -> None:
    [lead] = make_leads(make_list(campaign, priority=7), 1, priority=7)
    callback = promised(lead, session.user, session.user)
    for _ in range(2):
        callbacks.cancel(callback=callback, at=now())
    after = get_lead(lead.pk)
    assert (after.state, after.promised_to_id, after.priority) == (LeadState.WAITING, None, 7)
    assert state_of(callback) == CallbackState.CANCELLED


def test_anyones_are_dialed_first_and_ones_own_by_nobody_else(campaign: Campaign, session: AgentSession) -> None:
    usual, anyones, own = make_leads(make_list(campaign, priority=1000), 3, priority=1000)
    promised(anyones, None, session.user)
    promised(own, session.user, session.user)
    for lead in (anyones, own):
        make_due(lead)
    chosen = leads.reserve(campaign_id=campaign.pk, count=5, at=now())
    assert [lead.pk for lead in chosen] == [anyones.pk, usual.pk]
    assert leads.reserve_promised(user_id=make_user(campaign.tenant).pk, campaign_id=campaign.pk, at=now()) is None
    mine = leads.reserve_promised(user_id=session.user_id, campaign_id=campaign.pk, at=now())
    assert mine is not None
    assert mine.pk == own.pk


@pytest.mark.parametrize(
    ("outcome", "attempts", "state"),
    [("connected", 0, "kept"), ("busy", 0, "open"), ("busy", MAX_ATTEMPTS, "failed"), ("invalid_number", 0, "failed")],
)
def test_what_the_call_makes_of_it(
    campaign: Campaign, session: AgentSession, outcome: str, attempts: int, state: str
) -> None:
    lead = make_lead(campaign)
    callback = promised(lead, session.user, session.user)
    Lead.objects.across_tenants().filter(pk=lead.pk).update(state=LeadState.RESERVED, attempts=attempts)
    leads.finish_attempt(lead_id=lead.pk, outcome=outcome, placed=True, at=now())
    assert state_of(callback) == state
    after = get_lead(lead.pk)
    still = state == "open"
    assert (after.promised_to_id is not None, after.priority == CALLBACK_PRIORITY) == (still, still)
    assert (after.state == LeadState.WAITING) == still


def test_a_promise_leaves_tries_to_keep_it(campaign: Campaign, session: AgentSession) -> None:
    lead = make_lead(campaign, attempts=MAX_ATTEMPTS, state=LeadState.DONE)
    callback = promised(lead, session.user, session.user)
    for _ in range(2):
        leads.finish_attempt(lead_id=lead.pk, outcome="busy", placed=True, at=now())
    assert state_of(callback) == CallbackState.OPEN


def test_do_not_call_ends_the_promise(campaign: Campaign, session: AgentSession) -> None:
    lead = make_lead(campaign)
    callback = promised(lead, None, session.user)
    make_due(lead)
    add_to_dnc(tenant_id=campaign.tenant_id, number=lead.phone, source="test", by=None)
    placing.pace(campaign_id=campaign.pk)
    assert get_lead(lead.pk).state == LeadState.DONE
    assert state_of(callback) == CallbackState.FAILED


def test_a_due_one_pops_for_its_agent_and_the_queue_goes_on(campaign: Campaign, session: AgentSession) -> None:
    other = make_session(campaign)
    lead = make_lead(campaign)
    promised(lead, session.user, session.user)
    assert board.due_callbacks(now()) == []
    make_due(lead)
    assert board.due_callbacks(now()) == [session.pk]
    assert not placing.show_callback(session_id=other.pk)
    assert placing.show_callback(session_id=session.pk)
    assert not placing.show_callback(session_id=session.pk)
    shown = get_session(session.pk)
    assert (shown.state, shown.pause_code, shown.preview_lead_id) == (AgentState.PAUSED, CALLBACK_DUE, lead.pk)
    assert board.due_callbacks(now()) == []
    call = placing.dial_shown(session_id=session.pk)
    assert call.lead_id == lead.pk
    services.begin_placing(call_id=call.pk)
    happen(call, Event(Kind.ANSWERED), Event(Kind.READY, verdict="HUMAN"), Event(Kind.BRIDGED, session=session.pk))
    happen(call, Event(Kind.HUNG_UP, cause=16))
    services.dispose(session_id=session.pk, code="SALE", by=session.user)
    assert get_session(session.pk).state == AgentState.READY
    assert Callback.objects.for_tenant(campaign.tenant).get().state == CallbackState.KEPT


def test_skipping_it_puts_it_off_and_frees_the_agent(campaign: Campaign, session: AgentSession) -> None:
    lead = make_lead(campaign)
    callback = promised(lead, session.user, session.user)
    make_due(lead)
    placing.show_callback(session_id=session.pk)
    placing.skip_lead(session_id=session.pk)
    after = get_lead(lead.pk)
    assert timedelta(minutes=9) < after.next_attempt_at - now() < timedelta(minutes=11)
    assert (after.state, after.promised_to_id) == (LeadState.WAITING, session.user_id)
    assert get_session(session.pk).state == AgentState.READY
    assert state_of(callback) == CallbackState.OPEN


def test_dialing_it_early(campaign: Campaign, session: AgentSession) -> None:
    lead = make_lead(campaign)
    promised(lead, session.user, session.user)
    call = placing.dial_promised(session_id=session.pk, lead_id=lead.pk)
    assert call.lead_id == lead.pk
    assert get_session(session.pk).state == AgentState.RESERVED
    other = make_session(campaign)
    with pytest.raises(NotNow, match="in another call"):
        placing.dial_promised(session_id=other.pk, lead_id=lead.pk)


def test_an_absent_agent_s_is_anyones_after_a_while(campaign: Campaign, session: AgentSession) -> None:
    absent = make_user(campaign.tenant)
    elsewhere = make_session(make_campaign(campaign.tenant)).user
    late, theirs, recent, present = (make_lead(campaign) for _ in range(4))
    for lead, user in ((late, absent), (theirs, elsewhere), (recent, absent), (present, session.user)):
        promised(lead, user, user)
    overdue = Lead.objects.across_tenants().filter(pk__in=[late.pk, theirs.pk, present.pk])
    overdue.update(next_attempt_at=now() - timedelta(minutes=31))
    make_due(recent)
    assert promises.hand_over(at=now()) == 2
    assert promises.hand_over(at=now()) == 0
    assert [get_lead(lead.pk).promised_to_id for lead in (late, theirs, recent, present)] == [
        None,
        None,
        absent.pk,
        session.user_id,
    ]
    assert Callback.objects.for_tenant(campaign.tenant).filter(user=None).count() == 2
    chosen = leads.reserve(campaign_id=campaign.pk, count=5, at=now())
    assert {lead.pk for lead in chosen} == {late.pk, theirs.pk}
