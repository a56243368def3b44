"""Deciding to dial: pacing's tick, and an agent's own dialing. Lead, verdict and call are committed together."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from uuid import UUID

from django.conf import settings
from django.db import IntegrityError, connection, transaction
from django.utils.translation import gettext as _

from dialer.agents import services as agents
from dialer.agents.models import AgentSession, LegState
from dialer.agents.rules import CALLBACK_DUE, AgentState, Refusal, advance
from dialer.agents.rules import Event as AgentEvent
from dialer.agents.rules import Kind as AgentKind
from dialer.campaigns.models import MIN_RING_S, Campaign, CampaignStatus, DialMethod, PreviewEnd
from dialer.compliance.ledger import today_of
from dialer.compliance.rules import Allow, Deny
from dialer.compliance.services import Asked, Judged, asked_for, judge
from dialer.core import notify, prepared
from dialer.core.clock import now
from dialer.core.ids import new_id
from dialer.core.language import translated
from dialer.core.models import untied
from dialer.core.numbers import NotANumber, parse_number, zones_of_number
from dialer.leads import choosing
from dialer.leads import services as leads
from dialer.leads.models import Lead, LeadNumber, LeadState
from dialer.live import publish
from dialer.pacing import Decision, Memory, decide
from dialer.telephony import outbox
from dialer.telephony.models import CommandKind

from . import caller_ids, decisions, ledger, memory, queueing, trunks
from .decisions import Told
from .lookout import look_on, refuse
from .models import CallTask, PacingState
from .rules import CallState
from .snapshots import on_trunk, snapshot_of
from .strain import under_pressure

QUEUE_PATIENCE = timedelta(seconds=5)
"""How long a decision to dial stays good: a switch that was away longer must not ring people for agents long gone."""

GIVE_UP = "pacing"
"""Who asks for a hang-up that must not hit somebody who has answered meanwhile."""


@dataclass(frozen=True, slots=True)
class Paced:
    """What one tick did: the decision, the calls queued, how many leads the gate refused and how many calls it gave up.

    No decision: pacing does not dial for the campaign now.
    """

    decision: Decision | None
    queued: tuple[UUID, ...] = ()
    refused: int = 0
    cancelled: int = 0


def pace(*, campaign_id: int) -> Paced:
    """Run one tick of a campaign: snapshot, decision, reservation, gate, calls, in one transaction.

    Ticks of one campaign never overlap (advisory lock): a tick that finds another at work waits for it.
    """
    campaign = _campaign(campaign_id)
    if campaign is None:
        return Paced(None)
    if campaign.ahead:
        ledger.check_if_due(campaign, now())
    with transaction.atomic():
        _only_tick_of(campaign_id)
        campaign = _campaign(campaign_id)  # its settings may have changed while another tick was waited for
        if campaign is None:
            return Paced(None)
        told, before = _decide(campaign, now())
        if told.decision.launch:
            told = _launch(told)
        elif not told.decision.cancel:  # nothing was launched: what may be lost is a moment of what pacing learned
            prepared.commit_lazily()
        if told.decision.cancel:
            told = replace(told, cancelled=_give_up(told))
        state = decisions.write(told, before)
    if told.decision.memory is not None:
        memory.held.put(campaign_id, state.revision, told.decision.memory)
    if told.refused and told.refused == told.decision.launch:
        look_on(campaign=campaign, refused=told.refused, at=told.at)
    return Paced(told.decision, told.queued, told.refused, told.cancelled)


def _campaign(campaign_id: int) -> Campaign | None:
    """The campaign, if pacing dials for it now."""
    rows = Campaign.objects.across_tenants().select_related("tenant", "ledger_check")
    campaign = rows.filter(pk=campaign_id, status=CampaignStatus.ACTIVE).first()
    if campaign is None:
        return None
    assert isinstance(campaign, Campaign)
    untied(campaign, "ledger_check")
    return campaign if campaign.paced else None


def _only_tick_of(campaign_id: int) -> None:
    """Wait for a tick of the campaign that is under way: what it was asked for may have come after its snapshot.

    Two seconds at most, for these and for row locks; then django.db.OperationalError, and the next beat tries again.
    """
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL lock_timeout = '2s'")
        cursor.execute("SELECT pg_advisory_xact_lock(hashtext('cordboard.pacing'), %s)", [campaign_id])


def _decide(campaign: Campaign, at: datetime) -> tuple[Told, PacingState | None]:
    """Ask pacing, and cut to the campaign's share what its trunk cannot take; the state as it was before."""
    state = PacingState.objects.across_tenants().defer("memory").filter(campaign=campaign).first()
    snapshot = snapshot_of(campaign, at, _memory(campaign, state))
    decision = decide(snapshot)
    unmet: tuple[float, ...] = ()
    if decision.launch:
        trunks.lock(campaign.trunk or settings.TRUNK)
        use = trunks.use_of(campaign.trunk or settings.TRUNK, at)
        launched_at = state.launched_at if state is not None else None
        share = trunks.share_of(campaign=campaign, worth=decision.worth, launched_at=launched_at, use=use, at=at)
        if share < decision.launch:
            unmet = decision.worth[share:]
            snapshot = on_trunk(snapshot, use.as_trunk(), share)
            decision = decide(snapshot)
        decision = under_pressure(decision)
    return Told(campaign, at, snapshot, decision, unmet), state


