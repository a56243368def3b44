"""Calling the (synchronous) services from the event loop: threads that keep their database connection.

While PostgreSQL is away a call waits and is tried again: services are idempotent, and no event may be lost.
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

log = logging.getLogger(__name__)

P = ParamSpec("P")
R = TypeVar("R")


class Store:
    """Runs services in a few threads of its own."""

    def __init__(self, threads: int = 6) -> None:
        self._count = threads
        self._threads = ThreadPoolExecutor(threads, thread_name_prefix="store")
        self.reachable = True
        self._since = time.monotonic()

    @property
    def there_for_s(self) -> float:
        """Seconds since the database came back, or since this process began; 0 while it is away."""
        return time.monotonic() - self._since if self.reachable else 0.0

    async def run(self, service: Callable[P, R], *args: P.args, **kwargs: P.kwargs) -> R:
        """Run a service, waiting for the database as long as it is away."""
        loop = asyncio.get_running_loop()
        pause = 0.1
        while True:
            try:
                result = await loop.run_in_executor(self._threads, functools.partial(_guarded, service, args, kwargs))
            except (OperationalError, InterfaceError) as error:
                if self.reachable:
                    log.warning("the database cannot be reached (%s); waiting for it", type(error).__name__)
                self.reachable = False
                await asyncio.sleep(pause)
                pause = min(pause * 2, 1.0)
            else:
                if not self.reachable:
                    log.warning("the database is back")
                    self._since = time.monotonic()
                self.reachable = True
                return result

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
    except (OperationalError, InterfaceError):
        connection.close()  # a broken connection must not be used again
        raise
