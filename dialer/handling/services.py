"""Writes to conversations: what an agent asks for becomes a command, and each step of a conversation one transaction.

Locks are taken in the order of `calls.services`: the call first, then agents' sessions. The switchboard takes the
steps (`step`), does on the switch what they ask for, and says how that went (`arranged`, `undo`).
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any
from uuid import UUID, uuid5

from django.db import transaction
from django.utils.translation import gettext

from dialer.agents import services as agents
from dialer.agents.models import AgentSession
from dialer.agents.rules import Event as AgentEvent
from dialer.agents.rules import Kind as AgentKind
from dialer.agents.services import NotNow
from dialer.calls import services as calls
from dialer.calls.models import CallTask
from dialer.calls.rules import CallState
from dialer.calls.rules import Event as CallEvent
from dialer.calls.rules import Kind as CallKind
from dialer.core.clock import now
from dialer.core.language import translated
from dialer.core.words import _, said
from dialer.live import publish
from dialer.telephony import outbox
from dialer.telephony.models import CommandKind, SwitchCommand
from dialer.telephony.port import bridge_of, leg_of, party_of, table_of

from . import parties, rules
from .models import Conversation, HandlingSettings, Party
from .rules import Act, Event, Kind, Mode, PartyState, Refusal, Role, Spot

_KEYS = UUID("6f1f2c1e-5f3e-4d0a-9a63-3c7a5b1d8e90")
CHANGED = _("The call changed while you chose. Look at the card, then choose again.")


@dataclass(frozen=True, slots=True)
class Place:
    """Where a channel belongs; no bridge: music on hold."""

    channel_id: str
    bridge_id: str = ""


@dataclass(frozen=True, slots=True)
class Stepped:
    """A step that was taken: the rows as stored, what the switch must now do, and where everybody belongs."""

    call: CallTask
    conversation: Conversation
    before: rules.Conversation
    after: rules.Conversation
    acts: tuple[Act, ...]
    places: tuple[Place, ...] = ()
    dropped: Party | None = None
    """Who is no longer part of it."""
    refused: str = ""


# --- asking ---


def ask(*, session: AgentSession, call_id: UUID, kind: Kind, seen: int, args: dict[str, Any], key: str = "") -> None:
    """Write the command for something that an agent asks for. Raises NotNow when it cannot be as things are.

    `seen` is the version of the conversation that the agent saw, `key` what makes a form's repeat recognisable where
    the version does not (digits). The same thing asked for twice is one command.
    """
    with transaction.atomic():
        command = uuid5(_KEYS, f"{call_id} {session.pk} {kind} {key or seen}")
        if SwitchCommand.objects.for_tenant(session.tenant_id).filter(pk=command).exists():
            return
        stored = Conversation.objects.for_tenant(session.tenant_id).filter(pk=call_id).select_related("call", "party")
        found = stored.first()
        if not key and (found.version if found is not None else 0) != seen:
            raise NotNow(gettext(CHANGED))
        as_it_is = found.as_conversation() if found is not None else _new(session.tenant_id, call_id)
        colleague = "number" not in args
        answer = rules.advance(as_it_is, Event(kind, colleague=colleague, reason=str(args.get("reason", ""))))
        if isinstance(answer, Refusal):
            raise NotNow(translated(answer.reason))
        outbox.send_once(
            key=command,
            tenant_id=session.tenant_id,
            kind=CommandKind.HANDLE,
            target=call_id,
            args={"kind": kind.value, "session": session.pk, "seen": None if key else seen, **args},
        )


def _new(tenant_id: int, call_id: UUID) -> rules.Conversation:
    call = CallTask.objects.for_tenant(tenant_id).filter(pk=call_id, state=CallState.CONNECTED).first()
    if call is None:
        raise NotNow(gettext("The call is over."))
    return rules.Conversation(recorded=call.record, may_pause=may_pause(call))


def may_pause(call: CallTask) -> bool:
    """Whether the campaign lets its agents pause recordings."""
    rows = HandlingSettings.objects.for_tenant(call.tenant_id).filter(pk=call.campaign_id, may_pause_recording=True)
    return bool(rows.exists())


# --- taking steps ---


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
            row = _row(call, make=event.kind in rules.ASKS)
            if row is None or (party_id is not None and row.party_id != party_id):
                return None
            was = row.as_conversation()
            if command is not None and row.last_command == command.pk:
                return _stepped(call, row, was, rules.owed(was))
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
    if call.state != CallState.CONNECTED or call.ending:
        return _("The call is over.")
    if command is None:
        return ""
    if event.kind in rules.ASKS - {Kind.UNPARK} and call.session_id != command.args.get("session"):
        return _("The call is not yours any more.")
    seen = command.args.get("seen")
    return CHANGED if seen is not None and seen != row.version else ""


def _take(
    call: CallTask,
    row: Conversation,
    was: rules.Conversation,
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
    _carry_out(call, row, after, event, acts, at, taker)
    if left is not None and after.party is None:
        _let_go(left, cause, at)
        row.party = None
    else:
        left = None
    _write(row, was, after, at, command)
    if event.kind is Kind.PARTY_GONE and left is not None and left.answered_at is None:
        notice = said(
            "%(name)s was not reached: %(cause)s. The customer is still with you.",
            name=left.label,
            cause=parties.cause_words(cause),
        )
        row.notice = _for_owner(call, notice)
        row.save(update_fields=["notice"])
    if after != was or event.kind in (Kind.DTMF,):
        calls.note_event(call=call, kind=event.kind.value, data=_evidence(row, event, command), at=at)
    done = tuple(act for act in acts if act not in rules.STORED_ACTS)
    return replace(_stepped(call, row, was, done), dropped=left)


def _carry_out(
    call: CallTask,
    row: Conversation,
    after: rules.Conversation,
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
    row: Conversation, was: rules.Conversation, after: rules.Conversation, at: datetime, command: SwitchCommand | None
) -> None:
    """Write what the lifecycle decided, with the time that the customer heard music and the recording was paused."""
    row.mode = after.mode
    if rules.held(after) and row.held_since is None:
        row.held_since = at
    elif not rules.held(after) and row.held_since is not None:
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


def _stepped(call: CallTask, row: Conversation, was: rules.Conversation, acts: tuple[Act, ...]) -> Stepped:
    after = row.as_conversation()
    return Stepped(call, row, was, after, acts, places_of(call, row, after))


def places_of(call: CallTask, row: Conversation, now_is: rules.Conversation) -> tuple[Place, ...]:
    """Where each channel of a conversation belongs on the switch."""
    party = row.party
    channels = {Role.CUSTOMER: str(call.pk)}
    bridges = {Spot.MUSIC: "", Spot.TABLE: table_of(call.pk)}
    if call.session is not None:
        bridges[Spot.DESK] = bridge_of(call.session.public_id)
    if party is not None:
        channels[Role.PARTY] = leg_of(party.session.public_id) if party.session is not None else party_of(party.pk)
        if party.session is not None:
            bridges[Spot.THEIRS] = bridge_of(party.session.public_id)
    wanted = rules.layout(now_is)
    return tuple(
        Place(channels[role], bridges[spot]) for role, spot in wanted.items() if role in channels and spot in bridges
    )


def arranged(*, call_id: UUID, at: datetime) -> Stepped | None:
    """The switch is as the conversation says: a colleague who was asked in is in it, and who lets go is let go."""
    stepped = step(call_id=call_id, event=Event(Kind.ARRANGED), at=at)
    if stepped is None or stepped.refused:
        return stepped
    party = stepped.conversation.party
    if party is not None and party.session_id is not None and party.state == PartyState.TALKING:
        with transaction.atomic():
            connected = AgentEvent(AgentKind.CONNECTED, call=call_id)
            agents.apply_within(session_id=party.session_id, event=connected, at=at)
    return stepped


def undo(*, call_id: UUID, before: rules.Conversation, kind: Kind, reason: str, at: datetime) -> Stepped | None:
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
        row.notice = _for_owner(call, reason)
        row.save(update_fields=["notice"])
        calls.note_event(call=call, kind="undone", data={"reason": reason[:200], "what": kind.value}, at=at)
        done = tuple(act for act in acts if act not in rules.STORED_ACTS)
        return replace(_stepped(call, row, was, done), dropped=left)


def standing(*, call_id: UUID) -> Stepped | None:
    """A conversation as it stands, with where everybody belongs; None when its call is not up."""
    call = CallTask.objects.across_tenants().select_related("campaign", "session").filter(pk=call_id).first()
    row = _row(call, make=False) if call is not None and call.state == CallState.CONNECTED else None
    return _stepped(row.call, row, row.as_conversation(), ()) if row is not None else None


def _for_owner(call: CallTask, notice: str) -> str:
    """A notice in the language of the agent whose card shows it."""
    return (agents.in_words_of(call.session.user_id, notice) if call.session is not None else notice)[:300]


def say(*, stepped: Stepped, notice: str, at: datetime) -> None:
    """Show the agent why something was not done."""
    with transaction.atomic():
        Conversation.objects.across_tenants().filter(pk=stepped.call.pk).update(notice=_for_owner(stepped.call, notice))
        announce(stepped, at)


def too_late(*, call_id: UUID) -> None:
    """Tell the agent that what they asked for was not done, because the switch was away."""
    with transaction.atomic():
        call = calls.lock(call_id, "campaign__tenant", "session")
        row = _row(call, make=True) if call is not None else None
        if call is None or row is None:
            return
        row.notice = _for_owner(call, _("That was not done: the switch could not be reached in time. Try again."))
        row.save(update_fields=["notice"])
        was = row.as_conversation()
        announce(Stepped(call, row, was, was, ()), now())


def announce(stepped: Stepped, at: datetime) -> None:
    """Tell the screens of everybody in the conversation."""
    sessions = {stepped.call.session_id, *(p.session_id for p in (stepped.conversation.party, stepped.dropped) if p)}
    rows = AgentSession.objects.across_tenants().filter(pk__in=[pk for pk in sessions if pk is not None])
    for user_id in rows.values_list("user_id", flat=True):
        publish.changed(agents.DESK, user_id, at)


def guest_of(*, session: AgentSession) -> Conversation | None:
    """The conversation that a session was asked into by a colleague, if it is in one."""
    rows = Conversation.objects.for_tenant(session.tenant_id).filter(party__session=session, pk=session.call_id)
    found = rows.first()
    assert found is None or isinstance(found, Conversation)
    return found
