"""Writes to conversations: each step one transaction.

Locks are taken in the order of `calls.services`: the call first, then agents' sessions. The switchboard takes the
steps (`step`), does on the switch what they ask for, and says how that went (`arranged`, `undo`).
"""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from typing import Any
from uuid import UUID

from django.db import transaction
from django.db.models import F

from dialer.agents import services as agents
from dialer.agents.models import AgentSession
from dialer.agents.rules import Event as AgentEvent
from dialer.agents.rules import Kind as AgentKind
from dialer.agents.services import NotNow
from dialer.calls import queueing
from dialer.calls import services as calls
from dialer.calls.models import CallTask
from dialer.calls.rules import CallState
from dialer.calls.rules import Event as CallEvent
from dialer.calls.rules import Kind as CallKind
from dialer.core.clock import now
from dialer.core.words import _, said
from dialer.telephony.models import SwitchCommand

from . import layout, parties, rules, terms
from .asking import CHANGED, may_pause
from .models import Conversation, Party
from .stepped import Stepped, announce, for_owner, stepped
from .terms import Act, Event, Kind, Mode, PartyState, Refusal


def step(
    *,
    call_id: UUID,
    event: Event,
    at: datetime,
    command: SwitchCommand | None = None,
    party_id: UUID | None = None,
    cause: int | None = None,
) -> Stepped | None:
    """Take one step; None when there is nothing to it (no such call, a party that is not this call's any more).

    A command that was carried out already comes back with what the switch may still owe. One that cannot be comes
    back with `refused`.
    """
    try:
        with transaction.atomic():
            call = calls.lock(call_id, "campaign__tenant", "session")
            if call is None:
                return None
            row = _row(call, make=event.kind in terms.ASKS)
            if row is None or (party_id is not None and row.party_id != party_id):
                return None
            was = row.as_conversation()
            if event.kind is Kind.CALL_OVER:
                event = replace(event, left=call.hung_up_by == "customer")
            if command is not None and row.last_command == command.pk:
                return stepped(call, row, was, layout.owed(was))
            if reason := _why_not(call, row, event, command):
                return Stepped(call, row, was, was, (), refused=reason)
            return _take(call, row, was, event, at, command, cause)
    except NotNow as refused:
        call = calls.fetch(call_id=call_id)
        row = _row(call, make=True) if call is not None else None
        if call is None or row is None:
            return None
        was = row.as_conversation()
        return Stepped(call, row, was, was, (), refused=refused.args[0])


def recall(*, call_id: UUID, at: datetime) -> Stepped | None:
    """Give a call that was parked for too long to whoever has been ready longest; None when nobody is, or it is not."""
    with transaction.atomic():
        call = calls.lock(call_id, "campaign__tenant", "session")
        row = _row(call, make=False) if call is not None else None
        if call is None or row is None or row.mode != Mode.PARKED or call.state != CallState.CONNECTED:
            return None
        taker = agents.claim(campaign_id=call.campaign_id, call_id=call.pk, at=at)
        if taker is None:
            return None
        return _take(call, row, row.as_conversation(), Event(Kind.UNPARK), at, None, None, taker=taker)


def serve(*, call_id: UUID, at: datetime) -> Stepped | None:
    """Give a call that was transferred to a queue to an agent of it, if it is its turn; None when it is not."""
    with transaction.atomic():
        call = calls.lock(call_id, "campaign__tenant", "session")
        row = _row(call, make=False) if call is not None else None
        if call is None or row is None or row.mode != Mode.PARKED or call.queue_since is None:
            return None
        taker = queueing.claim(call=call, at=at)
        if taker is None:
            return None
        return _take(call, row, row.as_conversation(), Event(Kind.UNPARK), at, None, None, taker=taker)


def _row(call: CallTask, *, make: bool) -> Conversation | None:
    rows = Conversation.objects.across_tenants().select_related("party__session")
    row = rows.filter(pk=call.pk).first()
    if row is None and make and call.state == CallState.CONNECTED:
        row = Conversation.objects.create(tenant_id=call.tenant_id, call=call, may_pause=may_pause(call))
    if row is not None:
        assert isinstance(row, Conversation)
        row.call = call
    return row


def _why_not(call: CallTask, row: Conversation, event: Event, command: SwitchCommand | None) -> str:
    if event.kind is Kind.CALL_OVER:
        return ""
    if row.mode != Mode.ASIDE and (call.state != CallState.CONNECTED or call.ending):
        return _("The call is over.")
    if command is None:
        return ""
    if event.kind in terms.ASKS - {Kind.UNPARK} and call.session_id != command.args.get("session"):
        return _("The call is not yours any more.")
    seen = command.args.get("seen")
    return CHANGED if seen is not None and seen != row.version else ""


