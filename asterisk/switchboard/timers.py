"""One timer per key on the running loop; starting another replaces it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Hashable


class Timers:
    """Callbacks after a delay, by key."""

    def __init__(self) -> None:
        self._handles: dict[Hashable, asyncio.TimerHandle] = {}

    def start(self, key: Hashable, seconds: float, callback: Callable[[], None]) -> None:
        """Call back after `seconds`, unless cancelled or replaced before."""
        self.cancel(key)
        self._handles[key] = asyncio.get_running_loop().call_later(seconds, self._fire, key, callback)

    def cancel(self, key: Hashable) -> None:
        """Forget the timer of this key, if there is one."""
        handle = self._handles.pop(key, None)
        if handle is not None:
            handle.cancel()

    def _fire(self, key: Hashable, callback: Callable[[], None]) -> None:
        self._handles.pop(key, None)
        callback()

    def close(self) -> None:
        """Forget every timer."""
        for key in list(self._handles):
            self.cancel(key)
