"""The words of a conversation's lifecycle (`handling.rules`): modes, what is asked and told, what must happen."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Mode(StrEnum):
    """Where the conversation is. HANDING: the switch is being asked to let the agent out of it."""

    TALK = "talk"
    HOLD = "hold"
    CONSULT = "consult"  # the customer hears music, the agent and the third party talk (or it rings)
    ALTERNATE = "alternate"  # the other way round
    CONFERENCE = "conference"
    BLIND = "blind"  # the customer hears music until the number answers, then they are put together
    HANDING = "handing"
    HANDED = "handed"  # customer and third party talk; the agent is gone from it
    RELEASING = "releasing"  # the switch is being asked to hang up on the customer alone
    ASIDE = "aside"  # the customer is gone; the agent and the third party talk on
    PARKED = "parked"
    DROPPING = "dropping"  # the switch is being asked to leave a recorded message
    DROPPED = "dropped"  # the switch leaves the message by itself; the agent is gone from it
    OVER = "over"


class PartyState(StrEnum):
    """Where the third party is."""

    CALLING = "calling"
    RINGING = "ringing"
    TALKING = "talking"
    GONE = "gone"


class Kind(StrEnum):
    """What the agent asked for (the first group), or the switch told."""

    HOLD = "hold"
    RETRIEVE = "retrieve"
    CONSULT = "consult"
    BLIND = "blind"
    TOGGLE = "toggle"
    CONFERENCE = "conference"
    COMPLETE = "complete"
    CANCEL = "cancel"
    RELEASE = "release"
    PARK = "park"
    DROP = "drop"
    UNPARK = "unpark"
    PAUSE_RECORDING = "pause_recording"
    RESUME_RECORDING = "resume_rec"
    DTMF = "dtmf"

    ARRANGED = "arranged"  # the switch is as `layout` says
    PARTY_RINGING = "party_ringing"
    PARTY_ANSWERED = "party_answered"
    PARTY_GONE = "party_gone"
    OWNER_GONE = "owner_gone"  # the owner's leg was lost
    CALL_OVER = "call_over"


ASKS = frozenset(kind for kind in Kind if kind.value not in (
    "arranged", "party_ringing", "party_answered", "party_gone", "owner_gone", "call_over"
))  # fmt: skip


class Act(StrEnum):
    """What must now happen. The first two are done in the same transaction, the others after it by the switchboard."""

    HAND_OVER = "hand_over"  # the call's owner changes: to the colleague, or to nobody
    FREE_COLLEAGUE = "free_colleague"

    AGENT_GONE = "agent_gone"  # the call's own lifecycle is to decide about a lost leg
    ARRANGE = "arrange"
    DIAL_PARTY = "dial_party"
    DROP_PARTY = "drop_party"
    MUTE_RECORDING = "mute_recording"
    UNMUTE_RECORDING = "unmute_rec"
    SEND_DIGITS = "send_digits"
    LEAVE_MESSAGE = "leave_message"
    HANG_UP = "hang_up"


STORED_ACTS = frozenset({Act.HAND_OVER, Act.FREE_COLLEAGUE})


class Role(StrEnum):
    """Whose channel."""

    CUSTOMER = "customer"
    PARTY = "party"


class Spot(StrEnum):
    """Where a channel belongs: the owner's desk bridge, the colleague's, the call's own, or music on hold."""

    DESK = "desk"
    THEIRS = "theirs"
    TABLE = "table"
    MUSIC = "music"


@dataclass(frozen=True, slots=True)
class Conversation:
    """All that the lifecycle needs to know. `colleague`: the party is another agent's leg, which is up already."""

    mode: Mode = Mode.TALK
    party: PartyState | None = None
    colleague: bool = False
    recorded: bool = False
    may_pause: bool = False
    paused: bool = False


@dataclass(frozen=True, slots=True)
class Event:
    """One thing asked for or told. `left`: the call is over because the customer hung up."""

    kind: Kind
    colleague: bool = False
    reason: str = ""
    left: bool = False


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why not, in words for the one who asked."""

    reason: str


Step = tuple[Conversation, tuple[Act, ...]]