def _take(
    call: CallTask,
    row: Conversation,
    was: terms.Conversation,
    event: Event,
    at: datetime,
    command: SwitchCommand | None,
    cause: int | None,
    taker: int | None = None,
) -> Stepped:
    answer = rules.advance(was, event)
    if isinstance(answer, Refusal):
        raise NotNow(answer.reason)
    after, acts = answer
    left = row.party
    if was.party is None and after.party is not None:
        assert command is not None
        if reason := parties.bring_in(call, row, command, at):
            return Stepped(call, row, was, was, (), refused=reason)
        left = None
    if event.kind is Kind.DROP and command is not None:
        row.message = str(command.args["path"])
    if event.kind is Kind.UNPARK and command is not None:
        taker = int(command.args["session"])
        reserved = AgentEvent(AgentKind.RESERVED, call=call.pk, own=True)
        agents.apply_within(session_id=taker, event=reserved, at=at)
    if event.kind is Kind.PARK:
        queueing.wait_in(call=call, queue_id=command.args.get("queue") if command is not None else None, at=at)
    _carry_out(call, row, after, event, acts, at, taker)
    if left is not None and after.party is None:
        _let_go(left, cause, at)
        row.party = None
    else:
        left = None
    _write(row, was, after, at, command)
    _tell_owner(call, was, after, at)
    if event.kind is Kind.PARTY_GONE and left is not None and left.answered_at is None:
        notice = said(
            "%(name)s was not reached: %(cause)s. The customer is still with you.",
            name=left.label,
            cause=parties.cause_words(cause),
        )
        row.notice = for_owner(call, notice)
        row.save(update_fields=["notice"])
    if after != was or event.kind in (Kind.DTMF,):
        calls.note_event(call=call, kind=event.kind.value, data=_evidence(row, event, command), at=at)
    done = tuple(act for act in acts if act not in terms.STORED_ACTS)
    return replace(stepped(call, row, was, done), dropped=left)


def _carry_out(
    call: CallTask,
    row: Conversation,
    after: terms.Conversation,
    event: Event,
    acts: tuple[Act, ...],
    at: datetime,
    taker: int | None,
) -> None:
    """Do what belongs into the same transaction: agents are freed, and the call changes hands."""
    if Act.FREE_COLLEAGUE in acts:
        _free(row.party, call, at)
    if Act.HAND_OVER not in acts:
        return
    if event.kind is Kind.UNPARK:
        _hand(call, taker, at)
    elif after.mode is Mode.DROPPED:
        calls.apply_to_locked(call=call, event=CallEvent(CallKind.DROPPED), at=at)
    elif after.mode is Mode.TALK and row.party is not None:
        row.party.took_over = True
        _hand(call, row.party.session_id, at)
    else:
        row.parked_by_id = call.session_id if after.mode is Mode.PARKED else None
        _hand(call, None, at)


def _hand(call: CallTask, session_id: int | None, at: datetime) -> None:
    calls.apply_to_locked(call=call, event=CallEvent(CallKind.HANDED, session=session_id), at=at)


def _free(party: Party | None, call: CallTask, at: datetime) -> None:
    if party is not None and party.session_id is not None:
        agents.apply_within(session_id=party.session_id, event=AgentEvent(AgentKind.FREED, call=call.pk), at=at)


def _let_go(party: Party, cause: int | None, at: datetime) -> None:
    party.state, party.ended_at, party.cause = PartyState.GONE, at, cause
    party.save(update_fields=["state", "ended_at", "cause", "took_over"])


def _write(
    row: Conversation, was: terms.Conversation, after: terms.Conversation, at: datetime, command: SwitchCommand | None
) -> None:
    """Write what the lifecycle decided, with the time that the customer heard music and the recording was paused."""
    row.mode = after.mode
    if layout.held(after) and row.held_since is None:
        row.held_since = at
    elif not layout.held(after) and row.held_since is not None:
        row.held_ms += max(0, int((at - row.held_since).total_seconds() * 1000))
        row.held_since = None
    if after.paused and not row.paused:
        row.paused_since = at
    elif not after.paused and row.paused and row.paused_since is not None:
        row.paused_ms += max(0, int((at - row.paused_since).total_seconds() * 1000))
        row.paused_since = None
    row.paused = after.paused
    party = row.party
    if party is not None and after.party is not None and party.state != after.party:
        party.state = after.party
        if after.party is PartyState.TALKING:
            party.answered_at = at
        party.save(update_fields=["state", "answered_at"])
    if after != was:
        row.version += 1
        row.notice = ""
    if command is not None:
        row.last_command = command.pk
    row.save()


