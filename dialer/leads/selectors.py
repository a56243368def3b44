"""Reads of lists and leads for screens."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from django.utils.translation import gettext as _

from dialer.campaigns.models import Campaign, LeadList
from dialer.campaigns.selectors import ListFigures, figures_of
from dialer.core.models import AuditEntry

from .bulk import WORDS
from .fields import LABELS
from .importing.columns import CUSTOM
from .models import Lead

PAGE = 50


def lists_with_figures(campaign: Campaign) -> list[LeadList]:
    """The campaign's lists with `figures`."""
    rows = list(LeadList.objects.for_tenant(campaign.tenant_id).filter(campaign=campaign))
    figures = figures_of([row.pk for row in rows])
    for row in rows:
        row.figures = figures.get(row.pk, ListFigures())
    return rows


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


@dataclass(frozen=True, slots=True)
class Deed:
    """Something that somebody did to a lead: what, who and when; `what` names fields or the change of many."""

    at: datetime
    who: str
    what: str


def history_of(lead: Lead, most: int = 50) -> list[Deed]:
    """What was done to a lead beside calling it, the latest first."""
    edits = AuditEntry.objects.for_tenant(lead.tenant_id).filter(subject=str(lead.public_id)).order_by("-seq")[:most]
    deeds = [Deed(one.at, one.actor_name, ", ".join(map(_field, one.data.get("fields", ())))) for one in edits]
    for one in lead.bulk_changes.select_related("change__made_by").order_by("-pk")[:most]:
        change = one.change
        who = change.made_by.shown_name if change.made_by else "–"
        deeds.append(Deed(change.made_at, who, str(WORDS.get(change.action, change.action))))
        if change.undone_at is not None:
            deeds.append(Deed(change.undone_at, who, _("Undone: %(what)s") % {"what": WORDS.get(change.action)}))
    return sorted(deeds, key=lambda deed: deed.at, reverse=True)[:most]


def _field(name: str) -> str:
    return str(LABELS.get(name, name.removeprefix(CUSTOM)))
