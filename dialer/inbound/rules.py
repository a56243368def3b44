"""Which queue a caller comes to, whether it is open, and who is served next. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from uuid import UUID

DAY_MIN = 1440
_DIALED = re.compile(r"\+?[0-9]{3,20}")


class TurnedAway(StrEnum):
    """Why a caller does not get to wait in a queue."""

    CLOSED = "closed"
    NOBODY = "nobody"


@dataclass(frozen=True, slots=True)
class Hours:
    """When a queue is open, on the clock of its zone: weekdays (Monday is 0; none given: all) and minutes of the day.

    `closes` at or before `opens` means the next day: the weekday is the one on which it opened.
    """

    opens: int = 0
    closes: int = DAY_MIN
    days: frozenset[int] = frozenset()


def is_open(hours: Hours, local: datetime) -> bool:
    """Whether a queue is open; `local`: the time on the clock of its zone."""
    minute, day = local.hour * 60 + local.minute, local.weekday()
    if hours.opens < hours.closes:
        return _on(hours, day) and hours.opens <= minute < hours.closes
    return (_on(hours, day) and minute >= hours.opens) or (_on(hours, (day - 1) % 7) and minute < hours.closes)


def _on(hours: Hours, day: int) -> bool:
    return not hours.days or day in hours.days


def on_arrival(hours: Hours, local: datetime, agents: int) -> TurnedAway | None:
    """What becomes of a caller who arrives: None when they may wait. `agents`: signed in where the queue is served."""
    if not is_open(hours, local):
        return TurnedAway.CLOSED
    return None if agents > 0 else TurnedAway.NOBODY


def numbers_meant(dialed: str) -> tuple[str, ...]:
    """The E.164 numbers that a trunk may mean by what was dialed, the likeliest first; none when it is no number.

    Trunks send E.164 with or without its plus, and those of North America (ITU-T E.164 country code 1) ten digits too.
    """
    if not _DIALED.fullmatch(dialed):
        return ()
    if dialed.startswith("+"):
        return (dialed,)
    ten = len(dialed) == 10 and dialed[0] not in "01"
    return (f"+1{dialed}", f"+{dialed}") if ten else (f"+{dialed}",)


@dataclass(frozen=True, slots=True)
class Waiter:
    """Somebody who waits in a queue, since when, and the campaigns whose agents serve it; high priorities go first."""

    call: UUID
    priority: int
    since: datetime
    campaigns: frozenset[int]


def in_order(waiters: Iterable[Waiter]) -> list[Waiter]:
    """Who goes before whom: by priority, then whoever has waited longest."""
    return sorted(waiters, key=lambda one: (-one.priority, one.since, one.call))


def servable(waiters: Sequence[Waiter], ready: Mapping[int, int]) -> list[UUID]:
    """Those for whom an agent is ready now, in order; `ready`: agents who are, by campaign.

    Each takes an agent of a campaign that the fewest of the others may be given, so that nobody is left waiting beside
    an agent who could have served them.
    """
    left = {campaign: count for campaign, count in ready.items() if count > 0}
    served = []
    ahead = in_order(waiters)
    for place, one in enumerate(ahead):
        open_to = [campaign for campaign in one.campaigns if left.get(campaign, 0) > 0]
        if not open_to:
            continue
        behind = ahead[place + 1 :]
        chosen = min(open_to, key=lambda campaign: (sum(campaign in other.campaigns for other in behind), campaign))
        left[chosen] -= 1
        served.append(one.call)
    return served
