"""A robot agent: works at the desk as a person does, driven by what the server pushes to its page and by nothing else.

Used by the demo floor, the tests and the benches. It has habits (how long it talks, wraps up and pauses) and keeps
figures of what its screen told it.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import random
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import partial

from .robot_desk import Desk, DeskError, View

log = logging.getLogger(__name__)

Seconds = Callable[[random.Random], float]
Deed = Callable[[], Awaitable[None]]
ON_THE_SWITCH = frozenset({"reserved", "in_call", "wrapup"})
"""States that the switch brings about: their pushes measure the way from a switch event to the screen."""
RECONNECT_S = (0.5, 1.0, 2.0, 5.0)
ASK_AGAIN_S = 3.0


def lognormal(median_s: float, spread: float = 0.5, most_s: float = 300.0) -> Seconds:
    """Durations around a median, with a long tail that ends at `most_s`."""
    return lambda chance: min(most_s, median_s * chance.lognormvariate(0.0, spread))


def fixed(seconds: float) -> Seconds:
    """Always the same duration."""
    return lambda chance: seconds


_TALK, _WRAP, _PAUSE = lognormal(25.0), lognormal(6.0), lognormal(60.0)


@dataclass(frozen=True, slots=True)
class Habits:
    """How a robot works."""

    talk_s: Seconds = _TALK
    hangs_up: float = 0.5
    """Share of calls that it ends itself after `talk_s`; in the others it waits for the customer to."""
    talks_at_most_s: float = 120.0
    """After that it hangs up in any case."""
    wrap_s: Seconds = _WRAP
    dispositions: tuple[tuple[str, float], ...] = (
        ("SALE", 12),
        ("CALLBACK", 14),
        ("NOTINT", 42),
        ("WRONG", 6),
        ("MACHINE", 14),
        ("DNC", 2),
        ("OTHER", 10),
    )
    """Codes and their weights."""
    pauses: float = 0.04
    """Share of calls after which it takes a break."""
    pause_s: Seconds = _PAUSE
    pause_codes: tuple[str, ...] = ("BREAK", "LUNCH", "COACHING", "ADMIN")


def _call_back(code: str) -> dict[str, str]:
    """What a disposition that promises a call asks for: anyone calls, this time tomorrow. The others ignore it.

    Where the customer's clock must be chosen this is refused, and the robot thinks of another disposition.
    """
    if not code.startswith("CALLB"):
        return {}
    when = datetime.now(UTC) + timedelta(days=1)
    return {"ask": "1", "whose": "anyone", "when": f"{when:%Y-%m-%dT%H:%M}"}


@dataclass(slots=True)
class Figures:
    """What a robot saw."""

    calls: int = 0
    to_screen_ms: list[tuple[str, float]] = field(default_factory=list)
    """The state shown, and the way there: from a switch event to the fragment at the socket."""
    pushes: int = 0
    gaps_ms: list[float] = field(default_factory=list)
    """From going ready to the next call on the line."""
    refusals: list[str] = field(default_factory=list)
    """What the desk told it when it refused something."""
    reconnects: int = 0


class Robot:
    """One agent. `run` works until cancelled or `stop` was called; then it finishes the call in hand and leaves."""

    def __init__(
        self, desk: Desk, campaign: str, *, habits: Habits | None = None, seed: int | str = 0, name: str = "robot"
    ) -> None:
        """`desk` is signed in; `campaign` is the campaign's public id."""
        self.desk, self.campaign, self.name = desk, campaign, name
        self.habits = habits or Habits()
        self.figures = Figures()
        self.view: View | None = None
        self.changed = asyncio.Event()
        """Set at each push; for those who wait for a state."""
        self._chance = random.Random(f"robot {seed}")
        self._stopping = False
        self._doing: asyncio.Task[None] | None = None
        self._done_for: tuple[str, ...] = ()
        self._ready_since: float | None = None
        self._on_break = False

    async def run(self) -> None:
        """Work: connect, react to pushes, reconnect. Returns when `stop` was called and it has left the campaign."""
        failures = 0
        try:
            while not self._left():
                try:
                    async for view in self.desk.pushes():
                        failures = 0
                        self._see(view)
                        if self._left():
                            return
                except DeskError as error:
                    log.debug("%s: %s", self.name, error)
                self.figures.reconnects += 1
                self._done_for = ()
                await asyncio.sleep(RECONNECT_S[min(failures, len(RECONNECT_S) - 1)])
                failures += 1
        finally:
            await self._drop_deed()

    def stop(self) -> None:
        """Finish the call in hand, dispose, leave."""
        self._stopping = True
        self._done_for = ()
        if self.view is not None:
            self._react(self.view)

    async def until(self, *states: str, within_s: float = 30.0) -> View:
        """Wait until the desk shows one of these states. Raises TimeoutError."""
        async with asyncio.timeout(within_s):
            while self.view is None or self.view.state not in states:
                self.changed.clear()
                await self.changed.wait()
        return self.view

    # ---- what it sees

    def _left(self) -> bool:
        return self._stopping and self.view is not None and self.view.state == "offline"

    def _see(self, view: View) -> None:
        self.figures.pushes += 1
        if view.latency_ms is not None and view.state in ON_THE_SWITCH:
            self.figures.to_screen_ms.append((view.state, view.latency_ms))
        before = self.view.state if self.view else ""
        if view.state == "ready" and before != "ready":
            self._ready_since = time.monotonic()
        if view.state == "in_call" and before != "in_call":
            self.figures.calls += 1
            if self._ready_since is not None:
                self.figures.gaps_ms.append((time.monotonic() - self._ready_since) * 1000)
                self._ready_since = None
        self.view = view
        self.changed.set()
        self._react(view)

    def _react(self, view: View) -> None:
        """Begin what this view asks for; a view that shows nothing new changes nothing."""
        about = (view.state, view.call, view.pause, view.leg)
        if about == self._done_for:
            return
        self._done_for = about
        if self._doing is not None:
            self._doing.cancel()
            self._doing = None
        deed = self._deed_for(view)
        if deed is not None:
            self._doing = asyncio.create_task(self._carry_out(deed), name=f"{self.name}-deed")

    def _deed_for(self, view: View) -> Deed | None:
        match view.state:
            case "offline" if not self._stopping:
                return partial(self._press, "join", campaign=self.campaign)
            case "paused" if self._stopping:
                return partial(self._press, "leave")
            case "ready" if self._stopping:
                return partial(self._press, "leave")
            case "paused" if view.leg == "down":
                return self._call_phone
            case "paused" if view.leg == "up":
                return self._come_back
            case "in_call":
                return self._talk
            case "wrapup":
                return partial(self._wrap_up, view.call)
        return None

    # ---- what it does

    async def _carry_out(self, deed: Deed) -> None:
        """A deed that failed is tried again when the next push comes; the socket brings one when it reconnects."""
        try:
            await deed()
        except DeskError as error:
            log.debug("%s: %s", self.name, error)
            self._done_for = ()

    async def _press(self, deed: str, **fields: str) -> None:
        """Press a button; while it is refused (the phone is not there yet, say), press it again every few seconds."""
        while message := (await self.desk.do(deed, **fields)).message:
            if len(self.figures.refusals) < 100:
                self.figures.refusals.append(message)
            await asyncio.sleep(ASK_AGAIN_S)

    async def _call_phone(self) -> None:
        """Have the phone called; while it does not come, ask again as a person would who sees that nothing happens."""
        while True:
            await self._press("phone")
            await asyncio.sleep(ASK_AGAIN_S)

    async def _come_back(self) -> None:
        if self._on_break:
            await asyncio.sleep(self.habits.pause_s(self._chance))
            self._on_break = False
        await self._press("ready")

    async def _talk(self) -> None:
        if not self._stopping:
            ends_it = self._chance.random() < self.habits.hangs_up
            await asyncio.sleep(self.habits.talk_s(self._chance) if ends_it else self.habits.talks_at_most_s)
        while True:  # a call that goes on brings no push, so a press that never arrived would not be tried again
            try:
                return await self._press("hang-up")
            except DeskError as error:
                log.debug("%s: %s", self.name, error)
                await asyncio.sleep(ASK_AGAIN_S)

    async def _wrap_up(self, call: str) -> None:
        if not self._stopping:
            await asyncio.sleep(self.habits.wrap_s(self._chance))
            if self._chance.random() < self.habits.pauses:
                self._on_break = True
                await self._press("pause", code=self._chance.choice(self.habits.pause_codes))
        codes, weights = zip(*self.habits.dispositions, strict=True)
        code = self._chance.choices(codes, weights)[0]
        await self._press("dispose", call=call, code=code, note="", **_call_back(code))

    async def _drop_deed(self) -> None:
        if self._doing is not None:
            self._doing.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._doing
