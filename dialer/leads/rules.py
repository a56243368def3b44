"""What becomes of a lead after an attempt. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

MAX_ATTEMPTS = 5
"""Attempts after which a lead is done, whatever came of the last one."""

CALLBACK_PRIORITY = 20_000
"""The priority of leads that were promised a call: above any that a list can have, so they are dialed first."""
CALLBACK_TRIES = 3
"""Attempts that a promised call gets at least, whatever the lead had before."""
CALLBACK_SNOOZE = timedelta(minutes=10)
"""When a callback that its agent skipped comes up again."""
CALLBACK_GRACE = timedelta(minutes=30)
"""How long a callback of one agent's own waits for an agent who is not there; then anyone keeps the promise."""
FURTHEST_CALLBACK = timedelta(days=366)

_AGAIN_AFTER = {
    "no_answer": timedelta(hours=4),
    "busy": timedelta(minutes=30),
    "congestion": timedelta(minutes=30),
    "machine": timedelta(hours=6),
    "early_hangup": timedelta(hours=24),
    "failed": timedelta(hours=1),
    # It rang for as long as the law asks at least before we gave it up: to the one called it is a call not answered.
    "cancelled": timedelta(hours=4),
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


def callback_after(outcome: str, lead_done: bool) -> str:
    """What an attempt makes of an open callback: kept, failed, or still open (its time is the lead's next attempt)."""
    if outcome == "connected":
        return "kept"
    return "failed" if lead_done else "open"


class BadTime(ValueError):
    """A time that no callback can have; the message is for the one who chose it."""


def promised_moment(local: datetime, zone: ZoneInfo, now: datetime) -> datetime:
    """The moment (UTC) of a time on the customer's clock. `local` is naive, `now` aware. Raises BadTime.

    A time that comes twice, because the clock is set back, means the first; one that is skipped does not exist.
    """
    moment = local.replace(tzinfo=zone, fold=0).astimezone(UTC)
    if moment.astimezone(zone).replace(tzinfo=None) != local:
        raise BadTime(f"There is no {local:%H:%M} on {local:%-d %B} there: the clock is set forward. Choose another.")
    if moment <= now:
        raise BadTime(f"{local:%-d %B, %H:%M} is over where the customer is. Choose a later time.")
    if moment - now > FURTHEST_CALLBACK:
        raise BadTime(f"{local:%-d %B %Y} is more than a year away. Choose an earlier day.")
    return moment
