"""A campaign's history and undo, its copies, and putting it away. Admins only."""

from __future__ import annotations

from uuid import UUID

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from dialer.people.access import admin, fetch, owned, supervisor, tenant_of, user_of

from . import copying, history
from .forms import CopyForm
from .models import Campaign, CampaignChange
from .selectors import seen_by

SHOWN = 200


@supervisor
@require_GET
def changes(request: HttpRequest, public_id: UUID) -> HttpResponse:
    """Who changed what and when, newest first."""
    campaign = fetch(request, seen_by(user_of(request)), public_id=public_id)
    rows = owned(request, CampaignChange).filter(campaign=campaign).select_related("undoes")[:SHOWN]
    shown = [(row, [(history.label_of(name), told) for name, told in sorted(row.changed.items())]) for row in rows]
    return render(request, "campaigns/changes.html", {"campaign": campaign, "changes": shown})


@admin
@require_POST
def undo(request: HttpRequest, public_id: UUID, number: int) -> HttpResponse:
    """Give the settings of a change their values from before it, as a new change."""
    campaign = fetch(request, Campaign, public_id=public_id)
    row = fetch(request, owned(request, CampaignChange).filter(campaign=campaign), number=number)
    try:
        history.undo(change_row=row, by=user_of(request))
    except history.CannotUndo as error:
        messages.error(request, str(error))
    else:
        messages.success(request, _("Change %(number)s is undone.") % {"number": number})
    return redirect("campaigns:changes", public_id)


@admin
@require_http_methods(["GET", "POST"])
def copy(request: HttpRequest, public_id: UUID) -> HttpResponse:
    """Make a stopped copy under another name."""
    campaign = fetch(request, Campaign, public_id=public_id)
    first = {"name": _("%(name)s (copy)") % {"name": campaign.name[:70]}}
    form = CopyForm(request.POST or None, tenant=tenant_of(request), initial=first)
    if request.method == "POST" and form.is_valid():
        made = copying.copy(campaign=campaign, name=form.cleaned_data["name"], by=user_of(request))
        messages.success(request, _("“%(name)s” is made, without lists. It is stopped.") % {"name": made.name})
        return redirect("campaigns:detail", made.public_id)
    return render(request, "campaigns/copy.html", {"campaign": campaign, "form": form})


@admin
@require_POST
def archive(request: HttpRequest, public_id: UUID) -> HttpResponse:
    """Put a stopped campaign away, or (`back`) bring it back."""
    campaign = fetch(request, Campaign, public_id=public_id)
    back = bool(request.POST.get("back"))
    try:
        with history.change(campaign, by=user_of(request), action="campaign.restored" if back else "campaign.archived"):
            copying.restore(campaign=campaign) if back else copying.archive(campaign=campaign)
    except copying.StillRuns:
        messages.error(
            request, _("“%(name)s” is in use. Stop it, and have its agents leave.") % {"name": campaign.name}
        )
        return redirect("campaigns:detail", public_id)
    words = _("“%(name)s” is back; it is stopped.") if back else _("“%(name)s” is archived. Nothing of it is lost.")
    messages.success(request, words % {"name": campaign.name})
    return redirect("campaigns:detail", public_id) if back else redirect("campaigns:list")
