"""The call's lifecycle, pure: what an event makes of a call, and what must now happen.

`advance` is total: any event may come in any state, twice, or never, because switches repeat, re-order and
lose events. A call ends exactly once, with one outcome.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum

from .outcomes import Outcome, outcome_of_cause


class CallState(StrEnum):
    """Where a call is; docs/architecture.md draws the moves."""

    QUEUED = "queued"
    DIALING = "dialing"
    RINGING = "ringing"
    ANSWERED = "answered"
    DETECTING = "detecting"
    HUMAN = "human"
    MACHINE = "machine"
    CONNECTED = "connected"
    ENDED = "ended"


class Kind(StrEnum):
    """What the switch, a person or a timer did."""

    PLACED = "placed"  # we are about to ask the switch; committed before it is asked
    REFUSED = "refused"  # the switch said no
    EXPIRED = "expired"  # too old to be worth placing
    RINGING = "ringing"
    ANSWERED = "answered"
    READY = "ready"  # answered, screened if asked for, and in our hands
    CLAIMED = "claimed"  # an agent was reserved for it
    NO_AGENT = "no_agent"
    BRIDGED = "bridged"
    BRIDGE_FAILED = "bridge_failed"
    AGENT_GONE = "agent_gone"  # the agent's leg is gone
    WAIT_EXPIRED = "wait_expired"  # nobody within the limit
    TURNED_AWAY = "turned_away"  # a caller may not wait: the queue is closed, or nobody works in it
    MESSAGE_PLAYED = "message_played"
    HANG_UP_ASKED = "hang_up_asked"
    GIVEN_UP = "given_up"  # pacing lets go of a call that nobody has answered yet
    HUNG_UP = "hung_up"  # the customer's channel is gone
    HANDED = "handed"  # another agent has the call now, or nobody: the customer talks with a third party, or is parked
    DROPPED = "dropped"  # the switch leaves a recorded message by itself; the agent is let go
    MISSING = "missing"  # an inventory of the switch does not show the channel


class Act(StrEnum):
    """What must now happen. The first group is done in the same transaction, the second by the switchboard after it."""

    CLAIM_AGENT = "claim_agent"
    RELEASE_AGENT = "release_agent"
    AGENT_CONNECTED = "agent_connected"
    WRAP_UP = "wrap_up"
    FREE_AGENT = "free_agent"
    FINISH_LEAD = "finish_lead"

    START_WAIT = "start_wait"
    BRIDGE = "bridge"
    RECORD = "record"
    PLAY_MESSAGE = "play_message"
    HANG_UP = "hang_up"


STORED_ACTS = frozenset(
    {Act.CLAIM_AGENT, Act.RELEASE_AGENT, Act.AGENT_CONNECTED, Act.WRAP_UP, Act.FREE_AGENT, Act.FINISH_LEAD}
)


@dataclass(frozen=True, slots=True)
class Event:
    """One thing that happened to a call. Only the fields that its kind needs are filled.

    `unattended`: the switch gave the person the message by itself, so who ended the call then is not known.
    `overdue`: whoever hangs up had waited for longer than is allowed. `since`: of a channel that ended, since when they
    had waited by the switch's own word, which comes with the verdict (DETECTING: of the detector, and none yet).
    """

    kind: Kind
    cause: int = 0
    dial_status: str = ""
    verdict: str = "NONE"
    session: int | None = None
    by: str = ""
    reason: str = ""
    cut_off: bool = False
    unattended: bool = False
    overdue: bool = False
    since: datetime | None = None
    message_left: bool = False
    answered: bool = False
    """Of a missing call: the switch remembers that it was answered, and the verdict. Of one that ended: it was up."""
    # (`cut_off`, of a missing call: it went with the switch itself.)


@dataclass(frozen=True, slots=True)
class Effect:
    """One thing to do, for the agent session that it concerns (if any)."""

    act: Act
    session: int | None = None


@dataclass(frozen=True, slots=True)
class Call:
    """All that the lifecycle needs to know of a call.

    `own_agent`: placed by or for one agent (manual, preview), whose session is set from the start.
    `ending`: an outcome that is settled although the channel is still up. `inbound`: somebody called us; such a call
    begins at ANSWERED and is not screened; `answered` stays false, because nobody answered a call of ours. While it
    waits in its queue it is HUMAN, as is whoever answered and waits.
    """

    state: CallState = CallState.QUEUED
    screened: bool = False
    unsure_to_agent: bool = True
    own_agent: bool = False
    session: int | None = None
    answered: bool = False
    verdict: str = ""
    ending: Outcome | None = None
    outcome: Outcome | None = None
    cause: int | None = None
    hung_up_by: str = ""
    inbound: bool = False


Step = tuple[Call, tuple[Effect, ...]]

_BEFORE_ANSWER = frozenset({CallState.QUEUED, CallState.DIALING, CallState.RINGING})
_BEFORE_VERDICT = _BEFORE_ANSWER | {CallState.ANSWERED, CallState.DETECTING}
_HANG_UP = (Effect(Act.HANG_UP),)


def let_down(call: Call) -> Outcome:
    """The outcome of somebody who is let go without having met anybody."""
    return Outcome.OVERFLOW if call.inbound else Outcome.ABANDONED


def advance(call: Call, event: Event) -> Step:
    """Return the call after the event, and what must now happen. Never raises."""
    if call.state is CallState.ENDED:
        return _after_the_end(call, event)
    return _RULES[event.kind](call, event)


def _after_the_end(call: Call, event: Event) -> Step:
    if event.kind is Kind.CLAIMED and event.session is not None:
        return call, (Effect(Act.RELEASE_AGENT, event.session),)
    return call, ()


def _placed(call: Call, event: Event) -> Step:
    if call.state is CallState.QUEUED:
        return replace(call, state=CallState.DIALING), ()
    return call, ()


def _refused(call: Call, event: Event) -> Step:
    if call.state not in (CallState.QUEUED, CallState.DIALING):
        return call, ()  # a second request with our id was refused: the first one lives
    outcome = call.ending or outcome_of_cause(event.cause, event.dial_status)
    if event.cause == 0 and call.ending is None:
        outcome = Outcome.FAILED
    return _end(call, outcome, event.cause)


def _expired(call: Call, event: Event) -> Step:
    if call.state is CallState.QUEUED:
        return _end(replace(call, hung_up_by="system"), Outcome.CANCELLED, None)
    return call, ()


def _ringing(call: Call, event: Event) -> Step:
    if call.state in (CallState.QUEUED, CallState.DIALING):
        return replace(call, state=CallState.RINGING), _HANG_UP if call.ending else ()
    return call, ()


def _answered(call: Call, event: Event) -> Step:
    if call.state not in _BEFORE_ANSWER:
        return call, ()
    state = CallState.DETECTING if call.screened else CallState.ANSWERED
    call = replace(call, state=state, answered=True)
    if call.ending is Outcome.CANCELLED:
        # Somebody picked up while we were cancelling: nobody can prove that it was not a person.
        return replace(call, ending=Outcome.ABANDONED), _HANG_UP
    return call, ()


def _ready(call: Call, event: Event) -> Step:
    if call.state not in _BEFORE_VERDICT:
        return call, ()
    if call.inbound:
        return _caller_is_here(call, event)
    call = replace(call, answered=True, verdict=event.verdict)
    if call.ending is not None:
        ending = Outcome.ABANDONED if call.ending is Outcome.CANCELLED else call.ending
        return replace(call, state=CallState.HUMAN, ending=ending), _HANG_UP
    if event.verdict == "HANGUP":
        return replace(call, state=CallState.DETECTING), _HANG_UP
    if _is_machine(call):
        by = call.hung_up_by or "system"
        return replace(call, state=CallState.MACHINE, ending=Outcome.MACHINE, hung_up_by=by), _HANG_UP
    call = replace(call, state=CallState.HUMAN)
    if event.unattended:
        return replace(call, ending=Outcome.ABANDONED), ()  # they were given the message, and are let go after it
    if call.session is not None:
        return call, (Effect(Act.BRIDGE, call.session),)
    if call.own_agent:
        return replace(call, ending=Outcome.ABANDONED), (Effect(Act.PLAY_MESSAGE),)
    return call, (Effect(Act.CLAIM_AGENT), Effect(Act.START_WAIT))


def _is_machine(call: Call) -> bool:
    """Whether the verdict is that no person answered, or that a person need not be met."""
    return call.verdict == "MACHINE" or (call.verdict == "NOTSURE" and not call.unsure_to_agent)


def _caller_is_here(call: Call, event: Event) -> Step:
    call = replace(call, state=CallState.HUMAN)
    if call.ending is not None:
        return call, _HANG_UP
    return call, (Effect(Act.CLAIM_AGENT), Effect(Act.START_WAIT))


def _turned_away(call: Call, event: Event) -> Step:
    if not call.inbound or call.state is not CallState.ANSWERED or call.ending is not None:
        return call, ()
    ending = Outcome.CLOSED if event.reason == "closed" else Outcome.OVERFLOW
    return replace(call, state=CallState.HUMAN, ending=ending), (Effect(Act.PLAY_MESSAGE),)


def _claimed(call: Call, event: Event) -> Step:
    if call.session == event.session or event.session is None:
        return call, ()
    if call.state is not CallState.HUMAN or call.session is not None or call.ending is not None:
        return call, (Effect(Act.RELEASE_AGENT, event.session),)
    return replace(call, session=event.session), (Effect(Act.BRIDGE, event.session),)


def _bridged(call: Call, event: Event) -> Step:
    if call.state is not CallState.HUMAN or call.session is None or call.session != event.session:
        return call, ()
    effects = (Effect(Act.AGENT_CONNECTED, call.session), Effect(Act.RECORD))
    # An end that was asked for while the bridge was being made still comes, but these two did meet.
    return replace(call, state=CallState.CONNECTED, ending=None), effects + (_HANG_UP if call.ending else ())


def _agent_lost_before_bridge(call: Call, release: bool) -> Step:
    session = call.session
    freed = (Effect(Act.RELEASE_AGENT, session),) if release else ()
    if call.own_agent or call.ending is not None:
        # Nobody else can take it: the person hears the message and goes.
        ending = call.ending or let_down(call)
        return replace(call, ending=ending), (Effect(Act.PLAY_MESSAGE),)
    return replace(call, session=None), (*freed, Effect(Act.CLAIM_AGENT), Effect(Act.START_WAIT))


def _bridge_failed(call: Call, event: Event) -> Step:
    if call.state is not CallState.HUMAN or call.session is None or call.session != event.session:
        return call, ()
    if event.unattended:  # they were given the message meanwhile: nobody is claimed for them any more
        after = replace(call, ending=call.ending or let_down(call))
        if call.own_agent:
            return after, ()
        return replace(after, session=None), (Effect(Act.RELEASE_AGENT, call.session),)
    return _agent_lost_before_bridge(call, release=True)


def _agent_gone(call: Call, event: Event) -> Step:
    if call.session is None or call.session != event.session:
        return call, ()
    if call.state is CallState.HUMAN:
        return _agent_lost_before_bridge(call, release=True)
    if call.state is CallState.CONNECTED:
        return replace(call, hung_up_by=call.hung_up_by or "agent"), _HANG_UP
    if call.own_agent:
        return _asked_to_hang_up(call, replace(event, by="agent"))
    return call, ()


def _wait_expired(call: Call, event: Event) -> Step:
    if call.state is CallState.HUMAN and call.session is None and call.ending is None:
        return replace(call, ending=let_down(call)), (Effect(Act.PLAY_MESSAGE),)
    return call, ()


def _message_played(call: Call, event: Event) -> Step:
    if call.state is CallState.HUMAN and call.ending is not None:
        # A message that was cut off mostly means that they hung up; the channel's end follows and says so.
        by = call.hung_up_by or ("" if event.cut_off else "system")
        return replace(call, hung_up_by=by), _HANG_UP
    return call, ()


def _asked_to_hang_up(call: Call, event: Event) -> Step:
    by = call.hung_up_by or event.by or "system"
    if call.state is CallState.QUEUED:
        return _end(replace(call, hung_up_by=by), Outcome.CANCELLED, None)
    call = replace(call, hung_up_by=by)
    if call.state in (CallState.DIALING, CallState.RINGING):
        return replace(call, ending=call.ending or Outcome.CANCELLED), _HANG_UP
    if call.state in (CallState.ANSWERED, CallState.DETECTING, CallState.HUMAN):
        # Answered, and we end it without an agent: it counts as abandoned, whoever asked.
        return replace(call, ending=call.ending or let_down(call)), _HANG_UP
    return call, _HANG_UP


def _given_up(call: Call, event: Event) -> Step:
    if call.state not in _BEFORE_ANSWER or call.ending is not None:
        return call, ()  # somebody answered meanwhile: they are not let down for a forecast
    return _asked_to_hang_up(call, replace(event, by="system"))


def _hung_up(call: Call, event: Event) -> Step:
    if event.answered:  # the word of that may be on its way still: events overtake each other
        call, _ = _answered(call, event)
    if call.answered and event.since is not None:  # so may that of the verdict be
        call = replace(call, verdict=call.verdict or event.verdict.replace("DETECTING", ""))
    there = call.inbound or (call.answered and not event.unattended)
    by = call.hung_up_by or ("customer" if there else "")
    return _end(replace(call, hung_up_by=by), final_outcome(call, event), event.cause)


def _handed(call: Call, event: Event) -> Step:
    if call.state is not CallState.CONNECTED or call.session == event.session or call.ending is not None:
        return call, ()
    # The one who lets go first: a call has one owner at a time.
    effects: tuple[Effect, ...] = (Effect(Act.WRAP_UP, call.session),) if call.session is not None else ()
    if event.session is not None:
        effects += (Effect(Act.AGENT_CONNECTED, event.session),)
    return replace(call, session=event.session), effects


def _dropped(call: Call, event: Event) -> Step:
    if call.state is not CallState.CONNECTED or call.session is None or call.ending is not None:
        return call, ()
    # Until the message is whole, what was reached is a machine and no more.
    after = replace(call, session=None, ending=Outcome.MACHINE, hung_up_by=call.hung_up_by or "system")
    return after, (Effect(Act.FREE_AGENT, call.session),)


def _missing(call: Call, event: Event) -> Step:
    if call.state is CallState.QUEUED:
        return call, ()  # never asked for, so it cannot be missed
    if call.state is CallState.CONNECTED:
        return _end(call, call.ending or Outcome.CONNECTED, None)
    if event.answered and not call.inbound:
        call = replace(call, answered=True, verdict=call.verdict or event.verdict.replace("DETECTING", ""))
    seen = call.inbound or event.answered
    return _end(call, call.ending or _outcome_of_missing(call, seen and not event.cut_off), None)


def _outcome_of_missing(call: Call, certain: bool) -> Outcome:
    """What became of a call that was not connected and whose end nobody saw.

    Whoever answered, and for whom nobody can prove that they were a machine or went by themselves, was let down.
    """
    if call.inbound:  # the queue lets nobody go unseen, so they went by themselves
        return Outcome.LEFT_QUEUE if certain else Outcome.LOST
    if not call.answered:
        return Outcome.LOST
    if _is_machine(call):
        return Outcome.MACHINE
    if call.screened and call.verdict in ("", "HANGUP"):  # the detector itself lets nobody go
        return Outcome.EARLY_HANGUP if certain else Outcome.LOST
    return Outcome.ABANDONED


def _nothing(call: Call, event: Event) -> Step:
    return call, ()


_RULES = {
    Kind.PLACED: _placed,
    Kind.REFUSED: _refused,
    Kind.EXPIRED: _expired,
    Kind.RINGING: _ringing,
    Kind.ANSWERED: _answered,
    Kind.READY: _ready,
    Kind.CLAIMED: _claimed,
    Kind.NO_AGENT: _nothing,
    Kind.BRIDGED: _bridged,
    Kind.BRIDGE_FAILED: _bridge_failed,
    Kind.AGENT_GONE: _agent_gone,
    Kind.WAIT_EXPIRED: _wait_expired,
    Kind.TURNED_AWAY: _turned_away,
    Kind.MESSAGE_PLAYED: _message_played,
    Kind.HANG_UP_ASKED: _asked_to_hang_up,
    Kind.GIVEN_UP: _given_up,
    Kind.HUNG_UP: _hung_up,
    Kind.HANDED: _handed,
    Kind.DROPPED: _dropped,
    Kind.MISSING: _missing,
}


def _end(call: Call, outcome: Outcome, cause: int | None) -> Step:
    ended = replace(call, state=CallState.ENDED, outcome=outcome, cause=cause, ending=None)
    effects: tuple[Effect, ...] = ()
    if call.session is not None:
        # An agent who dialed it themselves says what came of it, whatever that was.
        met = call.state is CallState.CONNECTED or call.own_agent
        effects = (Effect(Act.WRAP_UP if met else Act.RELEASE_AGENT, call.session),)
    # Whoever calls us is no attempt of ours.
    return ended, effects if call.inbound else (*effects, Effect(Act.FINISH_LEAD))


def final_outcome(call: Call, event: Event) -> Outcome:
    """The outcome of a call whose channel is gone, from how far it had come, else from the cause."""
    if call.ending is Outcome.MACHINE and event.message_left:
        return Outcome.MESSAGE_LEFT
    if call.state is CallState.CONNECTED:
        return call.ending or Outcome.CONNECTED
    if call.ending is not None:
        return call.ending
    if call.inbound:
        return Outcome.LEFT_QUEUE
    if event.unattended:
        return Outcome.ABANDONED
    if _is_machine(call):
        return Outcome.MACHINE
    if event.overdue:
        return Outcome.ABANDONED
    if call.answered:
        return Outcome.EARLY_HANGUP
    return outcome_of_cause(event.cause, event.dial_status)


DETECTION_SILENCE_MS = 1000
"""The silence after a greeting that machine detection waits for before it says HUMAN (asterisk/conf, amd)."""


def wait_limit_ms(connect_limit_ms: int, screened: bool) -> int:
    """How long after READY a person may wait for an agent.

    The limit runs from the end of their greeting (16 CFR 310.4(b)(4)(iii): two seconds). An unscreened call
    counts from the answer, which is stricter; a screened one has spent the detector's silence already.
    """
    return max(0, connect_limit_ms - DETECTION_SILENCE_MS) if screened else connect_limit_ms


def owed(call: Call) -> tuple[Effect, ...]:
    """What the switch still owes a call whose channel is up, when nobody knows whether it was asked.

    For a switchboard that was away: every one of these may be asked for twice without harm.
    """
    if call.state is CallState.ENDED:
        return ()
    told = (Outcome.ABANDONED, Outcome.OVERFLOW, Outcome.CLOSED)
    if call.state is CallState.HUMAN and call.ending in told and not call.hung_up_by:
        return (Effect(Act.PLAY_MESSAGE),)
    if call.state is CallState.CONNECTED and call.ending is not None:
        return ()  # the dialplan leaves the message, and hangs up after it
    if call.ending is not None or call.hung_up_by:
        return _HANG_UP
    if call.state is CallState.HUMAN and call.session is not None:
        return (Effect(Act.BRIDGE, call.session),)
    if call.state is CallState.HUMAN:
        return (Effect(Act.START_WAIT),)
    if call.state is CallState.CONNECTED:
        return (Effect(Act.RECORD),)
    return ()
