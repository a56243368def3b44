"""The filter of a campaign: which of its leads are dialed. Admins only."""

from __future__ import annotations

from uuid import UUID
from zoneinfo import ZoneInfo

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from dialer.campaigns import history
from dialer.campaigns.models import Campaign
from dialer.core.zones import known_zone
from dialer.people.access import admin, fetch, owned, user_of

from .fields import custom_fields
from .filter_forms import Editor
from .filters import MOST, Filter, fields_of, q_of, words_of
from .models import Lead


def _campaign(request: HttpRequest, public_id: UUID) -> Campaign:
    campaign = fetch(request, owned(request, Campaign).select_related("tenant"), public_id=public_id)
    assert isinstance(campaign, Campaign)
    return campaign


@admin
@require_http_methods(["GET", "POST"])
def campaign_filter(request: HttpRequest, public_id: UUID) -> HttpResponse:
    """The campaign's conditions, saved as one."""
    campaign = _campaign(request, public_id)
    known = fields_of(custom_fields(campaign.pk, campaign.tenant_id))
    editor = Editor(known, request.POST if request.method == "POST" else None, campaign.lead_filter)
    if request.method == "POST" and editor.filter is not None:
        with history.change(campaign, by=user_of(request), action="campaign.filter"):
            campaign.lead_filter = editor.filter.as_json()
            campaign.save(update_fields=["lead_filter"])
        messages.success(request, _("The filter of “%(name)s” is saved.") % {"name": campaign.name})
        return redirect("leads:filter", public_id)
    context = {"campaign": campaign, "editor": editor, **_counted(campaign, editor)}
    return render(request, "leads/filter.html", context)


@admin
@require_POST
def filter_count(request: HttpRequest, public_id: UUID) -> HttpResponse:
    """How many leads the conditions let through, while they are being typed."""
    campaign = _campaign(request, public_id)
    editor = Editor(fields_of(custom_fields(campaign.pk, campaign.tenant_id)), request.POST)
    return render(
        request, "leads/filter.html#count", {"campaign": campaign, "editor": editor, **_counted(campaign, editor)}
    )


@admin
@require_GET
def filter_row(request: HttpRequest, public_id: UUID, place: int) -> HttpResponse:
    """One row anew after its field or comparison was chosen: what may be asked of it, and what it is asked with."""
    campaign = _campaign(request, public_id)
    editor = Editor(fields_of(custom_fields(campaign.pk, campaign.tenant_id)), request.GET)
    context = {"campaign": campaign, "editor": editor, "row": editor.row(min(place, MOST - 1))}
    return render(request, "leads/filter.html#row", context)


def _counted(campaign: Campaign, editor: Editor) -> dict[str, object]:
    """How many of the leads that are not done the filter lets through."""
    chosen: Filter | None = editor.filter
    if chosen is None:
        return {}
    zone = known_zone(campaign.tenant.time_zone) or ZoneInfo("UTC")
    rows = Lead.objects.for_tenant(campaign.tenant_id).filter(campaign=campaign).exclude(state="done")
    total = rows.count()
    matching = rows.filter(q_of(chosen, editor.known, zone)).count() if chosen.conditions else total
    return {"total": total, "matching": matching, "words": words_of(chosen, editor.known)}
