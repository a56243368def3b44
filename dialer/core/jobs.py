"""The way from the product to its background jobs, which it does not know: a name and arguments, after commit.

Whoever wants a job done has a row that says so. A queue that is away costs a minute, until housekeeping asks again.
"""

from __future__ import annotations

import logging
from collections.abc import Callable

from django.conf import settings
from django.db import transaction
from django.utils.module_loading import import_string
from redis.exceptions import RedisError

log = logging.getLogger(__name__)


def ask(name: str, *arguments: object) -> None:
    """Ask for a job of settings.JOBS once the current transaction commits."""
    transaction.on_commit(lambda: _hand_over(name, arguments), robust=True)


def _hand_over(name: str, arguments: tuple[object, ...]) -> None:
    jobs: dict[str, Callable[..., None]] = import_string(settings.JOBS)
    try:
        jobs[name](*arguments)
    except RedisError as error:
        log.warning("the job %s could not be asked for: %s", name, type(error).__name__)
