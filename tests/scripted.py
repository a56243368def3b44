"""A switch that does nothing by itself: a test says what it tells, and sees what it was asked for."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, field, replace
from uuid import UUID

from dialer.core.clock import now
from dialer.telephony import events
from dialer.telephony.port import (
    ChannelInfo,
    EventSink,
    Guard,
    Inventory,
    PhoneAccount,
    Placement,
    SwitchError,
    SwitchUnreachable,
    Whisper,
    bridge_of,
    leg_of,
    unguarded,
)


@dataclass(frozen=True)
class Request:
    """One request to the switch: its method's name, what it concerned first, and the rest."""

    name: str
    about: str
    rest: tuple[object, ...] = ()


@dataclass
class ScriptedSwitch:
    """Implements the port. `fail[name]` makes the requests of that name raise; `held` is what inventory answers."""

    boot_id: str = "boot-1"
    requests: list[Request] = field(default_factory=list)
    fail: dict[str, SwitchError] = field(default_factory=dict)
    held: Inventory = field(default_factory=lambda: Inventory("boot-1"))
    on_request: Callable[[Request], None] | None = None
    guard: Guard = unguarded

    def __post_init__(self) -> None:
        self._asked = asyncio.Condition()
        self._sink: EventSink | None = None
        self._disconnected = False
        self.running = asyncio.Event()
        self.looks = 0

    # --- the test's side ---

    def tell(self, event: events.SwitchEvent) -> None:
        """Say an event of the switch."""
        assert self._sink is not None
        self._sink(event)

    def ringing(self, call: UUID) -> None:
        """The customer's phone rings."""
        self.tell(events.ChannelRinging(str(call), now()))

    def answered(self, call: UUID) -> None:
        """The customer picks up."""
        self.tell(events.ChannelAnswered(str(call), now()))

    def ready(self, call: UUID, verdict: events.Screening = "NONE") -> None:
        """The customer's channel is in our hands."""
        self.tell(events.ChannelReady(str(call), now(), verdict))

    def ended(self, call: UUID, cause: int = 16, status: str = "") -> None:
        """The customer's channel is gone."""
        self.tell(events.ChannelEnded(str(call), now(), cause, status))

    def leg_ready(self, session: UUID) -> None:
        """The agent's phone was answered."""
        self.tell(events.ChannelReady(leg_of(session), now()))

    def leg_ended(self, session: UUID, cause: int = 16) -> None:
        """The agent's leg is gone."""
        self.tell(events.ChannelEnded(leg_of(session), now(), cause))

    def hold_leg(self, session: UUID) -> None:
        """From now on the inventory shows the agent's leg, in its bridge."""
        leg = ChannelInfo(leg_of(session), "UP", ready=True, bridge_id=bridge_of(session))
        self.held = replace(
            self.held, channels=(*self.held.channels, leg), bridges=(*self.held.bridges, bridge_of(session))
        )

    async def asked(self, name: str, about: object = None, times: int = 1) -> Request:
        """Wait until the switch was asked for something (the `times`-th time), and return the request."""

        def found() -> list[Request]:
            return [r for r in self.requests if r.name == name and (about is None or r.about == str(about))]

        async with asyncio.timeout(10), self._asked:
            await self._asked.wait_for(lambda: len(found()) >= times)
        return found()[times - 1]

    def count(self, name: str, about: object = None) -> int:
        """How often the switch was asked for something so far."""
        return sum(r.name == name and (about is None or r.about == str(about)) for r in self.requests)

    # --- the port ---

    async def run(self, sink: EventSink) -> None:
        self._sink = sink
        self._disconnected = False
        sink(events.SwitchUp(now(), self.boot_id))
        self.running.set()
        try:
            await asyncio.Event().wait()
        finally:
            self._disconnected = True

    async def _request(self, name: str, about: str, *rest: object) -> None:
        await self.guard()
        if self._disconnected:
            raise SwitchUnreachable("not connected")
        request = Request(name, about, rest)
        self.requests.append(request)
        if self.on_request is not None:
            self.on_request(request)
        async with self._asked:
            self._asked.notify_all()
        if name in self.fail:
            raise self.fail[name]

    async def place(self, placement: Placement) -> None:
        await self._request("place", placement.call_id, placement)

    async def hang_up(self, channel_id: str) -> None:
        await self._request("hang_up", channel_id)

    async def call_phone(self, leg_id: str, endpoint: str, display: str, ring_timeout_s: int) -> None:
        await self._request("call_phone", leg_id, endpoint, display)

    async def join(self, bridge_id: str, channel_id: str, *, there: bool = False) -> None:
        await self._request("join", channel_id, bridge_id)

    async def hold(self, channel_id: str, music: str = "default") -> None:
        await self._request("hold", channel_id)

    async def answer(self, channel_id: str) -> None:
        await self._request("answer", channel_id)

    async def refuse(self, channel_id: str, cause: int) -> None:
        await self._request("refuse", channel_id, cause)

    async def unhold(self, channel_id: str) -> None:
        await self._request("unhold", channel_id)

    async def ring(self, bridge_id: str, ringing: bool) -> None:
        await self._request("ring", bridge_id, ringing)

    async def send_digits(self, channel_id: str, digits: str) -> None:
        await self._request("send_digits", channel_id, digits)

    async def mute_recording(self, channel_id: str, muted: bool) -> None:
        await self._request("mute_recording", channel_id, muted)

    async def snoop(self, snoop_id: str, channel_id: str, whisper: Whisper) -> None:
        await self._request("snoop", snoop_id, channel_id, whisper)

    async def leave_message(self, channel_id: str, path: str) -> None:
        await self._request("leave_message", channel_id, path)

    async def leave(self, bridge_id: str, channel_id: str) -> None:
        await self._request("leave", channel_id, bridge_id)

    async def remove_bridge(self, bridge_id: str) -> None:
        await self._request("remove_bridge", bridge_id)

    async def play(self, channel_id: str, message: str, playback_id: str) -> None:
        await self._request("play", channel_id, message, playback_id)

    async def record(self, channel_id: str, path: str, notice: str = "none") -> None:
        await self._request("record", channel_id, path, notice)

    async def inventory(self) -> Inventory:
        self.looks += 1
        await self._request("inventory", "")
        return self.held

    async def forget(self, channel_ids: Collection[str]) -> None:
        await self._request("forget", "", tuple(sorted(channel_ids)))

    async def provision(self, accounts: Sequence[PhoneAccount]) -> None:
        await self._request("provision", "", tuple(accounts))


__all__ = ["Request", "ScriptedSwitch", "bridge_of", "leg_of"]
