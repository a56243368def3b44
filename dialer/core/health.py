"""How our processes do: each writes its pulse, whoever must know (pacing, /readyz, /metrics) reads the fresh ones.

A pulse is a row and not a message: losing Redis must not blind what dials.
"""

from __future__ import annotations

import os
import socket
import time
from collections import deque
from collections.abc import Iterable
from datetime import timedelta
from typing import Any

from django.db.models import BooleanField, Exists, ExpressionWrapper
from django.db.models.functions import Now

from .clock import now
from .models import Pulse

SWITCHBOARD, WEB = "switchboard", "web"
FRESH = timedelta(seconds=10)
"""A pulse that is older says nothing any more: its process is gone, or stuck."""
FORGOTTEN = timedelta(days=1)
WINDOW_S = 10.0


class Lags:
    """How late things were in the last seconds. Not for several threads."""

    def __init__(self, most: int = 5000) -> None:
        self._seen: deque[tuple[float, float]] = deque(maxlen=most)

    def note(self, lag_s: float) -> None:
        """Something was late by so much."""
        self._seen.append((time.monotonic(), lag_s * 1000.0))

    def p99_ms(self) -> float:
        """The 99th percentile of the last WINDOW_S seconds; 0 when nothing happened."""
        since = time.monotonic() - WINDOW_S
        while self._seen and self._seen[0][0] < since:
            self._seen.popleft()
        ordered = sorted(lag for _, lag in self._seen)
        return round(ordered[min(len(ordered) - 1, int(0.99 * len(ordered)))], 1) if ordered else 0.0


def process_name(kind: str) -> str:
    """A name for this process: several of a kind may run, on several machines."""
    return f"{kind} {socket.gethostname()} {os.getpid()}"


def beat(*, name: str, kind: str, lag_ms: float, data: dict[str, Any]) -> None:
    """Write a process's pulse: one statement."""
    row = Pulse(name=name[:200], kind=kind, at=now(), lag_ms=lag_ms, data=data)
    Pulse.objects.bulk_create(
        [row], update_conflicts=True, unique_fields=["name"], update_fields=["kind", "at", "lag_ms", "data"]
    )


def gone(name: str) -> None:
    """A process ends in order: its pulse ends with it."""
    Pulse.objects.filter(name=name[:200]).delete()


def pulses(kind: str) -> list[Pulse]:
    """Every pulse of a kind, the latest first, stale ones too."""
    return list(Pulse.objects.filter(kind=kind).order_by("-at"))


def fresh(found: Iterable[Pulse]) -> list[Pulse]:
    """Those that still say something. One from the future does, too: a clock was stepped."""
    moment = now()
    return [one for one in found if moment - one.at <= FRESH]


def switch_serves() -> ExpressionWrapper[Any]:
    """For a query: whether the switch can be asked for something now; where no switchboard was ever heard of it can."""
    boards = Pulse.objects.filter(kind=SWITCHBOARD)
    serving = boards.filter(at__gte=Now() - FRESH, data__switch_up=True)
    return ExpressionWrapper(Exists(serving) | ~Exists(boards), output_field=BooleanField())


def switch_is_down() -> bool:
    """Whether nobody can ask the switch for anything now: it is gone, or who speaks with it is."""
    boards = pulses(SWITCHBOARD)
    return bool(boards) and not any(one.data.get("switch_up") for one in fresh(boards))


def forget_old() -> int:
    """Remove what processes that are long gone left behind."""
    return Pulse.objects.filter(at__lt=now() - FORGOTTEN).delete()[0]
