"""Privacy: how long data is kept, and what is kept of one person: to hand it out, or to forget it."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import datetime

from django.contrib import messages
from django.core.serializers.json import DjangoJSONEncoder
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy as lazy
from django.utils.translation import ngettext
from django.views.decorators.http import require_http_methods, require_POST

from dialer.compliance.models import Retention
from dialer.compliance.services import set_retention
from dialer.core import audit
from dialer.core.clock import now
from dialer.core.models import AuditEntry
from dialer.core.numbers import display_number
from dialer.people.access import admin, owned, tenant_of, user_of

from . import selectors, services
from .forms import EraseForm, HiddenForm, PersonForm, RetentionForm

DEEDS = {
    "person.erased": lazy("A person was forgotten"),
    "person.exported": lazy("What is kept of a person was handed out"),
    "retention.done": lazy("What was past its time was removed"),
    "retention.set": lazy("How long data is kept was set"),
    "numbers.hidden": lazy("From whom numbers are hidden was set"),
}
_DETAILS = {
    "leads": lazy("leads"),
    "notes": lazy("notes"),
    "recordings": lazy("recordings"),
    "refusals": lazy("decisions that refused a call"),
    "refused_rows": lazy("refused rows"),
    "uploads": lazy("uploads"),
    "why": lazy("why"),
    "ends": lazy("number ends in"),
    "from": lazy("hidden from"),
}


@dataclass(frozen=True, slots=True)
class Deed:
    """A deed of the audit trail in words."""

    at: datetime
    what: str
    who: str
    details: str


def _told(deed: AuditEntry) -> Deed:
    data = {name: ", ".join(value) if isinstance(value, list) else value for name, value in deed.data.items()}
    details = ", ".join(f"{_DETAILS.get(name, name)}: {value}" for name, value in data.items())
    return Deed(deed.at, str(DEEDS[deed.action]), deed.actor_name, details)


def _page(request: HttpRequest, **forms: object) -> HttpResponse:
    tenant = tenant_of(request)
    days = dict(owned(request, Retention).values_list("kind", "days"))
    initial = {kind.value: days.get(kind.value, 0) for kind in Retention.Kind}
    deeds = owned(request, AuditEntry).filter(action__in=list(DEEDS))
    context = {
        "retention_form": RetentionForm(initial=initial, auto_id="keep-%s"),
        "hidden_form": HiddenForm(initial={"roles": tenant.numbers_hidden_from}, auto_id="hidden-%s"),
        "person_form": PersonForm(region=tenant.region, auto_id="person-%s"),
        "erase_form": EraseForm(region=tenant.region, auto_id="erase-%s"),
        "deeds": [_told(deed) for deed in deeds.order_by("-seq")[:30]],
        "tab": "privacy",
    }
    return render(request, "privacy/page.html", {**context, **forms})


@admin
@require_http_methods(["GET", "POST"])
def privacy(request: HttpRequest) -> HttpResponse:
    """The page; POST sets how long each kind of data is kept."""
    if request.method != "POST":
        return _page(request)
    form = RetentionForm(request.POST, auto_id="keep-%s")
    if not form.is_valid():
        return _page(request, retention_form=form)
    set_retention(tenant_id=tenant_of(request).pk, days=form.cleaned_data, by=user_of(request))
    messages.success(request, _("Saved. What is past its time is removed in the night."))
    return redirect("privacy:page")


@admin
@require_POST
def export(request: HttpRequest) -> HttpResponse:
    """All that is kept of a person, as JSON."""
    tenant = tenant_of(request)
    form = PersonForm(request.POST, region=tenant.region, auto_id="person-%s")
    if not form.is_valid():
        return _page(request, person_form=form)
    number, moment = form.cleaned_data["number"], now()
    told = {"number": number, "tenant": tenant.name, "taken_at": moment, **selectors.person(tenant, number)}
    audit.record(tenant_id=tenant.pk, actor=user_of(request), action="person.exported", data={"ends": number[-2:]})
    response = HttpResponse(json.dumps(told, cls=DjangoJSONEncoder, indent=1), content_type="application/json")
    response["Content-Disposition"] = f'attachment; filename="person-{number[1:]}-{moment:%Y%m%d}.json"'
    return response


@admin
@require_POST
def erase(request: HttpRequest) -> HttpResponse:
    """Forget a person."""
    tenant = tenant_of(request)
    form = EraseForm(request.POST, region=tenant.region, auto_id="erase-%s")
    if not form.is_valid():
        return _page(request, erase_form=form)
    number = form.cleaned_data["number"]
    try:
        counts = services.erase(tenant=tenant, number=number, why=form.cleaned_data["why"], by=user_of(request))
    except services.OnHold as error:
        messages.error(request, str(error))
        return redirect("privacy:page")
    said = [
        ngettext("%(count)s lead", "%(count)s leads", counts["leads"]) % {"count": counts["leads"]},
        ngettext("%(count)s note", "%(count)s notes", counts["notes"]) % {"count": counts["notes"]},
        ngettext("%(count)s recording", "%(count)s recordings", counts["recordings"]) % {"count": counts["recordings"]},
    ]
    words = _("%(number)s is forgotten: %(what)s. It is never called again.")
    messages.success(request, words % {"number": display_number(number), "what": ", ".join(said)})
    if counts["uploads"]:
        messages.info(request, _("Files that waited to be imported were thrown away too. Upload them again."))
    return redirect("privacy:page")


@admin
@require_POST
def hidden(request: HttpRequest) -> HttpResponse:
    """Set from which roles numbers are hidden."""
    form = HiddenForm(request.POST, auto_id="hidden-%s")
    if not form.is_valid():
        return _page(request, hidden_form=form)
    services.hide_numbers(tenant=tenant_of(request), roles=form.cleaned_data["roles"], by=user_of(request))
    messages.success(request, _("Saved. It holds from the next page on."))
    return redirect("privacy:page")
