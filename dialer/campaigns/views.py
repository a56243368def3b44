"""Campaigns: list, one, its form, start and stop."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.contrib import messages
from django.db import transaction
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from dialer.core import audit
from dialer.people.access import admin, fetch, supervisor, tenant_of, user_of

from . import history, services, wizard
from .forms import CampaignForm, LevelForm, LinesForm, MethodForm
from .models import Campaign, DialMethod
from .selectors import count_leads_left, problems_of, seen_by, with_figures


@supervisor
@require_GET
def index(request: HttpRequest) -> HttpResponse:
    """All campaigns, with who works in them and what is left to dial."""
    user = user_of(request)
    archived = request.GET.get("archived") == "1"
    campaigns = list(with_figures(seen_by(user)).filter(archived_at__isnull=not archived))
    count_leads_left(campaigns)
    context = {
        "campaigns": campaigns,
        "archived": archived,
        "drafts": wizard.drafts_of(user),
        "put_away": seen_by(user).filter(archived_at__isnull=False).count(),
    }
    return render(request, "campaigns/list.html", context)


@supervisor
@require_GET
def detail(request: HttpRequest, public_id: UUID) -> HttpResponse:
    """One campaign: how it stands, what it is set to, its lists."""
    campaign = fetch(
        request,
        with_figures(seen_by(user_of(request))).select_related("disposition_set", "caller_pool"),
        public_id=public_id,
    )
    count_leads_left([campaign])
    context = {
        "campaign": campaign,
        "problems": problems_of(campaign) if campaign.status != "active" else [],
        "lists": campaign.lists.all(),
        "teams": campaign.teams.all(),
        "methods": DialMethod.choices,
    }
    return render(request, "campaigns/detail.html", context)


@admin
@require_http_methods(["GET", "POST"])
def create(request: HttpRequest) -> HttpResponse:
    """Make a campaign; it starts stopped."""
    return _form(request, None)


@admin
@require_http_methods(["GET", "POST"])
def edit(request: HttpRequest, public_id: UUID) -> HttpResponse:
    """Change a campaign; a running one takes it at once."""
    return _form(request, fetch(request, Campaign, public_id=public_id))


def _form(request: HttpRequest, campaign: Campaign | None) -> HttpResponse:
    form = CampaignForm(request.POST or None, instance=campaign, tenant=tenant_of(request))
    if request.method == "POST" and form.is_valid():
        saved = _save(request, form, campaign)
        messages.success(request, _("“%(name)s” is saved.") % {"name": saved.name})
        return redirect("campaigns:detail", saved.public_id)
    return render(request, "campaigns/form.html", {"form": form, "campaign": campaign})


def _save(request: HttpRequest, form: CampaignForm, campaign: Campaign | None) -> Campaign:
    if campaign is not None:
        with history.change(campaign, by=user_of(request)):
            saved: Campaign = form.save()
        return saved
    with transaction.atomic():
        saved = form.save()
        _note(request, saved, "campaign.made")
    return saved


@supervisor
@require_POST
def start(request: HttpRequest, public_id: UUID) -> HttpResponse:
    """Start dialing, or say what is missing."""
    campaign = fetch(request, seen_by(user_of(request)), public_id=public_id)
    try:
        with transaction.atomic():
            services.start(campaign=campaign)
            _note(request, campaign, "campaign.started")
    except services.CannotStart as refusal:
        for problem in refusal.problems:
            messages.error(
                request, _("“%(name)s” cannot start. %(problem)s") % {"name": campaign.name, "problem": problem}
            )
    else:
        messages.success(request, _("“%(name)s” is started.") % {"name": campaign.name})
    return _back(request, public_id)


@supervisor
@require_POST
def stop(request: HttpRequest, public_id: UUID) -> HttpResponse:
    """Stop dialing."""
    campaign = fetch(request, seen_by(user_of(request)), public_id=public_id)
    with transaction.atomic():
        services.stop(campaign=campaign)
        _note(request, campaign, "campaign.stopped")
    messages.success(request, _("“%(name)s” is stopped. Calls under way go on to their end.") % {"name": campaign.name})
    return _back(request, public_id)


@supervisor
@require_POST
def method(request: HttpRequest, public_id: UUID) -> HttpResponse:
    """Set the dial method, also while calls run: the next tick obeys, calls under way go on to their end."""
    campaign = fetch(request, seen_by(user_of(request)), public_id=public_id)
    form = MethodForm(request.POST, instance=campaign)
    if form.is_valid():
        with history.change(campaign, by=user_of(request), action="campaign.method"):
            campaign.save(update_fields=["dial_method"])
        messages.success(
            request,
            _("“%(name)s” dials by the method %(method)s.")
            % {"name": campaign.name, "method": campaign.get_dial_method_display()},
        )
    else:
        typed = request.POST.get("dial_method", "")[:20]
        known = ", ".join(str(label) for label in DialMethod.labels)
        messages.error(
            request, _("“%(typed)s” is no dial method. Choose one of %(known)s.") % {"typed": typed, "known": known}
        )
    return _back(request, public_id)


@supervisor
@require_POST
def level(request: HttpRequest, public_id: UUID) -> HttpResponse:
    """Set the lines per free agent."""
    campaign = fetch(request, seen_by(user_of(request)), public_id=public_id)
    form = LevelForm(request.POST, instance=campaign)
    if form.is_valid():
        with history.change(campaign, by=user_of(request), action="campaign.level"):
            campaign.save(update_fields=["dial_level"])
        messages.success(
            request,
            _("“%(name)s” dials %(dial_level)s lines per free agent.")
            % {"name": campaign.name, "dial_level": campaign.dial_level},
        )
    else:
        typed = request.POST.get("dial_level", "")[:20]
        messages.error(request, _("“%(typed)s” is no dial level. Give a number from 1.00 to 10.00.") % {"typed": typed})
    return _back(request, public_id)


@supervisor
@require_POST
def lines(request: HttpRequest, public_id: UUID) -> HttpResponse:
    """Throttle it: the lines that it may use at once. The next tick obeys; calls under way go on to their end."""
    campaign = fetch(request, seen_by(user_of(request)), public_id=public_id)
    form = LinesForm(request.POST, instance=campaign)
    if form.is_valid():
        with history.change(campaign, by=user_of(request), action="campaign.lines"):
            campaign.save(update_fields=["max_lines"])
        messages.success(
            request,
            _("“%(name)s” uses %(max_lines)s lines at most.")
            % {"name": campaign.name, "max_lines": campaign.max_lines},
        )
    else:
        typed = request.POST.get("max_lines", "")[:20]
        messages.error(
            request, _("“%(typed)s” is no number of lines. Give a whole number, 1 or more.") % {"typed": typed}
        )
    return _back(request, public_id)


def _back(request: HttpRequest, public_id: UUID) -> HttpResponse:
    """To the page that asked: the campaign's own, or its wallboard."""
    return redirect("floor:campaign" if request.POST.get("from") == "floor" else "campaigns:detail", public_id)


def _note(request: HttpRequest, campaign: Campaign, action: str, **data: Any) -> None:
    """Write into the audit trail who changed what a campaign does."""
    subject = str(campaign.public_id)
    audit.record(tenant_id=campaign.tenant_id, actor=user_of(request), action=action, subject=subject, data=data)
