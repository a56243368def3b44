"""Writes to calls. One event, one transaction: the lifecycle decides, the rows follow, then the switch is told.

Locks are taken in one order everywhere: the call first, then its agent's session.
"""

from __future__ import annotations

from collections import deque
from dataclasses import asdict, dataclass, replace
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from django.db import transaction
from django.utils.translation import gettext as _

from dialer.agents import services as agents
from dialer.agents.models import AgentSession
from dialer.agents.rules import Event as AgentEvent
from dialer.agents.rules import Kind as AgentKind
from dialer.campaigns.models import CampaignStatus, Disposition
from dialer.compliance import ledger
from dialer.compliance.abandonment import Counts
from dialer.compliance.rules import Deny
from dialer.compliance.services import add_to_dnc, still_allowed
from dialer.core import prepared
from dialer.core.clock import now
from dialer.core.models import untied
from dialer.leads import callbacks
from dialer.leads import services as leads
from dialer.live import publish
from dialer.people.models import User
from dialer.telephony import outbox
from dialer.telephony.models import CommandKind

from . import facts, queueing
from .models import CallEvent, CallTask, Recording
from .rules import STORED_ACTS, Act, CallState, Effect, Event, Kind, advance, wait_limit_ms

_TIME_OF_STATE = {
    CallState.DIALING: "placed_at",
    CallState.RINGING: "ringing_at",
    CallState.ANSWERED: "answered_at",
    CallState.DETECTING: "answered_at",
    CallState.HUMAN: "ready_at",
    CallState.MACHINE: "ready_at",
    CallState.CONNECTED: "connected_at",
    CallState.ENDED: "ended_at",
}


_MOVING = (
    *("state", "session", "answered", "verdict", "ending", "outcome", "cause", "hung_up_by", "last_seq", "user"),
    *("campaign", "queue_since"),
    *sorted(set(_TIME_OF_STATE.values())),
)
"""The columns that events move; the others stand from the decision to dial on."""


FOUND_AGAIN = frozenset({Kind.RINGING, Kind.HANG_UP_ASKED})
"""Events whose commit waits for no disk: should the database crash in the same instant, the next look at the switch
shows what they told, as it does when a switchboard dies before it could note them. No outcome hangs on them. (On
BRIDGED one does: a customer who hung up before the next look would count as abandoned.)"""


@dataclass(frozen=True, slots=True)
class Applied:
    """What an event made of a call: the row as stored, and what the switchboard must now do on the switch."""

    call: CallTask
    effects: tuple[Effect, ...]
    ended_now: bool = False
    """This event is the one that ended it."""


def apply_event(*, call_id: UUID, event: Event, at: datetime) -> Applied | None:
    """Let one event happen to a call; None when there is no such call.

    Agents are claimed and released, leads finished, in the same transaction; what concerns the switch is returned.
    """
    with prepared.together(), transaction.atomic():
        call = _locked_alone(call_id)
        if call is None:
            return None
        was = call.state
        if event.kind in FOUND_AGAIN:
            prepared.commit_lazily()
        if event.since is not None and call.answered_at is None and not call.inbound:
            _run(call, Event(Kind.ANSWERED), event.since)  # nobody told us, and the hang-up does
        effects = _run(call, _judged(call, event, at), at)
    return Applied(call, effects, ended_now=call.state == CallState.ENDED and was != CallState.ENDED)


def _judged(call: CallTask, event: Event, at: datetime) -> Event:
    """The event of a hang-up, with what its time tells: whether they had waited for longer than allowed.

    A busy switchboard may hear of the hang-up before it notices that the limit is over. When it has noticed, they heard
    the message, and who hung up is as the switch tells it.
    """
    since = call.ready_at if call.screened else call.answered_at
    if since is None and event.verdict != "DETECTING":
        since = event.since
    if event.kind is not Kind.HUNG_UP or call.connected_at is not None or call.ending or since is None:
        return event
    limit = timedelta(milliseconds=wait_limit_ms(call.connect_limit_ms, call.screened))
    return replace(event, overdue=at - since > limit)


def apply_to_locked(*, call: CallTask, event: Event, at: datetime) -> tuple[Effect, ...]:
    """The same as a part of a transaction that the caller has begun and that has locked the call."""
    return _run(call, event, at)


def note_event(*, call: CallTask, kind: str, data: dict[str, Any], at: datetime) -> None:
    """Append an event that does not move a call's state; the call must be locked."""
    call.last_seq += 1
    call.save(update_fields=["last_seq"])
    CallEvent.objects.create(
        tenant_id=call.tenant_id, call=call, seq=call.last_seq, kind=kind, state=call.state, data=data, at=at
    )


