"""Past leads that the gate refuses, to those that may be called.

Where a zone's hours have just ended, a hundred thousand leads may be due that nobody may call before the morning.
Each is refused once and rests until its window opens; but ticks that refuse as many as they want to dial would have
nobody to call for hours.
"""

from __future__ import annotations

import time
from collections import defaultdict
from collections.abc import Sequence
from datetime import datetime

from django.db import transaction

from dialer.campaigns.models import Campaign
from dialer.compliance.rules import Deny
from dialer.compliance.services import Judged, asked_for, judge
from dialer.leads import choosing
from dialer.leads import services as leads

LOOK_ON_S = 0.25
"""How long is looked on after a tick."""
MOST_AT_ONCE = 200


def look_on(*, campaign: Campaign, refused: int, at: datetime) -> int:
    """After a tick at `at` of which the gate refused so many leads: have it refuse what follows in line; how many more.

    Until one may be called, which is left for the next tick. Each batch is a transaction of its own: numbers are locked
    in one order only within a batch.
    """
    where, until = choosing.where_of(campaign), time.monotonic() + LOOK_ON_S
    count, more = refused, 0
    while time.monotonic() < until:
        count = min(MOST_AT_ONCE, count * 2)
        with transaction.atomic():
            chosen = leads.reserve(campaign_id=campaign.pk, count=count, at=at, where=where)
            judged = judge(campaign=campaign, asked=[asked_for(lead) for lead in chosen], at=at)
            denied = [one for one in judged if isinstance(one.answer, Deny)]
            refuse(denied)
            others = {lead.pk for lead in chosen} - {one.asked.lead_id for one in denied}
            leads.put_back(lead_ids=list(others), at=at)
        more += len(denied)
        if others or not chosen:
            break
    return more


def refuse(denied: Sequence[Judged]) -> None:
    """Note of leads that the gate refused them, and when each is worth asking for again."""
    alike: dict[tuple[str, datetime | None], list[int]] = defaultdict(list)
    for one in denied:
        if isinstance(one.answer, Deny) and one.asked.lead_id is not None:
            alike[one.answer.rule, one.answer.again_at].append(one.asked.lead_id)
    for (rule, again_at), lead_ids in alike.items():
        leads.refuse(lead_ids=lead_ids, rule=rule, again_at=again_at)
