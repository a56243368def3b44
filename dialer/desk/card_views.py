"""The call card's own requests: the card once per call, one field at a time, one script page at a time."""

from __future__ import annotations

from uuid import UUID

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_POST

from dialer.agents.services import DESK
from dialer.core.clock import now
from dialer.leads import fields, numbers
from dialer.leads.models import Lead, LeadNumber
from dialer.live import publish
from dialer.people.access import fetch, member, user_of

from . import card


@member
@require_GET
def show(request: HttpRequest, kind: str, public_id: UUID) -> HttpResponse:
    """The card of a call or of a lead that is shown."""
    return render(request, "desk/card.html", card.context_of(card.subject_of(request, kind, public_id)))


@member
@require_GET
def script(request: HttpRequest, kind: str, public_id: UUID, page: int) -> HttpResponse:
    """One page of the script."""
    subject = card.subject_of(request, kind, public_id)
    chosen = fetch(request, card.pages_of(subject), pk=page)
    context = {"subject": subject, **card.script_context(subject, chosen), "first": card.first_page(subject)}
    return render(request, "desk/card.html#script", context)


@member
@require_POST
def save_field(request: HttpRequest, public_id: UUID, name: str) -> HttpResponse:
    """Write one field of a lead; what is wrong is said at the field, and nothing is written."""
    lead = card.lead_of(request, public_id)
    own = fields.custom_fields(lead.campaign_id, lead.tenant_id) if name.startswith(fields.CUSTOM) else []
    form = fields.form_of(lead, own, request.POST, only=name)
    if name not in form.fields:
        raise Http404(_("There is no such field."))
    said = ""
    if form.is_valid():
        kind = next((one.kind for one in own if fields.CUSTOM + one.name == name), "")
        fields.save(lead=lead, name=name, value=form.cleaned_data[name], kind=kind)
        said = _("Saved")
        publish.changed(DESK, user_of(request).pk, now())
    return render(request, "desk/card.html#field", {"field": form[name], "lead": lead, "said": said})


@member
@require_POST
def add_number(request: HttpRequest, public_id: UUID) -> HttpResponse:
    """Add another number of the lead; what is wrong with it is said at the field."""
    lead = card.lead_of(request, public_id)
    form = card.number_form(lead, request.POST)
    if form.is_valid():
        typed, kind = form.cleaned_data["number"], form.cleaned_data["kind"]
        try:
            numbers.add(lead=lead, text=typed, kind=kind, region=lead.campaign.tenant.region)
            return _numbers(request, lead, said=_("Added"))
        except numbers.CannotAdd as refusal:
            form.add_error("number", refusal.args[0])
    return _numbers(request, lead, form=form)


@member
@require_POST
def remove_number(request: HttpRequest, public_id: UUID, pk: int) -> HttpResponse:
    """Take one of the lead's other numbers away. Doing it twice is once."""
    lead = card.lead_of(request, public_id)
    found = LeadNumber.objects.for_tenant(lead.tenant_id).filter(lead=lead, pk=pk).first()
    if found is not None:
        numbers.remove(number=found)
    return _numbers(request, lead, said=_("Taken away"))


def _numbers(
    request: HttpRequest, lead: Lead, *, form: fields.NumberForm | None = None, said: str = ""
) -> HttpResponse:
    shown = card.numbers_of(lead, may_dial=card.shown_to(user_of(request), lead), form=form)
    return render(request, "desk/card.html#numbers", {**shown, "lead": lead, "said": said})
