"""Reads of agents for screens: time in state."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta

from django.db.models import DurationField, ExpressionWrapper, F, Q, Sum, Value
from django.db.models.functions import Coalesce, Greatest, Least
from django.utils.translation import gettext_lazy as _

from dialer.campaigns.models import PauseCode
from dialer.core.clock import now
from dialer.core.templatetags.cordboard import zone_of
from dialer.people.models import Tenant, User

from .models import AgentStateChange
from .rules import SYSTEM_CODES, AgentState

SHOWN_STATES = (AgentState.READY, AgentState.RESERVED, AgentState.IN_CALL, AgentState.WRAPUP, AgentState.PAUSED)
STATE_WORDS = {
    AgentState.READY: _("Ready"),
    AgentState.RESERVED: _("Reserved"),
    AgentState.IN_CALL: _("In call"),
    AgentState.WRAPUP: _("Wrap-up"),
    AgentState.PAUSED: _("Paused"),
}
LONGEST = timedelta(days=7)
"""A state that began longer ago than this before the day is not looked for: no session lives that long."""


@dataclass(frozen=True, slots=True)
class Share:
    """Time in one state (or pause code) and its share of the day's signed-in time."""

    name: str
    label: str
    spent: timedelta
    share: float
    before: float = 0.0
    """The shares of those before it, so that a bar can be drawn."""

    @property
    def x(self) -> str:
        """Where it begins in a bar that is 100 wide."""
        return f"{self.before * 100:.2f}"

    @property
    def width(self) -> str:
        """How wide it is in a bar that is 100 wide."""
        return f"{self.share * 100:.2f}"


@dataclass(frozen=True, slots=True)
class AgentDay:
    """One agent's day."""

    user: User
    total: timedelta
    states: list[Share] = field(default_factory=list)
    pauses: list[Share] = field(default_factory=list)


def time_in_state(*, tenant: Tenant, day: date, only: User | None = None, team_id: int | None = None) -> list[AgentDay]:
    """Each agent's time per state and pause code on a day of the tenant's clock, from the rows of state changes.

    Of one user only, or of those of a team.
    """
    starts, ends = _bounds(tenant, day)
    ends = min(ends, now())
    rows = AgentStateChange.objects.for_tenant(tenant).filter(
        Q(until=None) | Q(until__gt=starts), at__lt=ends, at__gt=starts - LONGEST
    )
    if only is not None:
        rows = rows.filter(session__user=only)
    if team_id is not None:
        rows = rows.filter(session__user__team=team_id)
    spent = ExpressionWrapper(
        Least(Coalesce(F("until"), Value(ends)), Value(ends)) - Greatest(F("at"), Value(starts)),
        output_field=DurationField(),
    )
    sums = rows.values_list("session__user", "state", "pause_code").annotate(length=Sum(spent)).order_by()
    by_user: dict[int, dict[tuple[str, str], timedelta]] = defaultdict(dict)
    for user_id, state, code, length in sums:
        if state != AgentState.OFFLINE:
            by_user[user_id][state, code] = length
    labels = {**SYSTEM_CODES, **dict(PauseCode.objects.for_tenant(tenant).values_list("code", "label"))}
    users = User.objects.filter(pk__in=by_user).select_related("team")
    days = [_day_of(user, by_user[user.pk], labels) for user in users]
    return sorted(days, key=lambda one: one.user.shown_name.lower())


def _day_of(user: User, spent: dict[tuple[str, str], timedelta], labels: dict[str, str]) -> AgentDay:
    total = sum(spent.values(), timedelta())
    per_state: dict[str, timedelta] = defaultdict(timedelta)
    for (state, _code), length in spent.items():
        per_state[state] += length
    states: list[Share] = []
    drawn = 0.0
    for state in SHOWN_STATES:
        share = _part(per_state[state], total)
        states.append(Share(state, str(STATE_WORDS[state]), per_state[state], share, drawn))
        drawn += share
    pauses = [
        Share(code, labels.get(code, code), length, _part(length, total))
        for (state, code), length in sorted(spent.items(), key=lambda item: -item[1])
        if state == AgentState.PAUSED
    ]
    return AgentDay(user, total, states, pauses)


def _part(length: timedelta, total: timedelta) -> float:
    return length / total if total else 0.0


def _bounds(tenant: Tenant, day: date) -> tuple[datetime, datetime]:
    zone = zone_of(tenant.time_zone)
    return datetime.combine(day, time(), zone), datetime.combine(day + timedelta(days=1), time(), zone)
