"""Lists of numbers that are not called, official lists, stops by state, and what a campaign says of itself."""

from __future__ import annotations

from uuid import UUID

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from dialer.campaigns import history
from dialer.campaigns.models import Campaign
from dialer.core.numbers import display_number
from dialer.core.regions import region_words
from dialer.people.access import admin, fetch, owned, supervisor, tenant_of, user_of

from . import selectors, services
from .forms import ManyNumbersForm, NumberForm, PatternForm, StopForm, TermsForm
from .models import CampaignTerms, DncEntry, DncPattern, StateStop

LATEST = 50


@supervisor
@require_http_methods(["GET", "POST"])
def dnc(request: HttpRequest) -> HttpResponse:
    """Look up with ?number=, add with POST; below, the numbers added last, and the patterns."""
    tenant = tenant_of(request)
    entries = owned(request, DncEntry).select_related("added_by", "campaign")
    looked_up = None
    if request.method == "POST":
        form = NumberForm(request.POST, region=tenant.region)
        if form.is_valid():
            number = form.cleaned_data["number"]
            services.add_to_dnc(tenant_id=tenant.pk, number=number, source="typed", by=user_of(request))
            messages.success(
                request,
                _("%(number)s is on the do-not-call list. It is never dialed.") % {"number": display_number(number)},
            )
            return redirect("compliance:dnc")
    elif "number" in request.GET:
        form = NumberForm(request.GET, region=tenant.region)
        if form.is_valid():
            number = form.cleaned_data["number"]
            looked_up = {"number": number, "entry": entries.filter(phone=number).first()}
    else:
        form = NumberForm(region=tenant.region)
    return _dnc_page(request, form=form, looked_up=looked_up)


def _dnc_page(request: HttpRequest, **context: object) -> HttpResponse:
    tenant = tenant_of(request)
    entries = owned(request, DncEntry).select_related("added_by", "campaign")
    standing = {
        "form": NumberForm(region=tenant.region),
        "many_form": ManyNumbersForm(tenant=tenant, auto_id="many-%s"),
        "pattern_form": PatternForm(tenant=tenant, auto_id="pattern-%s"),
        "patterns": owned(request, DncPattern).select_related("added_by", "campaign").order_by("prefix", "pk"),
        "entries": entries.order_by("-added_at", "-pk")[:LATEST],
        "total": entries.count(),
        "tab": "dnc",
    }
    return render(request, "compliance/dnc.html", {**standing, **context})


@supervisor
@require_POST
def dnc_many(request: HttpRequest) -> HttpResponse:
    """Put many numbers on a list at once."""
    tenant = tenant_of(request)
    form = ManyNumbersForm(request.POST, tenant=tenant, auto_id="many-%s")
    if not form.is_valid():
        return _dnc_page(request, many_form=form)
    data = form.cleaned_data
    added = services.add_many_to_dnc(
        tenant_id=tenant.pk,
        numbers=data["numbers"],
        source="pasted",
        by=user_of(request),
        campaign=data["campaign"],
        kind=data["kind"],
    )
    messages.success(
        request,
        ngettext(
            "%(added)s number is added; %(known)s were on the list already.",
            "%(added)s numbers are added; %(known)s were on the list already.",
            added,
        )
        % {"added": added, "known": len(data["numbers"]) - added},
    )
    return redirect("compliance:dnc")


@admin
@require_POST
def pattern_add(request: HttpRequest) -> HttpResponse:
    """Never dial numbers that begin so."""
    tenant = tenant_of(request)
    form = PatternForm(request.POST, tenant=tenant, auto_id="pattern-%s")
    if not form.is_valid():
        return _dnc_page(request, pattern_form=form)
    data = form.cleaned_data
    services.add_pattern(
        tenant_id=tenant.pk, prefix=data["digits"], note=data["note"], by=user_of(request), campaign=data["campaign"]
    )
    messages.success(request, _("Numbers that begin with %(where)s are never dialed.") % {"where": data["digits"]})
    return redirect("compliance:dnc")


@admin
@require_POST
def pattern_remove(request: HttpRequest, pk: int) -> HttpResponse:
    """Dial numbers that begin so again."""
    pattern = fetch(request, DncPattern, pk=pk)
    services.remove_pattern(pattern=pattern, by=user_of(request))
    messages.success(request, _("Numbers that begin with %(prefix)s may be dialed again.") % {"prefix": pattern.prefix})
    return redirect("compliance:dnc")


@supervisor
@require_GET
def lists(request: HttpRequest) -> HttpResponse:
    """The official lists: how old, how large, and which are needed and missing."""
    return render(request, "compliance/lists.html", {"lists": selectors.official_lists(), "tab": "lists"})


@supervisor
@require_http_methods(["GET", "POST"])
def stops(request: HttpRequest) -> HttpResponse:
    """Emergency stops of states and countries; POST adds one."""
    form = StopForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        data = form.cleaned_data
        services.stop_region(
            tenant_id=tenant_of(request).pk, region=data["region"], why=data["why"], by=user_of(request)
        )
        where = region_words(data["region"])
        messages.success(request, _("Nothing is dialed in %(where)s until the stop is lifted.") % {"where": where})
        return redirect("compliance:stops")
    rows = owned(request, StateStop).select_related("by", "lifted_by").order_by("lifted_at", "-at")
    shown = [*rows.filter(lifted_at=None), *rows.exclude(lifted_at=None).order_by("-lifted_at")[:LATEST]]
    return render(request, "compliance/stops.html", {"form": form, "stops": shown, "tab": "stops"})


@supervisor
@require_POST
def stop_lift(request: HttpRequest, pk: int) -> HttpResponse:
    """Dial there again."""
    stop = fetch(request, StateStop, pk=pk)
    services.lift_stop(stop=stop, by=user_of(request))
    messages.success(request, _("%(region)s is dialed again.") % {"region": region_words(stop.region)})
    return redirect("compliance:stops")


@admin
@require_http_methods(["GET", "POST"])
def terms(request: HttpRequest, public_id: UUID) -> HttpResponse:
    """What a campaign says of itself: why it calls, and what it asks for beside the law."""
    campaign = fetch(request, Campaign, public_id=public_id)
    row = owned(request, CampaignTerms).filter(campaign=campaign).first()
    row = row or CampaignTerms(tenant=tenant_of(request), campaign=campaign)
    form = TermsForm(request.POST or None, instance=row, tenant=tenant_of(request))
    if request.method == "POST" and form.is_valid():
        with history.change(campaign, by=user_of(request)):
            services.set_terms(terms=form.instance, by=user_of(request))
        messages.success(
            request, _("The rules of “%(name)s” are saved. They hold from the next call on.") % {"name": campaign.name}
        )
        return redirect("compliance:terms", campaign.public_id)
    context = {"form": form, "campaign": campaign, "laws": selectors.law_in_words(form.instance)}
    return render(request, "compliance/terms.html", context)
