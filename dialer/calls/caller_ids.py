"""Which number each new call shows: the campaign's own, or one of its pool within the caps of the day.

`allot` locks the pool's numbers until the end of the placing transaction, so two dialers never count the same turn;
`book` writes what was really used. The rule is campaigns/presence.py.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import date, timedelta

from django.db.models import Count, Q

from dialer.campaigns.models import CallerNumber, CallerPool, Campaign
from dialer.campaigns.presence import Number, hand_out

from .models import CallTask

LOOK_AGAIN = timedelta(minutes=30)
"""When a lead comes up again for which no number was left."""


@dataclass(frozen=True, slots=True)
class Allotted:
    """The number for each of those called; who is missing gets none, because all have reached their caps."""

    shown: dict[str, str]
    numbers: dict[str, Number]
    day: date


def allot(*, campaign: Campaign, called: Sequence[str], day: date) -> Allotted:
    """Choose a number for each of those called, within the placing transaction. `day`: the tenant's."""
    if campaign.caller_pool_id is None:
        return Allotted(dict.fromkeys(called, campaign.caller_id), {}, day)
    pool = CallerPool.objects.for_tenant(campaign.tenant_id).get(pk=campaign.caller_pool_id)
    rows = CallerNumber.objects.for_tenant(campaign.tenant_id).filter(pool=pool, is_active=True)
    numbers = [_as_number(row, day) for row in rows.order_by("pk").select_for_update(no_key=True)]
    given = hand_out(numbers, called, pool.local_presence)
    chosen = {one: number for one, number in zip(called, given, strict=True) if number is not None}
    return Allotted({one: number.phone for one, number in chosen.items()}, chosen, day)


def _as_number(row: CallerNumber, day: date) -> Number:
    used = row.used if row.used_on == day else 0
    return Number(row.pk, row.phone, tuple(row.prefixes), row.daily_cap, used, row.turn)


def book(*, allotted: Allotted, called: Collection[str]) -> None:
    """Count the numbers that calls were really made with, in the same transaction."""
    shown = [allotted.numbers[one] for one in called if one in allotted.numbers]
    times = Counter(number.id for number in shown)
    turns = {number.id: number.turn for number in sorted(shown, key=lambda number: number.turn)}
    for row in CallerNumber.objects.across_tenants().filter(pk__in=times).order_by("pk"):
        row.used = (row.used if row.used_on == allotted.day else 0) + times[row.pk]
        row.used_on = allotted.day
        row.turn = turns[row.pk]
        row.save(update_fields=["used", "used_on", "turn"])


@dataclass(frozen=True, slots=True)
class NumberDay:
    """A number of a pool with its figures of one day: shown so often, answered by people, of them in the cap."""

    number: CallerNumber
    used: int
    calls: int
    answered: int

    @property
    def share(self) -> float | None:
        """Share of its calls that people answered, in percent; None before its first."""
        return 100 * self.answered / self.calls if self.calls else None

    @property
    def full(self) -> bool:
        """Whether it has reached its cap."""
        return bool(self.number.daily_cap and self.used >= self.number.daily_cap)


def figures_of(*, pool: CallerPool, day: date) -> list[NumberDay]:
    """Each number of a pool with what became of its calls on a day of the tenant's."""
    numbers = list(CallerNumber.objects.for_tenant(pool.tenant_id).filter(pool=pool))
    people = Q(ready_at__isnull=False, found_machine=False) & ~Q(outcome__in=("machine", "message_left"))
    rows = (
        CallTask.objects.for_tenant(pool.tenant_id)
        .filter(day=day, caller_id__in=[number.phone for number in numbers], campaign__caller_pool=pool)
        .values("caller_id")
        .annotate(calls=Count("pk"), answered=Count("pk", filter=people))
    )
    by_phone = {row["caller_id"]: (row["calls"], row["answered"]) for row in rows}
    return [
        NumberDay(number, number.used if number.used_on == day else 0, *by_phone.get(number.phone, (0, 0)))
        for number in numbers
    ]
