"""The conversation's lifecycle, pure: who of customer, agent and a third party hears whom, and who owns the call.

`calls.rules` knows that a call is connected; this knows what its agent does with it then. A conversation is a mode
and at most one third party (a colleague's nailed-up leg, or a number that was dialed). What the switch must look like
follows from it alone (`handling.layout`), so it can be asked for again at any time. What a person asks for and cannot
have is a Refusal with a reason to show; what the switch tells is never refused.
"""

from __future__ import annotations

from dataclasses import replace

from dialer.core.words import _

from .terms import ASKS, Act, Conversation, Event, Kind, Mode, PartyState, Refusal, Step

TOGETHER = frozenset({Mode.CONSULT, Mode.ALTERNATE, Mode.CONFERENCE})
"""Modes in which agent, customer and a third party are in it, whoever hears whom."""

_OWNED = frozenset({Mode.TALK, Mode.HOLD, Mode.CONSULT, Mode.ALTERNATE, Mode.CONFERENCE, Mode.BLIND})
"""Modes in which an agent has the call and may still do something about it."""

_NO_ONE_THERE = Refusal(_("Nobody is on the line with you but the customer."))
_ALREADY = Refusal(_("Somebody is being asked in already. End that first."))
_NOT_NOW = Refusal(_("That cannot be done at this point of the call. Look at the card, then choose again."))
_WAIT = Refusal(_("They have not answered yet. Wait for them, or cancel."))
_ENDED = Refusal(_("The call is over."))


def advance(now: Conversation, event: Event) -> Step | Refusal:
    """Return the conversation after the event and what must now happen, or why it cannot be. Never raises."""
    if now.mode is Mode.OVER:
        return _ENDED if event.kind in ASKS else (now, ())
    return _RULES[event.kind](now, event)


def _hold(now: Conversation, event: Event) -> Step | Refusal:
    match now.mode:
        case Mode.TALK:
            return replace(now, mode=Mode.HOLD), (Act.ARRANGE,)
        case Mode.HOLD:
            return now, ()
        case _:
            return _NOT_NOW


def _retrieve(now: Conversation, event: Event) -> Step | Refusal:
    match now.mode:
        case Mode.HOLD:
            return replace(now, mode=Mode.TALK), (Act.ARRANGE,)
        case Mode.TALK:
            return now, ()
        case _:
            return _NOT_NOW


def _consult(now: Conversation, event: Event) -> Step | Refusal:
    if now.party is not None:
        return _ALREADY
    if now.mode not in (Mode.TALK, Mode.HOLD):
        return _NOT_NOW
    if event.colleague:  # their leg is up: they are there at once
        after = replace(now, mode=Mode.CONSULT, party=PartyState.TALKING, colleague=True)
        return after, (Act.ARRANGE,)
    after = replace(now, mode=Mode.CONSULT, party=PartyState.CALLING, colleague=False)
    return after, (Act.ARRANGE, Act.DIAL_PARTY)


def _blind(now: Conversation, event: Event) -> Step | Refusal:
    if now.party is not None:
        return _ALREADY
    if now.mode not in (Mode.TALK, Mode.HOLD):
        return _NOT_NOW
    if event.colleague:
        return replace(now, mode=Mode.HANDING, party=PartyState.TALKING, colleague=True), (Act.ARRANGE,)
    after = replace(now, mode=Mode.BLIND, party=PartyState.CALLING, colleague=False)
    return after, (Act.ARRANGE, Act.DIAL_PARTY)


def _toggle(now: Conversation, event: Event) -> Step | Refusal:
    if now.party is None:
        return _NO_ONE_THERE
    if now.party is not PartyState.TALKING:
        return _WAIT
    match now.mode:
        case Mode.CONSULT:
            return replace(now, mode=Mode.ALTERNATE), (Act.ARRANGE,)
        case Mode.ALTERNATE:
            return replace(now, mode=Mode.CONSULT), (Act.ARRANGE,)
        case _:
            return _NOT_NOW


def _conference(now: Conversation, event: Event) -> Step | Refusal:
    if now.party is None:
        return _NO_ONE_THERE
    if now.party is not PartyState.TALKING:
        return _WAIT
    match now.mode:
        case Mode.CONSULT | Mode.ALTERNATE:
            return replace(now, mode=Mode.CONFERENCE), (Act.ARRANGE,)
        case Mode.CONFERENCE:
            return now, ()
        case _:
            return _NOT_NOW


