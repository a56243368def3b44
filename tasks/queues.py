"""The two job queues, and what every job needs around it: fresh database connections, one line when a server is away.

Huey hands a job out at most once, so every job here is idempotent and whoever needs it asks again. What is queued is
signed with SECRET_KEY: whoever can write to Redis but does not know the key cannot make a worker run anything.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from contextlib import suppress
from functools import wraps
from typing import ParamSpec

from django.conf import settings
from django.db import InterfaceError, OperationalError, close_old_connections, connections
from huey import RedisHuey
from huey.serializer import SignedSerializer
from psycopg_pool import PoolClosed, PoolTimeout
from redis import ConnectionPool
from redis.backoff import NoBackoff
from redis.retry import Retry

log = logging.getLogger(__name__)

P = ParamSpec("P")
AWAY = (OperationalError, InterfaceError, PoolTimeout, PoolClosed)
"""What the database raises when it is not there."""


def _queue(name: str) -> RedisHuey:
    """A queue on REDIS_URL. An ask fails within seconds when Redis is away; one retry forgives a socket gone stale."""
    pool = ConnectionPool.from_url(
        settings.REDIS_URL, socket_connect_timeout=2, socket_timeout=5, retry=Retry(NoBackoff(), 1)
    )
    serializer = SignedSerializer(secret=settings.SECRET_KEY, salt=name)
    return RedisHuey(name, results=False, connection_pool=pool, serializer=serializer)


pacing_queue = _queue("cordboard-pacing")
worker_queue = _queue("cordboard-worker")


def job(work: Callable[P, None]) -> Callable[P, None]:
    """Let a job start and end without a database connection, and take the database being away calmly.

    A job that found no database is over: who needs it asks again (the beat each second, housekeeping each minute).
    """

    @wraps(work)
    def around(*args: P.args, **kwargs: P.kwargs) -> None:
        close_old_connections()
        try:
            work(*args, **kwargs)
        except AWAY as error:
            log.warning("%s was not done, the database is away: %s", work.__name__, type(error).__name__)
            _forget_dead_connections()
        finally:
            close_old_connections()

    return around


def _forget_dead_connections() -> None:
    """Let the pool look at what it holds, so that the next job does not get a connection of a server that went."""
    for connection in connections.all(initialized_only=True):
        connection.close()
        if (pool := getattr(connection, "pool", None)) is not None:
            with suppress(*AWAY):
                pool.check()
