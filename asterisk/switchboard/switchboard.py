"""The switchboard itself: hears the switch and the database, and sees that everything that is due is done."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from contextlib import suppress
from datetime import datetime
from uuid import UUID, uuid4

from dialer.agents import services as agents
from dialer.agents.models import AgentSession
from dialer.agents.rules import Event as AgentEvent
from dialer.agents.rules import Kind as AgentKind
from dialer.calls import board, placing, queueing, services
from dialer.calls.models import CallTask
from dialer.calls.placing import GIVE_UP
from dialer.calls.rules import Event, Kind
from dialer.campaigns.models import AHEAD
from dialer.core import notify
from dialer.core.clock import now
from dialer.handling import selectors as conversations
from dialer.handling import services as handling
from dialer.telephony import events, outbox
from dialer.telephony.models import CommandKind, SwitchCommand
from dialer.telephony.port import LEG_PREFIX, PARTY_PREFIX, SNOOP_PREFIX, Switch, SwitchError

from .beat import Beat
from .calls import CallDesk, event_of_end, message_of
from .handling import HandlingDesk
from .inventory import Reconciler
from .lead import Lead, LeadershipLost
from .legs import CallPhone, DropPhone, LegDesk, LegEnded, LegOverdue, LegReady
from .listener import Listener
from .monitoring import MonitorDesk
from .pulse import SwitchPulse
from .steady import Steady
from .stopping import StopDesk
from .store import Store

log = logging.getLogger(__name__)

LOOK_EVERY_S = 10.0
LOOK_AGAIN_S, LOOK_AT_ONCE_S = 1.0, 0.05
DRAIN_S = 5.0
FIRST_LOOK_S = 2.0
"""How long a new leader may look for its switch before it says that it is away."""


class Switchboard:
    """Runs one switch. `run` returns only by cancellation (drained) or an error that ends the process."""

    def __init__(self, switch: Switch, name: str) -> None:
        self._switch = switch
        self._lead = Lead(name)
        switch.guard = self._lead.may_act
        self._store = Store(guard=self._lead.may_act, on_back=self._database_back)
        self._pulse = SwitchPulse(self._store, name, lambda: self._calls.waiting() + self._legs.waiting())
        self._calls = CallDesk(self._store, switch, self._call_ended, self._call_answered, self._pulse.handled)
        self._legs = LegDesk(self._store, switch, self._leg_lost, self._guest_back, self._calls.learn_bridge)
        self._handling = HandlingDesk(self._store, switch, self._calls.tell)
        self._monitors = MonitorDesk(self._store, switch)
        self._stops = StopDesk(self._store, switch, self._calls)
        self._reconciler = Reconciler(self._store, switch, self._calls, self._legs, self._handling, self._monitors)
        self._listener = Listener(self._heard)
        self._beat = Beat(self._store)
        self._steady = Steady()
        self._up = asyncio.Event()
        self._look = asyncio.Event()
        self._settle = self._accounts_due = self._desks_due = False
        self._queued = asyncio.Event()
        self._commands = asyncio.Event()
        self._serve = asyncio.Event()

    async def run(self) -> None:
        """Stand by until leader, then run until cancelled."""
        try:
            await self._lead.take()
            await self._store.run(outbox.release_taken)
            async with asyncio.TaskGroup() as connected:
                connected.create_task(self._switch.run(self._hear))
                await self._work()
        finally:
            await asyncio.shield(self._close())

    async def _work(self) -> None:
        """All but the switch's connection, which stays until what was begun is finished: it needs the switch."""
        try:
            async with asyncio.TaskGroup() as group:
                for job in (
                    self._lead.kept(),
                    self._listener.run(),
                    self._place_queued(),
                    self._take_commands(),
                    self._look_again_and_again(),
                    self._every_second(),
                    self._serve_waiting(),
                    self._serve_queues(),
                ):
                    group.create_task(job)
        finally:
            await asyncio.shield(self._drain())

    async def _drain(self) -> None:
        patience = 0.0 if self._lead.lost else DRAIN_S  # the rest is for the one that leads now
        await self._stops.close(patience)
        await self._monitors.close(patience)
        await self._handling.close(patience)
        await self._calls.close(patience)
        await self._legs.close(patience)

    async def _close(self) -> None:
        self._beat.close()
        self._store.close()
        await self._lead.close()

    # --- the switch says ---

    def _hear(self, event: events.SwitchEvent) -> None:
        """Pass one event of the switch to whom it concerns. Never raises, never waits."""
        match event:
            case events.SwitchUp():
                log.info("the switch is up")
                self._accounts_due = True
                self._up.set()
                self._pulse.switch_up = True
                self._look_at_everything()
                self._queued.set()
                self._commands.set()
            case events.SwitchDown(reason=reason):
                log.warning("the switch is lost: %s", reason)
                self._up.clear()
                self._pulse.switch_up = False
            case events.TrunkSeen(trunk=trunk, reachable=reachable):
                self._pulse.trunk_seen(trunk, reachable)
                log.log(logging.INFO if reachable else logging.WARNING, "trunk %s: reachable %s", trunk, reachable)
            case events.PhoneSeen():
                pass
            case _:
                self._hear_channel(event)

    def _look_at_everything(self) -> None:
        """The switch, or the database, was away: what was due meanwhile is asked for again."""
        self._settle = True
        self._look.set()

    def _database_back(self) -> None:
        """Of what was committed as it went neither the switch nor a desk may have heard."""
        self._desks_due = True
        self._look_at_everything()

    def _hear_channel(
        self,
        event: events.ChannelRinging
        | events.ChannelAnswered
        | events.ChannelReady
        | events.IncomingCall
        | events.ChannelEnded
        | events.MessagePlayed,
    ) -> None:
        prefix = next((one for one in (LEG_PREFIX, PARTY_PREFIX, SNOOP_PREFIX) if event.channel_id.startswith(one)), "")
        try:
            uuid = UUID(event.channel_id.removeprefix(prefix))
        except ValueError:
            return
        if prefix == LEG_PREFIX:
            self._hear_leg(uuid, event)
            return
        if prefix == SNOOP_PREFIX:
            if isinstance(event, events.ChannelEnded):
                self._monitors.channel_ended(uuid)
            return
        if prefix == PARTY_PREFIX:
            self._handling.hear(uuid, event)
            return
        match event:
            case events.ChannelRinging(at=at):
                self._calls.tell(uuid, Event(Kind.RINGING), at)
            case events.ChannelAnswered(at=at):
                self._calls.tell(uuid, Event(Kind.ANSWERED), at)
            case events.IncomingCall(at=at, dialed=dialed, caller=caller):
                self._calls.arrive(uuid, dialed, caller, at)
            case events.ChannelReady(at=at, verdict=verdict, detail=detail):
                self._calls.tell(uuid, Event(Kind.READY, verdict=verdict, reason=detail[:200]), at)
            case events.ChannelEnded(at=at):
                self._calls.tell(uuid, event_of_end(event), at)
            case events.MessagePlayed(at=at, playback_id=played, cut_off=cut_off) if played == message_of(uuid):
                # Not the notice of a recording: after that nobody is let go.
                self._calls.tell(uuid, Event(Kind.MESSAGE_PLAYED, cut_off=cut_off), at)

    def _hear_leg(self, session: UUID, event: events.SwitchEvent) -> None:
        match event:
            case events.ChannelReady(at=at):
                self._legs.put(session, LegReady(at))
            case events.ChannelEnded(at=at, cause=cause):
                self._legs.put(session, LegEnded(at, cause))
            case _:
                pass

    # --- the database says ---

    def _heard(self, channel: str, payload: str) -> None:
        if channel == notify.CALLS:
            self._queued.set()
        elif channel == notify.COMMANDS:
            self._commands.set()
        elif channel == notify.READY:
            campaign = int(payload) if payload.isdigit() else None
            self._calls.agent_may_be_free(campaign)
            self._serve.set()
            self._beat.ask_pacing(campaign)

    # --- one desk says to the other ---

    def _call_answered(self, call: CallTask) -> None:
        if call.dial_method in AHEAD:  # what was forecast has come, or an agent is gone: look again
            self._beat.ask_pacing(call.campaign_id)

    def _call_ended(self, call: CallTask) -> None:
        self._beat.ask_pacing(call.campaign_id)
        if call.connected_at is not None:
            self._handling.call_ended(call.pk, call.ended_at or now())
        if call.connected_at is not None and call.record:
            self._beat.ask_for_recording(call.pk)

    def _leg_lost(self, session: AgentSession, at: datetime) -> None:
        self._monitors.leg_lost(session.public_id)
        if session.call_id is not None:
            self._handling.leg_lost(session.call_id, session.pk, at)

    def _guest_back(self, call_id: UUID) -> None:
        self._handling.settle(call_id)

    # --- what is done all the time ---

    async def _place_queued(self) -> None:
        while True:
            await self._up.wait()
            await _set_within(self._queued, 1.0)
            self._queued.clear()
            for call_id in await self._store.run(board.queued_calls):
                self._calls.place(call_id)

    async def _take_commands(self) -> None:
        while True:
            await _set_within(self._commands, 1.0)
            self._commands.clear()
            for command in await self._store.run(outbox.take, by=uuid4()):
                await self._carry_out(command)

    async def _expire_commands(self) -> None:
        for late in await self._store.run(outbox.expire):
            if late.kind == CommandKind.HANDLE and late.target is not None:
                await self._store.run(handling.too_late, call_id=late.target)

    async def _carry_out(self, command: SwitchCommand) -> None:
        if command.kind == CommandKind.PROVISION:
            await self._provision(command.pk)
        elif command.kind == CommandKind.STOP:
            self._stops.carry_out(command)
        elif command.target is None:
            await self._store.run(outbox.finish, command.pk, error="The command names nothing.")
        elif command.kind == CommandKind.CALL_PHONE:
            self._legs.put(command.target, CallPhone(command.pk))
        elif command.kind == CommandKind.DROP_PHONE:
            self._legs.put(command.target, DropPhone(command.pk))
        elif command.kind == CommandKind.MONITOR:
            self._monitors.carry_out(command)
        elif command.kind == CommandKind.HANDLE:
            self._handling.carry_out(command)
        elif command.kind == CommandKind.HANG_UP:
            by = str(command.args.get("by", "system"))
            event = Event(Kind.GIVEN_UP) if by == GIVE_UP else Event(Kind.HANG_UP_ASKED, by=by)
            self._calls.tell(command.target, event, now())
            await self._store.run(outbox.finish, command.pk)

    async def _provision(self, command: UUID | None) -> None:
        error = ""
        try:
            await self._switch.provision(await self._store.run(board.phone_accounts))
        except SwitchError as failure:
            error = str(failure)
            log.warning("the phones' accounts were not made known (%s)", failure)
        if command is not None:
            await self._store.run(outbox.finish, command, error=error)

    async def _look_again_and_again(self) -> None:
        pause = LOOK_EVERY_S
        while True:
            await self._up.wait()
            await _set_within(self._look, pause)
            self._look.clear()
            settle, self._settle = self._settle, False
            accounts, self._accounts_due = self._accounts_due, False
            if accounts:
                await self._provision(None)
            try:
                pause = LOOK_AGAIN_S if await self._reconciler.look(settle=settle) else LOOK_EVERY_S
                if self._reconciler.switch_is_new:
                    pause = LOOK_AT_ONCE_S
            except SwitchError as error:
                log.warning("the switch did not say what it holds (%s)", error)
                self._settle, self._accounts_due = self._settle or settle, self._accounts_due or accounts
                pause = LOOK_AGAIN_S

    async def _every_second(self) -> None:
        with suppress(TimeoutError):  # or every desk would hear for a second that the switch is away
            await asyncio.wait_for(self._up.wait(), FIRST_LOOK_S)
        while True:
            await self._pulse.beat()
            await self._beat.once(switch_up=self._up.is_set())
            if self._desks_due:
                self._desks_due = False
                await self._store.run(agents.tell_desks, at=now())
            await self._expire_commands()
            for call_id in await self._store.run(board.expired_calls, now()):
                self._calls.place(call_id)  # which cancels it, since it is too old
            for session_id in await self._store.run(board.due_callbacks, now()):
                await self._do(_show_callback, session_id)
            if self._steady.look():
                await self._end_what_is_overdue()
                await self._look_for_absent_agents()
            await asyncio.sleep(1.0)

    async def _end_what_is_overdue(self) -> None:
        for session_id in await self._store.run(board.overdue_wrapups, now()):
            await self._do(_end_wrapup, session_id)
        for session_id in await self._store.run(board.overdue_previews, now()):
            await self._do(_end_preview, session_id)
        for public_id in await self._store.run(board.overdue_legs, now()):
            self._legs.put(public_id, LegOverdue())
        for call_id in await self._store.run(conversations.overdue_parked, now()):
            self._handling.recall(call_id)

    async def _do(self, deed: Callable[[int], None], session_id: int) -> None:
        """Do it to one session; one to which it cannot be done takes no other along, and no call."""
        try:
            await self._store.run(deed, session_id)
        except LeadershipLost:
            raise
        except Exception:
            log.exception("session %s: what was due was not done", session_id)

    async def _look_for_absent_agents(self) -> None:
        """While the database was away no page could be noted as open: that must not pause the whole floor."""
        if self._store.there_for_s < board.SCREEN_PATIENCE.total_seconds():
            return
        for session_id in await self._store.run(board.unseen_agents, now()):
            await self._do(_lose_screen, session_id)
        for session_id in await self._store.run(board.deserted_sessions, now()):
            await self._do(_end_deserted, session_id)

    async def _serve_waiting(self) -> None:
        """A notification may be lost; somebody who waits is tried for four times a second all the same."""
        while True:
            await asyncio.sleep(0.25)
            self._calls.agent_may_be_free()

    async def _serve_queues(self) -> None:
        """Callers are served from their rows, in the order of all queues: when an agent becomes ready, or soon."""
        while True:
            await _set_within(self._serve, 0.25)
            self._serve.clear()
            for call_id, transferred in await self._store.run(queueing.turns):
                if transferred:
                    self._handling.serve(call_id)
                else:
                    self._calls.serve(call_id)


