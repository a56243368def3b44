"""Doing things at the same moment: each in a thread with a database connection of its own."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier
from typing import TypeVar

from django.db import connection

R = TypeVar("R")


def at_once(jobs: Sequence[Callable[[], R]]) -> list[R]:
    """Run the jobs at the same moment, one thread each; returns their results in order, or raises the first error."""
    start = Barrier(len(jobs))

    def run(job: Callable[[], R]) -> R:
        try:
            start.wait(timeout=20)
            return job()
        finally:
            connection.close()

    with ThreadPoolExecutor(len(jobs)) as threads:
        return [future.result() for future in [threads.submit(run, job) for job in jobs]]
