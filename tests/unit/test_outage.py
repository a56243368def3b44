"""An outage is told from a fault of ours, and is one line in the log."""

from __future__ import annotations

import logging
import sys

import psycopg
import pytest
from django.db.utils import OperationalError
from psycopg_pool import PoolTimeout
from redis.exceptions import ConnectionError as RedisLost

from dialer.core.outage import OneLine, outage


def by(cause: Exception) -> Exception:
    """The error as Django raises it."""
    try:
        raise OperationalError("it did not work") from cause
    except OperationalError as error:
        return error


@pytest.mark.parametrize(
    ("error", "away"),
    [
        (by(PoolTimeout("couldn't get a connection after 5.00 sec")), "the database cannot be reached"),
        (by(psycopg.OperationalError("server closed the connection unexpectedly")), "the database cannot be reached"),
        (by(psycopg.errors.AdminShutdown("ending")), "the database cannot be reached"),
        (by(psycopg.errors.ConnectionFailure("gone")), "the database cannot be reached"),
        (by(psycopg.errors.QueryCanceled("statement timeout")), ""),
        (by(psycopg.errors.LockNotAvailable("lock timeout")), ""),
        (by(psycopg.errors.DiskFull("no space")), ""),
        (RedisLost("Error 111"), "Redis cannot be reached"),
        (ValueError("ours"), ""),
        (None, ""),
    ],
)
def test_what_is_an_outage(error: Exception | None, away: str) -> None:
    assert outage(error) == away


def told(error: Exception) -> logging.LogRecord:
    try:
        raise error
    except type(error):
        record = logging.LogRecord("x", logging.ERROR, __file__, 1, "%s failed:", ("the page",), sys.exc_info())
    assert OneLine().filter(record)
    return record


def test_an_outage_is_one_line() -> None:
    record = told(by(PoolTimeout("no")))
    assert record.getMessage() == "the page failed (the database cannot be reached)"
    assert (record.levelname, record.exc_info) == ("WARNING", None)


def test_a_fault_of_ours_keeps_its_traceback() -> None:
    record = told(ValueError("ours"))
    assert (record.getMessage(), record.levelname) == ("the page failed:", "ERROR")
    assert record.exc_info
