"""Outward ids: UUIDv7, so that ids sort by time and say nothing about how many there are."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from uuid_utils.compat import uuid7


def new_id() -> UUID:
    """A fresh UUIDv7."""
    return uuid7()


def first_id_at(moment: datetime) -> UUID:
    """The lowest UUIDv7 of that millisecond: ids made from then on are not below it."""
    milliseconds = int(moment.timestamp() * 1000)
    return UUID(int=(milliseconds << 80) | (7 << 76) | (2 << 62))
