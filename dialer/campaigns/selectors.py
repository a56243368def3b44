"""Reads of campaigns for screens."""

from __future__ import annotations

from typing import Any

from django.db.models import Count, IntegerField, OuterRef, Q, QuerySet, Subquery
from django.db.models.functions import Coalesce

from dialer.core.models import TenantQuerySet
from dialer.people.models import Tenant

from .models import Campaign

# Sessions and leads belong to apps above this one; they are reached through the relations that those apps declare.
_AGENT_STATES = ("ready", "reserved", "in_call", "wrapup", "paused")


def with_figures(tenant: Tenant) -> TenantQuerySet:
    """The tenant's campaigns with agents by state (`ready` …), `agents`, and `leads_left` on active lists."""
    rows = Campaign.objects.for_tenant(tenant)
    here = Q(sessions__ended_at=None)
    by_state = {f"agents_{state}": Count("sessions", filter=here & Q(sessions__state=state)) for state in _AGENT_STATES}
    figures: dict[str, Any] = {**by_state, "agents": Count("sessions", filter=here & Q(sessions__isnull=False))}
    left = _count(_waiting(Campaign.objects.for_tenant(tenant).filter(pk=OuterRef("pk"))))
    return rows.annotate(**figures, leads_left=left)


def _waiting(rows: QuerySet[Any]) -> QuerySet[Any]:
    return rows.filter(leads__state="waiting", leads__list__is_active=True)


def _count(rows: QuerySet[Any]) -> Any:
    counted = rows.order_by().values("pk").annotate(n=Count("leads")).values("n")
    return Coalesce(Subquery(counted, output_field=IntegerField()), 0)


def problems_of(campaign: Campaign) -> list[str]:
    """What stands in the way of starting, each with what to do; empty when nothing does."""
    found = []
    if not campaign.caller_id:
        found.append("It has no caller id. Edit the campaign and give the number that the people called see.")
    if not campaign.disposition_set.dispositions.exists():
        found.append(
            f"The disposition set “{campaign.disposition_set}” is empty. Add at least one disposition, or choose "
            "another set."
        )
    if campaign.paced:
        if not campaign.lists.filter(is_active=True).exists():
            found.append("It has no active list. Add a list with leads, or switch one on.")
        elif not _waiting(Campaign.objects.for_tenant(campaign.tenant_id).filter(pk=campaign.pk)).exists():
            found.append("No lead on its active lists waits to be called. Add a list with leads.")
    return found
