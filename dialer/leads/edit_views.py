"""A lead's fields, all on one page, and each change of them in its history."""

from __future__ import annotations

from uuid import UUID

from django.contrib import messages
from django.db import transaction
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods

from dialer.campaigns.selectors import seen_by
from dialer.core import audit
from dialer.people.access import fetch, owned, supervisor, user_of

from . import fields
from .models import Lead

EDITED = "leads.edited"


@supervisor
@require_http_methods(["GET", "POST"])
def edit(request: HttpRequest, public_id: UUID) -> HttpResponse:
    """Show or write a lead's fields."""
    rows = owned(request, Lead).filter(campaign__in=seen_by(user_of(request))).select_related("campaign", "list")
    lead = fetch(request, rows, public_id=public_id)
    own = fields.custom_fields(lead.campaign_id, lead.tenant_id)
    form = fields.form_of(lead, own, request.POST if request.method == "POST" else None)
    if request.method == "POST" and form.is_valid():
        kinds = {fields.CUSTOM + one.name: one.kind for one in own}
        # The postal code before the zone: somebody who gives both means the zone.
        changed = sorted(form.changed_data, key=lambda name: name == "time_zone")
        with transaction.atomic():
            for name in changed:
                fields.save(lead=lead, name=name, value=form.cleaned_data[name], kind=kinds.get(name, ""))
            if changed:
                audit.record(
                    tenant_id=lead.tenant_id,
                    actor=user_of(request),
                    action=EDITED,
                    subject=str(lead.public_id),
                    data={"fields": changed},
                )
        messages.success(request, _("Saved"))
        return redirect("leads:lead", lead.public_id)
    context = {"lead": lead, "form": form}
    return render(request, "leads/edit.html", context, status=422 if form.errors else 200)
