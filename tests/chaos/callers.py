"""People who call us while faults are done: on the carrier's lines, into a queue that the floor's robots serve."""

from __future__ import annotations

import logging
import random
import subprocess
import threading
import time

from asterisk.sandbox import CallerCall, SandboxFailed, read_callers
from tests.floor import Caller, Floor, Numbers

log = logging.getLogger(__name__)

BETWEEN_S = (4.0, 10.0)
PATIENCE_S = (6, 20)
MOST = 400
OVER_WITHIN_S = 60.0
"""How long the last callers' lines are waited for: they talk, or wait, or hear a message."""


class Callers:
    """Calls again and again, each from a number of its own, in a thread of its own. `call` may be called by others."""

    def __init__(self, floor: Floor, dialed: str, seed: int) -> None:
        self._floor, self.dialed = floor, dialed
        self._chance = random.Random(f"callers {seed}")
        self._numbers = [floor.numbers.of(Numbers.FAX) for _ in range(MOST)]  # a kind that no lead has
        self._lock = threading.Lock()
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="chaos callers", daemon=True)
        self._calling = False
        self.called: list[Caller] = []
        """Everybody who has dialed us."""

    def start(self) -> None:
        """Begin. Without it nobody calls."""
        self._calling = True
        self._thread.start()

    def call(self) -> None:
        """Somebody calls now. Half of them hang up by themselves after a while."""
        with self._lock:
            if not self._calling or len(self.called) == MOST:
                return
            number = self._numbers[len(self.called)]
            seconds = self._chance.randint(*PATIENCE_S) if self._chance.random() < 0.5 else 0
            caller = Caller(self._floor, number, number, self.dialed, seconds)
            try:
                caller.call()
            except (SandboxFailed, OSError, subprocess.SubprocessError) as error:
                log.warning("nobody called: %s", error)
            else:
                self.called.append(caller)

    def stop(self) -> None:
        """Nobody calls by themselves any more."""
        self._stop.set()
        if self._thread.is_alive():
            self._thread.join(20)

    def left(self) -> list[str]:
        """Wait until everybody's line is free; those who are still on it, as texts."""
        deadline = time.monotonic() + OVER_WITHIN_S
        while (on := self._on_the_line()) and time.monotonic() < deadline:
            time.sleep(0.2)
        return [f"caller {one.phone} is on the line: {one.lines()}" for one in on]

    def _on_the_line(self) -> list[Caller]:
        off = {one.number for one in self.truths()}
        return [one for one in self.called if one.phone not in off]

    def truths(self) -> list[CallerCall]:
        """What the carrier wrote about those who are off the line again."""
        return read_callers(self._floor.stack.settings["CARRIER_TRUTH"])

    def _run(self) -> None:
        while not self._stop.wait(self._chance.uniform(*BETWEEN_S)):
            self.call()
