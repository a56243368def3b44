"""Holding the abandonment ledger against the calls that it counts, and rebuilding what differs.

Each event books what it changes in its own transaction, and one statement reads both sides, so they agree at every
moment or something is broken. Then pacing is progressive until the next comparison finds them equal again.
"""

from __future__ import annotations

import logging
from datetime import date, datetime, timedelta

from django.db import connection, transaction

from dialer.campaigns.models import Campaign
from dialer.compliance import ledger
from dialer.compliance.abandonment import NOTHING, PEOPLE, Counts, period_of
from dialer.compliance.models import LedgerCheck
from dialer.compliance.rulebook import abandonment_rule

log = logging.getLogger(__name__)

EVERY = timedelta(seconds=15)
WHOLE_EVERY = timedelta(minutes=10)
"""How often the whole window is compared, and not only yesterday and today. A campaign that nobody looked at for so
long (a start) begins with the whole window, too."""

_ABANDONED = "(call.ending = 'abandoned' OR call.outcome = 'abandoned')"
_COUNTED = f"""
SELECT call.day,
    count(*) FILTER (WHERE {_ABANDONED} OR (
        (call.verdict = ANY(%(people)s) OR (call.verdict = 'NOTSURE' AND call.unsure_to_agent))
        AND NOT call.own_agent AND NOT call.found_machine
    )) AS answered,
    count(*) FILTER (WHERE {_ABANDONED}) AS abandoned
FROM calls_calltask AS call
WHERE call.campaign_id = %(campaign)s AND call.day >= %(since)s AND (call.answered OR call.outcome = 'abandoned')
GROUP BY call.day
"""  # noqa: S608 - constants of this file; the rules in SQL are those of compliance.abandonment.counted
_COMPARED = f"""
SELECT COALESCE(l.day, c.day), COALESCE(l.answered, 0), COALESCE(l.abandoned, 0),
    COALESCE(c.answered, 0), COALESCE(c.abandoned, 0)
FROM (
    SELECT day, answered, abandoned FROM compliance_abandonmentday
    WHERE campaign_id = %(campaign)s AND day >= %(since)s
) AS l FULL JOIN ({_COUNTED}) AS c ON c.day = l.day
WHERE (COALESCE(l.answered, 0), COALESCE(l.abandoned, 0)) <> (COALESCE(c.answered, 0), COALESCE(c.abandoned, 0))
"""  # noqa: S608


def check_if_due(campaign: Campaign, at: datetime) -> None:
    """Compare a campaign's ledger with its calls when that is due, and rebuild what differs. Its own transaction.

    `campaign.ledger_check` is read: select_related saves a query.
    """
    last: LedgerCheck | None = getattr(campaign, "ledger_check", None)
    if last is not None and timedelta(0) <= at - last.checked_at < EVERY:
        return
    whole = last is None or not last.agrees or not timedelta(0) <= at - last.whole_at < WHOLE_EVERY
    check(campaign, at, whole=whole)


def check(campaign: Campaign, at: datetime, *, whole: bool = True) -> dict[date, tuple[Counts, Counts]]:
    """Compare now; returns what differed, by day: what the ledger said, what the calls say. It is rebuilt by then.

    The first comparison ever is the rebuilding at the start and no drift: before it nothing was booked for sure.
    """
    since = _since(campaign, at, whole)
    with transaction.atomic():
        first_ever = not LedgerCheck.objects.for_tenant(campaign.tenant_id).filter(campaign=campaign).exists()
        drift = compare(campaign.pk, since)
        if drift:
            _rebuild(campaign, sorted(drift))
        ledger.note_check(campaign=campaign, at=at, whole=whole, drift={} if first_ever else drift)
    if drift and not first_ever:
        log.error(
            "campaign %s: the abandonment ledger did not agree with the calls on %d days", campaign.pk, len(drift)
        )
    return drift


def _since(campaign: Campaign, at: datetime, whole: bool) -> date:
    today = ledger.today_of(campaign.tenant, at)
    rule = abandonment_rule(campaign.tenant.region)
    if whole:
        return today - timedelta(days=rule.days)
    starts, _ = period_of(ledger.first_day(campaign.pk) or today, today, rule.days)
    return max(starts, today - timedelta(days=1))


def compare(campaign_id: int, since: date) -> dict[date, tuple[Counts, Counts]]:
    """The days from `since` on on which ledger and calls differ: (ledger, calls)."""
    with connection.cursor() as cursor:
        cursor.execute(_COMPARED, {"campaign": campaign_id, "since": since, "people": sorted(PEOPLE)})
        return {row[0]: (Counts(row[1], row[2]), Counts(row[3], row[4])) for row in cursor.fetchall()}


def _rebuild(campaign: Campaign, days: list[date]) -> None:
    """Count these days anew, with their bookings held up: what is being booked comes on top of it afterwards."""
    ledger.lock_days(campaign=campaign, days=days)
    with connection.cursor() as cursor:
        cursor.execute(_COUNTED, {"campaign": campaign.pk, "since": days[0], "people": sorted(PEOPLE)})
        found = {row[0]: Counts(row[1], row[2]) for row in cursor.fetchall()}
    ledger.set_days(campaign=campaign, counts={day: found.get(day, NOTHING) for day in days})