def _complete(now: Conversation, event: Event) -> Step | Refusal:
    """Leave the other two talking; somebody who still rings gets the customer on answering."""
    if now.party is None:
        return _NO_ONE_THERE
    if now.mode not in (Mode.CONSULT, Mode.ALTERNATE, Mode.CONFERENCE):
        return _NOT_NOW
    if now.party is not PartyState.TALKING:
        return replace(now, mode=Mode.BLIND), (Act.ARRANGE,)
    return replace(now, mode=Mode.HANDING), (Act.ARRANGE,)


def _without_party(now: Conversation, mode: Mode) -> Conversation:
    return replace(now, mode=mode, party=None, colleague=False)


def _dropping(now: Conversation) -> tuple[Act, ...]:
    """What ends the third party's part. A colleague's leg goes back to their own desk."""
    if now.party is None:
        return ()
    return (Act.FREE_COLLEAGUE, Act.DROP_PARTY) if now.colleague else (Act.DROP_PARTY,)


def _cancel(now: Conversation, event: Event) -> Step | Refusal:
    if now.party is None:
        return _NO_ONE_THERE
    if now.mode is Mode.ASIDE:
        return _without_party(now, Mode.OVER), _dropping(now)
    if now.mode not in (Mode.CONSULT, Mode.ALTERNATE, Mode.CONFERENCE, Mode.BLIND):
        return _NOT_NOW
    return _without_party(now, Mode.TALK), (*_dropping(now), Act.ARRANGE)


def _release(now: Conversation, event: Event) -> Step | Refusal:
    """Hang up on the customer alone, and talk on with the third party."""
    if now.party is None:
        return _NO_ONE_THERE
    if now.party is not PartyState.TALKING:
        return _WAIT
    if now.mode not in TOGETHER:
        return _NOT_NOW
    return replace(now, mode=Mode.RELEASING), (Act.ARRANGE, Act.HANG_UP)


def _park(now: Conversation, event: Event) -> Step | Refusal:
    if now.mode not in (Mode.TALK, Mode.HOLD):
        return _NOT_NOW
    return replace(now, mode=Mode.HANDING), (Act.ARRANGE,)


def _drop(now: Conversation, event: Event) -> Step | Refusal:
    """Leave a recorded message on the answering machine that is on the line, and let the agent go at once."""
    if now.mode not in (Mode.TALK, Mode.HOLD):
        return _NOT_NOW
    return replace(now, mode=Mode.DROPPING), (Act.LEAVE_MESSAGE,)


def _unpark(now: Conversation, event: Event) -> Step | Refusal:
    """Somebody takes a parked call; the shell has made them its owner when this is arranged."""
    if now.mode is not Mode.PARKED:
        return Refusal(_("This call is parked no more. Somebody took it, or the customer hung up."))
    return replace(now, mode=Mode.TALK), (Act.HAND_OVER, Act.ARRANGE)


def _pause(now: Conversation, event: Event) -> Step | Refusal:
    if not now.recorded:
        return Refusal(_("This call is not recorded, so there is nothing to pause."))
    if not now.may_pause:
        return Refusal(_("This campaign does not allow its recordings to be paused."))
    if now.mode not in _OWNED:
        return _NOT_NOW
    if now.paused:
        return now, ()
    if not event.reason.strip():
        return Refusal(_("Say why the recording is paused, for example “card number”."))
    return replace(now, paused=True), (Act.MUTE_RECORDING,)


def _resume(now: Conversation, event: Event) -> Step | Refusal:
    if not now.paused:
        return now, ()
    return replace(now, paused=False), (Act.UNMUTE_RECORDING,)


def _dtmf(now: Conversation, event: Event) -> Step | Refusal:
    if now.mode in (Mode.TALK, Mode.CONSULT, Mode.ALTERNATE, Mode.CONFERENCE, Mode.ASIDE):
        return now, (Act.SEND_DIGITS,)
    return _NOT_NOW


def _arranged(now: Conversation, event: Event) -> Step:
    if now.mode not in (Mode.DROPPING, Mode.HANDING):
        return now, ()
    # Nobody is left who could resume it: a recording that is paused goes on from here.
    resumed = (Act.UNMUTE_RECORDING,) if now.paused else ()
    after = replace(now, paused=False)
    if now.mode is Mode.DROPPING:
        return replace(after, mode=Mode.DROPPED), (Act.HAND_OVER, *resumed)
    if now.party is None:
        return replace(after, mode=Mode.PARKED), (Act.HAND_OVER, *resumed)
    if now.colleague:
        return _without_party(after, Mode.TALK), (Act.HAND_OVER, *resumed)
    return replace(after, mode=Mode.HANDED), (Act.HAND_OVER, *resumed)


