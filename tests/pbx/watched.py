"""Helpers of the tests on a real Asterisk: the adapter under watch, and numbers of the simulated carrier."""

from __future__ import annotations

import asyncio
import uuid
from dataclasses import dataclass, field
from typing import Literal, TypeVar

from asterisk.adapter import AsteriskSwitch
from asterisk.sandbox import Sandbox, TruthCall, read_truth
from asterisk.sandbox.phone import Phone
from dialer.telephony.events import ChannelReady, SwitchEvent
from dialer.telephony.port import Placement

E = TypeVar("E", bound=SwitchEvent)
SECRET = "a secret of the tests"
PERSON, MACHINE, BUSY, NO_ANSWER, CONGESTION, INVALID, AT_ONCE, FAX = range(2, 10)
STEADY = 900
"""The voice that is a 1000 Hz tone."""

_used = [0]


def number(kind: int, *, ring: int = 0, seconds: int = 0, voice: int | None = None) -> str:
    """An explicit number of the carrier that was not used before in this run."""
    _used[0] += 1
    return f"+1555{kind}{ring}{seconds:02d}{_used[0] % 800 if voice is None else voice:03d}"


@dataclass
class Bench:
    """The adapter under test, with what it told and what the carrier saw."""

    sandbox: Sandbox
    switch: AsteriskSwitch
    events: list[SwitchEvent] = field(default_factory=list)
    task: asyncio.Task[None] | None = None
    _news: asyncio.Event = field(default_factory=asyncio.Event)

    def hear(self, event: SwitchEvent) -> None:
        self.events.append(event)
        self._news.set()

    def start(self) -> None:
        """Run the adapter."""
        self.task = asyncio.create_task(self.switch.run(self.hear))

    async def stop(self) -> None:
        """End the adapter; what it made on the switch stays."""
        if self.task is not None:
            self.task.cancel()
            await asyncio.gather(self.task, return_exceptions=True)
            self.task = None

    async def wait(self, kind: type[E], of: str = "", timeout_s: float = 10.0, since: int = 0) -> E:
        """The first event of a kind (about that channel, phone or trunk), waited for. Raises TimeoutError."""
        async with asyncio.timeout(timeout_s):
            while True:
                self._news.clear()
                for event in self.events[since:]:
                    if isinstance(event, kind) and of in ("", about(event)):
                        return event
                await self._news.wait()

    def of(self, name: str) -> list[SwitchEvent]:
        """All that was told about a channel, phone or trunk."""
        return [event for event in self.events if about(event) == name]

    async def call(self, number: str, **changes: object) -> str:
        """Place a call; its id."""
        call_id = str(uuid.uuid4())
        values: dict[str, object] = {
            "call_id": call_id,
            "number": number,
            "caller_id": "+18005550100",
            "trunk": "carrier",
            "ring_timeout_s": 20,
            "screen": False,
            "campaign_id": "7",
        }
        placement = Placement(**{**values, **changes})  # type: ignore[arg-type]
        await self.switch.place(placement)
        return placement.call_id

    async def empties(self, what: Literal["bridges", "channels"], timeout_s: float = 15.0) -> None:
        """Wait until the switch lists none: what is removed leaves its list a moment after the answer."""
        async with asyncio.timeout(timeout_s):
            while getattr(await self.switch.inventory(), what):
                await asyncio.sleep(0.02)  # leaving a list has no event

    async def truth(self, number: str, timeout_s: float = 15.0) -> TruthCall:
        """What the carrier wrote about the one call to `number`; it is written when the call is over."""
        async with asyncio.timeout(timeout_s):
            while True:
                found = [call for call in read_truth(self.sandbox.truth_path) if call.number == number]
                if found:
                    assert len(found) == 1, found
                    return found[0]
                await asyncio.sleep(0.02)  # a file of another process: there is no event to wait for

    @property
    def server(self) -> tuple[str, int]:
        return self.sandbox.pbx_ip, 5060

    def phone(self, name: str, host: int = 10, **options: object) -> Phone:
        """A phone of the account `name` at the test's address `host`."""
        ip = f"{self.sandbox.network}.{host}"
        return Phone(name, SECRET, self.server, ip, **options)  # type: ignore[arg-type]

    async def agent(self, phone: Phone, name: str) -> tuple[str, str]:
        """Call a phone and put it into a bridge of its own; the ids of leg and bridge."""
        leg, bridge = f"leg-{uuid.uuid4()}", f"desk-{uuid.uuid4()}"
        await self.switch.call_phone(leg, name, "Agent", 10)
        await self.wait(ChannelReady, leg)
        await self.switch.join(bridge, leg)
        return leg, bridge


def about(event: SwitchEvent) -> str:
    """The name of what an event is about."""
    for attribute in ("channel_id", "endpoint", "trunk"):
        if value := getattr(event, attribute, ""):
            return str(value)
    return ""
