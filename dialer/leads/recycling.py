"""What a campaign says of an attempt's end, loaded for the pure rule. Part of the transaction that ends the attempt."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from uuid import UUID

from dialer.campaigns.models import AnswerHour
from dialer.core import prepared
from dialer.core.zones import known_zone

from .rules import Plan, Recycling

ENOUGH = 20
"""Calls placed in an hour of the day before its share of answers counts for anything."""

# `times` is seldom set, so calls are seldom counted.
_AFTER_OUTCOME = """
SELECT campaign.max_attempts, rule.delay_min, rule.again, rule.times, rule.best_hour, CASE WHEN rule.times > 0 THEN (
    SELECT count(*) FROM calls_calltask AS call
    WHERE call.lead_id = %(lead)s AND call.outcome = rule.outcome AND call.id <> %(call)s
) ELSE 0 END
FROM campaigns_campaign AS campaign
LEFT JOIN campaigns_recyclerule AS rule ON rule.campaign_id = campaign.id AND rule.outcome = %(what)s
WHERE campaign.id = %(campaign)s
"""
_AFTER_DISPOSITION = """
SELECT campaign.max_attempts, rule.delay_min, rule.again, rule.times, rule.best_hour, CASE WHEN rule.times > 0 THEN (
    SELECT count(*) FROM calls_calltask AS call
    WHERE call.lead_id = %(lead)s AND call.disposition_id = rule.disposition_id AND call.id <> %(call)s
) ELSE 0 END
FROM campaigns_campaign AS campaign
LEFT JOIN campaigns_recyclerule AS rule ON rule.campaign_id = campaign.id AND rule.disposition_id = %(what)s
WHERE campaign.id = %(campaign)s
"""


def after_outcome(*, campaign_id: int, lead_id: int, zones: Sequence[str], outcome: str, call_id: UUID | None) -> Plan:
    """The campaign's plan for a lead whose call ended with an outcome; that call itself is not counted."""
    return _plan(_AFTER_OUTCOME, campaign_id, lead_id, zones, outcome, call_id)


def after_disposition(
    *, campaign_id: int, lead_id: int, zones: Sequence[str], disposition_id: int, call_id: UUID | None
) -> Plan:
    """The campaign's plan for a lead whose call an agent disposed of; that call itself is not counted."""
    return _plan(_AFTER_DISPOSITION, campaign_id, lead_id, zones, disposition_id, call_id)


def _plan(
    sql: str, campaign_id: int, lead_id: int, zones: Sequence[str], what: str | int, call_id: UUID | None
) -> Plan:
    values = {"campaign": campaign_id, "lead": lead_id, "what": what, "call": call_id or UUID(int=0)}
    row = prepared.run(sql, values).fetchone()
    assert row is not None, "a lead protects its campaign"
    max_attempts, delay_min, again, times, best_hour, earlier = row
    if delay_min is None:
        return Plan(max_attempts=max_attempts)
    return Plan(
        rule=Recycling(timedelta(minutes=delay_min), again, times, best_hour),
        max_attempts=max_attempts,
        earlier=earlier,
        shares=shares_of(campaign_id) if best_hour else {},
        zone=known_zone(zones[0]) if best_hour and zones else None,
    )


def shares_of(campaign_id: int) -> dict[int, float]:
    """By the hour of the lead's day, what share of a campaign's calls people answered, where enough is known."""
    rows = AnswerHour.objects.across_tenants().filter(campaign=campaign_id, placed__gte=ENOUGH)
    return {row.hour: row.answered / row.placed for row in rows}
