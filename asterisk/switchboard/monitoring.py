"""Supervisors in agents' conversations: on the switch, a channel that hears the agent's leg, in their own bridge.

The agent's call does not hang on any of it: whatever fails or dies here ends the listening and nothing else.
"""

from __future__ import annotations

import logging
from dataclasses import dataclass
from uuid import UUID

from dialer.core.clock import now
from dialer.handling import monitoring
from dialer.handling.models import Monitor
from dialer.telephony import outbox
from dialer.telephony.models import SwitchCommand
from dialer.telephony.port import ChannelInfo, Switch, SwitchError, Whisper, bridge_of, leg_of, snoop_of

from .mailboxes import Mailboxes
from .store import Store

log = logging.getLogger(__name__)

WHISPERS: dict[str, Whisper] = {"listen": "none", "whisper": "out", "barge": "both"}
"""Which way the supervisor speaks on the agent's leg: to the agent, or to the agent and whom they talk with."""


@dataclass(frozen=True, slots=True)
class Asked:
    """A supervisor asked for a mode, or to stop."""

    command: SwitchCommand


@dataclass(frozen=True, slots=True)
class Stop:
    """The supervisor's leg is gone."""


@dataclass(frozen=True, slots=True)
class Again:
    """An inventory shows that the channel is not where it should be."""

    monitor: Monitor


Message = Asked | Stop | Again


class MonitorDesk:
    """The supervisors who are in agents' conversations, each with a mailbox of their own."""

    def __init__(self, store: Store, switch: Switch) -> None:
        self._store = store
        self._switch = switch
        self._boxes: Mailboxes[UUID, Message] = Mailboxes(self._handle)
        self._ends: Mailboxes[UUID, None] = Mailboxes(self._gone)
        self._missed: set[UUID] = set()

    def carry_out(self, command: SwitchCommand) -> None:
        """A supervisor asked for something; the command's target is their session."""
        assert command.target is not None
        self._boxes.put(command.target, Asked(command))

    def leg_lost(self, watcher: UUID) -> None:
        """An agent's or supervisor's leg is gone."""
        self._boxes.put(watcher, Stop())

    def channel_ended(self, monitor: UUID) -> None:
        """A channel that listened is gone."""
        self._ends.put(monitor, None)

    async def close(self, patience: float) -> None:
        """Finish what was begun, within `patience` seconds."""
        await self._boxes.close(patience)
        await self._ends.close(patience)

    async def _gone(self, monitor: UUID, _: None) -> None:
        await self._store.run(monitoring.gone, monitor=monitor, at=now())

    async def _handle(self, watcher: UUID, message: Message) -> None:
        match message:
            case Asked(command):
                error = await self._asked(watcher, command)
                await self._store.run(outbox.finish, command.pk, error=error)
            case Stop():
                await self._stop(watcher)
            case Again(monitor):
                await self._place(monitor)

    async def _asked(self, watcher: UUID, command: SwitchCommand) -> str:
        mode = str(command.args["mode"])
        if mode == monitoring.STOP:
            return await self._stop(watcher)
        watched = int(command.args["watched"])
        made = await self._store.run(monitoring.begin, watcher=watcher, watched=watched, mode=mode, at=now())
        if isinstance(made, str):
            return made
        if error := await self._place(made):
            return error
        for old in await self._store.run(monitoring.begun, monitor=made, at=now()):
            await self._end(old)
        return ""

    async def _place(self, monitor: Monitor) -> str:
        """Make the channel and put it into the supervisor's bridge; why not, when that fails."""
        channel = snoop_of(monitor.pk)
        try:
            await self._switch.snoop(channel, leg_of(monitor.watched.public_id), WHISPERS[monitor.mode])
            await self._switch.join(bridge_of(monitor.watcher.public_id), channel)
        except SwitchError as error:
            log.warning("session %s: listening was not begun (%s)", monitor.watcher_id, error)
            await self._end(monitor.pk)
            await self._store.run(monitoring.failed, monitor=monitor, reason=str(error), at=now())
            return str(error)
        return ""

    async def _stop(self, watcher: UUID) -> str:
        errors = [await self._end(old) for old in await self._store.run(monitoring.ended, watcher=watcher, at=now())]
        return next((error for error in errors if error), "")

    async def _end(self, monitor: UUID) -> str:
        try:
            await self._switch.hang_up(snoop_of(monitor))
        except SwitchError as error:  # the next inventory shows a channel without a row, and ends it
            log.info("a listening channel was not ended (%s)", error)
            return str(error)
        return ""

    def look(self, rows: list[Monitor], channels: dict[str, ChannelInfo]) -> bool:
        """Compare with what the switch holds; whether anything is suspected."""
        missed = set()
        for row in rows:
            channel = channels.get(snoop_of(row.pk))
            if self._boxes.busy(row.watcher.public_id):
                continue
            if row.watcher.ended_at is not None:
                self.leg_lost(row.watcher.public_id)
            elif channel is None:
                if row.pk in self._missed:
                    self.channel_ended(row.pk)
                else:
                    missed.add(row.pk)
            elif channel.bridge_id != bridge_of(row.watcher.public_id):
                self._boxes.put(row.watcher.public_id, Again(row))
        self._missed = missed
        return bool(missed)
