"""Calling the (synchronous) services from the event loop: threads that keep their database connection.

While PostgreSQL is away a call waits and is tried again: services are idempotent, and no event may be lost. A database
that hangs (it takes what is asked, and does not answer) counts as away as well, for as long as nothing comes back.
"""

from __future__ import annotations

import asyncio
import functools
import logging
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import ParamSpec, TypeVar

from django.db import InterfaceError, OperationalError, connection
from psycopg.errors import DeadlockDetected, LockNotAvailable, SerializationFailure

from dialer.telephony.port import Guard, unguarded

log = logging.getLogger(__name__)

P = ParamSpec("P")
R = TypeVar("R")

CROSSED = (DeadlockDetected, LockNotAvailable, SerializationFailure)
"""Two crossed each other's way in a database that is there: whoever was sent back tries again."""
HANGS_AFTER_S = 0.8
"""Somebody has waited for so long, and nobody got an answer for as long: the database hangs."""


class Store:
    """Runs services in a few threads of its own."""

    def __init__(self, threads: int = 6, guard: Guard = unguarded, on_back: Callable[[], None] = lambda: None) -> None:
        """`guard` is asked before each try; it waits, or raises, while this process may not act.

        `on_back` is called when the database answers again that had broken off: of what it was asked last something
        may have been done of which it could not tell.
        """
        self._guard, self._on_back = guard, on_back
        self._count = threads
        self._threads = ThreadPoolExecutor(threads, thread_name_prefix="store")
        self._reachable = True
        self._since = time.monotonic()
        self._answered = time.monotonic()
        self._waiting: dict[object, float] = {}

    @property
    def reachable(self) -> bool:
        """Whether the database answers."""
        return self._reachable and not self._hangs()

    def _hangs(self) -> bool:
        moment = time.monotonic()
        longest = min(self._waiting.values(), default=moment)
        return moment - max(longest, self._answered) > HANGS_AFTER_S

    @property
    def there_for_s(self) -> float:
        """Seconds since the database came back, or since this process began; 0 while it is away."""
        return time.monotonic() - self._since if self.reachable else 0.0

    async def run(self, service: Callable[P, R], *args: P.args, **kwargs: P.kwargs) -> R:
        """Run a service, waiting for the database as long as it is away."""
        loop = asyncio.get_running_loop()
        pause = 0.1
        while True:
            asked = object()
            self._waiting[asked] = time.monotonic()
            try:
                await self._guard()
                result = await loop.run_in_executor(self._threads, functools.partial(_guarded, service, args, kwargs))
            except (OperationalError, InterfaceError) as error:
                if isinstance(error.__cause__, CROSSED):
                    log.info("two crossed each other's way (%s); once more", type(error.__cause__).__name__)
                    self._answered = time.monotonic()
                else:
                    self._lose(error)
                self._waiting.pop(asked, None)
                await asyncio.sleep(pause)
                pause = min(pause * 2, 1.0)
            else:
                self._find(back=not self._reachable)
                return result
            finally:
                self._waiting.pop(asked, None)

    def _find(self, *, back: bool) -> None:
        """It has answered."""
        if back or self._hangs():
            log.warning("the database is back" if back else "the database answers again")
            self._since = time.monotonic()
        self._reachable, self._answered = True, time.monotonic()
        if back:
            self._on_back()

    def _lose(self, error: Exception) -> None:
        if self._reachable:
            log.warning("the database cannot be reached (%s); waiting for it", type(error).__name__)
        self._reachable = False

    def close(self) -> None:
        """End the threads and give back their connections; what they are doing is finished first."""
        together = threading.Barrier(self._count)
        for _ in range(self._count):
            self._threads.submit(_leave, together)
        self._threads.shutdown(wait=True)


def _leave(together: threading.Barrier) -> None:
    """Give back this thread's connection. Each thread waits for the others, so that none does it for two."""
    connection.close()
    together.wait(timeout=10)


def _guarded(service: Callable[..., R], args: tuple[object, ...], kwargs: dict[str, object]) -> R:
    try:
        return service(*args, **kwargs)
    except (OperationalError, InterfaceError) as error:
        if not isinstance(error.__cause__, CROSSED):
            connection.close()  # a broken connection must not be used again
        raise