def lock(call_id: UUID, *related: str) -> CallTask | None:
    """The call, locked until the end of the caller's transaction; None when there is none."""
    return _locked(call_id, *related)


def fetch(*, call_id: UUID) -> CallTask | None:
    """One call, or None."""
    call = CallTask.objects.across_tenants().filter(pk=call_id).first()
    assert call is None or isinstance(call, CallTask)
    return call


def _run(call: CallTask, first: Event, at: datetime) -> tuple[Effect, ...]:
    """Advance the locked row by an event and by those that its stored effects cause; write it once."""
    pending = deque([first])
    for_switch: list[Effect] = []
    stored: list[CallEvent] = []
    was, began, booked = call.state, call.as_call(), call.booked()
    # The switch's clock and ours tell of one call: its times must not run backwards. The event keeps its own.
    moment = max(at, *call.times())
    while pending:
        event = pending.popleft()
        before = call.as_call()
        after, effects = advance(before, event)
        if after == before and not effects:
            continue
        call.take_over(after)
        if after.state is not before.state:
            setattr(call, _TIME_OF_STATE[after.state], moment)
        if after.answered and call.answered_at is None:
            call.answered_at = moment
        if after.state in (CallState.CONNECTED, CallState.ENDED) and after.state is not before.state:
            call.queue_since = None
        call.last_seq += 1
        stored.append(_event_row(call, event, at))
        for effect in effects:
            if effect.act in STORED_ACTS:
                pending.extend(_carry_out(call, effect, moment))
            elif effect.act is not Act.RECORD or call.record:
                for_switch.append(effect)
    if any(effect.act is Act.RECORD for effect in for_switch):
        _note_recording(call, moment)
    if stored:
        for row in stored:
            prepared.insert(row)
        prepared.update(call, _MOVING)
        facts.note_call(began, call, moment)
        if call.own_agent and call.state != was and call.user_id is not None:
            # Whoever dials for themselves watches it ring; all other moves of a desk come from its agent's state.
            publish.changed(agents.DESK, call.user_id, at)
    # Last: the day's row is shared by all events of the campaign that count.
    _book(call, call.booked() - booked)
    if call.session_id is not None:  # somebody was there at once
        for_switch = [effect for effect in for_switch if effect.act is not Act.START_WAIT]
    return tuple(for_switch)


def _book(call: CallTask, change: Counts) -> None:
    ledger.book(tenant_id=call.tenant_id, campaign_id=call.campaign_id, day=call.day, change=change)


def _event_row(call: CallTask, event: Event, at: datetime) -> CallEvent:
    data = {name: value for name, value in asdict(event).items() if value and name != "kind"}
    if event.since is not None:
        data["since"] = event.since.isoformat()
    if event.reason:
        data["reason"] = event.reason.replace("\0", " ")  # the one character that PostgreSQL cannot keep
    return CallEvent(
        tenant_id=call.tenant_id, call=call, seq=call.last_seq, kind=event.kind, state=call.state, data=data, at=at
    )


def _carry_out(call: CallTask, effect: Effect, at: datetime) -> list[Event]:
    """Do one stored effect; return the events that it causes."""
    match effect.act:
        case Act.CLAIM_AGENT:
            return [_claim(call, at)]
        case Act.RELEASE_AGENT:
            _tell_agent(effect.session, AgentKind.RELEASED, call, at)
        case Act.AGENT_CONNECTED:
            session = _tell_agent(effect.session, AgentKind.CONNECTED, call, at, guest=False)
            call.user_id, call.queue_since = session.user_id if session else None, None
        case Act.WRAP_UP:
            _tell_agent(effect.session, AgentKind.CALL_ENDED, call, at)
        case Act.FREE_AGENT:
            _tell_agent(effect.session, AgentKind.FREED, call, at)
        case Act.FINISH_LEAD if call.lead_id is not None:
            placed = call.placed_at is not None
            leads.finish_attempt(
                lead_id=call.lead_id,
                outcome=call.outcome,
                placed=placed,
                at=at,
                call_id=call.pk,
                number=call.phone,
            )
            if call.disposition is not None and call.outcome == "connected":  # by an agent who left before the end
                leads.dispose(lead_id=call.lead_id, disposition=call.disposition, at=at, call_id=call.pk)
        case _:
            pass
    return []


def _claim(call: CallTask, at: datetime) -> Event:
    if call.inbound:
        session_id = queueing.claim(call=call, at=at)
    else:
        session_id = agents.claim(campaign_id=call.campaign_id, call_id=call.pk, at=at)
    if session_id is None:
        return Event(Kind.NO_AGENT)
    return Event(Kind.CLAIMED, session=session_id)


