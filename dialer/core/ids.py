"""Outward ids: UUIDv7, so that ids sort by time and say nothing about how many there are."""

from __future__ import annotations

from uuid import UUID

from uuid_utils.compat import uuid7


def new_id() -> UUID:
    """A fresh UUIDv7."""
    return uuid7()
