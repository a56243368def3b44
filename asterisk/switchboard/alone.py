"""What is done for people on the line while the database is away, because they cannot wait for it.

No agent can be claimed then. Whoever answered hears the message in time and is let go after it; the events wait as
always, and once there is a database the rows say what happened.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from uuid import UUID

from dialer.calls.rules import Event, Kind, wait_limit_ms
from dialer.telephony.port import Switch, SwitchError

from .lead import LeadershipLost
from .timers import Timers

log = logging.getLogger(__name__)

CONNECT_LIMIT_MS = 2000
"""The law's limit, and a campaign's longest: which campaign it is cannot be asked."""
GRACE_S = 0.3
"""How long the database may take over an event that somebody hears the silence of."""
LOOK_AGAIN_S = 0.25

_OF_WAITING = (Kind.READY, Kind.WAIT_EXPIRED)
"""Events after which somebody on the line hears silence until an agent is there."""

Deed = Callable[[UUID], Awaitable[None]]


class Alone:
    """Watches the events that somebody on the line waits for, until each is recorded."""

    def __init__(self, switch: Switch, database_is_there: Callable[[], bool], play: Deed) -> None:
        """`play` plays the message to a call; may raise SwitchError."""
        self._switch = switch
        self._database_is_there = database_is_there
        self._play = play
        self._timers = Timers()
        self._left: set[UUID] = set()
        self._served: dict[UUID, Event | None] = {}
        """Who is being given to an agent or talks with one, and what else was heard of their wait since."""
        self._deeds: set[asyncio.Task[None]] = set()

    def __contains__(self, call_id: UUID) -> bool:
        """Whether this person was given the message without a database."""
        return call_id in self._left

    def hear(self, call_id: UUID, event: Event) -> None:
        """An event of a call was heard, and is going to be recorded."""
        if call_id in self._served:
            if event.kind in _OF_WAITING:
                self._served[call_id] = event
            return
        match event.kind:
            case Kind.READY if event.verdict == "MACHINE":
                self._unless_recorded(call_id, event, GRACE_S, self._let_go)
            case Kind.READY if event.verdict != "HANGUP":
                limit_ms = wait_limit_ms(CONNECT_LIMIT_MS, screened=event.verdict != "NONE")
                self._unless_recorded(call_id, event, limit_ms / 1000, self._leave)
            case Kind.WAIT_EXPIRED:
                self._unless_recorded(call_id, event, GRACE_S, self._leave)
            case Kind.MESSAGE_PLAYED:
                self._unless_recorded(call_id, event, GRACE_S, self._let_go)
            case _:
                pass

    def recorded(self, call_id: UUID, event: Event) -> None:
        """The event is in the database; what is due is done from there."""
        self._timers.cancel((call_id, event.kind))

    def serve(self, call_id: UUID) -> None:
        """The person is being given to an agent: they wait no more, though no row may say so for a while."""
        self._served.setdefault(call_id)
        for kind in _OF_WAITING:
            self._timers.cancel((call_id, kind))

    def let_down(self, call_id: UUID) -> None:
        """They were not given to the agent: they wait again."""
        event = self._served.pop(call_id, None)
        if event is not None:
            self.hear(call_id, event)

    def forget(self, call_id: UUID) -> None:
        """The call is over."""
        self._left.discard(call_id)
        self._served.pop(call_id, None)
        for kind in (*_OF_WAITING, Kind.MESSAGE_PLAYED):
            self._timers.cancel((call_id, kind))

    async def close(self) -> None:
        """Do nothing more."""
        self._timers.close()
        for deed in self._deeds:
            deed.cancel()
        await asyncio.gather(*self._deeds, return_exceptions=True)

    def _unless_recorded(self, call_id: UUID, event: Event, seconds: float, deed: Deed) -> None:
        self._timers.start((call_id, event.kind), seconds, lambda: self._due(call_id, event, deed))

    def _due(self, call_id: UUID, event: Event, deed: Deed) -> None:
        if self._database_is_there():  # it is slow, not away: what it decides comes any moment
            self._unless_recorded(call_id, event, LOOK_AGAIN_S, deed)
            return
        task = asyncio.create_task(self._carry_out(call_id, deed), name=f"alone {call_id}")
        self._deeds.add(task)
        task.add_done_callback(self._deeds.discard)

    async def _carry_out(self, call_id: UUID, deed: Deed) -> None:
        try:
            await deed(call_id)
        except LeadershipLost:
            pass  # another serves them
        except SwitchError as error:
            log.warning("call %s: neither database nor switch (%s)", call_id, error)

    async def _leave(self, call_id: UUID) -> None:
        """Give the person the message; no agent may be claimed for them any more."""
        log.warning("call %s: the database is away; the person who answered hears the message", call_id)
        self._left.add(call_id)
        try:
            await self._play(call_id)
        except SwitchError:
            await self._let_go(call_id)

    async def _let_go(self, call_id: UUID) -> None:
        await self._switch.hang_up(str(call_id))
