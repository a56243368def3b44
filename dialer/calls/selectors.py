"""Reads of calls for screens: the CDR list, and one call with its events."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

from django.db.models import Q

from dialer.campaigns.models import Campaign
from dialer.campaigns.selectors import seen_by
from dialer.core.models import TenantQuerySet, untied
from dialer.people.access import READERS, team_limit
from dialer.people.models import Tenant, User

from .models import CallTask
from .rules import CallState

PAGE = 50


def calls_for(user: User) -> TenantQuerySet:
    """The calls that this user may see: agents their own, a supervisor with a team the team's, other readers all.

    A team's calls are those of its agents, and those that no agent had in the campaigns that it works in.
    """
    return calls_of(user) if user.role in READERS else calls_of(user).filter(user=user)


def calls_of(user: User) -> TenantQuerySet:
    """The calls that exist as far as this user knows; a colleague's among them, which agents are refused."""
    rows = CallTask.objects.for_tenant(user.tenant_id)
    team = team_limit(user)
    if team is None:
        return rows
    return rows.filter(Q(user__team_id=team) | Q(user=None, campaign__in=seen_by(user).order_by().values("pk")))


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


def campaign_shown(campaign_id: int) -> Campaign:
    """The campaign whose live screen somebody was let in to."""
    campaign = Campaign.objects.across_tenants().select_related("tenant", "ledger_check").get(pk=campaign_id)
    assert isinstance(campaign, Campaign)
    untied(campaign, "ledger_check")
    return campaign
