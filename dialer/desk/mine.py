"""An agent's own day: figures against the campaign's goals, calls, callbacks."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from django.db.models import Count, F, Q, Sum

from dialer.agents.models import AgentSession
from dialer.calls.models import CallTask
from dialer.calls.rules import CallState
from dialer.campaigns.models import Campaign
from dialer.core.clock import now
from dialer.core.models import TenantQuerySet
from dialer.leads.models import Callback, CallbackState
from dialer.people.models import User

RECENT = 10
FOUND = 50
FAILED_SHOWN = timedelta(days=7)
SHOWN_NEXT = 3


@dataclass(frozen=True, slots=True)
class Figure:
    """One figure of the day; `goal` 0 means that there is none."""

    name: str
    done: int
    goal: int


@dataclass(frozen=True, slots=True)
class Day:
    """What an agent did today: conversations, minutes of talk, conversions."""

    calls: int
    talk: timedelta
    conversions: int
    campaign: Campaign | None

    @property
    def talk_min(self) -> int:
        """Whole minutes of talk."""
        return int(self.talk.total_seconds() // 60)


def begin_of_day(user: User) -> datetime:
    """When today began on the tenant's clock."""
    assert user.tenant is not None
    return now().astimezone(ZoneInfo(user.tenant.time_zone)).replace(hour=0, minute=0, second=0, microsecond=0)


def calls_today(user: User) -> TenantQuerySet:
    """The agent's calls that ended today, newest first."""
    rows = CallTask.objects.for_tenant(user.tenant_id).filter(
        user=user, queued_at__gte=begin_of_day(user), state=CallState.ENDED
    )
    return rows.select_related("lead", "disposition", "recording", "campaign").order_by("-queued_at")


def day_of(user: User) -> Day:
    """Today's figures in the campaign that the agent is in (whose goals hold), or in all when they are in none."""
    session = (
        AgentSession.objects.for_tenant(user.tenant_id)
        .filter(user=user, ended_at=None)
        .select_related("campaign")
        .first()
    )
    rows = CallTask.objects.for_tenant(user.tenant_id).filter(user=user, queued_at__gte=begin_of_day(user))
    if session is not None:
        rows = rows.filter(campaign=session.campaign)
    sums = rows.aggregate(
        calls=Count("pk", filter=Q(connected_at__isnull=False)),
        talk=Sum(F("ended_at") - F("connected_at")),
        conversions=Count("pk", filter=Q(disposition__is_conversion=True)),
    )
    campaign = session.campaign if session is not None else None
    return Day(sums["calls"], sums["talk"] or timedelta(), sums["conversions"], campaign)


def own_callbacks(user: User) -> TenantQuerySet:
    """The agent's open promises, the next one first. Each is due at its lead's next attempt."""
    rows = Callback.objects.for_tenant(user.tenant_id).filter(user=user, state=CallbackState.OPEN)
    return rows.select_related("lead__campaign").order_by("lead__next_attempt_at", "pk")


def failed_callbacks(user: User) -> TenantQuerySet:
    """The agent's promises of the last days that could not be kept, by them or by anyone."""
    rows = Callback.objects.for_tenant(user.tenant_id).filter(
        Q(user=user) | Q(user=None, made_by=user), state=CallbackState.FAILED, closed_at__gte=now() - FAILED_SHOWN
    )
    return rows.select_related("lead__campaign").order_by("-closed_at")
