"""At which hours of the lead's day people answer, counted from a campaign's own calls for its recycle rules."""

from __future__ import annotations

from collections import Counter
from datetime import UTC, datetime, timedelta

from django.db import connection, transaction

from dialer.campaigns.models import AnswerHour, RecycleRule
from dialer.core.zones import known_zone

LOOKED_BACK = timedelta(days=28)
"""Four whole weeks, so that every weekday weighs the same."""

_COUNTS = """
SELECT lead.time_zones[1], date_trunc('hour', call.placed_at), count(*), count(*) FILTER (
    WHERE call.ready_at IS NOT NULL AND call.outcome NOT IN ('machine', 'message_left') AND NOT call.found_machine
)
FROM calls_calltask AS call JOIN leads_lead AS lead ON lead.id = call.lead_id
WHERE call.tenant_id = %s AND call.campaign_id = %s AND call.queued_at >= %s AND call.placed_at IS NOT NULL
    AND call.state = 'ended' AND cardinality(lead.time_zones) > 0
GROUP BY 1, 2
"""


def refresh(*, at: datetime) -> int:
    """Count anew for every campaign that has a rule which asks for the best hour; how many campaigns."""
    asking = RecycleRule.objects.across_tenants().filter(best_hour=True)
    campaigns = sorted(asking.values_list("tenant_id", "campaign_id").distinct())
    for tenant_id, campaign_id in campaigns:
        _refresh(tenant_id, campaign_id, at)
    return len(campaigns)


def _refresh(tenant_id: int, campaign_id: int, at: datetime) -> None:
    with connection.cursor() as cursor:
        cursor.execute(_COUNTS, [tenant_id, campaign_id, at - LOOKED_BACK])
        found = cursor.fetchall()
    placed: Counter[int] = Counter()
    answered: Counter[int] = Counter()
    for name, hour, calls, people in found:
        if (zone := known_zone(name)) is not None:
            local = hour.astimezone(UTC).astimezone(zone).hour
            placed[local] += calls
            answered[local] += people
    rows = [
        AnswerHour(tenant_id=tenant_id, campaign_id=campaign_id, hour=hour, placed=calls, answered=answered[hour])
        for hour, calls in placed.items()
    ]
    with transaction.atomic():
        AnswerHour.objects.for_tenant(tenant_id).filter(campaign=campaign_id).delete()
        AnswerHour.objects.bulk_create(rows, ignore_conflicts=True)
