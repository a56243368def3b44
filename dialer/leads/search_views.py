"""Searching a campaign's leads, what was found as a file, changing all of it at once, and taking that back."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlencode
from uuid import UUID

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.db import OperationalError, connection, transaction
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_GET, require_POST

from dialer.campaigns.models import Campaign, LeadList
from dialer.campaigns.selectors import seen_by
from dialer.core import audit
from dialer.core.clock import now
from dialer.people.access import fetch, owned, sees_numbers, supervisor, user_of

from . import bulk
from .export import export as export_of
from .models import BulkChange
from .search import SearchForm
from .selectors import PAGE

PATIENCE_MS = 5000
"""For one page of a search."""


def _campaign(request: HttpRequest, campaign_id: UUID) -> Campaign:
    found = fetch(request, seen_by(user_of(request)).select_related("tenant"), public_id=campaign_id)
    assert isinstance(found, Campaign)
    return found


@supervisor
@require_GET
def search(request: HttpRequest, campaign_id: UUID) -> HttpResponse:
    """A page of what was found."""
    campaign = _campaign(request, campaign_id)
    form = SearchForm(request.GET, campaign=campaign)
    after = request.GET.get("after", "")
    rows = form.found.filter(pk__gt=int(after) if after.isascii() and after.isdigit() and len(after) < 16 else 0)
    found: list[Any] = []
    try:
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute("SELECT set_config('statement_timeout', %s, true)", [str(PATIENCE_MS)])
            found = list(rows.select_related("list")[: PAGE + 1])
    except OperationalError:
        messages.error(request, _("The search took too long. Choose a list, or search for a whole number."))
    since = now() - bulk.UNDONE_WITHIN
    context = {
        "campaign": campaign,
        "form": form,
        "leads": found[:PAGE],
        "following": found[PAGE - 1].pk if len(found) > PAGE else None,
        "editor": form.editor,
        "asked": urlencode(form.asked),
        "fields": form.asked,
        "lists": LeadList.objects.for_tenant(campaign.tenant_id).filter(campaign=campaign),
        "actions": bulk.ACTIONS.items(),
        "changes": owned(request, BulkChange).filter(campaign=campaign, made_at__gte=since, undone_at=None)[:5],
        "sees_numbers": sees_numbers(user_of(request)),
    }
    return render(request, "leads/search.html", context)


@supervisor
@require_GET
def export(request: HttpRequest, campaign_id: UUID) -> HttpResponseBase:
    """All that a search finds, as CSV."""
    campaign = _campaign(request, campaign_id)
    form = SearchForm(request.GET, campaign=campaign)
    user = user_of(request)
    if not sees_numbers(user):
        raise PermissionDenied("The file has whole numbers, which your role does not see.")
    data: dict[str, Any] = {name: form.asked[name][:40] for name in ("list", "state") if name in form.asked}
    if form.editor.typed:
        data["conditions"] = [f"{one.field} {one.op}" for one in form.editor.typed]  # not whom they ask for
    audit.record(
        tenant_id=campaign.tenant_id, actor=user, action="leads.exported", subject=str(campaign.public_id), data=data
    )
    return export_of(campaign, form.found)


@supervisor
@require_POST
def change(request: HttpRequest, campaign_id: UUID) -> HttpResponse:
    """Do something to all that a search finds."""
    campaign = _campaign(request, campaign_id)
    form = SearchForm(request.POST, campaign=campaign)
    back = f"{reverse('leads:search', args=[campaign_id])}?{urlencode(form.asked)}"
    action, wanted = request.POST.get("action", ""), request.POST.get("target", "")
    lists = LeadList.objects.for_tenant(campaign.tenant_id).filter(campaign=campaign)
    target = next((one for one in lists if str(one.public_id) == wanted), None) if action == "move" else None
    if action not in bulk.ACTIONS or (action == "move" and target is None):
        messages.error(request, _("Choose what to do, and for moving a list."))
        return redirect(back)
    try:
        made = bulk.change(campaign=campaign, rows=form.found, action=action, target=target, by=user_of(request))
    except bulk.TooMany:
        words = _("These are more than %(most)s leads. Narrow the search.") % {"most": f"{bulk.MOST:,}"}
        messages.error(request, words)
    else:
        said = ngettext("%(count)d lead was changed.", "%(count)d leads were changed.", made.count)
        messages.success(request, said % {"count": made.count})
    return redirect(back)


@supervisor
@require_POST
def undo(request: HttpRequest, public_id: UUID) -> HttpResponse:
    """Take a change of many leads back."""
    rows = owned(request, BulkChange).filter(campaign__in=seen_by(user_of(request)))
    made = fetch(request, rows.select_related("campaign", "target"), public_id=public_id)
    count = bulk.undo(made=made, by=user_of(request))
    said = ngettext("%(count)d lead is as it was.", "%(count)d leads are as they were.", count) % {"count": count}
    if count < made.count:
        said += " " + _("The others were called or changed since.")
    messages.success(request, said)
    return redirect("leads:search", made.campaign.public_id)
