"""The port to a switch: what the switchboard may ask of one.

Two adapters implement it: `asterisk.adapter` (ARI + AMI) and `dialer.telephony.simulated`.
Ids are chosen by us and deterministic, so asking twice is seen by the switch as a duplicate and
never becomes a second call: a customer's channel id is its CallTask id (that of somebody who calls us is given by the
adapter, a UUIDv7 that is always the same for the same channel), an agent's leg is
`leg-<session uuid>`, the agent's bridge `desk-<session uuid>`, a third party that was dialed `party-<party uuid>`,
and the bridge of a call that its agent has left `table-<call uuid>`.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal, Protocol
from uuid import UUID

from .events import Remembered, Screening, SwitchEvent, Waits

Guard = Callable[[], Awaitable[None]]
"""Asked right before each request: waits, or raises, while this process may not act on the switch."""


async def unguarded() -> None:
    """A guard for those who have nobody beside them."""


EventSink = Callable[[SwitchEvent], None]
"""Called in order, on the event loop that runs `Switch.run`; must not block and must not raise."""

LEG_PREFIX = "leg-"
BRIDGE_PREFIX = "desk-"
PARTY_PREFIX = "party-"
TABLE_PREFIX = "table-"
SNOOP_PREFIX = "snoop-"

RecordingNotice = Literal["none", "beep", "announce"]
"""What those on a recorded call hear of its being recorded: nothing, a beep now and again and again, or a sentence."""
Whisper = Literal["none", "out", "both"]
"""Into which direction of a channel somebody who listens to it speaks: none, to its phone, or both ways."""


def leg_of(session: UUID) -> str:
    """The channel id of an agent session's nailed-up leg."""
    return f"{LEG_PREFIX}{session}"


def bridge_of(session: UUID) -> str:
    """The id of an agent session's bridge."""
    return f"{BRIDGE_PREFIX}{session}"


def party_of(party: UUID) -> str:
    """The channel id of a third party that was dialed."""
    return f"{PARTY_PREFIX}{party}"


def table_of(call: UUID) -> str:
    """The id of the bridge where a customer and a third party talk on without an agent."""
    return f"{TABLE_PREFIX}{call}"


def snoop_of(monitor: UUID) -> str:
    """The channel id of a supervisor's listening to an agent's leg."""
    return f"{SNOOP_PREFIX}{monitor}"


class SwitchError(Exception):
    """Any failure of a request to the switch."""


class SwitchRefused(SwitchError):
    """The switch said no; nothing has happened. `cause` is the Q.850 cause that fits."""

    def __init__(self, reason: str, cause: int = 0) -> None:
        super().__init__(reason)
        self.reason = reason
        self.cause = cause


class AlreadyThere(SwitchRefused):
    """The channel that was asked for exists already."""


class SwitchUnreachable(SwitchError):
    """No answer: whether the request was carried out is unknown until the next inventory."""


@dataclass(frozen=True, slots=True)
class Placement:
    """One outgoing call. `number` is E.164 with `+`; `screen` asks for machine detection."""

    call_id: str
    number: str
    caller_id: str
    trunk: str
    ring_timeout_s: int
    screen: bool
    campaign_id: str


@dataclass(frozen=True, slots=True)
class PhoneAccount:
    """A SIP account that an agent's phone registers with; `webrtc`: the phone is a browser."""

    endpoint: str
    secret: str
    display: str
    webrtc: bool = False


@dataclass(frozen=True, slots=True)
class ChannelInfo:
    """A channel that the switch holds for us now."""

    channel_id: str
    state: Literal["DOWN", "DIALING", "RINGING", "UP"]
    ready: bool = False
    """It is in our application's hands (a ChannelReady was or would have been sent)."""
    verdict: Screening = "NONE"
    bridge_id: str = ""
    incoming: tuple[str, str] | None = None
    """Of somebody who calls us: what they dialed, and their number."""
    waits: Waits | None = None
    """Of a customer who answered; None when the switch does not say."""


@dataclass(frozen=True, slots=True)
class Inventory:
    """All that the switch holds for this dialer, at one moment. Other users' channels are left out."""

    boot_id: str
    channels: tuple[ChannelInfo, ...] = ()
    bridges: tuple[str, ...] = ()
    phones: frozenset[str] = field(default_factory=frozenset)
    """Endpoints that have a reachable contact."""
    answered: Mapping[str, Remembered] | None = field(default_factory=dict)
    """Customers' channels, most of them gone, that the switch itself remembers as answered, until `forget`.

    None: it cannot be asked at present.
    """


