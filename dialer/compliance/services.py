"""Asking the gate about stored leads, and keeping its answers. Call `judge` in the transaction that places the call."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from dialer.campaigns.models import Campaign
from dialer.core.clock import now
from dialer.leads.models import Lead
from dialer.people.models import Tenant, User

from .models import DncEntry, GateVerdict
from .rules import Allow, Deny, Facts, gate


@dataclass(frozen=True, slots=True)
class Asked:
    """A number that somebody or something wants to dial."""

    number: str
    zones: tuple[str, ...]
    lead_id: int | None = None


@dataclass(frozen=True, slots=True)
class Judged:
    """The gate's answer and the row that keeps it."""

    asked: Asked
    answer: Allow | Deny
    row: GateVerdict


def asked_for(lead: Lead) -> Asked:
    """The question that a lead puts to the gate."""
    return Asked(lead.phone, tuple(lead.time_zones), lead.pk)


def judge(*, campaign: Campaign, asked: Sequence[Asked], at: datetime) -> list[Judged]:
    """Ask the gate about each number and store every verdict."""
    tenant = campaign.tenant
    on_list = set(
        DncEntry.objects.for_tenant(tenant)
        .filter(phone__in=[one.number for one in asked])
        .values_list("phone", flat=True)
    )
    judged = []
    for one in asked:
        answer = gate(
            Facts(one.number, one.zones, at, one.number in on_list, tenant.window_opens, tenant.window_closes)
        )
        row = GateVerdict(
            tenant=tenant,
            campaign=campaign,
            lead_id=one.lead_id,
            phone=one.number[:16],
            allowed=isinstance(answer, Allow),
            rule=answer.rule,
            pack=answer.pack,
            evidence=answer.evidence,
            at=at,
        )
        judged.append(Judged(one, answer, row))
    GateVerdict.objects.bulk_create([one.row for one in judged])
    return judged


def still_allowed(*, tenant: Tenant, verdict: GateVerdict, at: datetime) -> Allow | Deny:
    """Ask the gate again about what it allowed, at a later moment and on the zones that it went by then."""
    listed = on_dnc(tenant_id=tenant.pk, number=verdict.phone)
    zones = tuple(verdict.evidence)
    return gate(Facts(verdict.phone, zones, at, listed, tenant.window_opens, tenant.window_closes))


def allowed_at(*, tenant: Tenant, number: str, zones: Sequence[str], at: datetime) -> Allow | Deny:
    """What the gate would answer at another moment, as far as is known now; no verdict is stored, nothing is placed."""
    listed = on_dnc(tenant_id=tenant.pk, number=number)
    return gate(Facts(number, tuple(zones), at, listed, tenant.window_opens, tenant.window_closes))


def on_dnc(*, tenant_id: int, number: str) -> bool:
    """Whether the number is on the tenant's do-not-call list at this moment."""
    return bool(DncEntry.objects.for_tenant(tenant_id).filter(phone=number).exists())


def add_to_dnc(*, tenant_id: int, number: str, source: str, by: User | None) -> None:
    """Put a number on the do-not-call list; no call decided after the commit goes there."""
    DncEntry.objects.across_tenants().get_or_create(
        tenant_id=tenant_id, phone=number, defaults={"source": source, "added_by": by, "added_at": now()}
    )
