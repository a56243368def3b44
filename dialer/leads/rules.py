"""What becomes of a lead after an attempt. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

MAX_ATTEMPTS = 5
"""Attempts after which a lead is done, whatever came of the last one."""

_AGAIN_AFTER = {
    "no_answer": timedelta(hours=4),
    "busy": timedelta(minutes=30),
    "congestion": timedelta(minutes=30),
    "machine": timedelta(hours=6),
    "early_hangup": timedelta(hours=24),
    "failed": timedelta(hours=1),
    # Nobody may hear from us again within 72 hours of an abandoned call (the house rule of the design); what became of
    # a lost one nobody knows, so it may have been just that.
    "abandoned": timedelta(hours=72),
    "lost": timedelta(hours=72),
}
_DONE = frozenset({"connected", "invalid_number", "message_left"})
_NEVER_LEFT = timedelta(minutes=1)


@dataclass(frozen=True, slots=True)
class Next:
    """What the lead does now: `at` is None when it is done. `counts`: the attempt counts against the cap."""

    at: datetime | None
    counts: bool = True


def after_attempt(outcome: str, attempts: int, placed: bool, now: datetime) -> Next:
    """Decide from the outcome's word, the attempts before this one, and whether the switch was ever asked."""
    if not placed:
        return Next(now + _NEVER_LEFT, counts=False)
    if outcome in _DONE or attempts + 1 >= MAX_ATTEMPTS:
        return Next(None)
    return Next(now + _AGAIN_AFTER.get(outcome, timedelta(hours=1)))
