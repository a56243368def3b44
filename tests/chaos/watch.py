"""Looking at a floor all the time while faults are done: how long it takes to be right again, and what stays wrong."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from contextlib import suppress
from urllib.error import URLError

from django.db import DatabaseError, connections

from tests.chaos import invariants
from tests.chaos.rig import Rig

LOOK_EVERY_S = 0.25
AGENT_S, OTHERS_S = 5.0, 10.0
"""How long an agent may be in a call that is over, and anything else be out of order, when no fault is under way."""


class Watch:
    """Looks again and again in a thread of its own, and remembers since when each thing is wrong."""

    def __init__(self, rig: Rig, patience: float = 1.0) -> None:
        self._rig, self._patience = rig, patience
        self._lock = threading.Lock()
        self._since: dict[str, float] = {}
        self._seen = -1.0
        self._calm_since: float | None = time.monotonic()
        self._reported: set[str] = set()
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="chaos watch", daemon=True)
        self.late: list[str] = []
        """What was wrong for too long in quiet times."""
        self.late_agents: list[str] = []

    def start(self) -> None:
        """Begin."""
        self._thread.start()

    def stop(self) -> None:
        """End."""
        self._stop.set()
        self._thread.join(20)

    def calm(self, calm: bool) -> None:
        """Whether no fault is under way, nor what it broke being put right."""
        with self._lock:
            self._calm_since = time.monotonic() if calm else None

    def recovered(self, since: float, working: Callable[[], bool], limit_s: float) -> tuple[float, str]:
        """Wait until all that was wrong at `since` (monotonic) has been right since, and the floor works.

        How long it took from then, and what was wrong last, or is still when it took three times the limit.
        """
        works, last = False, ""
        while True:
            with self._lock:
                looked, wrong = self._seen > since, [text for text, first in self._since.items() if first <= since]
            try:
                works = works or working()
            except (DatabaseError, OSError):
                connections["default"].close()
            took = time.monotonic() - since
            if looked and works and not wrong:
                return took, f"last: {last}"
            last = wrong[0] if wrong else "not all work" if not works else "not looked at"
            if took > 3 * limit_s:
                return took, "; ".join(sorted(wrong)[:5]) or ("the floor does not work" if not works else "not looked")
            time.sleep(0.05)

    def _run(self) -> None:
        while not self._stop.wait(LOOK_EVERY_S):
            began = time.monotonic()
            try:
                wrong = invariants.standing(self._rig.floor)
            except (DatabaseError, OSError, URLError, ValueError):
                with suppress(Exception):
                    connections["default"].close()
                with self._lock:
                    self._since.setdefault("the floor cannot be looked at", began)
                continue
            self._note(wrong, began)
        connections["default"].close()

    def _note(self, wrong: set[str], at: float) -> None:
        with self._lock:
            self._since = {text: self._since.get(text, at) for text in wrong}
            self._seen = at
            if self._calm_since is None:
                return
            for text, first in self._since.items():
                agents = "agent session" in text
                for_s = at - max(first, self._calm_since)
                if text not in self._reported and for_s > self._patience * (AGENT_S if agents else OTHERS_S):
                    self._reported.add(text)
                    (self.late_agents if agents else self.late).append(text)
