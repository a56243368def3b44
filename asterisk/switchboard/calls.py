"""Customers' calls: places them, feeds their events to the lifecycle, and does on the switch what it asks for."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from uuid import UUID

from dialer.calls import board, incoming, queueing, services
from dialer.calls.models import CallTask
from dialer.calls.outcomes import Outcome
from dialer.calls.rules import Act, CallState, Effect, Event, Kind, wait_limit_ms
from dialer.compliance.selectors import recording_notice
from dialer.core.clock import now
from dialer.telephony.events import ChannelEnded
from dialer.telephony.port import Placement, Switch, SwitchRefused, SwitchUnreachable, bridge_of

from .alone import Alone
from .mailboxes import Mailboxes
from .recorders import RecordDesk
from .store import Store
from .timers import Timers

log = logging.getLogger(__name__)

MESSAGE = "safe-harbour"
MESSAGES: dict[str, str] = {Outcome.CLOSED: "closed", Outcome.OVERFLOW: "all-busy"}
"""What is said to people who called us; whoever we called hears MESSAGE."""
UNALLOCATED = 1
"""The Q.850 cause for a number that is nobody's here."""
MESSAGE_PATIENCE_S = 30.0
"""Longest time that a message may play before the call is ended all the same."""
RETRY_PAUSE_S = 0.1
JOIN_TRIES, JOIN_PAUSE_S = 5, 0.4


@dataclass(frozen=True, slots=True)
class Happened:
    """Something happened to the call."""

    event: Event
    at: datetime
    heard: float = field(default_factory=time.monotonic)


@dataclass(frozen=True, slots=True)
class Place:
    """The call is to be placed."""


@dataclass(frozen=True, slots=True)
class Arrived:
    """Somebody calls us: what they dialed, and their number."""

    dialed: str
    caller: str
    at: datetime


@dataclass(frozen=True, slots=True)
class TryAgent:
    """An agent of the waiting call's campaign may be free."""


@dataclass(frozen=True, slots=True)
class Settle:
    """Do what the switch may still owe the call."""

    effects: tuple[Effect, ...]


Message = Happened | Place | Arrived | TryAgent | Settle


