"""Leads take the priority of their list after it was changed, a batch at a time (campaigns/rework.py).

Meanwhile a list has leads of both priorities, and each is dialed by the one it has.
"""

from __future__ import annotations

from django.db.models import Max

from dialer.campaigns.models import LeadList
from dialer.campaigns.rework import Rework
from dialer.core.clock import now

from .models import Lead
from .rules import CALLBACK_PRIORITY

AT_ONCE = 1000
"""Leads that one transaction looks at: reserving passes over those that it holds, for some tens of milliseconds."""


def following(row: Rework, list_id: int, after: int) -> int | None:
    """The last lead of the next batch of a list; None: there is none."""
    ids = Lead.objects.for_tenant(row.tenant_id).filter(list=list_id, pk__gt=after).order_by("pk").values("pk")
    upto: int | None = ids[:AT_ONCE].aggregate(upto=Max("pk"))["upto"]
    return upto


def step(row: Rework) -> None:
    """Carry out one batch, in the transaction that holds `row`. Promised callbacks keep their own priority."""
    assert row.lead_list_id is not None
    upto = following(row, row.lead_list_id, row.at_lead)
    if upto is not None:
        priority = (
            LeadList.objects.for_tenant(row.tenant_id).values_list("priority", flat=True).get(pk=row.lead_list_id)
        )
        rows = Lead.objects.for_tenant(row.tenant_id)
        others = rows.filter(list=row.lead_list_id, pk__gt=row.at_lead, pk__lte=upto)
        others = others.exclude(priority__in=(priority, CALLBACK_PRIORITY)).order_by("pk")
        # In one order, as all who change many leads at once lock them.
        chosen = list(others.select_for_update(no_key=True).values_list("pk", flat=True))
        row.changed += rows.filter(pk__in=chosen).update(priority=priority)
        row.at_lead = upto
    if upto is None or following(row, row.lead_list_id, upto) is None:
        row.done_at = now()
    row.save(update_fields=["at_lead", "changed", "done_at"])
