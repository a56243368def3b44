"""Keeping what pacing learned from tick to tick: as text in the campaign's PacingState, and as it is in this process.

The text is JSON of numbers only. It is read back against a fresh memory of the same shape: whatever does not fit
(another version, a changed list of bins, a number that is none) is dropped, and the campaign warms up again.
"""

from __future__ import annotations

import json
import logging
import math
from collections import OrderedDict
from dataclasses import fields, is_dataclass, replace
from threading import Lock
from typing import Any

import numpy as np

from dialer.pacing import Memory, Rules
from dialer.pacing.ring import RingBelief
from dialer.pacing.work import Hazard, WorkBelief

VERSION = 1
"""Raise it when a number keeps its place and changes its meaning."""
log = logging.getLogger(__name__)


def to_text(memory: Memory) -> str:
    """The memory as JSON; the tables, which follow from the rest, are left out."""
    return json.dumps({"version": VERSION, "memory": _plain(replace(memory, tables=None))}, separators=(",", ":"))


def from_text(text: str) -> Memory | None:
    """The memory that the text holds; None when there is none, or none that this code understands."""
    if not text:
        return None
    try:
        stored = json.loads(text)
        if stored["version"] != VERSION:
            return None
        ring_timeout, detection = stored["memory"]["shape"]
        pattern = Memory.fresh(Rules(ring_timeout=float(ring_timeout), detection=bool(detection)), 0.03)
        found = _fit(pattern, stored["memory"])
    except (ValueError, TypeError, KeyError, IndexError, OverflowError) as error:
        log.warning("what pacing had learned cannot be read (%s); it warms up again", type(error).__name__)
        return None
    assert isinstance(found, Memory)
    return replace(found, tables=None, built=-1e9, work_built=-1e9)


def _plain(value: Any) -> Any:
    if is_dataclass(value) and not isinstance(value, type):
        return {one.name: _plain(getattr(value, one.name)) for one in fields(value)}
    if isinstance(value, np.ndarray):
        return value.tolist()
    if isinstance(value, (tuple, list)):
        return [_plain(one) for one in value]
    return value.item() if isinstance(value, np.generic) else value


def _fit(pattern: Any, stored: Any) -> Any:
    """The stored value in the pattern's types; raises ValueError where it does not fit."""
    if isinstance(pattern, (Memory, RingBelief, WorkBelief, Hazard)):
        names = [one.name for one in fields(pattern)]
        if set(names) != set(stored):
            raise ValueError("other fields")
        values: dict[str, Any] = {name: _fit(getattr(pattern, name), stored[name]) for name in names}
        if isinstance(pattern, Hazard) and not np.array_equal(values["edges"], pattern.edges):
            raise ValueError("other bins")
        return replace(pattern, **values)
    if isinstance(pattern, np.ndarray):
        found = np.array(stored, dtype=pattern.dtype)
        if found.shape != pattern.shape or not np.isfinite(found).all():
            raise ValueError("an array of another shape")
        return found
    if isinstance(pattern, (tuple, list)):
        if len(stored) != len(pattern):
            raise ValueError("a row of another length")
        return type(pattern)(_fit(a, b) for a, b in zip(pattern, stored, strict=True))
    if isinstance(pattern, bool) or pattern is None:
        return type(pattern)(stored) if pattern is not None else None
    if isinstance(pattern, (int, float)):
        if not math.isfinite(stored):
            raise ValueError("no number")
        return type(pattern)(stored)
    raise ValueError(f"nothing known of {type(pattern).__name__}")


class _Held:
    """The memories that this process made last, with their tables. Threads share them: nobody changes a memory."""

    LIMIT = 200

    def __init__(self) -> None:
        self._lock = Lock()
        self._by_campaign: OrderedDict[int, tuple[int, Memory]] = OrderedDict()

    def put(self, campaign_id: int, revision: int, memory: Memory) -> None:
        with self._lock:
            self._by_campaign[campaign_id] = (revision, memory)
            self._by_campaign.move_to_end(campaign_id)
            while len(self._by_campaign) > self.LIMIT:
                self._by_campaign.popitem(last=False)

    def get(self, campaign_id: int, revision: int) -> Memory | None:
        with self._lock:
            held = self._by_campaign.get(campaign_id)
        return held[1] if held is not None and held[0] == revision else None


held = _Held()
"""What this process remembers; good only for the revision that the database says is the last."""
