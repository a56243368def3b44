"""Whether calls can be dialed and served now, by each dependency."""

from __future__ import annotations

from django.conf import settings
from django.db import DatabaseError
from redis import Redis
from redis.exceptions import RedisError

from dialer.core import health


def checks() -> dict[str, str]:
    """ "ok" or what is wrong, by dependency."""
    found = {"database": "ok", "redis": "ok", "switchboard": "ok", "switch": "ok"}
    try:
        boards = health.pulses(health.SWITCHBOARD)
    except DatabaseError:
        found |= dict.fromkeys(("database", "switchboard", "switch"), "the database does not answer")
    else:
        beating = health.fresh(boards)
        if not beating:
            found |= dict.fromkeys(("switchboard", "switch"), "no switchboard leads")
        elif not all(one.data.get("switch_up") for one in beating):
            found["switch"] = "the switch is not connected"
    try:
        redis_of().ping()
    except (RedisError, OSError):
        found["redis"] = "Redis does not answer"
    return found


def redis_of() -> Redis:
    """A connection to Redis that gives up soon."""
    return Redis.from_url(settings.REDIS_URL, socket_connect_timeout=1, socket_timeout=2)
