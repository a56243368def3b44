"""A switch in memory: the same port, people who are simulated, timers instead of a network.

For `./run --switch simulated`, for tests of everything above the port, and for machines without Asterisk. Nobody hears
anything; recordings are a short tone and silence. Like a real switch it goes on when nobody listens: `drop` and
`restore` take the connection away, `reboot` the channels, `lose_phone` an agent's phone.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Literal
from uuid import uuid4

from dialer.core.ids import new_id

from .events import (
    ChannelAnswered,
    ChannelEnded,
    ChannelReady,
    ChannelRinging,
    IncomingCall,
    MessagePlayed,
    PhoneSeen,
    Screening,
    SwitchDown,
    SwitchEvent,
    SwitchUp,
)
from .port import (
    AlreadyThere,
    ChannelInfo,
    EventSink,
    Guard,
    Inventory,
    PhoneAccount,
    Placement,
    RecordingNotice,
    SwitchRefused,
    SwitchUnreachable,
    Whisper,
    unguarded,
)
from .simulated_people import CAUSE, FarEnd, Mix, far_end
from .simulated_sound import begin_wav, finish_wav

log = logging.getLogger(__name__)

PHONE_ANSWERS_S = 0.05
MESSAGE_S = 5.0
"""How long the safe-harbour message plays."""
NORMAL, NO_ANSWER, NOT_REGISTERED = 16, 19, 20
"""Q.850 causes."""


@dataclass(slots=True)
class _Channel:
    """A channel: a customer's, or an agent's phone (`endpoint` is set)."""

    id: str
    endpoint: str = ""
    state: Literal["DOWN", "DIALING", "RINGING", "UP"] = "DIALING"
    ready: bool = False
    verdict: Screening = "NONE"
    bridge: str = ""
    incoming: tuple[str, str] | None = None
    music: bool = False
    muted: bool = False
    digits: str = ""
    whisper: Whisper = "none"
    snoops: list[str] = field(default_factory=list)
    """Channels that hear this one, and end with it."""
    message: str = ""
    """The recorded message that the switch leaves by itself."""
    timers: list[asyncio.TimerHandle] = field(default_factory=list)
    playing: dict[str, asyncio.TimerHandle] = field(default_factory=dict)
    recordings: list[tuple[Path, float]] = field(default_factory=list)
    notice: RecordingNotice = "none"


class SimulatedSwitch:
    """Implements `dialer.telephony.port.Switch`. Everything happens on the loop that first uses it.

    `speed` divides every time; `registered` names the endpoints whose phones are on (None: all that were provisioned).
    """

    def __init__(
        self,
        *,
        recordings_dir: Path,
        seed: int = 1,
        mix: Mix | None = None,
        speed: float = 1.0,
        registered: Collection[str] | None = None,
    ) -> None:
        if speed <= 0:
            raise ValueError("speed must be above zero")
        self.guard: Guard = unguarded  # not asked: what it carries lives and dies with this process
        self._recordings_dir = recordings_dir.resolve()
        self._seed, self._mix, self._speed = seed, mix or Mix(), speed
        self._registered = None if registered is None else set(registered)
        self._accounts: set[str] = set()
        self._channels: dict[str, _Channel] = {}
        self._bridges: dict[str, set[str]] = {}
        self._ringing: set[str] = set()
        self._boot_id = uuid4().hex
        self._sink: EventSink | None = None
        self._connected = True

    # ---- the port

    async def run(self, sink: EventSink) -> None:
        """Feed `sink` until cancelled. Calls go on meanwhile, as they do on a real switch that nobody listens to."""
        if self._sink is not None:
            raise RuntimeError("somebody listens to this switch already")
        self._sink = sink
        try:
            if self._connected:
                self._tell(SwitchUp(_now(), self._boot_id))
            await asyncio.Event().wait()
        finally:
            self._sink = None

    async def place(self, placement: Placement) -> None:
        """Start an outgoing call to a simulated person."""
        channel = self._new_channel(placement.call_id)
        person = far_end(placement.number, self._seed, self._mix)
        self._after(channel, placement.ring_timeout_s, lambda: self._give_up(channel))
        self._after(channel, person.delay_s, lambda: self._reach(channel, person, placement.screen))

    async def hang_up(self, channel_id: str) -> None:
        """End a channel; one that is gone already is no error."""
        self._need_connection()
        if channel := self._channels.get(channel_id):
            self._end(channel, NORMAL, "" if channel.state == "UP" else "CANCEL")

    async def answer(self, channel_id: str) -> None:
        """Answer somebody who calls us."""
        self._need_connection()
        channel = self._channels.get(channel_id)
        if channel is None or channel.incoming is None:
            raise SwitchRefused("there is no such call to us")
        channel.state = "UP"

    async def refuse(self, channel_id: str, cause: int) -> None:
        """End a call to us that was not answered."""
        self._need_connection()
        if channel := self._channels.get(channel_id):
            self._end(channel, cause)

    async def call_phone(self, leg_id: str, endpoint: str, display: str, ring_timeout_s: int) -> None:
        """Call an agent's phone; those that are registered answer at once."""
        self._need_connection()
        if endpoint not in self._phones():
            raise SwitchRefused(f"phone {endpoint} is not registered", NOT_REGISTERED)
        channel = self._new_channel(leg_id, endpoint)
        self._after(channel, PHONE_ANSWERS_S, lambda: self._ring(channel))
        self._after(channel, 2 * PHONE_ANSWERS_S, lambda: self._answer(channel))

    async def call_number(self, leg_id: str, number: str, trunk: str, caller_id: str, ring_timeout_s: int) -> None:
        """Call an agent's plain telephone, which is answered at once."""
        channel = self._new_channel(leg_id, number)
        self._after(channel, PHONE_ANSWERS_S, lambda: self._ring(channel))
        self._after(channel, 2 * PHONE_ANSWERS_S, lambda: self._answer(channel))

    async def join(self, bridge_id: str, channel_id: str, *, there: bool = False) -> None:
        """Put a channel into a bridge, made when missing unless it must be `there`; it leaves the one it was in."""
        channel = self._channel_that_is_up(channel_id)
        if there and bridge_id not in self._bridges:
            raise SwitchRefused("Bridge not found")
        self._out_of_bridge(channel)
        channel.bridge = bridge_id
        self._bridges.setdefault(bridge_id, set()).add(channel_id)

    async def hold(self, channel_id: str, music: str = "default") -> None:
        """Take a channel out of its bridge, and pretend to play music to it."""
        channel = self._channel_that_is_up(channel_id)
        self._out_of_bridge(channel)
        channel.music = True

    async def unhold(self, channel_id: str) -> None:
        """Stop the music."""
        self._channel_that_is_up(channel_id).music = False

    async def ring(self, bridge_id: str, ringing: bool) -> None:
        """Pretend to play ringing into a bridge."""
        self._need_connection()
        if ringing and bridge_id in self._bridges:
            self._ringing.add(bridge_id)
        else:
            self._ringing.discard(bridge_id)

    async def send_digits(self, channel_id: str, digits: str) -> None:
        """Note the digits."""
        self._channel_that_is_up(channel_id).digits += digits

    async def mute_recording(self, channel_id: str, muted: bool) -> None:
        """Note that the recording is silent, or not."""
        channel = self._channel_that_is_up(channel_id)
        if not channel.recordings:
            raise SwitchRefused("this channel is not recorded")
        channel.muted = muted

    async def snoop(self, snoop_id: str, channel_id: str, whisper: Whisper) -> None:
        """Pretend to listen to a channel."""
        heard = self._channel_that_is_up(channel_id)
        if snoop_id not in self._channels:
            channel = self._new_channel(snoop_id)
            channel.state, channel.ready, channel.whisper = "UP", True, whisper
            heard.snoops.append(snoop_id)

    async def leave_message(self, channel_id: str, path: str) -> None:
        """Pretend to leave a recorded message; the channel ends when it would have been played."""
        channel = self._channel_that_is_up(channel_id)
        if channel.message:
            return
        self._out_of_bridge(channel)
        channel.ready, channel.music, channel.message = False, False, path
        self._after(channel, MESSAGE_S, lambda: self._end(channel, NORMAL, message_left=True))

    async def leave(self, bridge_id: str, channel_id: str) -> None:
        """Take a channel out of a bridge; not being there is no error."""
        self._need_connection()
        channel = self._channels.get(channel_id)
        if channel and channel.bridge == bridge_id:
            self._out_of_bridge(channel)

    async def remove_bridge(self, bridge_id: str) -> None:
        """Destroy a bridge; not being there is no error."""
        self._need_connection()
        for channel_id in self._bridges.pop(bridge_id, set()):
            self._channels[channel_id].bridge = ""

    async def play(self, channel_id: str, message: str, playback_id: str) -> None:
        """Pretend to play a message; MessagePlayed follows when it would have ended."""
        channel = self._channel_that_is_up(channel_id)
        if playback_id in channel.playing:
            raise SwitchRefused("this playback is playing already")
        loop = asyncio.get_running_loop()
        ends = loop.call_later(MESSAGE_S / self._speed, lambda: self._played(channel, playback_id))
        channel.playing[playback_id] = ends

    async def record(self, channel_id: str, path: str, notice: RecordingNotice = "none") -> None:
        """Begin a recording: a file that is whole once the channel has ended. What is told of it is noted."""
        channel = self._channel_that_is_up(channel_id)
        file = (self._recordings_dir / path).resolve()
        if not file.is_relative_to(self._recordings_dir):
            raise SwitchRefused("recordings stay in their folder")
        if any(file == other for other, _ in channel.recordings):
            return
        try:
            begin_wav(file)
        except OSError as error:
            raise SwitchRefused(f"cannot record: {error.strerror}") from error
        channel.recordings.append((file, asyncio.get_running_loop().time()))
        channel.notice = notice

    async def inventory(self) -> Inventory:
        """What the switch holds now."""
        self._need_connection()
        channels = tuple(
            ChannelInfo(
                channel.id, channel.state, channel.ready, channel.verdict, channel.bridge, incoming=channel.incoming
            )
            for channel in self._channels.values()
        )
        return Inventory(self._boot_id, channels, tuple(self._bridges), frozenset(self._phones()))

    async def forget(self, channel_ids: Collection[str]) -> None:
        """It remembers nothing: it ends with the process."""

    async def provision(self, accounts: Sequence[PhoneAccount]) -> None:
        """Take over these accounts; the phones of new ones are there at once."""
        self._need_connection()
        before = self._phones()
        self._accounts = {account.endpoint for account in accounts}
        after = self._phones()
        for endpoint in sorted(before ^ after):
            self._tell(PhoneSeen(endpoint, endpoint in after, _now()))

    # ---- what tests (and nobody else) do to it

    def drop(self, reason: str = "dropped") -> None:
        """Take the connection away: requests find nobody, events are lost, calls go on."""
        if self._connected:
            self._tell(SwitchDown(_now(), reason))
            self._connected = False

    def restore(self) -> None:
        """Give the connection back."""
        if not self._connected:
            self._connected = True
            self._tell(SwitchUp(_now(), self._boot_id))

    def reboot(self) -> None:
        """Crash and start again: channels, bridges and accounts are gone and nobody is told which."""
        self.drop("rebooted")
        for channel in list(self._channels.values()):
            self._forget(channel)
        self._bridges.clear()
        self._accounts.clear()
        self._boot_id = uuid4().hex
        self.restore()

    def lose_phone(self, endpoint: str) -> None:
        """Take an agent's phone off the network: its leg ends and it is seen no more."""
        was = self._phones()
        self._registered = was - {endpoint}
        if endpoint in was:
            self._tell(PhoneSeen(endpoint, False, _now()))
        self.phone_hangs_up(endpoint)

    def find_phone(self, endpoint: str) -> None:
        """Put an agent's phone on the network (again)."""
        if self._registered is not None and endpoint not in self._registered:
            self._registered.add(endpoint)
            if endpoint in self._accounts:
                self._tell(PhoneSeen(endpoint, True, _now()))

    def phone_hangs_up(self, endpoint: str) -> None:
        """Let an agent hang up their phone."""
        for channel in [one for one in self._channels.values() if one.endpoint == endpoint]:
            self._end(channel, NORMAL)

    def call_in(self, dialed: str, caller: str = "") -> str:
        """Let somebody call us; the id of their channel."""
        channel = self._new_channel(str(new_id()))
        channel.incoming, channel.state, channel.ready = (dialed, caller), "RINGING", True
        self._tell(IncomingCall(channel.id, _now(), dialed, caller))
        return channel.id

    def customer_hangs_up(self, channel_id: str) -> None:
        """Let the person called hang up now."""
        if channel := self._channels.get(channel_id):
            self._end(channel, NORMAL)

    # ---- the life of a channel

    def _reach(self, channel: _Channel, person: FarEnd, screen: bool) -> None:
        """The network has found the number, or said that it cannot."""
        if person.ring_s > 0:
            self._ring(channel)
        if person.answers:
            self._after(channel, person.ring_s, lambda: self._pick_up(channel, person, screen))
        else:
            cause = CAUSE.get(person.kind, NO_ANSWER)
            self._after(channel, person.ring_s, lambda: self._end(channel, cause))

    def _ring(self, channel: _Channel) -> None:
        channel.state = "RINGING"
        self._tell(ChannelRinging(channel.id, _now()))

    def _pick_up(self, channel: _Channel, person: FarEnd, screen: bool) -> None:
        """Somebody answers: due from now on are their own hanging up, and the verdict if one was asked for."""
        self._cancel_timers(channel)
        self._after(channel, person.talk_s, lambda: self._end(channel, NORMAL))
        if screen:
            channel.state = "UP"
            self._tell(ChannelAnswered(channel.id, _now()))
            self._after(channel, person.screening_s, lambda: self._be_ready(channel, person.verdict))
        else:
            self._answer(channel)

    def _answer(self, channel: _Channel) -> None:
        channel.state = "UP"
        self._tell(ChannelAnswered(channel.id, _now()))
        self._be_ready(channel, "NONE")

    def _be_ready(self, channel: _Channel, verdict: Screening) -> None:
        channel.ready, channel.verdict = True, verdict
        self._tell(ChannelReady(channel.id, _now(), verdict))

    def _give_up(self, channel: _Channel) -> None:
        """The ring limit is over."""
        if channel.state != "UP":
            self._end(channel, NO_ANSWER, "NOANSWER")

    def _played(self, channel: _Channel, playback_id: str) -> None:
        channel.playing.pop(playback_id).cancel()
        self._tell(MessagePlayed(channel.id, playback_id, _now()))

    def _end(self, channel: _Channel, cause: int, dial_status: str = "", *, message_left: bool = False) -> None:
        if channel.id not in self._channels:
            return
        for playback_id in list(channel.playing):
            self._played(channel, playback_id)
        for snoop in [self._channels[name] for name in channel.snoops if name in self._channels]:
            self._end(snoop, NORMAL)
        self._forget(channel)
        self._tell(ChannelEnded(channel.id, _now(), cause, dial_status, message_left=message_left))

    def _forget(self, channel: _Channel) -> None:
        self._cancel_timers(channel)
        for playing in channel.playing.values():
            playing.cancel()
        self._out_of_bridge(channel)
        del self._channels[channel.id]
        for file, since in channel.recordings:
            try:
                finish_wav(file, asyncio.get_running_loop().time() - since)
            except OSError as error:
                log.error("a simulated recording cannot be written: %s", error.strerror)

    # ---- helpers

    def _new_channel(self, channel_id: str, endpoint: str = "") -> _Channel:
        self._need_connection()
        if channel_id in self._channels:
            raise AlreadyThere("there is a channel with this id")
        channel = self._channels[channel_id] = _Channel(channel_id, endpoint)
        return channel

    def _channel_that_is_up(self, channel_id: str) -> _Channel:
        self._need_connection()
        channel = self._channels.get(channel_id)
        if channel is None or channel.state != "UP":
            raise SwitchRefused("there is no such channel, or it is not up")
        return channel

    def _out_of_bridge(self, channel: _Channel) -> None:
        self._bridges.get(channel.bridge, set()).discard(channel.id)
        channel.bridge = ""

    def _phones(self) -> set[str]:
        return set(self._accounts) if self._registered is None else self._accounts & self._registered

    def _after(self, channel: _Channel, seconds: float, act: Callable[[], None]) -> None:
        channel.timers.append(asyncio.get_running_loop().call_later(seconds / self._speed, act))

    @staticmethod
    def _cancel_timers(channel: _Channel) -> None:
        for timer in channel.timers:
            timer.cancel()
        channel.timers.clear()

    def _need_connection(self) -> None:
        if not self._connected:
            raise SwitchUnreachable("the connection to the switch is gone")

    def _tell(self, event: SwitchEvent) -> None:
        if self._sink is not None and self._connected:
            self._sink(event)


def _now() -> datetime:
    return datetime.now(UTC)