def _tell_agent(
    session_id: int | None, kind: AgentKind, call: CallTask, at: datetime, guest: bool | None = None
) -> AgentSession | None:
    if session_id is None:
        return None
    return agents.apply_within(session_id=session_id, event=AgentEvent(kind, call=call.pk), at=at, guest=guest)


def begin_placing(*, call_id: UUID) -> CallTask | None:
    """Commit that the switch is about to be asked for a queued call, and return it; None when it must not be.

    The last look before the phone rings: what the gate no longer allows (the number went on the do-not-call list,
    the calling hours ended), a campaign that was stopped, a call that is too old are cancelled here.
    """
    moment = now()
    with transaction.atomic():
        call = _locked(call_id, "campaign__tenant", "verdict_row", state=CallState.QUEUED)
        if call is None:
            return None
        if reason := _why_not(call, moment):
            _run(call, Event(Kind.EXPIRED, reason=reason), moment)
            return None
        _run(call, Event(Kind.PLACED), moment)
    return call


def _why_not(call: CallTask, at: datetime) -> str:
    """Why a queued call must not be placed any more; empty when it may."""
    if call.campaign.status != CampaignStatus.ACTIVE and not call.own_agent:
        return "stopped"
    if call.campaign.halted_at is not None:
        return "emergency stop"
    if call.deadline < at:
        return "too old"
    assert call.verdict_row is not None, "the database refuses a call that is dialed without a verdict"
    answer = still_allowed(campaign=call.campaign, verdict=call.verdict_row, at=at, by_hand=call.own_agent)
    return answer.rule if isinstance(answer, Deny) else ""


def _locked(call_id: UUID, *related: str, **conditions: Any) -> CallTask | None:
    """The call, locked, if the conditions hold. NO KEY: rows that only refer to it may be written meanwhile."""
    call = (
        CallTask.objects.across_tenants()
        .select_for_update(of=("self",), no_key=True)
        .select_related(*related)
        .filter(pk=call_id, **conditions)
        .first()
    )
    assert call is None or isinstance(call, CallTask)
    if call is not None:
        untied(call, "verdict_row")
    return call


def _locked_alone(call_id: UUID) -> CallTask | None:
    """The same without conditions or relations: the path of every event, so its SQL is not composed anew each time."""
    return prepared.lock(CallTask, call_id)


def claim_for_waiting(*, call_id: UUID, at: datetime) -> Applied | None:
    """Try again to get an agent for a person who is waiting for one."""
    with transaction.atomic():
        call = _locked(call_id, state=CallState.HUMAN, session=None, ending="")
        if call is None:
            return None
        event = _claim(call, at)
        effects = _run(call, event, at) if event.kind is Kind.CLAIMED else ()
    return Applied(call, effects)


def recording_path(call: CallTask) -> str:
    """Where a call's recording lies, below the recordings folder: known before the call is connected."""
    return f"{call.tenant_id}/{call.queued_at:%Y/%m/%d}/{call.pk}.wav"


def _note_recording(call: CallTask, at: datetime) -> None:
    """The recording's row is there before the switch is asked to record, and when the agent's screen shows the call."""
    row = Recording(tenant_id=call.tenant_id, call_id=call.pk, path=recording_path(call), started_at=at)
    Recording.objects.bulk_create([row], ignore_conflicts=True)


def ask_hang_up(*, call: CallTask, by: str) -> None:
    """Ask the switchboard to end a call; `by` is agent, supervisor or system. Asking twice does it once."""
    with transaction.atomic():
        prepared.commit_lazily()  # it is carried out within milliseconds, or asked for again
        outbox.send(tenant_id=call.tenant_id, kind=CommandKind.HANG_UP, target=call.pk, args={"by": by})


def dispose(
    *,
    session_id: int,
    code: str,
    note: str = "",
    by: User | None = None,
    call_id: UUID | None = None,
    promise: callbacks.Promise | None = None,
    without: str = "time",
) -> CallTask:
    """Write the agent's disposition of the call in wrap-up, and free the agent.

    `call_id`: the call that is meant, when whoever asks knows it; `promise`: when to call the customer back (its time
    has been held against the gate by who asks); `without`: who ends it where no agent does (`by` is None): time, or
    supervisor. Raises agents.NotNow when there is no call in wrap-up or it is another
    one, when the campaign has no such disposition, or when that one wants a note or a callback that is not given.
    """
    moment = now()
    with transaction.atomic():
        in_hand = AgentSession.objects.across_tenants().values_list("call_id", flat=True).get(pk=session_id)
        call = _locked(in_hand, "campaign") if in_hand is not None else None
        if call is None:
            raise agents.NotNow(_("There is no call to dispose of."))
        if call_id not in (None, call.pk):
            raise agents.NotNow(_("That call has its disposition already."))
        disposition = (
            Disposition.objects.for_tenant(call.tenant_id)
            .filter(disposition_set_id=call.campaign.disposition_set_id, code=code)
            .first()
        )
        if disposition is None:
            raise agents.NotNow(
                _("This campaign has no disposition “%(code)s”. Choose one of those shown.") % {"code": code[:16]}
            )
        # The agent may have moved on before the lock: what is disposed of is the call that is written to.
        disposed = AgentEvent(AgentKind.DISPOSED, call=call.pk)
        agents.apply_within(session_id=session_id, event=disposed, at=moment)
        if by is not None:  # when the time runs out nobody can be asked
            _check_needs(disposition, note, promise)
        if call.session_id not in (None, session_id):
            _note_earlier_disposition(call, disposition, note, by, without, moment)
            return call
        wanted = promise if by is not None and disposition.needs_callback else None
        _write_disposition(call, disposition, note, by, without, moment, wanted)
        if wanted is not None and by is not None:
            _promise(call, wanted, by, moment)
    return call


