"""Lists and leads: what is in them, making a list, switching one on and off."""

from __future__ import annotations

from uuid import UUID

from django.contrib import messages
from django.db import transaction
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_POST

from dialer.campaigns.models import LeadList
from dialer.campaigns.rework import Rework
from dialer.campaigns.selectors import ListFigures, figures_of, seen_by
from dialer.campaigns.services import changed
from dialer.core import audit
from dialer.core.models import TenantQuerySet
from dialer.people.access import fetch, owned, sees_numbers, supervisor, user_of

from .fields import custom_fields, shown
from .models import Lead, LeadState
from .selectors import history_of, leads_of, lists_with_figures

VERDICTS = 20


def _theirs(request: HttpRequest, model: type[LeadList] | type[Lead]) -> TenantQuerySet:
    """Rows of the campaigns that the user may see."""
    return owned(request, model).filter(campaign__in=seen_by(user_of(request)).order_by().values("pk"))


@supervisor
@require_GET
def lists(request: HttpRequest, campaign_id: UUID) -> HttpResponse:
    """The lists of a campaign."""
    campaign = fetch(request, seen_by(user_of(request)), public_id=campaign_id)
    return render(request, "leads/lists.html", {"campaign": campaign, "lists": lists_with_figures(campaign)})


@supervisor
@require_GET
def detail(request: HttpRequest, public_id: UUID) -> HttpResponse:
    """The leads of a list, a page at a time."""
    lead_list = fetch(request, _theirs(request, LeadList).select_related("campaign"), public_id=public_id)
    state = request.GET.get("state", "")
    after = request.GET.get("after", "")
    page = leads_of(
        lead_list,
        state=state if state in LeadState.values else "",
        after=int(after) if after.isascii() and after.isdigit() and len(after) < 16 else 0,
    )
    context = {
        "list": lead_list,
        "figures": figures_of([lead_list.pk]).get(lead_list.pk, ListFigures()),
        "campaign": lead_list.campaign,
        "rework": owned(request, Rework).filter(lead_list=lead_list, done_at=None).first(),
        "page": page,
        "state": state,
        "states": LeadState.choices,
        "sees_numbers": sees_numbers(user_of(request)),
    }
    return render(request, "leads/list.html", context)


@supervisor
@require_POST
def toggle(request: HttpRequest, public_id: UUID) -> HttpResponse:
    """Switch a list on or off (`active` 1 or 0)."""
    lead_list = fetch(request, _theirs(request, LeadList).select_related("campaign"), public_id=public_id)
    active = request.POST.get("active") == "1"
    with transaction.atomic():
        owned(request, LeadList).filter(pk=lead_list.pk).update(is_active=active)
        changed(lead_list.campaign)
        action = "list.on" if active else "list.off"
        subject = str(lead_list.public_id)
        audit.record(tenant_id=lead_list.tenant_id, actor=user_of(request), action=action, subject=subject)
    words = _("“%(name)s” is dialed again.") if active else _("“%(name)s” is no longer dialed.")
    messages.success(request, words % {"name": lead_list.name})
    return redirect("leads:lists", lead_list.campaign.public_id)


@supervisor
@require_GET
def lead(request: HttpRequest, public_id: UUID) -> HttpResponse:
    """One lead: who it is, every call, every answer of the gate."""
    found = fetch(request, _theirs(request, Lead).select_related("campaign", "list"), public_id=public_id)
    context = {
        "lead": found,
        "custom": [
            (one.label, shown(found.custom[one.name]))
            for one in custom_fields(found.campaign_id, found.tenant_id)
            if one.name in found.custom
        ],
        "numbers": found.numbers.all(),
        "history": history_of(found),
        "callbacks": found.callbacks.select_related("user", "made_by").order_by("-made_at")[:VERDICTS],
        "calls": found.calls.select_related("user", "disposition").order_by("-queued_at"),
        "verdicts": found.verdicts.order_by("-at", "-pk")[:VERDICTS],
        "sees_numbers": sees_numbers(user_of(request)),
    }
    return render(request, "leads/lead.html", context)