def _memory(campaign: Campaign, state: PacingState | None) -> Memory | None:
    if state is None or not campaign.ahead:
        return None
    known = memory.held.get(campaign.pk, state.revision)
    return known if known is not None else memory.from_text(state.memory)


def _launch(told: Told) -> Told:
    """Reserve leads, ask the gate, and queue the calls of a decision."""
    campaign, at = told.campaign, told.at
    chosen = leads.reserve(
        campaign_id=campaign.pk, count=told.decision.launch, at=at, where=choosing.where_of(campaign)
    )
    judged = judge(campaign=campaign, asked=[asked_for(lead) for lead in chosen], at=at)
    refused = [one for one in judged if isinstance(one.answer, Deny)]
    refuse(refused)
    queued = queue_calls(campaign=campaign, judged=[one for one in judged if one not in refused], at=at)
    return replace(told, queued=tuple(queued), refused=len(refused))


def _give_up(told: Told) -> int:
    """Ask the switchboard to let go of the oldest calls that rang for the legal minimum at least; how many."""
    rang_enough = told.at - timedelta(seconds=MIN_RING_S)
    ringing = CallTask.objects.for_tenant(told.campaign.tenant_id).filter(
        campaign=told.campaign, state=CallState.RINGING, ringing_at__lte=rang_enough, ending="", own_agent=False
    )
    oldest = list(ringing.order_by("ringing_at", "id").values_list("pk", flat=True)[: told.decision.cancel])
    outbox.send_many(tenant_id=told.campaign.tenant_id, kind=CommandKind.HANG_UP, targets=oldest, args={"by": GIVE_UP})
    return len(oldest)


def queue_calls(
    *, campaign: Campaign, judged: Sequence[Judged], at: datetime, session: AgentSession | None = None
) -> list[UUID]:
    """Make QUEUED calls of allowed numbers and wake the switchboard; returns the ids of those made.

    A number or lead that is in a live call already gets none (the database refuses a second), and its lead is put back.
    So is whoever is calling us at this moment, and one for which the campaign's pool has no caller id left today.
    """
    allowed = [one for one in judged if isinstance(one.answer, Allow)]
    calling_us = queueing.callers_among(tenant_id=campaign.tenant_id, numbers=[one.asked.number for one in allowed])
    on_line = [one for one in allowed if one.asked.number in calling_us]
    leads.put_back(
        lead_ids=[one.asked.lead_id for one in on_line if one.asked.lead_id], at=at, delay=timedelta(minutes=2)
    )
    allowed = [one for one in allowed if one.asked.number not in calling_us]
    called = [one.asked.number for one in allowed]
    allotted = caller_ids.allot(campaign=campaign, called=called, day=today_of(campaign.tenant, at))
    shown = allotted.shown
    unseen = [one.asked.lead_id for one in allowed if one.asked.number not in shown and one.asked.lead_id is not None]
    leads.put_back(lead_ids=unseen, at=at, delay=caller_ids.LOOK_AGAIN)
    if session is not None and called and not shown:
        raise agents.NotNow(_("Every caller id of the campaign has reached its limit for today. Ask an administrator."))
    calls = [
        _call_of(campaign, one, at, session, shown[one.asked.number]) for one in allowed if one.asked.number in shown
    ]
    # In one order everywhere: two campaigns that have the same numbers would wait for each other otherwise.
    calls.sort(key=lambda call: call.phone)
    CallTask.objects.bulk_create(calls, ignore_conflicts=True)
    wanted = {call.pk: call for call in calls}
    made = set(CallTask.objects.for_tenant(campaign.tenant_id).filter(pk__in=wanted).values_list("pk", flat=True))
    lost = [call.lead_id for pk, call in wanted.items() if pk not in made and call.lead_id is not None]
    leads.put_back(lead_ids=lost, at=at, delay=timedelta(minutes=2))
    caller_ids.book(allotted=allotted, called=[wanted[pk].phone for pk in made])
    if made:
        notify.notify(notify.CALLS)
    return [call.pk for call in calls if call.pk in made]


