"""Reads of calls for screens: the CDR list, and one call with its events."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

from django.db.models import Q

from dialer.campaigns.models import Campaign
from dialer.core.models import TenantQuerySet
from dialer.people.access import READERS
from dialer.people.models import Tenant, User

from .models import CallTask
from .rules import CallState
from .words import event_words

PAGE = 50


def calls_for(user: User) -> TenantQuerySet:
    """The calls that this user may see: readers all of the tenant's, agents their own."""
    rows = CallTask.objects.for_tenant(user.tenant_id)
    return rows if user.role in READERS else rows.filter(user=user)


@dataclass(frozen=True, slots=True)
class CallPage:
    """One page of calls, newest first, and the cursor of the next."""

    calls: list[CallTask]
    following: str


def page_of(rows: TenantQuerySet, *, tenant: Tenant, wanted: dict[str, Any], before: str = "") -> CallPage:
    """A page of calls that match the filter's values, those older than the cursor."""
    rows = _matching(rows, tenant, wanted)
    if cursor := _read_cursor(before):
        moment, call_id = cursor
        rows = rows.filter(Q(queued_at__lt=moment) | Q(queued_at=moment, pk__lt=call_id))
    found = list(
        rows.select_related("campaign", "lead", "user", "disposition").order_by("-queued_at", "-pk")[: PAGE + 1]
    )
    last = found[PAGE - 1] if len(found) > PAGE else None
    return CallPage(found[:PAGE], f"{last.queued_at.isoformat()}_{last.pk}" if last is not None else "")


def _matching(rows: TenantQuerySet, tenant: Tenant, wanted: dict[str, Any]) -> TenantQuerySet:
    if wanted.get("campaign"):
        rows = rows.filter(campaign=wanted["campaign"])
    if wanted.get("agent"):
        rows = rows.filter(user=wanted["agent"])
    if wanted.get("outcome") == "live":
        rows = rows.exclude(state=CallState.ENDED)
    elif wanted.get("outcome"):
        rows = rows.filter(outcome=wanted["outcome"])
    if wanted.get("number"):
        rows = rows.filter(phone=wanted["number"])
    if wanted.get("day"):
        starts, ends = day_of(tenant, wanted["day"])
        rows = rows.filter(queued_at__gte=starts, queued_at__lt=ends)
    return rows


def day_of(tenant: Tenant, day: date) -> tuple[datetime, datetime]:
    """When a day begins and ends on the tenant's clock."""
    zone = ZoneInfo(tenant.time_zone)
    return datetime.combine(day, time(), zone), datetime.combine(day + timedelta(days=1), time(), zone)


def _read_cursor(text: str) -> tuple[datetime, UUID] | None:
    moment, _, call_id = text.partition("_")
    try:
        read = datetime.fromisoformat(moment), UUID(call_id)
    except ValueError:
        return None
    return read if read[0].tzinfo is not None else None


@dataclass(frozen=True, slots=True)
class Line:
    """One line of a call's timeline; `after_ms` counts from the decision to dial, `state` is named when it changed."""

    at: datetime
    after_ms: int
    who: str
    text: str
    state: str


def timeline_of(call: CallTask) -> list[Line]:
    """Everything that happened to a call, in order: what the switch said, what we decided, who did what."""
    first = Line(call.queued_at, 0, "Dialer", _decision(call), "Queued")
    lines = [first]
    state = CallState.QUEUED.value
    for event in call.events.all():
        who, text = event_words(event.kind, event.data)
        after = round((event.at - call.queued_at) / timedelta(milliseconds=1))
        moved = str(event.get_state_display()) if event.state != state else ""
        lines.append(Line(event.at, after, who, text, moved))
        state = event.state
    return lines


def _decision(call: CallTask) -> str:
    if call.own_agent:
        return "The agent asked to dial; the gate allowed it"
    return "Pacing decided to dial; the gate allowed it"


def campaign_shown(campaign_id: int) -> Campaign:
    """The campaign whose live screen somebody was let in to."""
    campaign = Campaign.objects.across_tenants().select_related("tenant", "ledger_check").get(pk=campaign_id)
    assert isinstance(campaign, Campaign)
    return campaign
