"""A campaign's pacing as a live screen: the last decision in words and what is left of the abandonment budget."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.template.loader import render_to_string

from dialer.campaigns.models import Campaign
from dialer.campaigns.selectors import seen_by
from dialer.live.topics import NoSuch, Refused, Topic
from dialer.people.access import LEADERS, tenants_clock

from .decisions import PACING
from .pacing_views import moment_of
from .selectors import campaign_shown


def choose(user: Any, wanted: UUID) -> int:
    """Supervisors and admins see their tenant's campaigns."""
    rows = Campaign.objects.none() if user.tenant_id is None else seen_by(user)
    campaign = rows.filter(public_id=wanted).only("pk").first()
    if campaign is None:
        raise NoSuch
    if not user.is_active or user.role not in LEADERS:
        raise Refused
    return int(campaign.pk)


def fragment(campaign: Campaign) -> str:
    """What is pushed: the part of the panel that moves."""
    with tenants_clock(campaign.tenant):
        return render_to_string("calls/_pacing.html#moment", {**moment_of(campaign), "pushed": True}).strip()


TOPIC = Topic(name=PACING, authorise=None, choose=choose, render=lambda key, at: fragment(campaign_shown(key)))