def _call_of(campaign: Campaign, one: Judged, at: datetime, session: AgentSession | None, shown: str) -> CallTask:
    return CallTask(
        id=new_id(),
        tenant_id=campaign.tenant_id,
        campaign=campaign,
        lead_id=one.asked.lead_id,
        verdict_row_id=one.row.pk,  # not the row, which would know the call in turn (core.models.untied)
        phone=one.asked.number,
        caller_id=shown,
        trunk=campaign.trunk or settings.TRUNK,
        ring_timeout_s=campaign.ring_timeout_s,
        connect_limit_ms=campaign.connect_limit_ms,
        record=campaign.record_calls,
        dial_method=DialMethod(campaign.dial_method),
        day=today_of(campaign.tenant, at),
        screened=campaign.amd and session is None,
        unsure_to_agent=campaign.amd_unsure_to_agent,
        own_agent=session is not None,
        session=session,
        user_id=session.user_id if session else None,
        queued_at=at,
        deadline=at + QUEUE_PATIENCE,
    )


def dial_number(*, session_id: int, text: str) -> CallTask:
    """Dial what an agent typed, through the gate. Raises agents.NotNow with what to do."""
    try:
        number = parse_number(text, _session(session_id).campaign.tenant.region)
    except NotANumber as error:
        raise agents.NotNow(translated(error.args[0])) from error
    return _dial(session_id, lambda session: _asked_for_number(session, number))


def dial_last(*, session_id: int) -> CallTask:
    """Dial once more the number of the agent's last call in this campaign. Raises agents.NotNow with what to do."""
    session = _session(session_id)
    calls = CallTask.objects.for_tenant(session.tenant_id).filter(
        user=session.user_id, campaign=session.campaign_id, state=CallState.ENDED
    )
    number = calls.order_by("-queued_at").values_list("phone", flat=True).first()
    if number is None:
        raise agents.NotNow(_("You have not called anybody in this campaign yet."))
    return _dial(session_id, lambda session: _asked_for_number(session, number))


def _asked_for_number(session: AgentSession, number: str) -> Asked:
    """The question to the gate, with the lead that has the number, if it is nobody else's now."""
    shown = session.preview_lead
    if shown is not None and shown.phone == number:
        return asked_for(shown)
    if shown is not None and LeadNumber.objects.for_tenant(session.tenant_id).filter(lead=shown, phone=number).exists():
        # They may be where this number is, or where their first one is: the strictest decides.
        zones = dict.fromkeys((*zones_of_number(number), *shown.time_zones))
        return Asked(number, tuple(zones), shown.pk)
    live = CallTask.objects.for_tenant(session.tenant_id).filter(phone=number).exclude(state=CallState.ENDED)
    if live.exists():  # before its lead is locked, which the end of that call may be waiting to write
        raise agents.NotNow(_("This number is in a call already."))
    known = (
        Lead.objects.for_tenant(session.tenant_id)
        .filter(campaign=session.campaign, phone=number)
        .exclude(state=LeadState.RESERVED)
        .order_by("id")
        .select_for_update(skip_locked=True, no_key=True)
        .first()
    )
    return asked_for(known) if known else Asked(number, tuple(zones_of_number(number)))


