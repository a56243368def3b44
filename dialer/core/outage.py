"""Telling an outage of what we depend on (PostgreSQL, Redis) from a fault of ours: its page and its log line."""

from __future__ import annotations

import logging
import sys

import psycopg
from django.http import HttpRequest, HttpResponse
from django.views import defaults
from redis.exceptions import ConnectionError as RedisLost
from redis.exceptions import TimeoutError as RedisSilent

RETRY_AFTER_S = 2
"""What a browser is told to wait: an outage that is over is noticed within this."""
_CONNECTION = "08"
"""The class of the SQLSTATEs that tell of the connection itself (PostgreSQL, appendix A)."""
_SHUTTING_DOWN = ("57P01", "57P02", "57P03")


def outage(error: BaseException | None) -> str:
    """What cannot be reached, when that is why this error came; else an empty string.

    An error that the server itself gave (a timeout of a statement, a lock) is none, however Django calls it.
    """
    while error is not None:
        if isinstance(error, psycopg.OperationalError) and _lost(error.sqlstate):
            return "the database cannot be reached"
        if isinstance(error, (RedisLost, RedisSilent)):
            return "Redis cannot be reached"
        error = error.__cause__
    return ""


def _lost(state: str | None) -> bool:
    return state is None or state.startswith(_CONNECTION) or state in _SHUTTING_DOWN


def server_error(request: HttpRequest) -> HttpResponse:
    """The page of a request that failed: 503 during an outage, so that whoever asked comes again; else 500."""
    response = defaults.server_error(request)
    if outage(sys.exc_info()[1]):
        response.status_code = 503
        response["Retry-After"] = str(RETRY_AFTER_S)
    return response


class OneLine(logging.Filter):
    """During an outage one line for each that suffers from it, not a traceback: nothing is to be mended in the code."""

    def filter(self, record: logging.LogRecord) -> bool:
        """Make a warning with its cause of a record whose exception is an outage; nothing is left out."""
        away = outage(record.exc_info[1]) if record.exc_info else ""
        if away:
            record.msg, record.args = f"{record.getMessage().rstrip(':')} ({away})", ()
            record.exc_info = record.exc_text = None
            if record.levelno > logging.WARNING:
                record.levelno, record.levelname = logging.WARNING, "WARNING"
        return True
