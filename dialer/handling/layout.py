"""What follows from a conversation as it stands, pure: where channels belong, what the switch owes, what may be asked.

All of it can be asked for at any time, which is how a switchboard that was away puts things right.
"""

from __future__ import annotations

from .rules import TOGETHER, advance
from .terms import ASKS, Act, Conversation, Event, Kind, Mode, PartyState, Refusal, Role, Spot


def layout(now: Conversation) -> dict[Role, Spot]:
    """Where each channel belongs; one that is not named is left where it is (it rings, or is gone)."""
    here = {Role.PARTY: Spot.DESK} if now.party is PartyState.TALKING else {}
    match now.mode:
        case Mode.TALK:
            return {Role.CUSTOMER: Spot.DESK}
        case Mode.HOLD | Mode.BLIND | Mode.PARKED:
            return {Role.CUSTOMER: Spot.MUSIC}
        case Mode.CONSULT:
            return {Role.CUSTOMER: Spot.MUSIC, **here}
        case Mode.ALTERNATE:
            return {Role.PARTY: Spot.MUSIC, Role.CUSTOMER: Spot.DESK}
        case Mode.CONFERENCE:
            return {Role.CUSTOMER: Spot.DESK, **here}
        case Mode.RELEASING | Mode.ASIDE:  # the customer is being hung up on, or gone
            return here
        case Mode.HANDING if now.party is None:
            return {Role.CUSTOMER: Spot.MUSIC}
        case Mode.HANDING if now.colleague:
            return {Role.PARTY: Spot.THEIRS, Role.CUSTOMER: Spot.THEIRS}
        case Mode.HANDING | Mode.HANDED:
            return {Role.PARTY: Spot.TABLE, Role.CUSTOMER: Spot.TABLE} if now.party else {}
        case _:  # the dialplan has the customer, or nobody
            return {}


def owed(now: Conversation) -> tuple[Act, ...]:
    """What the switch still owes a conversation, when nobody knows whether it was asked. All may be asked for twice."""
    if now.mode is Mode.OVER:
        return ()
    if now.mode is Mode.HANDED and now.party is None:
        return (Act.HANG_UP,)
    sound: tuple[Act, ...] = ()
    if now.recorded and now.mode is not Mode.ASIDE:
        sound = (Act.MUTE_RECORDING,) if now.paused else (Act.UNMUTE_RECORDING,)
    if now.mode is Mode.DROPPING:
        return (*sound, Act.LEAVE_MESSAGE)
    if now.mode is Mode.RELEASING:
        return (*sound, Act.ARRANGE, Act.HANG_UP)
    return (*sound, Act.ARRANGE) if layout(now) else sound


def ringing(now: Conversation) -> bool:
    """Whether the agent, alone in their bridge, hears that the third party's phone rings."""
    return now.mode is Mode.CONSULT and now.party is PartyState.RINGING


def together(now: Conversation) -> bool:
    """Whether the owner and a third party talk, or would on the next swap, whatever becomes of the customer."""
    return now.party is PartyState.TALKING and now.mode in (*TOGETHER, Mode.RELEASING, Mode.ASIDE)


def held(now: Conversation) -> bool:
    """Whether the customer hears music."""
    return layout(now).get(Role.CUSTOMER) is Spot.MUSIC


def asks_open(now: Conversation) -> frozenset[Kind]:
    """What may be asked for now: what the card offers."""
    return frozenset(
        kind
        for kind in ASKS
        if kind is not Kind.UNPARK
        and not isinstance(answer := advance(now, Event(kind, reason="reason")), Refusal)
        and answer != (now, ())
    )