def next_lead(*, session_id: int) -> Lead:
    """Reserve the next lead for an agent and show it (preview), or keep the one shown. Raises agents.NotNow."""
    moment = now()
    with transaction.atomic():
        session = _session(session_id, lock=True)
        if session.preview_lead is not None:
            lead = session.preview_lead
            assert isinstance(lead, Lead)
            return lead
        if session.call_id is not None:
            raise agents.NotNow(_("Finish the call that you are on first."))
        own = leads.reserve_promised(user_id=session.user_id, campaign_id=session.campaign_id, at=moment)
        where = choosing.where_of(session.campaign)
        found = [own] if own else leads.reserve(campaign_id=session.campaign_id, count=1, at=moment, where=where)
        if not found:
            raise agents.NotNow(
                _("No lead is due in this campaign now. Ask for more leads, or wait for those due later.")
            )
        _show(session, found[0], moment)
    return found[0]


def show_callback(*, session_id: int) -> bool:
    """Show an agent who is ready the callback of theirs that is due, and take them out of the queue for it.

    False when there is none, or when the agent is busy by now.
    """
    moment = now()
    with transaction.atomic():
        session = _session(session_id, lock=True)
        if session.state != AgentState.READY or session.preview_lead_id is not None:
            return False
        lead = leads.reserve_promised(user_id=session.user_id, campaign_id=session.campaign_id, at=moment)
        if lead is None:
            return False
        agents.apply_within(
            session_id=session_id, event=AgentEvent(AgentKind.PAUSE_ASKED, code=CALLBACK_DUE), at=moment
        )
        _show(session, lead, moment)
    return True


def dial_promised(*, session_id: int, lead_id: int) -> CallTask:
    """Dial a callback of the agent's now, due or not, through the gate. Raises agents.NotNow with what to do."""
    return _dial(session_id, lambda session: _asked_for_promised(session, lead_id))


def _asked_for_promised(session: AgentSession, lead_id: int) -> Asked:
    if session.preview_lead_id == lead_id:
        return _asked_for_shown(session)
    waiting = Lead.objects.for_tenant(session.tenant_id).filter(pk=lead_id, state=LeadState.WAITING)
    lead = waiting.select_for_update(skip_locked=True, no_key=True).first()
    if lead is None:
        raise agents.NotNow(_("This customer is in another call at this moment. Try again when it is over."))
    if lead.campaign_id != session.campaign_id:
        raise agents.NotNow(
            _("This callback belongs to “%(campaign)s”. Join that campaign to dial it.")
            % {"campaign": lead.campaign.name}
        )
    return asked_for(lead)


def skip_lead(*, session_id: int, if_overdue: bool = False) -> None:
    """Give back the lead that is shown; it is due again in an hour, a promised callback in ten minutes.

    An agent who was taken out of the queue to be shown a callback is ready again. `if_overdue`: only when the lead has
    been shown for as long as the campaign allows.
    """
    moment = now()
    with transaction.atomic():
        session = _session(session_id, lock=True)
        if session.preview_lead_id is None or (if_overdue and not _preview_is_over(session, moment)):
            return
        leads.snooze(lead_id=session.preview_lead_id, at=moment, delay=timedelta(hours=1))
        _show(session, None, moment)
        if session.state == AgentState.PAUSED and session.pause_code == CALLBACK_DUE and session.leg == LegState.UP:
            agents.apply_within(session_id=session_id, event=AgentEvent(AgentKind.READY_ASKED), at=moment)


def end_preview(*, session_id: int) -> None:
    """Dial or skip, as the campaign says, the lead that has been shown for long enough.

    What cannot be dialed is skipped. An agent who was quicker is left alone.
    """
    session = _session(session_id)
    if session.campaign.preview_then == PreviewEnd.DIAL:
        try:
            _dial(session_id, _asked_for_overdue)
        except agents.NotNow:
            pass
        else:
            return
    skip_lead(session_id=session_id, if_overdue=True)


def _asked_for_overdue(session: AgentSession) -> Asked:
    if not _preview_is_over(session, now()):
        raise agents.NotNow(_("No lead is shown. Ask for the next lead first."))
    return _asked_for_shown(session)


def _preview_is_over(session: AgentSession, at: datetime) -> bool:
    """calls.board.overdue_previews asks the same of all sessions."""
    limit = session.campaign.preview_s
    return bool(limit and session.preview_since and session.preview_since + timedelta(seconds=limit) < at)


