"""Agents' nailed-up legs: calls their phones, keeps each leg in its own bridge, and tells when one is lost."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from django.conf import settings

from dialer.agents import services as agents
from dialer.agents.models import AgentSession, LegState, PhoneKind
from dialer.agents.rules import JOINED, AgentState, Event, Kind
from dialer.calls import board
from dialer.core.clock import now
from dialer.core.numbers import display_number
from dialer.core.words import _, said
from dialer.telephony import outbox
from dialer.telephony.port import AlreadyThere, Switch, SwitchError, SwitchRefused, bridge_of, leg_of

from .mailboxes import Mailboxes
from .store import Store

log = logging.getLogger(__name__)

REPLACE_TRIES, REPLACE_PAUSE_S = 40, 0.05
"""How often, and how far apart, a leg is asked for while the one that it replaces is being ended."""
NO_SUCH_NUMBER = (1, 28)
"""Q.850: unallocated number, invalid number format."""
RING_S = 30
"""How long an agent's phone rings before it counts as not answered."""


@dataclass(frozen=True, slots=True)
class CallPhone:
    """The agent's phone is to be called; the command to be finished with the result."""

    command: UUID


@dataclass(frozen=True, slots=True)
class DropPhone:
    """The agent's leg is to be ended."""

    command: UUID | None


@dataclass(frozen=True, slots=True)
class LegReady:
    """The agent's phone was answered and is in our hands."""

    at: datetime


@dataclass(frozen=True, slots=True)
class LegEnded:
    """The agent's leg is gone. `cause` is Q.850; None: it was missed in an inventory."""

    at: datetime
    cause: int | None


@dataclass(frozen=True, slots=True)
class LegOverdue:
    """The agent's phone was expected back on the line and did not come."""


Message = CallPhone | DropPhone | LegReady | LegEnded | LegOverdue
LegLost = Callable[[AgentSession, datetime], None]


