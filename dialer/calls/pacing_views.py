"""Pacing on the campaign's page: what it does now and why, what is left of the budget, how well it foresees."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.timezone import localtime
from django.views.decorators.http import require_GET

from dialer.campaigns.models import Campaign
from dialer.campaigns.selectors import seen_by
from dialer.compliance.ledger import standing
from dialer.core.clock import now
from dialer.people.access import fetch, supervisor, user_of

from . import decisions
from .chart import chart_of


@supervisor
@require_GET
def panel(request: HttpRequest, public_id: UUID) -> HttpResponse:
    """The part of the campaign's page that is loaded on its own."""
    rows = seen_by(user_of(request)).select_related("tenant", "ledger_check")
    campaign: Campaign = fetch(request, rows, public_id=public_id)
    buckets = decisions.calibration(campaign)
    clock = [f"{localtime(one.at):%H:%M}" for one in buckets]
    context = {
        **moment_of(campaign),
        "buckets": buckets,
        "chart": chart_of(buckets, clock),
        "recent": decisions.recent(campaign, limit=12),
        "within_s": round(decisions.HORIZON.total_seconds()),
    }
    return render(request, "calls/_pacing.html", context)


def moment_of(campaign: Campaign) -> dict[str, Any]:
    """What the pushed part shows: the last decision in words, and how the ledger stands."""
    moment = now()
    return {
        "campaign": campaign,
        "state": decisions.latest(campaign),
        "standing": standing(campaign, moment),
        "moment": moment,
    }
