"""What agents do with connected calls, done on the switch: hold, consult, transfer, conference, park, and the like.

Each call has a mailbox of its own here. A step is committed first (`dialer.handling.services.step`), then the switch
is brought to what the conversation says; if it will not, the step is undone and the card says why. Everything that is
asked of the switch may be asked twice, so what was begun by a switchboard that died is finished by the next.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from dialer.calls.rules import Event as CallEvent
from dialer.calls.rules import Kind as CallKind
from dialer.core.clock import now
from dialer.core.words import _, said
from dialer.handling import selectors, services
from dialer.handling.layout import owed, ringing
from dialer.handling.models import Conversation, Party
from dialer.handling.stepped import Place, Stepped, announce, desk_bridge, places_of
from dialer.handling.terms import Act, Event, Kind
from dialer.telephony import outbox
from dialer.telephony.events import ChannelAnswered, ChannelEnded, ChannelReady, ChannelRinging, SwitchEvent
from dialer.telephony.models import SwitchCommand
from dialer.telephony.port import (
    ChannelInfo,
    Placement,
    Switch,
    SwitchError,
    SwitchRefused,
    SwitchUnreachable,
    bridge_of,
    leg_of,
    party_of,
    table_of,
)

from .mailboxes import Mailboxes
from .store import Store

log = logging.getLogger(__name__)

TRIES, PAUSE_S = 4, 0.4
"""A switch that does not answer is asked so often before a step is undone."""


@dataclass(frozen=True, slots=True)
class Asked:
    """An agent asked for something."""

    command: SwitchCommand


@dataclass(frozen=True, slots=True)
class Told:
    """The switch told of a third party, or that the call is over."""

    event: Event
    at: datetime
    party: UUID | None = None
    cause: int | None = None


@dataclass(frozen=True, slots=True)
class LegLost:
    """An agent's leg is gone: the owner's, or that of a colleague who was asked in."""

    session: int
    at: datetime


@dataclass(frozen=True, slots=True)
class Settle:
    """Bring the switch to what the conversation says; `wholly`: the recording and what is due besides, too."""

    wholly: bool


@dataclass(frozen=True, slots=True)
class Recall:
    """The call has been parked for too long."""


@dataclass(frozen=True, slots=True)
class Serve:
    """It is the turn of a customer who was transferred to a queue."""


Message = Asked | Told | LegLost | Settle | Recall | Serve
TellCall = Callable[[UUID, CallEvent, datetime], None]


class HandlingDesk:
    """The conversations of every connected call with which something is done."""

    def __init__(self, store: Store, switch: Switch, tell_call: TellCall) -> None:
        self._store = store
        self._switch = switch
        self._tell_call = tell_call
        self._boxes: Mailboxes[UUID, Message] = Mailboxes(self._handle)
        self._heard: Mailboxes[UUID, Told] = Mailboxes(self._find_call)
        self._call_of: dict[UUID, UUID] = {}
        self._missed: set[UUID] = set()

    # --- what the rest of the switchboard says ---

    def carry_out(self, command: SwitchCommand) -> None:
        """An agent asked for something; the command's target is the call."""
        assert command.target is not None
        self._boxes.put(command.target, Asked(command))

    def hear(self, party: UUID, event: SwitchEvent) -> None:
        """The switch told of a third party's channel."""
        match event:
            case ChannelRinging(at=at):
                self._heard.put(party, Told(Event(Kind.PARTY_RINGING), at, party))
            case ChannelReady(at=at):
                self._heard.put(party, Told(Event(Kind.PARTY_ANSWERED), at, party))
            case ChannelEnded(at=at, cause=cause):
                self._heard.put(party, Told(Event(Kind.PARTY_GONE), at, party, cause))
            case ChannelAnswered() | _:
                pass

    def call_ended(self, call_id: UUID, at: datetime) -> None:
        """The call is over: whoever else was in it is let go."""
        self._boxes.put(call_id, Told(Event(Kind.CALL_OVER), at))

    def recall(self, call_id: UUID) -> None:
        """The call has been parked for too long."""
        if not self._boxes.busy(call_id):
            self._boxes.put(call_id, Recall())

    def serve(self, call_id: UUID) -> None:
        """It is the turn of a customer who was transferred to a queue."""
        if not self._boxes.busy(call_id):
            self._boxes.put(call_id, Serve())

    def leg_lost(self, call_id: UUID, session: int, at: datetime) -> None:
        """The leg of an agent in this call is gone."""
        self._boxes.put(call_id, LegLost(session, at))

    def settle(self, call_id: UUID) -> None:
        """Bring everybody in a call to where they belong: somebody's leg is back."""
        self._boxes.put(call_id, Settle(wholly=False))

    async def close(self, patience: float) -> None:
        """Finish what was begun, within `patience` seconds."""
        await self._heard.close(patience)
        await self._boxes.close(patience)

    # --- one at a time ---

    async def _find_call(self, party: UUID, told: Told) -> None:
        """Put what was heard of a third party into its call's mailbox, in order."""
        if party not in self._call_of:
            call_id = await self._store.run(selectors.call_of_party, party)
            if call_id is None:
                return
            self._call_of[party] = call_id
        self._boxes.put(self._call_of[party], told)
        if told.event.kind is Kind.PARTY_GONE:
            self._call_of.pop(party, None)

    async def _handle(self, call_id: UUID, message: Message) -> None:
        match message:
            case Asked(command):
                await self._asked(call_id, command)
            case Told(event, at, party, cause):
                await self._step(call_id, event, at, party=party, cause=cause)
            case LegLost(session, at):
                await self._leg_lost(call_id, session, at)
            case Settle(wholly):
                await self._settle(call_id, wholly)
            case Serve():
                await self._carry(await self._store.run(services.serve, call_id=call_id, at=now()), Kind.UNPARK)
            case Recall():
                await self._carry(await self._store.run(services.recall, call_id=call_id, at=now()), Kind.UNPARK)

    async def _asked(self, call_id: UUID, command: SwitchCommand) -> None:
        args = command.args
        kind = Kind(args["kind"])
        event = Event(kind, colleague="number" not in args, reason=str(args.get("reason", "")))
        party = UUID(args["of_party"]) if "of_party" in args else None
        error = await self._step(call_id, event, now(), command=command, party=party)
        await self._store.run(outbox.finish, command.pk, error=error)

    async def _leg_lost(self, call_id: UUID, session: int, at: datetime) -> None:
        found = await self._store.run(selectors.conversation, call_id)
        party = found.party if found is not None else None
        if party is not None and party.session_id == session:
            await self._step(call_id, Event(Kind.PARTY_GONE), at, party=party.pk)
        elif found is None or found.mode == "over":
            self._tell_call(call_id, CallEvent(CallKind.AGENT_GONE, session=session), at)
        else:
            await self._step(call_id, Event(Kind.OWNER_GONE), at, session=session)

    async def _step(
        self,
        call_id: UUID,
        event: Event,
        at: datetime,
        *,
        command: SwitchCommand | None = None,
        party: UUID | None = None,
        cause: int | None = None,
        session: int | None = None,
    ) -> str:
        """Take a step and do what it asks of the switch; why not, when it was not done."""
        stepped = await self._store.run(
            services.step, call_id=call_id, event=event, at=at, command=command, party_id=party, cause=cause
        )
        if stepped is not None and stepped.refused:
            await self._store.run(services.say, taken=stepped, notice=stepped.refused, at=now())
            return stepped.refused
        return await self._carry(stepped, event.kind, command, session)

    async def _carry(
        self, stepped: Stepped | None, kind: Kind, command: SwitchCommand | None = None, session: int | None = None
    ) -> str:
        """Do what a step asks of the switch, or undo it; why not, when it was not done."""
        if stepped is None:
            return "The call is over."
        try:
            await self._do(stepped, command, session)
        except SwitchError as failure:
            log.warning("call %s: %s was not done on the switch (%s)", stepped.call.pk, kind, failure)
            return await self._undo(stepped, kind, _words(failure))
        return ""

    async def _do(self, stepped: Stepped, command: SwitchCommand | None, session: int | None = None) -> None:
        """Do a step's acts, then what follows from the switch being so."""
        if stepped.dropped is not None:
            await self._drop(stepped.dropped, Act.DROP_PARTY in stepped.acts)
        for act in stepped.acts:
            await self._act(act, stepped, command, session)
        await self._ring(stepped)
        if Act.ARRANGE in stepped.acts or Act.LEAVE_MESSAGE in stepped.acts:
            after = await self._store.run(services.arranged, call_id=stepped.call.pk, at=now())
            if after is not None and Act.UNMUTE_RECORDING in after.acts:
                await self._patiently(lambda: self._switch.mute_recording(str(stepped.call.pk), False))
        await self._store.run(announce, stepped, now())

    async def _act(self, act: Act, stepped: Stepped, command: SwitchCommand | None, session: int | None) -> None:
        call_id = stepped.call.pk
        match act:
            case Act.ARRANGE:
                await self._arrange(stepped.places)
            case Act.DIAL_PARTY:
                await self._dial(stepped)
            case Act.MUTE_RECORDING | Act.UNMUTE_RECORDING:
                muted = act is Act.MUTE_RECORDING
                await self._patiently(lambda: self._switch.mute_recording(str(call_id), muted))
            case Act.SEND_DIGITS if command is not None:
                await self._switch.send_digits(_listener(stepped), str(command.args["digits"]))
            case Act.LEAVE_MESSAGE:
                await self._switch.leave_message(str(call_id), stepped.conversation.message)
            case Act.HANG_UP:
                by = "agent" if stepped.after.mode == "releasing" else "customer"
                self._tell_call(call_id, CallEvent(CallKind.HANG_UP_ASKED, by=by), now())
            case Act.AGENT_GONE:
                self._tell_call(call_id, CallEvent(CallKind.AGENT_GONE, session=session), now())
            case _:
                pass

    async def _arrange(self, places: Iterable[Place]) -> None:
        """Put every channel where it belongs; one that is there already is left alone by the switch."""
        for place in places:
            if place.bridge_id:
                await self._patiently(lambda place=place: self._switch.unhold(place.channel_id))  # type: ignore[misc]
                await self._patiently(
                    lambda place=place: self._switch.join(place.bridge_id, place.channel_id)  # type: ignore[misc]
                )
            else:
                await self._patiently(lambda place=place: self._switch.hold(place.channel_id))  # type: ignore[misc]

    async def _patiently(self, request: Callable[[], object]) -> None:
        for _attempt in range(TRIES - 1):
            try:
                await request()  # type: ignore[misc]
                return
            except SwitchUnreachable:
                await asyncio.sleep(PAUSE_S)
        await request()  # type: ignore[misc]

    async def _dial(self, stepped: Stepped) -> None:
        party = stepped.conversation.party
        assert party is not None
        self._call_of[party.pk] = stepped.call.pk
        placement = Placement(
            call_id=party_of(party.pk),
            number=party.phone,
            caller_id=party.caller_id,
            trunk=party.trunk,
            ring_timeout_s=party.ring_timeout_s,
            screen=False,
            campaign_id=str(stepped.call.campaign.public_id),
        )
        try:
            await self._switch.place(placement)
        except SwitchUnreachable:  # whether it rings is unknown; the next inventory tells
            log.warning("party %s: the switch did not answer when it was asked to place it", party.pk)

    async def _ring(self, stepped: Stepped) -> None:
        """Let the agent hear that the third party's phone rings, or no more. Nothing depends on it."""
        if ringing(stepped.before) == ringing(stepped.after):
            return
        try:
            await self._switch.ring(desk_bridge(stepped), ringing(stepped.after))
        except SwitchError as error:
            log.info("call %s: its agent hears no ringing, or too much of it (%s)", stepped.call.pk, error)

    async def _drop(self, party: Party, asked: bool) -> None:
        """Let a third party go: a number is hung up on, a colleague's leg goes back to their own desk."""
        self._call_of.pop(party.pk, None)
        try:
            if party.session is not None:
                leg, bridge = leg_of(party.session.public_id), bridge_of(party.session.public_id)
                await self._switch.unhold(leg)
                await self._switch.join(bridge, leg)
            elif asked:
                await self._switch.hang_up(party_of(party.pk))
        except SwitchError as error:  # the next inventory shows it, and ends it or puts it back
            log.info("party %s: not let go on the switch (%s)", party.pk, error)

    async def _undo(self, stepped: Stepped, kind: Kind, reason: str) -> str:
        notice = said("That was not done: %(reason)s. The call is as it was.", reason=reason)
        undone = await self._store.run(
            services.undo, call_id=stepped.call.pk, before=stepped.before, kind=kind, reason=notice, at=now()
        )
        if undone is None:
            return notice
        try:
            if undone.dropped is not None:
                await self._drop(undone.dropped, True)
            if Act.ARRANGE in undone.acts:
                await self._arrange(undone.places)
            await self._ring(undone)
        except SwitchError as error:  # the next inventory puts it right
            log.warning("call %s: not put back as it was (%s)", stepped.call.pk, error)
        await self._store.run(announce, undone, now())
        return notice

    async def _settle(self, call_id: UUID, wholly: bool) -> None:
        found = await self._store.run(services.standing, call_id=call_id)
        if found is None:
            return
        acts = owed(found.after) if wholly else (Act.ARRANGE,)
        try:
            for act in acts:
                await self._act(act, found, None, None)
            if Act.ARRANGE in acts or Act.LEAVE_MESSAGE in acts:
                after = await self._store.run(services.arranged, call_id=call_id, at=now())
                if after is not None and after.after != found.after:
                    await self._store.run(announce, after, now())
        except SwitchError as error:
            log.warning("call %s: not yet as its conversation says (%s)", call_id, error)

    # --- held against the inventory ---

    def look(self, rows: list[Conversation], channels: dict[str, ChannelInfo], *, settle: bool) -> bool:
        """Compare conversations with what the switch holds; whether a second look soon is worth it."""
        missed, passed_over = set(), False
        for row in rows:
            if self._boxes.busy(row.pk):
                passed_over = True
                continue
            if row.call.ended_at is not None and row.mode != "aside":
                self.call_ended(row.pk, row.call.ended_at)
                continue
            party = row.party
            if party is not None and party.session_id is None and not self._heard.busy(party.pk):
                missed |= self._look_at_party(party, row.pk, channels.get(party_of(party.pk)))
            state = row.as_conversation()
            out_of_place = any(
                place.channel_id in channels and channels[place.channel_id].bridge_id != place.bridge_id
                for place in places_of(row.call, row, state)
            )
            if settle or out_of_place or state.mode in ("handing", "dropping"):
                self._boxes.put(row.pk, Settle(wholly=settle or not out_of_place))
        self._missed = missed
        return bool(missed) or passed_over

    def _look_at_party(self, party: Party, call_id: UUID, channel: ChannelInfo | None) -> set[UUID]:
        """Catch up with a third party's channel; those that one look has missed."""
        if channel is None:
            if party.pk not in self._missed:
                return {party.pk}
            self._heard.put(party.pk, Told(Event(Kind.PARTY_GONE), now(), party.pk))
        elif channel.ready and party.state != "talking":
            self._boxes.put(call_id, Told(Event(Kind.PARTY_ANSWERED), now(), party.pk))
        return set()


def _listener(stepped: Stepped) -> str:
    """Whose channel gets the digits: the third party's while the agent talks with them alone, else the customer's."""
    party = stepped.conversation.party
    if stepped.after.mode in ("consult", "aside") and party is not None and party.session_id is None:
        return party_of(party.pk)
    return str(stepped.call.pk)


def _words(failure: SwitchError) -> str:
    if isinstance(failure, SwitchRefused):
        return said("the switch refused it (%(why)s)", why=failure.reason[:120])
    return _("the switch did not answer")


def tables(rows: list[Conversation]) -> set[str]:
    """The bridges of calls that go on without an agent."""
    return {table_of(row.pk) for row in rows}
