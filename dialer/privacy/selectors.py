"""Everything that is kept of one person, for whoever asks for their data."""

from __future__ import annotations

from typing import Any

from django.db.models import Model, Q

from dialer.calls.models import CallEvent, CallTask, Recording
from dialer.compliance.models import Consent, DncEntry, DncRemoval, GateVerdict, NumberNote
from dialer.handling.models import Party
from dialer.leads.importing.services import refused_rows_of
from dialer.leads.models import Callback, Lead, LeadNumber
from dialer.people.models import Tenant


def person(tenant: Tenant, number: str) -> dict[str, list[dict[str, Any]]]:
    """What is kept of the person with this number: every row of every kind, as names and values."""
    leads = Lead.objects.for_tenant(tenant).filter(Q(phone=number) | Q(numbers__phone=number)).distinct()
    lead_ids = list(leads.values_list("pk", flat=True))
    calls = CallTask.objects.for_tenant(tenant).filter(Q(phone=number) | Q(lead__in=lead_ids))
    call_ids = list(calls.values_list("pk", flat=True))
    kinds: dict[str, Any] = {
        "leads": leads,
        "other_numbers": LeadNumber.objects.for_tenant(tenant).filter(lead__in=lead_ids),
        "callbacks": Callback.objects.for_tenant(tenant).filter(lead__in=lead_ids),
        "calls": calls,
        "events": CallEvent.objects.for_tenant(tenant).filter(call__in=call_ids),
        "recordings": Recording.objects.for_tenant(tenant).filter(call__in=call_ids),
        "third_party_calls": Party.objects.for_tenant(tenant).filter(phone=number),
        "decisions": GateVerdict.objects.for_tenant(tenant).filter(Q(phone=number) | Q(lead__in=lead_ids)),
        "consents": Consent.objects.for_tenant(tenant).filter(phone=number),
        "do_not_call": DncEntry.objects.for_tenant(tenant).filter(phone=number),
        "do_not_call_before": DncRemoval.objects.for_tenant(tenant).filter(phone=number),
        "refused_rows": refused_rows_of(tenant_id=tenant.pk, number=number),
        "number": NumberNote.objects.for_tenant(tenant).filter(phone=number),
    }
    return {kind: [_values(row) for row in rows.order_by("pk")] for kind, rows in kinds.items()}


_OURS = frozenset(
    {"tenant_id", "verdict_row_id", "session_id", "added_by_id", "revoked_by_id", "made_by_id", "removed_by_id"}
)
"""Columns that say nothing of the person."""


def _values(row: Model) -> dict[str, Any]:
    return {
        field.attname: field.value_from_object(row) for field in row._meta.concrete_fields if field.attname not in _OURS
    }
