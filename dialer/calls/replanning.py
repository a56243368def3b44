"""Leads that rest, planned anew after their campaign's recycle rules were changed, and working off all such reworks.

What a rule says of a lead is asked of the same pure rules as when its call ended (leads/rules.py), as of that moment.
Leads that a rule now ends are kept as a change of many, which can be undone; a rule that has them called again after
all brings them back.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from django.db import connection, transaction

from dialer.campaigns import services as campaigns
from dialer.campaigns.models import Campaign, LeadList, RecycleRule
from dialer.campaigns.rework import EVERY, Rework
from dialer.core import prepared
from dialer.core.clock import now
from dialer.core.zones import known_zone
from dialer.leads import priorities
from dialer.leads.bulk import BY_RULE
from dialer.leads.models import BulkChange, BulkChangedLead, Lead, LeadState
from dialer.leads.recycling import shares_of
from dialer.leads.rules import CALLBACK_PRIORITY, Plan, Recycling, after_attempt, after_disposition, after_number

WITHIN_S = 5.0
"""How long one job goes on; then it asks for another, so that other jobs have their turn."""

# A lead's last call says by which rule it rests. One that the gate put off since had rested already. `NOT is_open`:
# those that an earlier change of rules ended. All who change many leads at once lock them in this order.
_RESTING = """
SELECT lead.id, lead.state, lead.list_id, lead.priority, lead.time_zones, lead.attempts, lead.next_attempt_at,
    last.outcome, last.disposition_id, last.at, last.phone, ARRAY[lead.phone] || ARRAY(
        SELECT other.phone FROM leads_leadnumber AS other WHERE other.lead_id = lead.id ORDER BY other.id
    ), (
        SELECT count(*) FROM calls_calltask AS earlier WHERE earlier.lead_id = lead.id AND earlier.id <> last.id
            AND CASE WHEN last.disposition_id IS NULL THEN earlier.outcome = last.outcome
                ELSE earlier.disposition_id = last.disposition_id END
    ), EXISTS (
        SELECT 1 FROM compliance_gateverdict AS verdict
        WHERE verdict.lead_id = lead.id AND NOT verdict.allowed AND verdict.at > last.at
    )
FROM leads_lead AS lead CROSS JOIN LATERAL (
    SELECT call.id, call.outcome, call.disposition_id, coalesce(call.disposed_at, call.ended_at) AS at, call.phone
    FROM calls_calltask AS call
    WHERE call.lead_id = lead.id AND call.state = 'ended' AND call.placed_at IS NOT NULL
    ORDER BY call.ended_at DESC LIMIT 1
) AS last
WHERE lead.tenant_id = %(tenant)s AND lead.list_id = %(list)s AND lead.id > %(after)s AND lead.id <= %(upto)s
    AND lead.attempts > 0 AND lead.priority <> %(promised)s AND lead.promised_to_id IS NULL
    AND (
        %(every)s = ANY(%(keys)s)
        OR CASE WHEN last.disposition_id IS NULL THEN last.outcome ELSE '#' || last.disposition_id END = ANY(%(keys)s)
    ) AND (
        (lead.state = 'waiting' AND (lead.next_attempt_at > %(at)s OR lead.attempts >= %(most)s))
        OR (NOT lead.is_open AND EXISTS (
            SELECT 1 FROM leads_bulkchangedlead AS ended JOIN leads_bulkchange AS change ON change.id = ended.change_id
            WHERE ended.lead_id = lead.id AND ended.attempts = lead.attempts AND change.action = %(by_rule)s
                AND change.undone_at IS NULL
        ))
    )
