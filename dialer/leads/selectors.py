"""Reads of lists and leads for screens."""

from __future__ import annotations

from dataclasses import dataclass

from django.db.models import Count, Q

from dialer.campaigns.models import Campaign, LeadList
from dialer.core.models import TenantQuerySet

from .models import Lead, LeadState

PAGE = 50


def lists_with_figures(campaign: Campaign) -> TenantQuerySet:
    """The campaign's lists with `total`, `waiting`, `reserved`, `done`."""
    states = {state.value: Count("leads", filter=Q(leads__state=state)) for state in LeadState}
    rows = LeadList.objects.for_tenant(campaign.tenant_id).filter(campaign=campaign)
    return rows.annotate(total=Count("leads"), **states)


@dataclass(frozen=True, slots=True)
class LeadPage:
    """One page of leads and where the next one begins."""

    leads: list[Lead]
    following: int | None


def leads_of(lead_list: LeadList, *, state: str = "", after: int = 0) -> LeadPage:
    """A page of a list's leads in the order they were added, those after an id."""
    rows = Lead.objects.for_tenant(lead_list.tenant_id).filter(list=lead_list, pk__gt=after).order_by("pk")
    if state:
        rows = rows.filter(state=state)
    found = list(rows[: PAGE + 1])
    return LeadPage(found[:PAGE], found[PAGE - 1].pk if len(found) > PAGE else None)
