"""The abandonment ledger as rows: booking what a call's event adds, reading how a campaign stands, rebuilding.

`book` belongs into the transaction of the event, last of all: its row is the one that events of one campaign share.
Calls lie above this app, so whoever compares the ledger with them hands the counts in.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, date, datetime, timedelta
from typing import Any

from django.db import transaction
from django.db.models import Min

from dialer.campaigns.models import Campaign
from dialer.core import prepared
from dialer.core.zones import known_zone
from dialer.people.models import Tenant

from .abandonment import NOTHING, Counts, Standing, period_of
from .models import AbandonmentDay, LedgerCheck
from .rulebook import abandonment_rule

STALE = timedelta(seconds=45)
"""A ledger that was not compared for so long (three comparisons missed) is not certain."""

_BOOK = """
INSERT INTO compliance_abandonmentday AS l (tenant_id, campaign_id, day, answered, abandoned)
VALUES (%(tenant)s, %(campaign)s, %(day)s, %(answered)s, %(abandoned)s)
ON CONFLICT (campaign_id, day) DO UPDATE
SET answered = l.answered + EXCLUDED.answered, abandoned = l.abandoned + EXCLUDED.abandoned
"""


def book(*, tenant_id: int, campaign_id: int, day: date, change: Counts) -> None:
    """Add to a day's counters. Call in the transaction of the event that counts, after everything else in it."""
    if change == NOTHING:
        return
    values: dict[str, Any] = {"tenant": tenant_id, "campaign": campaign_id, "day": day}
    prepared.run(_BOOK, {**values, "answered": change.answered, "abandoned": change.abandoned})


def today_of(tenant: Tenant, at: datetime) -> date:
    """The day on the tenant's clock: the one that a call decided now is booked on."""
    zone = known_zone(tenant.time_zone)
    return (at.astimezone(zone) if zone else at).date()


def closes_in(tenant: Tenant, at: datetime) -> float:
    """Seconds until dialing ends for the day: at the closing of the calling hours on the tenant's clock.

    Customers further west may be called later than that; from then on it is until midnight, with which the ledger's day
    ends.
    """
    local = at.astimezone(known_zone(tenant.time_zone) or UTC)
    midnight = local.replace(hour=0, minute=0, second=0, microsecond=0)
    ends = (midnight + timedelta(minutes=minutes) for minutes in (tenant.window_closes, 24 * 60))
    # A difference between clocks of one zone would leave out the hour that the clocks were set by.
    return next((end.astimezone(UTC) - at).total_seconds() for end in ends if end > local)


def standing(campaign: Campaign, at: datetime) -> Standing:
    """How the campaign's ledger stands: its window, its day, its cap, and whether the counters can be trusted.

    `campaign.tenant` and `campaign.ledger_check` are read: select_related saves two queries.
    """
    rule, today = abandonment_rule(campaign.tenant.region), today_of(campaign.tenant, at)
    rows = AbandonmentDay.objects.for_tenant(campaign.tenant_id).filter(campaign=campaign)
    first = rows.aggregate(first=Min("day"))["first"] or today
    starts, ends = period_of(first, today, rule.days)
    window = day = NOTHING
    for when, answered, abandoned in rows.filter(day__gte=starts).values_list("day", "answered", "abandoned"):
        window += Counts(answered, abandoned)
        if when == today:
            day += Counts(answered, abandoned)
    why = _doubt(getattr(campaign, "ledger_check", None), at)
    cap = min(rule.cap, float(campaign.abandonment_cap) / 100.0)
    return Standing(window, day, cap, starts, ends, rule, certain=not why, why=why)


def _doubt(check: LedgerCheck | None, at: datetime) -> str:
    if check is None or at - check.checked_at > STALE:
        return "The ledger has not been compared with the calls lately."
    if not check.agrees:
        return "The ledger and the calls did not agree; it has been rebuilt and is compared again."
    return ""


def first_day(campaign_id: int) -> date | None:
    """The first day in the ledger."""
    found: date | None = (
        AbandonmentDay.objects.across_tenants().filter(campaign_id=campaign_id).aggregate(first=Min("day"))["first"]
    )
    return found


def note_check(*, campaign: Campaign, at: datetime, whole: bool, drift: Mapping[date, tuple[Counts, Counts]]) -> None:
    """Write down a comparison and what differed (by day: ledger, calls)."""
    told = {
        day.isoformat(): [[ledger.answered, ledger.abandoned], [calls.answered, calls.abandoned]]
        for day, (ledger, calls) in drift.items()
    }
    values: dict[str, Any] = {"checked_at": at, "agrees": not drift}
    if whole:
        values["whole_at"] = at
    if drift:
        values |= {"drift": told, "drifted_at": at}
    LedgerCheck.objects.across_tenants().update_or_create(
        campaign=campaign,
        defaults=values,
        create_defaults={"tenant_id": campaign.tenant_id, "whole_at": at, **values},
    )


def lock_days(*, campaign: Campaign, days: list[date]) -> None:
    """Hold up all bookings on these days until the transaction's end, so that they can be counted anew."""
    if not transaction.get_connection().in_atomic_block:
        raise RuntimeError("lock_days belongs into a transaction")
    rows = [AbandonmentDay(tenant_id=campaign.tenant_id, campaign=campaign, day=day) for day in days]
    AbandonmentDay.objects.bulk_create(rows, ignore_conflicts=True)
    held = AbandonmentDay.objects.for_tenant(campaign.tenant_id).filter(campaign=campaign, day__in=days)
    list(held.order_by("day").select_for_update(no_key=True).values_list("pk"))


def set_days(*, campaign: Campaign, counts: Mapping[date, Counts]) -> None:
    """Write days' counters, which lock_days holds."""
    rows = AbandonmentDay.objects.for_tenant(campaign.tenant_id).filter(campaign=campaign)
    for day, found in counts.items():
        rows.filter(day=day).update(answered=found.answered, abandoned=found.abandoned)
