"""The agent's lifecycle, pure: OFFLINE → PAUSED(code) ⇄ READY → RESERVED → IN_CALL → WRAPUP → READY | PAUSED.

Like a call's, it is total over any order of events. What a person asks for and cannot have is a Refusal with a
reason to show; what the system tells (a call ended, a leg was lost) is never refused.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import StrEnum
from uuid import UUID

from dialer.core.words import _

PHONE_LOST = "PHONE"
"""Pause code of an agent whose phone is not on the line."""
SCREEN_LOST = "SCREEN"
"""Pause code of an agent whose page is gone."""
JOINED = "LOGIN"
"""Pause code of an agent who has just joined."""
CALLBACK_DUE = "CALLBACK"
"""Pause code of an agent who is shown a callback of theirs that is due; the call over, they are ready again."""
SYSTEM_CODES = {
    CALLBACK_DUE: _("Callback due"),
    PHONE_LOST: _("Phone lost"),
    SCREEN_LOST: _("Screen lost"),
    JOINED: _("Signed in"),
    "PAUSE": _("Paused"),
}


class AgentState(StrEnum):
    """What an agent is doing."""

    OFFLINE = "offline"
    PAUSED = "paused"
    READY = "ready"
    RESERVED = "reserved"
    IN_CALL = "in_call"
    WRAPUP = "wrapup"


class Kind(StrEnum):
    """What the agent asked for, or the system tells."""

    LEG_UP = "leg_up"
    LEG_AWAY = "leg_away"  # it is expected back in seconds: a browser phone's page is loading again
    LEG_LOST = "leg_lost"
    SCREEN_LOST = "screen_lost"
    READY_ASKED = "ready_asked"
    PAUSE_ASKED = "pause_asked"
    RESERVED = "reserved"
    RELEASED = "released"
    CONNECTED = "connected"
    CALL_ENDED = "call_ended"
    JOINED_BY = "joined_by"  # a third party talks with them in this call, and would if the customer went
    ALONE = "alone"  # no third party does any more
    FREED = "freed"  # their part of a call is over and there is nothing to wrap up
    DISPOSED = "disposed"
    EXTEND_ASKED = "extend_asked"  # more time for the wrap-up, once per call
    MOVED = "moved"  # to another campaign, by a supervisor; with a call in hand it waits until that is wrapped up
    LEAVE_ASKED = "leave_asked"
    ENDED = "ended"  # the session is closed by the system: the phone never came up


@dataclass(frozen=True, slots=True)
class Event:
    """One thing that happened to an agent.

    `own`: the agent dials it, so they need not have been READY, and their leg may be away for a moment. A disposition
    that names its `call` is refused when the agent is on another one by now (a screen that is behind, a time-out that
    came too late).
    """

    kind: Kind
    call: UUID | None = None
    code: str = ""
    own: bool = False


@dataclass(frozen=True, slots=True)
class Agent:
    """All that the lifecycle needs to know of an agent session."""

    state: AgentState = AgentState.PAUSED
    pause_code: str = JOINED
    pause_after: str = ""
    leg_up: bool = False
    leg_away: bool = False
    """The phone is off the line for a moment: nothing is lost yet, and no call is given to the agent."""
    call: UUID | None = None
    wrapup_extended: bool = False
    beside: bool = False
    """A third party talks with them: the call's end alone does not end that."""


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why not, in words for the one who asked."""

    reason: str


_BUSY = frozenset({AgentState.RESERVED, AgentState.IN_CALL})


def moves_now(agent: Agent) -> bool:
    """Whether an agent whom a supervisor moves is in the other campaign at once: they have no call in hand."""
    return agent.call is None


def advance(agent: Agent, event: Event) -> Agent | Refusal:
    """Return the agent after the event, or why what was asked for cannot be. Never raises."""
    if agent.state is AgentState.OFFLINE:
        return agent
    return _RULES[event.kind](agent, event)


def _leg_up(agent: Agent, event: Event) -> Agent:
    return replace(agent, leg_up=True, leg_away=False)


def _leg_away(agent: Agent, event: Event) -> Agent:
    if agent.state is AgentState.RESERVED and not event.own:
        return _leg_lost(agent, event)  # whoever is about to be put through does not wait for it
    return replace(agent, leg_up=False, leg_away=True)


def _paused(agent: Agent, code: str) -> Agent:
    calm = replace(agent, call=None, wrapup_extended=False, beside=False)
    return replace(calm, state=AgentState.PAUSED, pause_code=code, pause_after="")


def _leg_lost(agent: Agent, event: Event) -> Agent:
    agent = replace(agent, leg_up=False, leg_away=False)
    return _paused(agent, PHONE_LOST) if agent.state is AgentState.READY else agent


def _screen_lost(agent: Agent, event: Event) -> Agent:
    if agent.state is AgentState.READY:
        return _paused(agent, SCREEN_LOST)
    if agent.state in _BUSY and not agent.pause_after:
        return replace(agent, pause_after=SCREEN_LOST)
    return agent


def _ready_asked(agent: Agent, event: Event) -> Agent | Refusal:
    match agent.state:
        case AgentState.PAUSED if agent.leg_away:
            return Refusal(_("Your phone is coming on the line. Try again in a moment."))
        case AgentState.PAUSED if not agent.leg_up:
            return Refusal(_("Your phone is not on the line. Answer it, or join the campaign again."))
        case AgentState.PAUSED:
            return replace(agent, state=AgentState.READY, pause_code="", pause_after="")
        case AgentState.WRAPUP:
            return Refusal(_("Choose a disposition first."))
        case _:
            return replace(agent, pause_after="")


def _pause_asked(agent: Agent, event: Event) -> Agent:
    code = event.code or "PAUSE"
    if agent.state in (AgentState.READY, AgentState.PAUSED):
        return _paused(agent, code)
    return replace(agent, pause_after=code)


def _reserved(agent: Agent, event: Event) -> Agent | Refusal:
    if agent.state in _BUSY or agent.state is AgentState.WRAPUP:
        return Refusal(_("Finish the call that you are on first."))
    if not agent.leg_up:
        return Refusal(_("Your phone is not on the line. Answer it, or join the campaign again."))
    if agent.state is not AgentState.READY and not event.own:
        return Refusal(_("The agent is not ready."))
    # Whoever dials while paused goes back to that pause, not to ready.
    keeps = agent.state is AgentState.PAUSED and agent.pause_code not in (JOINED, CALLBACK_DUE)
    after = agent.pause_code if keeps else agent.pause_after
    return replace(agent, state=AgentState.RESERVED, pause_code="", pause_after=after, call=event.call)


def _free(agent: Agent) -> Agent:
    if agent.pause_after:
        return _paused(agent, agent.pause_after)
    if not agent.leg_up and not agent.leg_away:
        return _paused(agent, PHONE_LOST)
    return replace(agent, state=AgentState.READY, pause_code="", call=None, wrapup_extended=False, beside=False)


def _released(agent: Agent, event: Event) -> Agent:
    if agent.state is AgentState.RESERVED and agent.call == event.call:
        return _free(agent)
    return agent


def _connected(agent: Agent, event: Event) -> Agent:
    if agent.state is AgentState.RESERVED and agent.call == event.call:
        return replace(agent, state=AgentState.IN_CALL)
    return agent


def _joined_by(agent: Agent, event: Event) -> Agent:
    if agent.state is AgentState.IN_CALL and agent.call == event.call:
        return replace(agent, beside=True)
    return agent


def _alone(agent: Agent, event: Event) -> Agent:
    return replace(agent, beside=False) if agent.call == event.call else agent


def _call_ended(agent: Agent, event: Event) -> Agent:
    """Wrap up, unless a third party is on the line still: the end is told again when they are not."""
    if agent.state in _BUSY and agent.call == event.call and not agent.beside:
        return replace(agent, state=AgentState.WRAPUP)
    return agent


def _freed(agent: Agent, event: Event) -> Agent:
    if agent.state in _BUSY and agent.call == event.call:
        return _free(agent)
    return agent


def _disposed(agent: Agent, event: Event) -> Agent | Refusal:
    if event.call is not None and agent.call is not None and agent.call != event.call:
        return Refusal(_("That call has its disposition already."))
    if agent.state is AgentState.WRAPUP:
        return _free(agent)
    if agent.state in _BUSY:
        return Refusal(_("Hang up first, then choose the disposition."))
    return Refusal(_("There is no call to dispose of."))


def _extend_asked(agent: Agent, event: Event) -> Agent | Refusal:
    if agent.state is not AgentState.WRAPUP:
        return Refusal(_("There is no wrap-up to extend."))
    if agent.wrapup_extended:
        return Refusal(_("This wrap-up has been extended once already. Choose a disposition."))
    return replace(agent, wrapup_extended=True)


def _moved(agent: Agent, event: Event) -> Agent:
    return agent  # the state goes along


def _leave_asked(agent: Agent, event: Event) -> Agent | Refusal:
    if agent.state in _BUSY:
        return Refusal(_("Finish the call first, then leave."))
    if agent.state is AgentState.WRAPUP:
        return Refusal(_("Choose a disposition first, then leave."))
    return _ended(agent, event)


def _ended(agent: Agent, event: Event) -> Agent:
    gone = replace(agent, leg_up=False, leg_away=False, call=None, wrapup_extended=False, beside=False)
    return replace(gone, state=AgentState.OFFLINE, pause_code="", pause_after="")


_RULES = {
    Kind.LEG_UP: _leg_up,
    Kind.LEG_AWAY: _leg_away,
    Kind.LEG_LOST: _leg_lost,
    Kind.SCREEN_LOST: _screen_lost,
    Kind.READY_ASKED: _ready_asked,
    Kind.PAUSE_ASKED: _pause_asked,
    Kind.RESERVED: _reserved,
    Kind.RELEASED: _released,
    Kind.CONNECTED: _connected,
    Kind.CALL_ENDED: _call_ended,
    Kind.JOINED_BY: _joined_by,
    Kind.ALONE: _alone,
    Kind.FREED: _freed,
    Kind.DISPOSED: _disposed,
    Kind.EXTEND_ASKED: _extend_asked,
    Kind.MOVED: _moved,
    Kind.LEAVE_ASKED: _leave_asked,
    Kind.ENDED: _ended,
}
