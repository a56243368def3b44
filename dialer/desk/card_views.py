"""The call card's own requests: the card once per call, one field at a time, one script page at a time."""

from __future__ import annotations

from uuid import UUID

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_POST

from dialer.agents.services import DESK
from dialer.core.clock import now
from dialer.leads import fields
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
        raise Http404("There is no such field.")
    said = ""
    if form.is_valid():
        kind = next((one.kind for one in own if fields.CUSTOM + one.name == name), "")
        fields.save(lead=lead, name=name, value=form.cleaned_data[name], kind=kind)
        said = _("Saved")
        publish.changed(DESK, user_of(request).pk, now())
    return render(request, "desk/card.html#field", {"field": form[name], "lead": lead, "said": said})