def _lose_screen(session_id: int) -> None:
    """No call is sent any more to an agent whose page is gone."""
    _tell_agent(session_id, AgentKind.SCREEN_LOST)


def _end_deserted(session_id: int) -> None:
    """Sign out an agent who is paused, and has been away for long."""
    _tell_agent(session_id, AgentKind.LEAVE_ASKED)


def _tell_agent(session_id: int, kind: AgentKind) -> None:
    try:
        agents.apply(session_id=session_id, event=AgentEvent(kind), at=now())
    except agents.NotNow as refused:
        log.info("session %s: %s", session_id, refused)


def _end_wrapup(session_id: int) -> None:
    """Dispose with the campaign's default; an agent who was quicker, or took more time just now, is left alone."""
    if session_id not in board.overdue_wrapups(now()):
        return
    code = services.default_disposition(session_id=session_id)
    try:
        services.dispose(session_id=session_id, code=code)
    except agents.NotNow as refused:
        log.info("session %s: wrap-up was not ended (%s)", session_id, refused)


def _end_preview(session_id: int) -> None:
    """Dial or skip a lead that was shown for long enough; an agent who left meanwhile is left alone."""
    try:
        placing.end_preview(session_id=session_id)
    except agents.NotNow as refused:
        log.info("session %s: a preview was not ended (%s)", session_id, refused)


def _show_callback(session_id: int) -> None:
    """Show an agent their callback that is due; one who is busy or gone by now is left alone."""
    try:
        placing.show_callback(session_id=session_id)
    except agents.NotNow as refused:
        log.info("session %s: a callback was not shown (%s)", session_id, refused)


async def _set_within(event: asyncio.Event, seconds: float) -> None:
    """Wait for an event, at most so long."""
    try:
        async with asyncio.timeout(seconds):
            await event.wait()
    except TimeoutError:
        pass
