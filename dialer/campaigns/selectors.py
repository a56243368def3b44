"""Reads of campaigns for screens."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass

from django.db import connection
from django.db.models import Count, Q
from django.utils.translation import gettext as _

from dialer.core.models import TenantQuerySet
from dialer.people.access import team_limit
from dialer.people.models import User

from .models import Campaign, LeadList

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
    """A tenant's campaigns with agents by state (`ready` …) and `agents`."""
    here = Q(sessions__ended_at=None)
    by_state = {f"agents_{state}": Count("sessions", filter=here & Q(sessions__state=state)) for state in _AGENT_STATES}
    return rows.annotate(**by_state, agents=Count("sessions", filter=here & Q(sessions__isnull=False)))


def count_leads_left(campaigns: Sequence[Campaign]) -> None:
    """Give campaigns of one tenant their `leads_left`: those on active lists that are not done."""
    left = {campaign.pk: 0 for campaign in campaigns}
    rows = LeadList.objects.across_tenants().filter(campaign__in=list(left), is_active=True)
    lists = dict(rows.values_list("pk", "campaign_id"))
    for list_id, figures in figures_of(list(lists)).items():
        left[lists[list_id]] += figures.open
    for campaign in campaigns:
        campaign.leads_left = left[campaign.pk]  # type: ignore[attr-defined]


_FIGURES = """
SELECT list_id, count(*) FILTER (WHERE is_open), count(*) FROM leads_lead WHERE list_id = ANY(%s) GROUP BY list_id
"""
_KEPT_TIMES = 50
_QUICK_S = 0.05
"""Counting that takes longer is not done again for fifty times as long: a list of thousands is counted each time, one
of a million every ten seconds or so, whoever asks."""
_kept: dict[tuple[int, ...], tuple[float, dict[int, ListFigures]]] = {}


@dataclass(frozen=True, slots=True)
class ListFigures:
    """A list's leads, and how many of them are not done (those in a call now among them)."""

    total: int = 0
    open: int = 0

    @property
    def done(self) -> int:
        """Leads that are not called any more."""
        return self.total - self.open


def figures_of(list_ids: Sequence[int]) -> dict[int, ListFigures]:
    """The figures of lists that have leads, by list; of long ones a little old. Read from an index alone."""
    key, began = tuple(sorted(list_ids)), time.monotonic()
    until, figures = _kept.get(key, (0.0, {}))
    if began < until:
        return figures
    with connection.cursor() as cursor:
        cursor.execute(_FIGURES, [list(key)])
        figures = {list_id: ListFigures(total, is_open) for list_id, is_open, total in cursor.fetchall()}
    took = time.monotonic() - began
    for old in [old for old, (end, _figures) in list(_kept.items()) if end < began]:
        _kept.pop(old, None)
    if took > _QUICK_S:
        _kept[key] = (began + took * _KEPT_TIMES, figures)
    return figures


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
        elif not campaign.lists.filter(is_active=True, leads__is_open=True).exists():
            found.append(_("No lead on its active lists waits to be called. Add a list with leads."))
    return found
