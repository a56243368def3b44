"""Imports as a live screen: whoever looks at one sees how far it is, and then what came of it."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.template.loader import render_to_string

from dialer.campaigns.selectors import seen_by
from dialer.live.topics import NoSuch, Refused, Topic
from dialer.people.access import LEADERS, tenants_clock

from . import services
from .models import Import
from .shown import context_of


def choose(user: Any, wanted: UUID) -> int:
    """Supervisors and admins, of their tenant's imports."""
    if not user.is_active or user.tenant_id is None or user.role not in LEADERS:
        raise Refused
    rows = Import.objects.for_tenant(user.tenant_id).filter(campaign__in=seen_by(user), public_id=wanted)
    found = rows.values_list("pk", flat=True).first()
    if found is None:
        raise NoSuch
    return int(found)


def render(import_id: Any, at: str) -> str:
    """The fragment of an import as it stands."""
    found = services.found(import_id)
    if found is None:
        raise Refused
    with tenants_clock(found.campaign.tenant):
        return render_to_string("leads/import.html#progress", context_of(found)).strip()


TOPIC = Topic(name=services.TOPIC, authorise=None, render=render, choose=choose)
