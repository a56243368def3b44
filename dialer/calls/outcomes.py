"""How a call can end, and what the network's causes say of one that nobody answered; pure.

Causes are those of ITU-T Q.850 (table 1), to which Asterisk maps SIP's answers.
"""

from __future__ import annotations

from enum import StrEnum


class Outcome(StrEnum):
    """How a call ended. EARLY_HANGUP: the person hung up before the limit within which we must connect them.

    The last three are of callers, who came to us: LEFT_QUEUE hung up while they waited, OVERFLOW were let go because
    nobody was free in time, CLOSED called outside the queue's hours. None of them is ABANDONED, which is what the law
    counts of people whom we called.
    """

    CONNECTED = "connected"
    ABANDONED = "abandoned"
    EARLY_HANGUP = "early_hangup"
    NO_ANSWER = "no_answer"
    BUSY = "busy"
    CONGESTION = "congestion"
    INVALID_NUMBER = "invalid_number"
    MACHINE = "machine"
    MESSAGE_LEFT = "message_left"
    CANCELLED = "cancelled"
    FAILED = "failed"
    LOST = "lost"
    LEFT_QUEUE = "left_queue"
    OVERFLOW = "overflow"
    CLOSED = "closed"


_OUTCOME_OF_CAUSE = {
    1: Outcome.INVALID_NUMBER,  # unallocated
    22: Outcome.INVALID_NUMBER,  # number changed
    28: Outcome.INVALID_NUMBER,  # invalid format
    17: Outcome.BUSY,
    21: Outcome.BUSY,  # rejected by the one called
    18: Outcome.NO_ANSWER,  # no user responding
    19: Outcome.NO_ANSWER,
    20: Outcome.NO_ANSWER,  # subscriber absent
    27: Outcome.CONGESTION,  # destination out of order
    34: Outcome.CONGESTION,
    38: Outcome.CONGESTION,
    41: Outcome.CONGESTION,
    42: Outcome.CONGESTION,
    44: Outcome.CONGESTION,
    47: Outcome.CONGESTION,
}
_OUTCOME_OF_STATUS = {
    "BUSY": Outcome.BUSY,
    "CONGESTION": Outcome.CONGESTION,
    "CHANUNAVAIL": Outcome.CONGESTION,
    "NOANSWER": Outcome.NO_ANSWER,
    "CANCEL": Outcome.NO_ANSWER,
}


def outcome_of_cause(cause: int, dial_status: str) -> Outcome:
    """The outcome of a call that nobody answered. The cause decides; the dial status only where it says nothing.

    Causes 0, 16 and 31 say "normal": with no answer that is a ring that we or the network ended.
    """
    if cause in _OUTCOME_OF_CAUSE:
        return _OUTCOME_OF_CAUSE[cause]
    if dial_status in _OUTCOME_OF_STATUS:
        return _OUTCOME_OF_STATUS[dial_status]
    return Outcome.NO_ANSWER if cause in (0, 16, 26, 31) else Outcome.FAILED