def _party_ringing(now: Conversation, event: Event) -> Step:
    if now.party is PartyState.CALLING:
        return replace(now, party=PartyState.RINGING), ()
    return now, ()


def _party_answered(now: Conversation, event: Event) -> Step:
    if now.party not in (PartyState.CALLING, PartyState.RINGING):
        return now, ()
    mode = Mode.HANDING if now.mode is Mode.BLIND else now.mode
    return replace(now, party=PartyState.TALKING, mode=mode), (Act.ARRANGE,)


def _party_gone(now: Conversation, event: Event) -> Step:
    """The customer stays on hold after a consultation that ended by itself: the agent says when they come back."""
    if now.party is None:
        return now, ()
    freed = (Act.FREE_COLLEAGUE,) if now.colleague else ()
    if now.mode is Mode.HANDED:
        return _without_party(now, Mode.HANDED), (Act.HANG_UP,)
    if now.mode is Mode.ASIDE:
        return _without_party(now, Mode.OVER), freed
    mode = Mode.HOLD if now.mode in (Mode.CONSULT, Mode.RELEASING) else Mode.TALK
    return _without_party(now, mode), (*freed, Act.ARRANGE)


def _owner_gone(now: Conversation, event: Event) -> Step:
    if now.mode is Mode.ASIDE:
        return _without_party(now, Mode.OVER), _dropping(now)
    if now.mode in (Mode.CONFERENCE, Mode.HANDING) and now.party is PartyState.TALKING:
        return replace(now, mode=Mode.HANDING), (Act.ARRANGE,)
    return now, (Act.AGENT_GONE,)


def _call_over(now: Conversation, event: Event) -> Step:
    """Who hung up on everybody is done; but a customer's going does not end what the other two are talking about."""
    if now.mode is Mode.ASIDE:
        return now, ()
    if now.mode is Mode.RELEASING or (event.left and now.mode in TOGETHER and now.party is PartyState.TALKING):
        return replace(now, mode=Mode.ASIDE, paused=False), (Act.ARRANGE,)
    return replace(now, mode=Mode.OVER, party=None, colleague=False), _dropping(now)


_RULES = {
    Kind.HOLD: _hold,
    Kind.RETRIEVE: _retrieve,
    Kind.CONSULT: _consult,
    Kind.BLIND: _blind,
    Kind.TOGGLE: _toggle,
    Kind.CONFERENCE: _conference,
    Kind.COMPLETE: _complete,
    Kind.CANCEL: _cancel,
    Kind.RELEASE: _release,
    Kind.PARK: _park,
    Kind.DROP: _drop,
    Kind.UNPARK: _unpark,
    Kind.PAUSE_RECORDING: _pause,
    Kind.RESUME_RECORDING: _resume,
    Kind.DTMF: _dtmf,
    Kind.ARRANGED: _arranged,
    Kind.PARTY_RINGING: _party_ringing,
    Kind.PARTY_ANSWERED: _party_answered,
    Kind.PARTY_GONE: _party_gone,
    Kind.OWNER_GONE: _owner_gone,
    Kind.CALL_OVER: _call_over,
}


def undo(before: Conversation, after: Conversation, kind: Kind) -> Step:
    """What a step that the switch did not carry out comes to: as it was before, or as near to it as can be."""
    if after.mode is Mode.OVER:
        return after, ()
    if after.mode is Mode.ASIDE:
        return _without_party(after, Mode.OVER), _dropping(after)
    if kind not in ASKS:  # nobody asked for it just now: whoever cannot be put through is let go
        _after, gone = _party_gone(after, Event(Kind.PARTY_GONE))
        mode = Mode.HOLD if after.mode is Mode.CONSULT else Mode.TALK
        if after.mode is Mode.HANDED:
            return after, ()
        return _without_party(after, mode), (*gone, *((Act.DROP_PARTY,) if after.party else ()))
    if before.party is not None and after.party is None:
        return after, (Act.ARRANGE,)  # they are gone; what is left is asked for again
    restored = replace(before, party=after.party) if before.party is not None else before
    dropped = _dropping(after) if before.party is None else ()
    return restored, (*dropped, Act.ARRANGE)