class Switch(Protocol):
    """What the switchboard asks of a switch. All methods raise SwitchRefused or SwitchUnreachable."""

    guard: Guard

    async def run(self, sink: EventSink) -> None:
        """Connect, feed `sink`, reconnect for ever; returns only by cancellation, leaving no task behind."""
        ...

    async def place(self, placement: Placement) -> None:
        """Start an outgoing call; a second request with the same id raises SwitchRefused."""
        ...

    async def hang_up(self, channel_id: str) -> None:
        """End a channel; one that is gone already is no error."""
        ...

    async def answer(self, channel_id: str) -> None:
        """Answer an incoming call; one that is answered already is no error."""
        ...

    async def refuse(self, channel_id: str, cause: int) -> None:
        """End an incoming call that was not answered, with a Q.850 cause; one that is gone already is no error."""
        ...

    async def call_phone(self, leg_id: str, endpoint: str, display: str, ring_timeout_s: int) -> None:
        """Call an agent's phone; on answer ChannelReady(leg_id) follows.

        SwitchRefused when it is not registered; AlreadyThere when the leg is up or being called.
        """
        ...

    async def call_number(self, leg_id: str, number: str, trunk: str, caller_id: str, ring_timeout_s: int) -> None:
        """Call an agent's plain telephone over a trunk; on answer ChannelReady(leg_id) follows."""
        ...

    async def join(self, bridge_id: str, channel_id: str, *, there: bool = False) -> None:
        """Put a channel into a bridge, made when missing; `there`: it must be there already, with somebody in it."""
        ...

    async def hold(self, channel_id: str, music: str = "default") -> None:
        """Take a channel out of whatever bridge it is in, and play music (a class of the switch's) to it.

        Asked again, the music goes on.
        """
        ...

    async def unhold(self, channel_id: str) -> None:
        """Stop the music; none being played is no error."""
        ...

    async def ring(self, bridge_id: str, ringing: bool) -> None:
        """Let those in a bridge hear ringing, or no more. Asked again, nothing happens; no such bridge is no error."""
        ...

    async def send_digits(self, channel_id: str, digits: str) -> None:
        """Send DTMF to a channel."""
        ...

    async def mute_recording(self, channel_id: str, muted: bool) -> None:
        """Let the recording of a channel keep silence instead of what is said, or what is said again."""
        ...

    async def leave_message(self, channel_id: str, path: str) -> None:
        """Wait for the silence after the beep, play a recording (below the recordings folder), hang up.

        The switch does it by itself from here; ChannelEnded says whether the message was whole.
        """
        ...

    async def snoop(self, snoop_id: str, channel_id: str, whisper: Whisper) -> None:
        """Make a channel that hears both directions of another; what is sent to it goes where `whisper` says.

        It ends with the channel that it hears. Asked again with the same id, nothing happens.
        """
        ...

    async def leave(self, bridge_id: str, channel_id: str) -> None:
        """Take a channel out of a bridge; not being there is no error."""
        ...

    async def remove_bridge(self, bridge_id: str) -> None:
        """Destroy a bridge; not being there is no error."""
        ...

    async def play(self, channel_id: str, message: str, playback_id: str) -> None:
        """Play a message (`safe-harbour`, `closed`, `all-busy`) to one channel; MessagePlayed follows when it ends."""
        ...

    async def record(self, channel_id: str, path: str, notice: RecordingNotice = "none") -> None:
        """Record both directions of a channel to `path`, below the recordings folder, until the channel ends.

        Everybody on the call hears the notice as it begins, which is on the recording; when it cannot be played,
        nothing is recorded. Asked again, nothing happens.
        """
        ...

    async def inventory(self) -> Inventory:
        """What the switch holds now."""
        ...

    async def forget(self, channel_ids: Collection[str]) -> None:
        """The switch need not remember any longer that these were answered."""
        ...

    async def provision(self, accounts: Sequence[PhoneAccount]) -> None:
        """Make sure that these phones can register; accounts made before by us and not named are removed."""
        ...
