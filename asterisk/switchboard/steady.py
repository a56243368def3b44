"""Noticing that the machine's clock was stepped: for a while afterwards nothing may be taken for overdue."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from datetime import datetime

from dialer.core.clock import now

log = logging.getLogger(__name__)

STEP_S = 2.0
"""By how much the wall's clock and the steady one must differ between two looks to be a step."""
PATIENCE_S = 30.0
"""After a step screens and phones get so long to be heard of on the new clock."""


class Steady:
    """Compares the clock on the wall with one that cannot be stepped. Call `look` about once a second."""

    def __init__(self, wall: Callable[[], datetime] = now, steady: Callable[[], float] = time.monotonic) -> None:
        self._wall, self._steady = wall, steady
        self._last = wall(), steady()
        self._stepped_at: float | None = None

    def look(self) -> bool:
        """Whether times in rows can be held against the clock now."""
        moment, at = self._wall(), self._steady()
        by_s = (moment - self._last[0]).total_seconds() - (at - self._last[1])
        self._last = moment, at
        if abs(by_s) > STEP_S:
            log.warning("the clock was stepped by %.0f s: nothing counts as overdue for %.0f s", by_s, PATIENCE_S)
            self._stepped_at = at
        if self._stepped_at is not None and at - self._stepped_at > PATIENCE_S:
            self._stepped_at = None
        return self._stepped_at is None