class CallDesk:
    """Every live call of this switch, each with a mailbox of its own."""

    def __init__(
        self,
        store: Store,
        switch: Switch,
        on_end: Callable[[CallTask], None],
        on_answer: Callable[[CallTask], None],
        on_handled: Callable[[float], None],
    ) -> None:
        """`on_handled` hears how many seconds after its being heard each event was in the database."""
        self._store = store
        self._switch = switch
        self._on_end = on_end
        self._on_answer = on_answer
        self._on_handled = on_handled
        self._trying: set[UUID] = set()
        self._callers: set[UUID] = set()
        """Calls to us: while the database is away they hear music, and not the message for people whom we called."""
        self._boxes: Mailboxes[UUID, Message] = Mailboxes(self._handle)
        self._recorders = RecordDesk(store, switch)
        self._placing: set[UUID] = set()
        self._waiting: dict[int, dict[UUID, None]] = {}
        self._bridges: dict[int, str] = {}
        self._rings: dict[UUID, bool] = {}
        self._timers = Timers()
        self._alone = Alone(switch, lambda: store.reachable, self._play_message)

    # --- what the rest of the switchboard says ---

    def place(self, call_id: UUID) -> None:
        """Place a queued call, once however often it is asked."""
        if call_id not in self._placing:
            self._placing.add(call_id)
            self._boxes.put(call_id, Place())

    def tell(self, call_id: UUID, event: Event, at: datetime) -> None:
        """Something happened to a call; returns at once."""
        if call_id not in self._callers or event.kind is Kind.MESSAGE_PLAYED:
            self._alone.hear(call_id, event)
        self._boxes.put(call_id, Happened(event, at))

    def arrive(self, call_id: UUID, dialed: str, caller: str, at: datetime) -> None:
        """Somebody calls us. Told twice, it is one call."""
        self._callers.add(call_id)
        self._boxes.put(call_id, Arrived(dialed, caller, at))

    def serve(self, call_id: UUID) -> None:
        """It is the turn of somebody who called us and waits in a queue: an agent is ready."""
        self._try(call_id)

    def learn_bridge(self, session_id: int, bridge_id: str) -> None:
        """An agent's bridge: somebody who answered must not wait for the database to tell it."""
        self._bridges[session_id] = bridge_id

    def forget_bridges(self, but: set[int]) -> None:
        """Forget the bridges of all sessions but these."""
        self._bridges = {session: bridge for session, bridge in self._bridges.items() if session in but}

    def settle(self, call_id: UUID, effects: tuple[Effect, ...]) -> None:
        """Do again what the switch may not have been asked for."""
        self._boxes.put(call_id, Settle(effects))

    def busy(self, call_id: UUID) -> bool:
        """Whether something about this call is being done."""
        return self._boxes.busy(call_id)

    def agent_may_be_free(self, campaign_id: int | None = None) -> None:
        """Let the people who wait in a campaign (None: in all) try for an agent, the longest waiting first."""
        campaigns = self._waiting if campaign_id is None else {campaign_id: self._waiting.get(campaign_id, {})}
        for waiting in campaigns.values():
            for call_id in waiting:
                self._try(call_id)

    def _try(self, call_id: UUID) -> None:
        if call_id not in self._trying:  # while the database is slow, tries must not pile up
            self._trying.add(call_id)
            self._boxes.put(call_id, TryAgent())

    def waiting(self) -> int:
        """How many messages about calls are not handled yet."""
        return self._boxes.waiting() + self._recorders.waiting()

    async def close(self, patience: float) -> None:
        """Finish what was begun, within `patience` seconds. Calls on the switch live on."""
        await self._boxes.close(patience)
        await self._recorders.close(patience)
        self._timers.close()
        await self._alone.close()

    # --- one call at a time ---

    async def _handle(self, call_id: UUID, message: Message) -> None:
        match message:
            case Happened(event, at, heard):
                await self._happen(call_id, event, at, heard)
            case Place():
                try:
                    await self._place(call_id)
                finally:
                    self._placing.discard(call_id)
            case Arrived(dialed, caller, at):
                await self._take(call_id, dialed, caller, at)
            case TryAgent():
                self._trying.discard(call_id)
                await self._follow(await self._store.run(self._claim, call_id))
            case Settle(effects):
                call = await self._store.run(services.fetch, call_id=call_id)
                if call is not None and call.state != CallState.ENDED:
                    await self._follow(services.Applied(call, effects))

    async def _happen(self, call_id: UUID, event: Event, at: datetime, heard: float | None = None) -> None:
        applied = await self._store.run(self._apply, call_id, event, at)
        if heard is not None:
            self._on_handled(time.monotonic() - heard)
        self._alone.recorded(call_id, event)
        await self._follow(applied)
        if event.kind is Kind.READY and applied is not None and applied.call.state != CallState.ENDED:
            self._on_answer(applied.call)

    def _apply(self, call_id: UUID, event: Event, at: datetime) -> services.Applied | None:
        """Record an event. Tried again while the database is away: what was done for the person meanwhile counts."""
        if event.kind is Kind.READY and call_id in self._alone:
            event = replace(event, unattended=True)
        return services.apply_event(call_id=call_id, event=event, at=at)

    def _claim(self, call_id: UUID) -> services.Applied | None:
        if call_id in self._alone:
            return None
        return services.claim_for_waiting(call_id=call_id, at=now())

    async def _follow(self, applied: services.Applied | None) -> None:
        """Do an event's effects on the switch, and keep the lists of who waits in step."""
        if applied is None:
            return
        call = applied.call
        # Who waits in a queue is found by `queueing`, in the order of all queues.
        waits = call.state == CallState.HUMAN and call.session_id is None and not call.ending and not call.inbound
        campaign = self._waiting.setdefault(call.campaign_id, {})
        if waits:
            campaign.setdefault(call.pk)
            self._alone.let_down(call.pk)
        else:
            campaign.pop(call.pk, None)
        if call.state == CallState.ENDED:
            self._timers.cancel(call.pk)
            self._alone.forget(call.pk)
            self._recorders.forget(call.pk)
            self._callers.discard(call.pk)
            if applied.ended_now:
                self._on_end(call)
        if call.own_agent and call.session_id is not None:
            await self._ring(call, call.session_id)
        if call.state == CallState.ENDED:  # whose it was by then: it may have been handed on
            self._rings.pop(call.pk, None)
        for effect in applied.effects:
            await self._do(call, effect)

    async def _ring(self, call: CallTask, session_id: int) -> None:
        """Let an agent who dials hear that it rings, and no more once it does not. Nothing depends on it."""
        rings = call.state == CallState.RINGING
        if self._rings.get(call.pk) is not rings:
            self._rings[call.pk] = rings
            try:
                await self._switch.ring(await self._bridge_id(session_id), rings)
            except (SwitchRefused, SwitchUnreachable) as error:
                log.info("call %s: its agent hears no ringing, or too much of it (%s)", call.pk, error)

    async def _do(self, call: CallTask, effect: Effect) -> None:
        match effect.act:
            case Act.BRIDGE if effect.session is not None:
                await self._bridge(call, effect.session)
            case Act.START_WAIT:
                self._start_wait(call)
                if call.inbound:
                    await self._play_music(call)
            case Act.PLAY_MESSAGE:
                await self._play(call)
            case Act.HANG_UP:
                await self._hang_up(call)
            case Act.RECORD:
                self._recorders.record(call)
            case _:
                pass

    async def _take(self, call_id: UUID, dialed: str, caller: str, at: datetime) -> None:
        """Give somebody who calls us a row, answer, and let them wait or hear why they cannot."""
        taken = await self._store.run(incoming.take, call_id=call_id, dialed=dialed, caller=caller, at=at)
        try:
            if taken is None:
                log.warning("call %s: refused, the number dialed leads to no queue here", call_id)
                self._callers.discard(call_id)
                await self._switch.refuse(str(call_id), UNALLOCATED)
            elif taken.call.state == CallState.ENDED:
                self._callers.discard(call_id)
                await self._switch.hang_up(str(call_id))
            elif taken.call.state == CallState.ANSWERED:
                await self._switch.answer(str(call_id))
                await self._happen(call_id, taken.then, now())
        except (SwitchRefused, SwitchUnreachable) as error:  # they are gone, or the next inventory shows them
            log.info("call %s: not answered (%s)", call_id, error)

    # --- what is asked of the switch ---

    async def _place(self, call_id: UUID) -> None:
        call = await self._store.run(services.begin_placing, call_id=call_id)
        if call is None:
            ended = await self._store.run(services.fetch, call_id=call_id)
            if ended is not None and ended.state == CallState.ENDED:
                self._on_end(ended)
            return
        self._recorders.learn(call_id, recording_notice(call.verdict_row))
        try:
            await self._switch.place(_placement(call))
        except SwitchRefused as refused:
            await self._happen(call_id, Event(Kind.REFUSED, cause=refused.cause, reason=refused.reason[:200]), now())
        except SwitchUnreachable:
            # Whether it rings is unknown; asking again could ring twice. The next inventory tells.
            log.warning("call %s: the switch did not answer when it was asked to place it", call_id)

    async def _bridge(self, call: CallTask, session_id: int) -> None:
        if call.pk in self._alone:  # the database hung while it claimed an agent, and came back too late
            failed = Event(Kind.BRIDGE_FAILED, session=session_id, unattended=True, reason="they hear the message")
            await self._happen(call.pk, failed, now())
            return
        self._alone.serve(call.pk)
        try:
            bridge_id = await self._bridge_id(session_id)
            if call.inbound:
                await self._switch.unhold(str(call.pk))
            await self._join(bridge_id, str(call.pk))
        except (SwitchRefused, SwitchUnreachable) as error:
            log.warning("call %s: could not be connected (%s)", call.pk, error)
            self._alone.let_down(call.pk)
            await asyncio.sleep(RETRY_PAUSE_S)  # the next claim may well give the same agent: not in a hot loop
            # Behind what was heard meanwhile: that the customer is gone, most often, and then nobody else is claimed.
            self.tell(call.pk, Event(Kind.BRIDGE_FAILED, session=session_id, reason=str(error)[:200]), now())
        else:
            self._recorders.joined(call)
            await self._happen(call.pk, Event(Kind.BRIDGED, session=session_id), now())

    async def _join(self, bridge_id: str, channel_id: str) -> None:
        """Join, asking a switch that does not answer a few times: to take another agent would not help.

        An agent whose bridge is not there has lost their line with the switch's restart, and nobody knows it yet.
        """
        for _ in range(JOIN_TRIES - 1):
            try:
                return await self._switch.join(bridge_id, channel_id, there=True)
            except SwitchUnreachable:
                await asyncio.sleep(JOIN_PAUSE_S)
        await self._switch.join(bridge_id, channel_id, there=True)

    async def _bridge_id(self, session_id: int) -> str:
        if session_id not in self._bridges:
            self._bridges[session_id] = bridge_of(await self._store.run(board.session_public_id, session_id))
        return self._bridges[session_id]

    def _start_wait(self, call: CallTask) -> None:
        """Tell the call when nobody came within the limit, counted from when it began and not from now."""
        since = call.ready_at if call.screened else call.answered_at
        limit = timedelta(milliseconds=wait_limit_ms(call.connect_limit_ms, call.screened))
        # Never longer than the limit: the switch's clock may be ahead of ours, and either may be stepped.
        left = min(limit, (since or now()) + limit - now()).total_seconds()
        call_id = call.pk
        self._timers.start(call_id, max(0.0, left), lambda: self.tell(call_id, Event(Kind.WAIT_EXPIRED), now()))

    async def _play_music(self, call: CallTask) -> None:
        """Music for somebody who waits in a queue. Nothing depends on it."""
        try:
            music = await self._store.run(queueing.music_of, call_id=call.pk)
            await self._switch.hold(str(call.pk), music)
        except (SwitchRefused, SwitchUnreachable) as error:
            log.info("call %s: hears no music (%s)", call.pk, error)

    async def _play(self, call: CallTask) -> None:
        if call.pk in self._alone:
            return  # it has been played, or is being
        try:
            if call.inbound:
                await self._switch.unhold(str(call.pk))
            await self._play_message(call.pk, MESSAGES.get(call.ending, MESSAGE))
        except (SwitchRefused, SwitchUnreachable) as error:
            log.warning("call %s: the message was not played (%s)", call.pk, error)
            self.tell(call.pk, Event(Kind.MESSAGE_PLAYED), now())

    async def _play_message(self, call_id: UUID, message: str = MESSAGE) -> None:
        over = Event(Kind.MESSAGE_PLAYED)
        self._timers.start(call_id, MESSAGE_PATIENCE_S, lambda: self.tell(call_id, over, now()))
        await self._switch.play(str(call_id), message, message_of(call_id))

    async def _hang_up(self, call: CallTask) -> None:
        try:
            await self._switch.hang_up(str(call.pk))
        except SwitchRefused as error:
            log.warning("call %s: the switch refused to end it (%s)", call.pk, error)
        except SwitchUnreachable:
            log.warning("call %s: the switch did not answer when asked to end it; asked again when it is back", call.pk)


def message_of(call_id: UUID) -> str:
    """The playback of the message to a call."""
    return f"message-{call_id}"


def event_of_end(end: ChannelEnded) -> Event:
    """The lifecycle's event of a channel that is gone."""
    return Event(
        Kind.HUNG_UP,
        cause=end.cause,
        dial_status=end.dial_status,
        unattended=end.unattended,
        message_left=end.message_left,
        answered=end.answered,
        verdict=end.waits.verdict if end.waits else "NONE",
        since=end.waits.since if end.waits else None,
    )


def _placement(call: CallTask) -> Placement:
    return Placement(
        call_id=str(call.pk),
        number=call.phone,
        caller_id=call.caller_id,
        trunk=call.trunk,
        ring_timeout_s=call.ring_timeout_s,
        screen=call.screened,
        campaign_id=str(call.campaign.public_id),
    )
