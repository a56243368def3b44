"""The filter of a campaign: which of its leads are dialed. Admins only, but for a row, which searching has too."""

from __future__ import annotations

from uuid import UUID
from zoneinfo import ZoneInfo

from django.contrib import messages
from django.db import OperationalError, connection, transaction
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from dialer.campaigns import history
from dialer.campaigns.models import Campaign
from dialer.campaigns.selectors import figures_of, seen_by
from dialer.core.zones import known_zone
from dialer.people.access import admin, fetch, owned, supervisor, user_of

from .fields import custom_fields
from .filter_forms import Editor, finished
from .filters import MOST, Filter, fields_of, q_of, words_of
from .models import Lead

PATIENCE_MS = 5000
"""For counting leads that pass, while somebody waits."""


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
    editor = Editor(fields_of(custom_fields(campaign.pk, campaign.tenant_id)), finished(request.POST))
    return render(
        request, "leads/filter.html#count", {"campaign": campaign, "editor": editor, **_counted(campaign, editor)}
    )


@supervisor
@require_GET
def filter_row(request: HttpRequest, public_id: UUID, place: int) -> HttpResponse:
    """One row anew after its field or comparison was chosen: what may be asked of it, and what it is asked with."""
    campaign = fetch(request, seen_by(user_of(request)), public_id=public_id)
    editor = Editor(fields_of(custom_fields(campaign.pk, campaign.tenant_id)), request.GET)
    context = {"campaign": campaign, "editor": editor, "row": editor.row(min(place, MOST - 1))}
    return render(request, "leads/filter.html#row", context)


def _counted(campaign: Campaign, editor: Editor) -> dict[str, object]:
    """How many of the leads that are not done the filter lets through."""
    chosen: Filter | None = editor.filter
    if chosen is None:
        return {}
    zone = known_zone(campaign.tenant.time_zone) or ZoneInfo("UTC")
    figures = figures_of(list(campaign.lists.values_list("pk", flat=True)))
    matching: int | None = sum(one.open for one in figures.values())
    counted: dict[str, object] = {"total": matching, "words": words_of(chosen, editor.known)}
    if chosen.conditions:
        rows = Lead.objects.for_tenant(campaign.tenant_id).filter(campaign=campaign, is_open=True)
        try:
            with transaction.atomic(), connection.cursor() as cursor:
                cursor.execute("SELECT set_config('statement_timeout', %s, true)", [str(PATIENCE_MS)])
                matching = rows.filter(q_of(chosen, editor.known, zone)).count()
        except OperationalError:
            matching = None
    return {**counted, "matching": matching}
