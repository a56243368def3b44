"""Leads as a file, with the same search as on the screen."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

from django.http import StreamingHttpResponse

from dialer.campaigns.models import Campaign, CustomField
from dialer.core.models import TenantQuerySet
from dialer.core.tables import csv_lines, csv_response

from .fields import custom_fields, shown
from .models import Lead, LeadNumber

PIECE = 2000
_PLAIN = ("phone", "first_name", "last_name", "company", "address", "city", "region", "postal_code", "notes")
_KINDS = ("mobile", "home", "work", "other")
_STATE = ("list", "time_zone", "state", "attempts", "last_outcome", "next_attempt_at", "added_at")


def export(campaign: Campaign, rows: TenantQuerySet) -> StreamingHttpResponse:
    """The leads as CSV whose columns an import understands, and how each stands."""
    own = custom_fields(campaign.pk, campaign.tenant_id)
    header = [*_PLAIN, *(f"{kind}_phone" for kind in _KINDS), *(one.name for one in own), *_STATE]
    return csv_response("leads.csv", header, partial(_piece, rows, own))


def _piece(rows: TenantQuerySet, own: Sequence[CustomField], after: int) -> tuple[bytes, int | None]:
    found = list(rows.filter(pk__gt=after).order_by("pk").select_related("list")[:PIECE])
    numbers: dict[tuple[int, str], str] = {}
    if found:
        others = LeadNumber.objects.for_tenant(found[0].tenant_id).filter(lead__in=[lead.pk for lead in found])
        for lead_id, kind, phone in others.values_list("lead_id", "kind", "phone"):
            numbers.setdefault((lead_id, kind), phone)
    lines = csv_lines(_line(lead, numbers, own) for lead in found)
    return lines, found[-1].pk if len(found) == PIECE else None


def _line(lead: Lead, numbers: dict[tuple[int, str], str], own: Sequence[CustomField]) -> list[object]:
    return [
        *(getattr(lead, name) for name in _PLAIN),
        *(numbers.get((lead.pk, kind), "") for kind in _KINDS),
        *(shown(lead.custom.get(one.name)) for one in own),
        lead.list.name,
        lead.time_zones[0] if len(lead.time_zones) == 1 else "",
        lead.state,
        lead.attempts,
        lead.last_outcome,
        lead.next_attempt_at.isoformat(timespec="seconds") if lead.state == "waiting" else "",
        lead.created_at.isoformat(timespec="seconds"),
    ]
