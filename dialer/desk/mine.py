"""An agent's own day: figures against the campaign's goals, calls, callbacks."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from django.db.models import Count, F, Q, Sum

from dialer.agents.models import AgentSession, AgentStateChange
from dialer.agents.rules import AgentState
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


def _parts(user: User, state: AgentState) -> TenantQuerySet:
    """The stretches of today in which the agent was in a state."""
    rows = AgentStateChange.objects.for_tenant(user.tenant_id)
    return rows.filter(session__user=user, state=state, at__gte=begin_of_day(user))


def _since_morning(user: User) -> TenantQuerySet:
    """The agent's calls of today, and those that they wrapped up after handing them on to a colleague."""
    wrapped_up = _parts(user, AgentState.WRAPUP).values("call")
    rows = CallTask.objects.for_tenant(user.tenant_id).filter(queued_at__gte=begin_of_day(user))
    return rows.filter(Q(user=user) | Q(pk__in=wrapped_up))


def calls_today(user: User) -> TenantQuerySet:
    """The agent's calls that ended today, newest first; with those that a colleague finished (`user` is theirs)."""
    rows = _since_morning(user).filter(state=CallState.ENDED)
    return rows.select_related("lead", "disposition", "recording", "campaign", "user").order_by("-queued_at")


def day_of(user: User) -> Day:
    """Today's figures in the campaign that the agent is in (whose goals hold), or in all when they are in none."""
    session = (
        AgentSession.objects.for_tenant(user.tenant_id)
        .filter(user=user, ended_at=None)
        .select_related("campaign")
        .first()
    )
    rows = _since_morning(user)
    if session is not None:
        rows = rows.filter(campaign=session.campaign)
    own = Q(user=user)
    sums = rows.aggregate(
        calls=Count("pk", filter=Q(connected_at__isnull=False)),
        talk=Sum(F("ended_at") - F("connected_at"), filter=own),
        conversions=Count("pk", filter=Q(disposition__is_conversion=True) & own),
    )
    # Of a call that was handed on, only the agent's own part of the talk is theirs.
    parts = _parts(user, AgentState.IN_CALL).filter(call__in=rows.exclude(own).values("pk"))
    handed_on = parts.aggregate(talk=Sum(F("until") - F("at")))["talk"]
    talk = (sums["talk"] or timedelta()) + (handed_on or timedelta())
    return Day(sums["calls"], talk, sums["conversions"], session.campaign if session is not None else None)


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
