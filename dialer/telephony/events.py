"""What a switch tells us, in the dialer's own words.

Every adapter (Asterisk, the simulated switch) turns its native events into these and nothing else
crosses the border, so the rest of the product never sees ARI or AMI. `at` is the switch's own clock
(aware, UTC) wherever the switch gives one: screen latency is measured from it.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Literal

Screening = Literal["HUMAN", "MACHINE", "NOTSURE", "HANGUP", "NONE"]
"""A verdict of answering-machine detection; NONE: the call was not screened."""

Remembered = Screening | Literal["DETECTING"]
"""What the switch remembers of an answered call: the verdict of its detector, or that it had not come to one."""


@dataclass(frozen=True, slots=True)
class Waits:
    """Since when a customer who answered waits for us: from the verdict on, or from the answer while there is none."""

    verdict: Remembered
    since: datetime


@dataclass(frozen=True, slots=True)
class SwitchUp:
    """The adapter is connected (again). `boot_id` changes when the switch itself was restarted."""

    at: datetime
    boot_id: str


@dataclass(frozen=True, slots=True)
class SwitchDown:
    """The adapter lost the switch; nothing that happens until the next SwitchUp is told later."""

    at: datetime
    reason: str


@dataclass(frozen=True, slots=True)
class ChannelRinging:
    """The far end of an outgoing channel is being alerted."""

    channel_id: str
    at: datetime


@dataclass(frozen=True, slots=True)
class ChannelAnswered:
    """The far end picked up; media flows. For a screened call detection starts now."""

    channel_id: str
    at: datetime


@dataclass(frozen=True, slots=True)
class ChannelReady:
    """An answered channel is in our hands and waits to be told what to do.

    For an agent's phone `verdict` is NONE.
    """

    channel_id: str
    at: datetime
    verdict: Screening = "NONE"
    detail: str = ""


@dataclass(frozen=True, slots=True)
class IncomingCall:
    """Somebody calls us: their channel rings and is in our hands. `dialed` and `caller` are what the trunk said, so
    anything may be in them; `caller` is empty when the number is withheld.
    """

    channel_id: str
    at: datetime
    dialed: str
    caller: str


@dataclass(frozen=True, slots=True)
class ChannelEnded:
    """A channel is gone. `cause` is the Q.850 hang-up cause (0 where the far end gave none).

    `dial_status` is the switch's own last word about the dialling, when it gave one (BUSY, NOANSWER, CONGESTION,
    ANSWER…): the second witness. When our ring limit ran out it is RINGING, or empty if it never rang, with cause 19.
    `unattended`: the person who answered was given the message by the switch itself, since no dialer was there.
    """

    channel_id: str
    at: datetime
    cause: int
    dial_status: str = ""
    unattended: bool = False
    message_left: bool = False
    """The recorded message that the switch left by itself was played to its end."""
    answered: bool = False
    """It was up when it ended. The event of its answer may come later: events overtake each other."""
    waits: Waits | None = None
    """Of a customer who had answered: since when they waited for us; None when the switch does not say."""


@dataclass(frozen=True, slots=True)
class MessagePlayed:
    """A message started with `Switch.play` ended. `cut_off`: not by itself, because the channel went or it failed."""

    channel_id: str
    playback_id: str
    at: datetime
    cut_off: bool = False


@dataclass(frozen=True, slots=True)
class PhoneSeen:
    """A phone registered (reachable) or went away."""

    endpoint: str
    reachable: bool
    at: datetime


@dataclass(frozen=True, slots=True)
class TrunkSeen:
    """A trunk's state changed."""

    trunk: str
    reachable: bool
    at: datetime


SwitchEvent = (
    SwitchUp
    | SwitchDown
    | ChannelRinging
    | ChannelAnswered
    | ChannelReady
    | IncomingCall
    | ChannelEnded
    | MessagePlayed
    | PhoneSeen
    | TrunkSeen
)
