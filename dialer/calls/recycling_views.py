"""What a campaign does with leads that were not reached. Admins only."""

from __future__ import annotations

from uuid import UUID

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods

from dialer.campaigns import history, rework
from dialer.campaigns.models import Campaign
from dialer.core import jobs
from dialer.people.access import admin, fetch, owned, user_of

from . import recycling, replanning

WAITS_S = 0.5
"""How long somebody who saves rules waits for the leads that rest; what is left then is done by a job."""


@admin
@require_http_methods(["GET", "POST"])
def rules(request: HttpRequest, public_id: UUID) -> HttpResponse:
    """The recycle rules of a campaign, all in one form."""
    campaign = fetch(request, owned(request, Campaign).select_related("disposition_set"), public_id=public_id)
    rows = recycling.rows_of(campaign, request.POST or None)
    if request.method == "POST" and all([row.form.is_valid() for row in rows]):
        with history.change(campaign, by=user_of(request), action="campaign.recycling"):
            recycling.save(campaign=campaign, rows=rows)
        if replanning.work_off(campaign=campaign, within_s=WAITS_S):
            jobs.ask(rework.JOB)
        messages.success(request, _("The recycle rules of “%(name)s” are saved.") % {"name": campaign.name})
        return redirect("calls:recycling", public_id)
    replanned = owned(request, rework.Rework).filter(campaign=campaign, lead_list=None).first()
    return render(request, "calls/recycling.html", {"campaign": campaign, "rows": rows, "replanned": replanned})
