"""What becomes of a lead after an attempt. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from dialer.core.words import _

MAX_ATTEMPTS = 5
"""Attempts after which a lead is done, whatever came of the last one, unless its campaign says another number."""

CALLBACK_PRIORITY = 20_000
"""The priority of leads that were promised a call: above any that a list can have, so they are dialed first."""
CALLBACK_TRIES = 3
"""Attempts that a promised call gets at least, whatever the lead had before."""
CALLBACK_SNOOZE = timedelta(minutes=10)
"""When a callback that its agent skipped comes up again."""
CALLBACK_GRACE = timedelta(minutes=30)
"""How long a callback of one agent's own waits for an agent who is not there; then anyone keeps the promise."""
FURTHEST_CALLBACK = timedelta(days=366)


@dataclass(frozen=True, slots=True)
class Recycling:
    """What follows on attempts that ended in one way: whether, when and how often the lead is called again.

    `times` 0: as often as the campaign's attempts allow. `best_hour`: at the hour, within a day of the delay's end, at
    which most people of the campaign answer.
    """

    delay: timedelta
    again: bool = True
    times: int = 0
    best_hour: bool = False


DEFAULTS: Mapping[str, Recycling] = {
    "no_answer": Recycling(timedelta(hours=4)),
    "busy": Recycling(timedelta(minutes=30)),
    "congestion": Recycling(timedelta(minutes=30)),
    "machine": Recycling(timedelta(hours=6)),
    "message_left": Recycling(timedelta(days=1), again=False),
    "early_hangup": Recycling(timedelta(hours=24)),
    "failed": Recycling(timedelta(hours=1)),
    # It rang for as long as the law asks at least before we gave it up: to the one called it is a call not answered.
    "cancelled": Recycling(timedelta(hours=4)),
    "abandoned": Recycling(timedelta(hours=72)),
    "lost": Recycling(timedelta(hours=72)),
}
"""What follows on an outcome unless the campaign has a rule of its own. What is not here ends a lead."""
AFTER_DISPOSITION = Recycling(timedelta(days=1))
"""What follows on a disposition that is recycled, unless the campaign has a rule of its own."""
AT_LEAST: Mapping[str, timedelta] = {"abandoned": timedelta(hours=72), "lost": timedelta(hours=72)}
"""No rule goes below these: nobody may hear from us again within 72 hours of an abandoned call (the house rule of the
design); what became of a lost one nobody knows, so it may have been just that."""
_UNKNOWN = Recycling(timedelta(hours=1))
ENDS = frozenset({"connected", "invalid_number"})
"""Outcomes after which a lead is done, whatever any rule says."""
_NEVER_LEFT = timedelta(minutes=1)


@dataclass(frozen=True, slots=True)
class Plan:
    """What a campaign says of one end of an attempt, and what is known of the lead for it.

    `earlier`: how many of the lead's calls ended so before; `shares`: by the hour of the lead's day, what share of the
    campaign's calls people answered, for the hours of which enough is known.
    """

    rule: Recycling | None = None
    max_attempts: int = MAX_ATTEMPTS
    earlier: int = 0
    shares: Mapping[int, float] = field(default_factory=dict)
    zone: ZoneInfo | None = None


@dataclass(frozen=True, slots=True)
class Next:
    """What the lead does now: `at` is None when it is done. `counts`: the attempt counts against the cap."""

    at: datetime | None
    counts: bool = True


def after_attempt(outcome: str, attempts: int, placed: bool, now: datetime, plan: Plan | None = None) -> Next:
    """Decide from the outcome's word, the attempts before this one, and whether the switch was ever asked."""
    plan = plan or Plan()
    if not placed:
        return Next(now + _NEVER_LEFT, counts=False)
    if outcome in ENDS or attempts + 1 >= plan.max_attempts:
        return Next(None)
    rule = plan.rule or DEFAULTS.get(outcome, _UNKNOWN)
    return Next(_again_at(rule, plan, now, AT_LEAST.get(outcome, timedelta(0))))


OTHER_NUMBER_AFTER = timedelta(minutes=15)
"""How long after one of a lead's numbers led to nobody the next of them is dialed."""
_TRY_ANOTHER = frozenset({"no_answer", "busy", "congestion", "machine", "failed", "invalid_number"})


def tries_another(outcome: str) -> bool:
    """Whether a lead with several numbers is dialed on the next of them after this outcome."""
    return outcome in _TRY_ANOTHER


@dataclass(frozen=True, slots=True)
class Turn:
    """What follows for a lead with several numbers: when, and which of them (0: its own, then the others in order)."""

    following: Next
    number: int


def after_number(
    outcome: str, attempts: int, now: datetime, plan: Plan | None, *, dialed: int, numbers: int
) -> Turn | None:
    """What follows on an attempt at one of a lead's numbers; None when the outcome leads to no other number.

    The numbers are dialed one soon after the other; when all have been, the campaign's rule says when they are again.
    A number that does not exist ends a lead only when it is the only one.
    """
    if numbers < 2 or not tries_another(outcome):
        return None
    number = (dialed + 1) % numbers
    following = after_attempt("no_answer" if outcome == "invalid_number" else outcome, attempts, True, now, plan)
    if following.at is not None and number:
        following = Next(min(following.at, now + OTHER_NUMBER_AFTER))
    return Turn(following, number)


def after_disposition(recycled: bool, attempts: int, now: datetime, plan: Plan | None = None) -> datetime | None:
    """When a lead is called again of which an agent said how its call ended; None: not by itself.

    `attempts` counts the one that was disposed of.
    """
    plan = plan or Plan()
    if not recycled or attempts >= plan.max_attempts:
        return None
    return _again_at(plan.rule or AFTER_DISPOSITION, plan, now, timedelta(0))


def _again_at(rule: Recycling, plan: Plan, now: datetime, at_least: timedelta) -> datetime | None:
    if not rule.again or (rule.times and plan.earlier >= rule.times):
        return None
    earliest = now + max(rule.delay, at_least)
    return best_hour(earliest, plan.zone, plan.shares) if rule.best_hour else earliest


def best_hour(earliest: datetime, zone: ZoneInfo | None, shares: Mapping[int, float]) -> datetime:
    """The start of the hour, within a day from `earliest`, at which most people answer; `earliest` when it is now.

    Of hours that are as good the first counts. Nothing known of the zone or the hours: `earliest` itself.
    """
    if zone is None or not shares:
        return earliest
    start = earliest.astimezone(UTC)
    local = start.astimezone(zone)
    to_next = timedelta(hours=1) - timedelta(minutes=local.minute, seconds=local.second, microseconds=local.microsecond)
    moments = [start, *(start + to_next + timedelta(hours=hours) for hours in range(23))]
    best = max(moments, key=lambda moment: shares.get(moment.astimezone(zone).hour, -1.0))
    return best if best > start else earliest


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
        raise BadTime(_("That time does not exist on that day: the clock is set forward. Choose another."))
    if moment <= now:
        raise BadTime(_("That time is over where the customer is. Choose a later one."))
    if moment - now > FURTHEST_CALLBACK:
        raise BadTime(_("That is more than a year away. Choose an earlier day."))
    return moment
