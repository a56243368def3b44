"""The do-not-call list: look a number up, add one."""

from __future__ import annotations

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_http_methods

from dialer.core.numbers import display_number
from dialer.people.access import owned, supervisor, tenant_of, user_of

from .forms import NumberForm
from .models import DncEntry
from .services import add_to_dnc

LATEST = 50


@supervisor
@require_http_methods(["GET", "POST"])
def dnc(request: HttpRequest) -> HttpResponse:
    """Look up with ?number=, add with POST; below, the numbers added last."""
    tenant = tenant_of(request)
    entries = owned(request, DncEntry).select_related("added_by")
    looked_up = None
    if request.method == "POST":
        form = NumberForm(request.POST, region=tenant.region)
        if form.is_valid():
            number = form.cleaned_data["number"]
            add_to_dnc(tenant_id=tenant.pk, number=number, source="typed", by=user_of(request))
            messages.success(request, f"{display_number(number)} is on the do-not-call list. It is never dialed.")
            return redirect("compliance:dnc")
    elif "number" in request.GET:
        form = NumberForm(request.GET, region=tenant.region)
        if form.is_valid():
            number = form.cleaned_data["number"]
            looked_up = {"number": number, "entry": entries.filter(phone=number).first()}
    else:
        form = NumberForm(region=tenant.region)
    context = {
        "form": form,
        "looked_up": looked_up,
        "entries": entries.order_by("-added_at", "-pk")[:LATEST],
        "total": entries.count(),
    }
    return render(request, "compliance/dnc.html", context)
