"""Pause codes and dispositions as desks show them: on every fragment, and hardly ever changed.

They are kept for a few seconds per process instead of being read for each push; what an agent chooses is checked
against the database all the same.
"""

from __future__ import annotations

from collections.abc import Callable
from threading import Lock
from time import monotonic
from typing import Generic, TypeVar

from django.db.models import QuerySet

from dialer.campaigns.models import Disposition, PauseCode
from dialer.core.prepared import Read

FRESH_S = 2.0
"""How long an admin's change may take to show on desks."""
MANY = 1000

K = TypeVar("K")
V = TypeVar("V")


class Kept(Generic[K, V]):
    """Values by key, read anew when they are older than FRESH_S."""

    def __init__(self, read: Callable[[K], V]) -> None:
        self._read = read
        self._lock = Lock()
        self._values: dict[K, tuple[float, V]] = {}

    def get(self, key: K) -> V:
        """The value of a key, at most FRESH_S old."""
        found = self._values.get(key)
        if found is not None and monotonic() - found[0] < FRESH_S:
            return found[1]
        value = self._read(key)
        with self._lock:
            if len(self._values) >= MANY:
                self._values.clear()
            self._values[key] = (monotonic(), value)
        return value

    def forget(self) -> None:
        """Read everything anew."""
        with self._lock:
            self._values.clear()


def _of_set(tenant_id: int, set_id: int) -> QuerySet[Disposition]:
    return Disposition.objects.for_tenant(tenant_id).filter(disposition_set_id=set_id)


_PAUSE_CODES: Read[PauseCode] = Read(PauseCode.objects.for_tenant, -1)
_DISPOSITIONS: Read[Disposition] = Read(_of_set, -1, -2)


def _read_dispositions(key: tuple[int, int]) -> list[Disposition]:
    return _DISPOSITIONS.all(*key)


pause_codes = Kept(_PAUSE_CODES.all)
dispositions = Kept(_read_dispositions)
