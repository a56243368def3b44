"""The few threads that sockets use for the database: many sockets share them, and none waits on page requests."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import ParamSpec, TypeVar

from channels.db import database_sync_to_async

Params = ParamSpec("Params")
Result = TypeVar("Result")

_pool = ThreadPoolExecutor(max_workers=3, thread_name_prefix="screens")


async def in_thread(function: Callable[Params, Result], *args: Params.args, **kwargs: Params.kwargs) -> Result:
    """Run a synchronous function that may use the database."""
    result: Result = await database_sync_to_async(function, thread_sensitive=False, executor=_pool)(*args, **kwargs)
    return result