def _note_earlier_disposition(
    call: CallTask, disposition: Disposition, note: str, by: User | None, without: str, at: datetime
) -> None:
    """What an agent says who transferred the call: kept as an event, since the call is its last agent's to dispose."""
    data = {"code": disposition.code, "by": "agent" if by else without, "note": note.replace("\0", "")}
    note_event(call=call, kind="disposed", data=data, at=at)
    if disposition.is_dnc and call.phone:
        add_to_dnc(tenant_id=call.tenant_id, number=call.phone, source="disposition", by=by)


def _check_needs(disposition: Disposition, note: str, promise: callbacks.Promise | None) -> None:
    if disposition.needs_note and not note.strip():
        raise agents.NotNow(
            _("“%(disposition)s” needs a note. Say in a few words what happened.") % {"disposition": disposition.label}
        )
    if disposition.needs_callback and promise is None:
        raise agents.NotNow(
            _("“%(disposition)s” needs a time to call back. Choose one.") % {"disposition": disposition.label}
        )


def _promise(call: CallTask, promise: callbacks.Promise, by: User, at: datetime) -> None:
    if not call.phone:
        raise agents.NotNow(_("Their number is withheld, so no callback can be set. Choose another disposition."))
    if call.lead_id is None:  # dialed by number: whoever it is comes on a list now
        call.lead = callbacks.lead_for(campaign=call.campaign, phone=call.phone, at=at)
        call.save(update_fields=["lead"])
    assert call.lead_id is not None
    try:
        callbacks.make(lead_id=call.lead_id, promise=promise, by=by, at=at, call_id=call.pk)
    except callbacks.LeadBusy as busy:
        raise agents.NotNow(
            _("This customer is in another call at this moment, so no callback can be set. Choose another disposition.")
        ) from busy


def _write_disposition(
    call: CallTask,
    disposition: Disposition,
    note: str,
    by: User | None,
    without: str,
    at: datetime,
    promise: callbacks.Promise | None,
) -> None:
    booked = call.booked()
    call.disposition, call.disposed_at, call.note = disposition, at, note.replace("\0", "")
    call.found_machine = disposition.is_machine
    call.last_seq += 1
    call.save(update_fields=["disposition", "disposed_at", "note", "found_machine", "last_seq"])
    data: dict[str, Any] = {"code": disposition.code, "by": "agent" if by else without}
    if promise is not None:
        data["callback"] = promise.at.isoformat()
    CallEvent.objects.create(
        tenant_id=call.tenant_id, call=call, seq=call.last_seq, kind="disposed", state=call.state, data=data, at=at
    )
    # Whoever calls us and is not done with stays due as they were: it was no attempt of ours.
    counts = call.outcome == "connected" and (disposition.is_final or not call.inbound)
    if call.lead_id is not None and (counts or disposition.is_dnc):
        leads.dispose(lead_id=call.lead_id, disposition=disposition, at=at, call_id=call.pk)
    if disposition.is_dnc and call.phone:  # after the lead: a tick that holds it may be waiting for the number
        add_to_dnc(tenant_id=call.tenant_id, number=call.phone, source="disposition", by=by)
    _book(call, call.booked() - booked)


def default_disposition(*, session_id: int) -> str:
    """The code that wrap-up's time-out uses: the default of the call's campaign, else its last disposition."""
    session = AgentSession.objects.across_tenants().select_related("campaign", "call__campaign").get(pk=session_id)
    campaign = session.call.campaign if session.call is not None else session.campaign
    choices = Disposition.objects.for_tenant(session.tenant_id).filter(disposition_set_id=campaign.disposition_set_id)
    chosen = choices.filter(is_default=True).first() or choices.order_by("-key").first()
    return chosen.code if chosen else ""
