"""`python -m tasks.consume pacing|worker`: runs the jobs of one queue in a few threads, until SIGTERM drains it.

Redis away: the threads try again each second and go on by themselves. PostgreSQL away: see tasks.queues.job.
"""

from __future__ import annotations

import importlib
import logging
import signal
import sys
import time
from typing import Any

import django
from redis.exceptions import RedisError

from dialer.settings import use_environment

JOBS = {
    "pacing": ("tasks.pacing",),
    "worker": (
        *("tasks.recordings", "tasks.housekeeping", "tasks.whatif", "tasks.alerts", "tasks.imports", "tasks.rework"),
    ),
}
THREADS = {"pacing": 2, "worker": 3}
"""A long import and a simulation take one each, and leave one for everything that is done in a moment."""
DRAIN_S = 10
"""Seconds that jobs under way get to end after SIGTERM."""
_SAY_AGAIN_S = 30.0


class _OneLine(logging.Filter):
    """Says that Redis is away in one line every half minute; Huey prints a traceback a second from each thread."""

    def __init__(self) -> None:
        super().__init__()
        self._said_at = -_SAY_AGAIN_S

    def filter(self, record: logging.LogRecord) -> bool:
        """Keep other records as they are; keep one of those about Redis now and then, without its traceback."""
        error = record.exc_info[1] if record.exc_info else None
        if not isinstance(error, RedisError):
            return True
        moment = time.monotonic()
        if moment - self._said_at < _SAY_AGAIN_S:
            return False
        self._said_at = moment
        record.msg, record.args = "the job queue is away (%s); trying again each second", (type(error).__name__,)
        record.exc_info = None
        return True


def _quieten() -> None:
    one_line = _OneLine()
    for name in ("huey", "huey.consumer", "huey.consumer.Worker", "huey.consumer.Scheduler"):
        logging.getLogger(name).addFilter(one_line)


def consumer(name: str) -> Any:
    """The Huey consumer of one queue (`pacing` or `worker`). Django must be set up."""
    for module in JOBS[name]:
        importlib.import_module(module)
    from . import queues

    queue = {"pacing": queues.pacing_queue, "worker": queues.worker_queue}[name]
    made = queue.create_consumer(
        workers=THREADS[name],
        periodic=name == "worker",
        graceful_signal="TERM",
        shutdown_timeout=DRAIN_S,
        max_delay=1.0,
    )
    made._signal_actions.pop(signal.SIGHUP, None)  # Huey would re-execute itself; whoever supervises us restarts us
    return made


def main(argv: list[str]) -> int:
    """Run until told to end; the exit status."""
    if len(argv) != 1 or argv[0] not in JOBS:
        raise SystemExit(f"usage: python -m tasks.consume {'|'.join(JOBS)}")
    use_environment()
    django.setup()
    _quieten()
    from dialer.core.steady import stand_back, steady

    stand_back()
    made = consumer(argv[0])
    steady()
    made.run()
    return 0


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
