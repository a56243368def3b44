"""Reads of campaigns for screens."""

from __future__ import annotations

from typing import Any

from django.db.models import Count, IntegerField, OuterRef, Q, QuerySet, Subquery
from django.db.models.functions import Coalesce
from django.utils.translation import gettext as _

from dialer.core.models import TenantQuerySet
from dialer.people.access import team_limit
from dialer.people.models import User

from .models import Campaign

# Sessions and leads belong to apps above this one; they are reached through the relations that those apps declare.
_AGENT_STATES = ("ready", "reserved", "in_call", "wrapup", "paused")


def seen_in(tenant_id: int, team_id: int | None) -> TenantQuerySet:
    """The campaigns that a team (None: everybody) works in: its own, and those of every team."""
    rows = Campaign.objects.for_tenant(tenant_id)
    if team_id is None:
        return rows
    # By key, not by a join: whoever counts something of these campaigns counts it once.
    theirs = Campaign.objects.for_tenant(tenant_id).filter(Q(teams=None) | Q(teams=team_id))
    return rows.filter(pk__in=theirs.order_by().values("pk"))


def seen_by(user: User) -> TenantQuerySet:
    """The campaigns that somebody may see and touch: a supervisor with a team those of the team, others all."""
    assert user.tenant_id is not None
    return seen_in(user.tenant_id, team_limit(user))


def with_figures(rows: TenantQuerySet) -> TenantQuerySet:
    """A tenant's campaigns with agents by state (`ready` …), `agents`, and `leads_left` on active lists."""
    here = Q(sessions__ended_at=None)
    by_state = {f"agents_{state}": Count("sessions", filter=here & Q(sessions__state=state)) for state in _AGENT_STATES}
    figures: dict[str, Any] = {**by_state, "agents": Count("sessions", filter=here & Q(sessions__isnull=False))}
    left = _count(_waiting(rows.filter(pk=OuterRef("pk"))))
    return rows.annotate(**figures, leads_left=left)


def _waiting(rows: QuerySet[Any]) -> QuerySet[Any]:
    return rows.filter(leads__state="waiting", leads__list__is_active=True)


def _count(rows: QuerySet[Any]) -> Any:
    counted = rows.order_by().values("pk").annotate(n=Count("leads")).values("n")
    return Coalesce(Subquery(counted, output_field=IntegerField()), 0)


def problems_of(campaign: Campaign) -> list[str]:
    """What stands in the way of starting, each with what to do; empty when nothing does."""
    found = []
    if campaign.archived_at is not None:
        found.append(_("It is archived. Bring it back first."))
    if not campaign.caller_id:
        found.append(_("It has no caller id. Edit the campaign and give the number that the people called see."))
    if campaign.caller_pool is not None and not campaign.caller_pool.numbers.filter(is_active=True).exists():
        words = _("The pool of caller ids “%(pool)s” has no number in use. Add one, or take the pool away.")
        found.append(words % {"pool": campaign.caller_pool})
    if not campaign.disposition_set.dispositions.exists():
        words = _("The disposition set “%(set)s” is empty. Add at least one disposition, or choose another set.")
        found.append(words % {"set": campaign.disposition_set})
    if campaign.paced:
        if not campaign.lists.filter(is_active=True).exists():
            found.append(_("It has no active list. Add a list with leads, or switch one on."))
        elif not _waiting(Campaign.objects.for_tenant(campaign.tenant_id).filter(pk=campaign.pk)).exists():
            found.append(_("No lead on its active lists waits to be called. Add a list with leads."))
    return found
