"""What-if: the question and its answer on one page, and giving up."""

from __future__ import annotations

from uuid import UUID

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.http import require_http_methods, require_POST

from dialer.campaigns.models import Campaign
from dialer.campaigns.selectors import seen_by
from dialer.core.models import TenantQuerySet
from dialer.people.access import fetch, owned, supervisor, user_of

from . import services
from .forms import WhatIfForm
from .models import Simulation
from .selectors import mean_wrap, recent, todays
from .shown import shown


@supervisor
@require_http_methods(["GET", "POST"])
def page(request: HttpRequest, public_id: UUID) -> HttpResponse:
    """Ask what the campaign would do with other settings, and see the answer (`?run=` an earlier one)."""
    campaign = fetch(request, seen_by(user_of(request)), public_id=public_id)
    if request.method == "POST":
        form = WhatIfForm(request.POST)
        if form.is_valid():
            try:
                asked = services.ask(
                    campaign=campaign, user=user_of(request), settings=form.settings(), stress=form.stress()
                )
            except services.TooMany as refusal:
                form.add_error(None, str(refusal))
            else:
                return redirect(f"{reverse('whatif:page', args=[public_id])}?run={asked.public_id}")
        return _render(request, campaign, form, None, status=422)
    simulation = _asked_for(request, campaign)
    settings, stress = (simulation.settings, simulation.stress) if simulation else (todays(campaign), None)
    return _render(request, campaign, WhatIfForm(initial=WhatIfForm.initial_of(settings, stress)), simulation)


@supervisor
@require_POST
def cancel(request: HttpRequest, public_id: UUID) -> HttpResponse:
    """Give a simulation up; the page learns by its socket."""
    simulation = fetch(request, _simulations(request).select_related("campaign"), public_id=public_id)
    services.cancel(simulation=simulation)
    if getattr(request, "htmx", False):
        return HttpResponse(status=204)
    address = reverse("whatif:page", args=[simulation.campaign.public_id])
    return redirect(f"{address}?run={simulation.public_id}")


def _simulations(request: HttpRequest) -> TenantQuerySet:
    """Those of the campaigns that the user sees."""
    return owned(request, Simulation).filter(campaign__in=seen_by(user_of(request)).order_by().values("pk"))


def _asked_for(request: HttpRequest, campaign: Campaign) -> Simulation | None:
    """The simulation of `?run=`, or else the user's own latest of the campaign."""
    rows = owned(request, Simulation).filter(campaign=campaign)
    try:
        wanted = UUID(request.GET.get("run", ""))
    except ValueError:
        found = rows.filter(asked_by=user_of(request)).first()
    else:
        found = fetch(request, rows, public_id=wanted)
    assert found is None or isinstance(found, Simulation)
    return found


def _render(
    request: HttpRequest, campaign: Campaign, form: WhatIfForm, simulation: Simulation | None, status: int = 200
) -> HttpResponse:
    context = {
        "campaign": campaign,
        "form": form,
        "today": todays(campaign),
        "mean_wrap": mean_wrap(campaign),
        "simulation": simulation,
        "shown": shown(simulation) if simulation else None,
        "recent": recent(campaign),
    }
    return render(request, "whatif/whatif.html", context, status=status)
