"""A lead's fields and other numbers, all on one page, and each change of them in its history."""

from __future__ import annotations

from uuid import UUID

from django.contrib import messages
from django.db import transaction
from django.forms import Form
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST

from dialer.campaigns.selectors import seen_by
from dialer.core import audit
from dialer.people.access import fetch, owned, sees_numbers, supervisor, user_of

from . import fields, numbers
from .models import Lead

EDITED = "leads.edited"


@supervisor
@require_http_methods(["GET", "POST"])
def edit(request: HttpRequest, public_id: UUID) -> HttpResponse:
    """Show or write a lead's fields."""
    lead = _lead(request, public_id)
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
                _note(request, lead, changed)
        messages.success(request, _("Saved"))
        return redirect("leads:lead", lead.public_id)
    return _page(request, lead, form=form)


@supervisor
@require_POST
def add_number(request: HttpRequest, public_id: UUID) -> HttpResponse:
    """Add another number of the lead's; what is wrong with it is said at the field."""
    lead = _lead(request, public_id)
    form = fields.NumberForm(request.POST)
    if form.is_valid():
        typed, kind = form.cleaned_data["number"], form.cleaned_data["kind"]
        try:
            with transaction.atomic():
                numbers.add(lead=lead, text=typed, kind=kind, region=lead.campaign.tenant.region)
                _note(request, lead, [fields.NUMBERS])
            messages.success(request, _("The number is added."))
            return redirect("leads:edit", lead.public_id)
        except numbers.CannotAdd as refusal:
            form.add_error("number", refusal.args[0])
    return _page(request, lead, number_form=form)


@supervisor
@require_POST
def remove_number(request: HttpRequest, public_id: UUID, pk: int) -> HttpResponse:
    """Take one of the lead's other numbers away. Doing it twice is once."""
    lead = _lead(request, public_id)
    found = lead.numbers.filter(pk=pk).first()
    if found is not None:
        with transaction.atomic():
            numbers.remove(number=found)
            _note(request, lead, [fields.NUMBERS])
        messages.success(request, _("The number is taken away."))
    return redirect("leads:edit", lead.public_id)


def _lead(request: HttpRequest, public_id: UUID) -> Lead:
    rows = owned(request, Lead).filter(campaign__in=seen_by(user_of(request)))
    found = fetch(request, rows.select_related("campaign__tenant", "list"), public_id=public_id)
    assert isinstance(found, Lead)
    return found


def _note(request: HttpRequest, lead: Lead, changed: list[str]) -> None:
    audit.record(
        tenant_id=lead.tenant_id,
        actor=user_of(request),
        action=EDITED,
        subject=str(lead.public_id),
        data={"fields": changed},
    )


def _page(
    request: HttpRequest, lead: Lead, form: Form | None = None, number_form: fields.NumberForm | None = None
) -> HttpResponse:
    own = fields.custom_fields(lead.campaign_id, lead.tenant_id)
    shown = form or fields.form_of(lead, own)
    context = {
        "lead": lead,
        "form": shown,
        "numbers": lead.numbers.all(),
        "number_form": number_form or fields.NumberForm(),
        "sees_numbers": sees_numbers(user_of(request)),
    }
    wrong = shown.errors or (number_form is not None and number_form.errors)
    return render(request, "leads/edit.html", context, status=422 if wrong else 200)
