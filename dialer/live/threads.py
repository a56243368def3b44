"""The few threads that sockets use for the database: many sockets share them, and none waits on page requests.

Each keeps its connection: to take one from the pool and to see whether it is well cost a render as much as its reads.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from threading import Barrier, Event
from typing import ParamSpec, TypeVar

from django.db import DatabaseError, InterfaceError, OperationalError, connection

Params = ParamSpec("Params")
Result = TypeVar("Result")

THREADS = 3
_pool = ThreadPoolExecutor(max_workers=THREADS, thread_name_prefix="screens")
_connected = Event()


async def in_thread(function: Callable[Params, Result], *args: Params.args, **kwargs: Params.kwargs) -> Result:
    """Run a synchronous function that may use the database; twice when its connection turns out to be broken."""
    return await asyncio.get_running_loop().run_in_executor(_pool, partial(_run, partial(function, *args, **kwargs)))


def _run(job: Callable[[], Result]) -> Result:
    _connected.set()
    fresh = connection.connection is None
    try:
        return job()
    except (OperationalError, InterfaceError):
        connection.close()
        if fresh:
            raise
        return _run(job)  # the server was restarted since this thread last asked; a fresh connection tells
    except DatabaseError:
        connection.close()
        raise


def give_back_connections() -> None:
    """Close the threads' connections, for who is about to drop the database. Only when nothing is under way."""
    if not _connected.is_set():
        return
    _connected.clear()
    together = Barrier(THREADS)

    def leave() -> None:
        connection.close()
        together.wait(timeout=10)

    for done in [_pool.submit(leave) for _ in range(THREADS)]:
        done.result()
