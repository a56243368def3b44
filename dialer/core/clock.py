"""The one place that asks what time it is, so that a test can say it."""

from __future__ import annotations

from datetime import datetime, timedelta
from pathlib import Path

from django.conf import settings
from django.utils import timezone


def now() -> datetime:
    """The current time, aware, in UTC."""
    moment = timezone.now()
    return moment + _stepped(settings.CLOCK_OFFSET_FILE) if settings.CLOCK_OFFSET_FILE else moment


def _stepped(path: str) -> timedelta:
    """By how many seconds a test has stepped the clock of all processes: a file that only the test settings name."""
    try:
        return timedelta(seconds=float(Path(path).read_text()))
    except (OSError, ValueError):
        return timedelta(0)