def _tell_owner(call: CallTask, was: terms.Conversation, after: terms.Conversation, at: datetime) -> None:
    """Let the agent's own lifecycle know whether a third party talks with them: the call's end waits for that one's."""
    if call.session_id is None or layout.together(was) == layout.together(after):
        return
    kinds = [AgentKind.JOINED_BY] if layout.together(after) else [AgentKind.ALONE]
    if call.state == CallState.ENDED:
        kinds.append(AgentKind.CALL_ENDED)
    for kind in kinds:
        agents.apply_within(session_id=call.session_id, event=AgentEvent(kind, call=call.pk), at=at)


def _evidence(row: Conversation, event: Event, command: SwitchCommand | None) -> dict[str, Any]:
    """What the event's row keeps: who asked and why; no numbers, which the party's row has."""
    data: dict[str, Any] = {}
    if command is not None:
        data["session"] = command.args.get("session")
        data["command"] = str(command.pk)
    if event.reason:
        data["reason"] = event.reason.replace("\0", " ")[:200]
    if row.party is not None:
        data["party"] = str(row.party_id)
    return data


def arranged(*, call_id: UUID, at: datetime) -> Stepped | None:
    """The switch is as the conversation says: a colleague who was asked in is in it, and who lets go is let go."""
    taken = step(call_id=call_id, event=Event(Kind.ARRANGED), at=at)
    if taken is None or taken.refused:
        return taken
    party = taken.conversation.party
    if party is not None and party.session_id is not None and party.state == PartyState.TALKING:
        with transaction.atomic():
            connected = AgentEvent(AgentKind.CONNECTED, call=call_id)
            agents.apply_within(session_id=party.session_id, event=connected, at=at)
    return taken


def undo(*, call_id: UUID, before: terms.Conversation, kind: Kind, reason: str, at: datetime) -> Stepped | None:
    """The switch did not carry a step out: put the conversation back, and say why on the card."""
    with transaction.atomic():
        call = calls.lock(call_id, "campaign__tenant", "session")
        row = _row(call, make=False) if call is not None else None
        if call is None or row is None:
            return None
        was = row.as_conversation()
        after, acts = rules.undo(before, was, kind)
        if kind is Kind.UNPARK:
            _hand(call, None, at)
        left = row.party if after.party is None else None
        if Act.FREE_COLLEAGUE in acts:
            _free(left, call, at)
        if left is not None:
            _let_go(left, None, at)
            row.party = None
        _write(row, was, after, at, None)
        _tell_owner(call, was, after, at)
        row.notice = for_owner(call, reason)
        row.save(update_fields=["notice"])
        calls.note_event(call=call, kind="undone", data={"reason": reason[:200], "what": kind.value}, at=at)
        done = tuple(act for act in acts if act not in terms.STORED_ACTS)
        return replace(stepped(call, row, was, done), dropped=left)


def standing(*, call_id: UUID) -> Stepped | None:
    """A conversation as it stands, with where everybody belongs; None when its call is not up."""
    call = CallTask.objects.across_tenants().select_related("campaign", "session").filter(pk=call_id).first()
    row = _row(call, make=False) if call is not None else None
    if row is None or (row.call.state != CallState.CONNECTED and row.mode != Mode.ASIDE):
        return None
    return stepped(row.call, row, row.as_conversation(), ())


def say(*, taken: Stepped, notice: str, at: datetime) -> None:
    """Show the agent why something was not done. It counts as a change, or the same could not be asked for again."""
    with transaction.atomic():
        rows = Conversation.objects.across_tenants().filter(pk=taken.call.pk)
        rows.update(notice=for_owner(taken.call, notice), version=F("version") + 1)
        announce(taken, at)


def too_late(*, call_id: UUID) -> None:
    """Tell the agent that what they asked for was not done, because the switch was away; they may ask again."""
    with transaction.atomic():
        call = calls.lock(call_id, "campaign__tenant", "session")
        row = _row(call, make=True) if call is not None else None
        if call is None or row is None:
            return
        row.notice = for_owner(call, _("That was not done: the switch could not be reached in time. Try again."))
        row.version += 1
        row.save(update_fields=["notice", "version"])
        was = row.as_conversation()
        announce(Stepped(call, row, was, was, ()), now())


def aside_of(*, session: AgentSession) -> Conversation | None:
    """The conversation that a session has with a third party although the customer is gone, if it has one."""
    rows = Conversation.objects.for_tenant(session.tenant_id).filter(pk=session.call_id, mode=Mode.ASIDE)
    found = rows.first()
    assert found is None or isinstance(found, Conversation)
    return found


def guest_of(*, session: AgentSession) -> Conversation | None:
    """The conversation that a session was asked into by a colleague, if it is in one."""
    rows = Conversation.objects.for_tenant(session.tenant_id).filter(party__session=session, pk=session.call_id)
    found = rows.first()
    assert found is None or isinstance(found, Conversation)
    return found