class LegDesk:
    """The legs of every agent of this switch, each with a mailbox of its own."""

    def __init__(
        self,
        store: Store,
        switch: Switch,
        on_lost: LegLost,
        on_guest_back: Callable[[UUID], None],
        on_up: Callable[[int, str], None],
    ) -> None:
        """`on_up` hears each session's id and bridge when its leg is up."""
        self._store = store
        self._switch = switch
        self._on_lost = on_lost
        self._on_guest_back = on_guest_back
        self._on_up = on_up
        self._boxes: Mailboxes[UUID, Message] = Mailboxes(self._handle)

    def put(self, session: UUID, message: Message) -> None:
        """Something is to be done about, or happened to, a session's leg."""
        self._boxes.put(session, message)

    def busy(self, session: UUID) -> bool:
        """Whether something about this leg is being done."""
        return self._boxes.busy(session)

    def waiting(self) -> int:
        """How many messages about legs are not handled yet."""
        return self._boxes.waiting()

    async def close(self, patience: float) -> None:
        """Finish what was begun, within `patience` seconds. Legs on the switch live on."""
        await self._boxes.close(patience)

    async def _handle(self, public_id: UUID, message: Message) -> None:
        session = await self._store.run(board.session_by_public_id, public_id)
        match message:
            case CallPhone(command):
                await self._call(session, command)
            case DropPhone(command):
                await self._drop(session, public_id, command)
            case LegReady(at):
                await self._ready(session, public_id, at)
            case LegEnded(at, cause):
                await self._ended(session, at, cause)
            case LegOverdue():
                await self._overdue(session)

    async def _call(self, session: AgentSession | None, command: UUID) -> None:
        asked = session is not None and (session.leg == LegState.CALLING or session.phone == PhoneKind.BROWSER)
        if session is None or session.ended_at is not None or not asked:
            await self._store.run(outbox.finish, command, error="The agent has left.")
            return
        try:
            await self._ring(session)
        except SwitchError as error:
            await self._store.run(outbox.finish, command, error=str(error))
            if session.leg == LegState.AWAY:
                return  # the page asks again, or the time to come back runs out
            refused = isinstance(error, SwitchRefused)
            await self._failed(session, _not_registered(session) if refused else _NO_SWITCH, now())
        else:
            await self._store.run(outbox.finish, command)

    async def _ring(self, session: AgentSession) -> None:
        """Call the session's phone. A browser that asks has lost the leg that it had, whatever the switch thinks."""
        leg = leg_of(session.public_id)
        if session.phone == PhoneKind.NUMBER:
            await self._switch.call_number(leg, session.endpoint, settings.TRUNK, session.campaign.caller_id, RING_S)
            return
        tries = REPLACE_TRIES if session.phone == PhoneKind.BROWSER else 1
        while True:
            tries -= 1
            try:
                return await self._switch.call_phone(leg, session.endpoint, session.user.shown_name, RING_S)
            except AlreadyThere:
                if tries <= 0:
                    raise
                await self._switch.hang_up(leg)
                await asyncio.sleep(REPLACE_PAUSE_S)

    async def _drop(self, session: AgentSession | None, public_id: UUID, command: UUID | None) -> None:
        """End the leg, and the bridge with the session.

        While the session lives its bridge stays, empty: Asterisk may hold on to the id of a bridge that was removed, so
        that the next leg could neither find the bridge nor make it.
        """
        error = ""
        try:
            await self._switch.hang_up(leg_of(public_id))
            if session is None or session.ended_at is not None:
                await self._switch.remove_bridge(bridge_of(public_id))
        except SwitchError as failure:
            error = str(failure)  # the next inventory shows a leg without a session, and ends it
        if command is not None:
            await self._store.run(outbox.finish, command, error=error)

    async def _ready(self, session: AgentSession | None, public_id: UUID, at: datetime) -> None:
        if session is None or session.ended_at is not None:
            await self._drop(session, public_id, None)
            return
        try:
            await self._switch.join(bridge_of(public_id), leg_of(public_id))
        except SwitchError as error:
            log.warning("the leg of session %s could not be put into its bridge (%s)", session.pk, error)
            await self._drop(session, public_id, None)
            return
        self._on_up(session.pk, bridge_of(public_id))
        session = await self._store.run(agents.apply, session_id=session.pk, event=Event(Kind.LEG_UP), at=at, notice="")
        if session.guest and session.call_id is not None:
            self._on_guest_back(session.call_id)

    async def _ended(self, session: AgentSession | None, at: datetime, cause: int | None) -> None:
        if session is None:
            return
        if session.ended_at is not None:  # who has signed out listens to nobody any more
            self._on_lost(session, at)
            return
        if session.leg == LegState.CALLING:
            await self._failed(session, _not_answered(session, cause), at)
            return
        if session.leg == LegState.AWAY:
            return  # the one that is being replaced, or a new one that failed: there is time until it is overdue
        if session.leg == LegState.UP:
            # The call to tell is the one the agent has now: it may have been claimed for since `session` was read.
            session = await self._store.run(agents.leg_ended, session_id=session.pk, at=at, notice=_LOST)
            if session.leg != LegState.AWAY:
                self._on_lost(session, at)

    async def _overdue(self, session: AgentSession | None) -> None:
        moment = now()
        if session is None or session.leg_since is None or session.leg != LegState.AWAY:
            return
        if session.ended_at is None and session.leg_since + board.LEG_GRACE < moment:
            began = session.state == AgentState.PAUSED and session.pause_code == JOINED
            notice = _NOT_COME if began else _LOST_IN_BROWSER
            lost = Event(Kind.LEG_LOST)
            session = await self._store.run(agents.apply, session_id=session.pk, event=lost, at=moment, notice=notice)
            self._on_lost(session, moment)

    async def _failed(self, session: AgentSession, notice: str, at: datetime) -> None:
        """The phone did not come up: a session that just began ends (nothing half-done stays), another pauses."""
        began = session.state == AgentState.PAUSED and session.pause_code == JOINED
        event = Event(Kind.ENDED if began else Kind.LEG_LOST)
        await self._store.run(agents.apply, session_id=session.pk, event=event, at=at, notice=notice)


_NO_SWITCH = _("The telephone switch cannot be reached. Try again in a moment; if it lasts, tell your supervisor.")
_LOST = _("Your phone left the line. Choose “Call my phone” when it is ready again.")
_LOST_IN_BROWSER = _(
    "The phone in your browser left the line. Reload the page; if that does not help, check the microphone."
)
_NOT_COME = _(
    "The phone in your browser did not come on the line. Allow this page to use the microphone, then reload it; "
    "or leave and join with another phone."
)


def _not_registered(session: AgentSession) -> str:
    if session.phone == PhoneKind.BROWSER:
        return _LOST_IN_BROWSER
    if session.phone == PhoneKind.NUMBER:
        return said(
            "Your telephone %(phone)s could not be called: the switch refused it. Check the number, then try again.",
            phone=display_number(session.endpoint),
        )
    return said(
        "Your phone %(phone)s is not registered. Start it, check that it signs in as %(phone)s, then try again.",
        phone=session.endpoint,
    )


def _not_answered(session: AgentSession, cause: int | None) -> str:
    if session.phone == PhoneKind.BROWSER:
        return _LOST_IN_BROWSER
    phone = display_number(session.endpoint) if session.phone == PhoneKind.NUMBER else session.endpoint
    if cause in NO_SUCH_NUMBER:
        return said("There is no telephone %(phone)s. Check the number, then try again.", phone=phone)
    if cause in (17, 21):
        return said("Your phone %(phone)s is busy or refused the call. Free it, then try again.", phone=phone)
    return said("Your phone %(phone)s did not answer. Answer it when it rings, then try again.", phone=phone)