ORDER BY lead.id FOR NO KEY UPDATE OF lead
"""
_MOVE = """
UPDATE leads_lead AS lead SET state = 'waiting', next_attempt_at = planned.at
FROM unnest(%(ids)s::bigint[], %(times)s::timestamptz[]) AS planned (id, at) WHERE lead.id = planned.id
"""


@dataclass(frozen=True, slots=True)
class _Resting:
    """A lead and its last call, as the statement gives them."""

    pk: int
    state: str
    list_id: int
    priority: int
    zones: Sequence[str]
    attempts: int
    next_attempt_at: datetime
    outcome: str
    disposition_id: int | None
    at: datetime
    dialed: str
    numbers: Sequence[str]
    earlier: int
    put_off: bool


def work_off(*, campaign: Campaign | None = None, within_s: float = WITHIN_S) -> bool:
    """Carry out batches of what was asked for, the oldest first, for so long; whether anything is left.

    `campaign`: only of this one.
    """
    until = time.monotonic() + within_s
    while time.monotonic() < until:
        if not _batch(campaign):
            return False
    return True


def _batch(campaign: Campaign | None) -> bool:
    """One batch; whether there was one that nobody else has in hand."""
    rows = Rework.objects.across_tenants() if campaign is None else Rework.objects.for_tenant(campaign.tenant_id)
    rows = rows.filter(done_at=None) if campaign is None else rows.filter(done_at=None, campaign=campaign)
    with transaction.atomic():
        row = rows.select_for_update(skip_locked=True, no_key=True).order_by("asked_at", "pk").first()
        if row is None:
            return False
        prepared.commit_lazily()  # what a crash takes back it takes back with the place to go on from
        if row.lead_list_id is not None:
            priorities.step(row)
        else:
            _replan(row)
        if row.done_at is not None:
            campaigns.changed(row.campaign)
    return True


def _replan(row: Rework) -> None:
    upto, lists = None, LeadList.objects.for_tenant(row.tenant_id).filter(campaign=row.campaign_id)
    for list_id in lists.filter(pk__gte=row.at_list).order_by("pk").values_list("pk", flat=True):
        if list_id != row.at_list:
            row.at_list, row.at_lead = list_id, 0
        if (upto := priorities.following(row, list_id, row.at_lead)) is not None:
            break
    if upto is None:
        row.done_at = now()
    else:
        _plan(row, upto)
        row.at_lead = upto
    row.save(update_fields=["at_list", "at_lead", "looked", "changed", "ended", "done_at"])


def _plan(row: Rework, upto: int) -> None:
    """Give those of a batch who rest by a changed rule the time that it says now."""
    moment = now()
    with connection.cursor() as cursor:
        values = {"tenant": row.tenant_id, "list": row.at_list, "after": row.at_lead, "upto": upto, "keys": row.keys}
        values |= {"every": EVERY, "most": row.campaign.max_attempts}
        cursor.execute(_RESTING, {**values, "at": moment, "promised": CALLBACK_PRIORITY, "by_rule": BY_RULE})
        found = [_Resting(*one) for one in cursor.fetchall()]
        rules, plan = _rules(row) if found else {}, _plan_of(row) if found else Plan()
        planned = [(one, planned_at(one, replace(plan, rule=rules.get(_key(one))))) for one in found]
        moved = [(one, at) for one, at in planned if at is not None and _differs(one, at)]
        if moved:
            cursor.execute(_MOVE, {"ids": [one.pk for one, _at in moved], "times": [at for _one, at in moved]})
    back = [one.pk for one, _at in moved if one.state == LeadState.DONE]
    ended_before = BulkChangedLead.objects.for_tenant(row.tenant_id).filter(change__action=BY_RULE)
    ended_before.filter(lead__in=back).delete()
    row.looked += len(found)
    row.changed += len(moved)
    row.ended += _end(row, [one for one, at in planned if at is None and one.state == LeadState.WAITING])


def _differs(one: _Resting, at: datetime) -> bool:
    return one.state == LeadState.DONE or one.next_attempt_at != at


def _key(one: _Resting) -> str:
    return one.outcome if one.disposition_id is None else f"#{one.disposition_id}"


def _plan_of(row: Rework) -> Plan:
    """What the campaign says now; the rule, and what is a single lead's, is added for each."""
    return Plan(max_attempts=row.campaign.max_attempts, shares=shares_of(row.campaign_id))


def _rules(row: Rework) -> dict[str, Recycling]:
    """The campaign's own rules by their keys."""
    rules = RecycleRule.objects.for_tenant(row.tenant_id).filter(campaign=row.campaign_id)
    return {
        rule.outcome or f"#{rule.disposition_id}": Recycling(
            timedelta(minutes=rule.delay_min), rule.again, rule.times, rule.best_hour
        )
        for rule in rules
    }


def planned_at(one: _Resting, plan: Plan) -> datetime | None:
    """When a lead is called again by what its campaign says now, as if its last call had just ended; None: never."""
    mine = replace(plan, earlier=one.earlier, zone=_zone(one.zones))
    if one.disposition_id is not None:
        at = after_disposition(True, one.attempts, one.at, mine)
    else:
        before, turn = one.attempts - 1, None
        if one.dialed in one.numbers:
            place = list(one.numbers).index(one.dialed)
            turn = after_number(one.outcome, before, one.at, mine, dialed=place, numbers=len(one.numbers))
        at = (turn.following if turn else after_attempt(one.outcome, before, True, one.at, mine)).at
    if at is not None and one.put_off and one.state == LeadState.WAITING:
        return max(at, one.next_attempt_at)
    return at


def _zone(names: Sequence[str]) -> ZoneInfo | None:
    return known_zone(names[0]) if names else None


def _end(row: Rework, leads: Sequence[_Resting]) -> int:
    """Have these leads not called any more, noted so that it can be undone; how many."""
    if not leads:
        return 0
    made, _new = BulkChange.objects.across_tenants().get_or_create(
        tenant_id=row.tenant_id, campaign_id=row.campaign_id, action=BY_RULE, made_at=row.asked_at
    )
    BulkChangedLead.objects.bulk_create(
        BulkChangedLead(
            tenant_id=row.tenant_id,
            change=made,
            lead_id=one.pk,
            list_id=one.list_id,
            state=one.state,
            priority=one.priority,
            attempts=one.attempts,
            next_attempt_at=one.next_attempt_at,
        )
        for one in leads
    )
    made.count += len(leads)
    made.save(update_fields=["count"])
    rows = Lead.objects.for_tenant(row.tenant_id).filter(pk__in=[one.pk for one in leads])
    count: int = rows.update(state=LeadState.DONE)
    return count