def dial_shown(*, session_id: int) -> CallTask:
    """Dial the lead that is shown to the agent. Raises agents.NotNow with what to do."""
    return _dial(session_id, _asked_for_shown)


def _asked_for_shown(session: AgentSession) -> Asked:
    if session.preview_lead is None:
        raise agents.NotNow(_("No lead is shown. Ask for the next lead first."))
    return asked_for(session.preview_lead)


def _dial(session_id: int, which: Callable[[AgentSession], Asked]) -> CallTask:
    """Dial for an agent what `which` finds, once the session is locked, through the gate.

    The session may be locked before its call here, against the rule, because an agent who is free has no call that
    anybody could hold while waiting for the session.
    """
    moment = now()
    made: list[UUID] = []
    try:
        with transaction.atomic():
            session = _session(session_id, lock=True)
            _may_dial(session)
            asked = which(session)
            [judged] = judge(campaign=session.campaign, asked=[asked], at=moment, by_hand=True)
            if isinstance(judged.answer, Allow):
                made = _queue_own(session, judged, moment)
            elif (
                session.preview_lead is not None
                and session.preview_lead_id == asked.lead_id
                and session.preview_lead.phone == asked.number  # another number of theirs says nothing of this one
            ):
                refuse([judged])
                _show(session, None, moment)
    except IntegrityError as error:
        if getattr(getattr(error.__cause__, "diag", None), "constraint_name", "") != "call_not_to_dnc":
            raise
        raise agents.NotNow(_("The number has just been put on the do-not-call list. It is never dialed.")) from error
    if isinstance(judged.answer, Deny):
        raise agents.NotNow(translated(judged.answer.reason))
    call = CallTask.objects.for_tenant(session.tenant_id).get(pk=made[0])
    assert isinstance(call, CallTask)
    return call


def _may_dial(session: AgentSession) -> None:
    if session.campaign.halted_at is not None:
        raise agents.NotNow(
            _("An emergency stop is on: nothing is dialed until a supervisor starts the campaign again.")
        )
    if not session.campaign.caller_id:
        raise agents.NotNow(_("The campaign has no caller id. Ask an administrator to set one."))
    free = advance(session.as_agent(), AgentEvent(AgentKind.RESERVED, own=True))
    if isinstance(free, Refusal):
        raise agents.NotNow(translated(free.reason))


def _queue_own(session: AgentSession, judged: Judged, at: datetime) -> list[UUID]:
    """Queue an agent's own call and reserve its agent and lead."""
    made = queue_calls(campaign=session.campaign, judged=[judged], at=at, session=session)
    if not made:
        raise agents.NotNow(_("This number is in a call already."))
    reserved = AgentEvent(AgentKind.RESERVED, call=made[0], own=True)
    agents.apply_within(session_id=session.pk, event=reserved, at=at)
    lead_id = judged.asked.lead_id
    if session.preview_lead_id not in (None, lead_id):
        leads.put_back(lead_ids=[session.preview_lead_id], at=at)  # another number was typed instead
    if lead_id is not None:
        # A lead that is done stays so: dialing it by hand must not bring it back to pacing.
        waiting = Lead.objects.for_tenant(session.tenant_id).filter(pk=lead_id, state=LeadState.WAITING)
        waiting.update(state=LeadState.RESERVED)
    _show(session, None, at)
    return made


def _session(session_id: int, lock: bool = False) -> AgentSession:
    # Not with the lead that is shown: a joined row is of the moment before the lock was waited for.
    rows = AgentSession.objects.across_tenants().select_related("campaign__tenant")
    if lock:
        rows = rows.select_for_update(of=("self",), no_key=True)
    session = rows.filter(pk=session_id, ended_at=None).first()
    if session is None:
        raise agents.NotNow(_("You have left the campaign. Join it again."))
    assert isinstance(session, AgentSession)
    return session


def _show(session: AgentSession, lead: Lead | None, at: datetime) -> None:
    AgentSession.objects.across_tenants().filter(pk=session.pk).update(
        preview_lead=lead, preview_since=at if lead is not None else None
    )
    publish.changed(agents.DESK, session.user_id, at)
