"""Reads of what-if: a campaign's settings and figures, its last day, its simulations."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from statistics import fmean
from typing import Any, cast
from zoneinfo import ZoneInfo

from django.db.models import F, Q, Sum

from dialer.agents.models import AgentSession, AgentStateChange
from dialer.agents.rules import JOINED, AgentState
from dialer.calls.models import CallTask
from dialer.calls.outcomes import Outcome
from dialer.calls.rules import CallState
from dialer.campaigns.models import Campaign
from dialer.core.clock import now
from dialer.people.models import User

from .models import OPEN, Simulation
from .rules import FAILED, MACHINE, PERSON, Hour, Observed, Played, Settings, may_simulate
from .rules import OPEN as NOBODY_KNOWS

LOOK_BACK = timedelta(days=14)
NEWEST_CALLS = 20_000
NEWEST_STATES = 5_000
SHORT_PAUSE = timedelta(minutes=15)
"""Longer pauses are lunch or the end of a shift: then there is an agent less, and not one who is pausing."""
FEWEST_IN_AN_HOUR = 20
"""Dials below which an hour is no part of the day that is played again."""
_BUSY = (AgentState.IN_CALL, AgentState.WRAPUP)
_WORKING = (AgentState.READY, AgentState.RESERVED, *_BUSY)
_AT_ONCE_REFUSED = (Outcome.BUSY, Outcome.CONGESTION, Outcome.INVALID_NUMBER, Outcome.FAILED)


@dataclass(frozen=True, slots=True)
class Day:
    """What really happened on the day that is played again. None: nobody knows."""

    day: date | None = None
    utilisation: float | None = None
    abandonment: float | None = None
    wait_s: float | None = None
    calls_per_hour: float | None = None
    agents: float | None = None
    dials: int = 0


def todays(campaign: Campaign) -> Settings:
    """The settings that the campaign has now; agents are those signed in, or a few when nobody is.

    Blended dialing is played as predictive, and progressive where agents decide when to dial.
    """
    here = AgentSession.objects.for_tenant(campaign.tenant_id).filter(campaign=campaign, ended_at=None).count()
    method = "predictive" if campaign.ahead else campaign.dial_method
    return Settings(
        method=cast(Played, method) if may_simulate(method) else "progressive",
        level=float(campaign.dial_level),
        cap=float(campaign.abandonment_cap) / 100.0,
        ring_timeout=float(campaign.ring_timeout_s),
        detection=campaign.amd,
        agents=here or 5,
    )


def mean_wrap(campaign: Campaign) -> float | None:
    """Mean seconds of the last few hundred wrap-ups; None when there are none."""
    rows = _changes(campaign, now() - LOOK_BACK).filter(state=AgentState.WRAPUP).order_by("-at")
    lengths = [(until - at).total_seconds() for at, until in rows.values_list("at", "until")[:300]]
    return fmean(lengths) if lengths else None


def observed(campaign: Campaign, at: datetime | None = None) -> tuple[Observed, Day]:
    """What the campaign's rows of the last fortnight tell, and what happened on its last day with calls."""
    since = (at or now()) - LOOK_BACK
    calls = list(_calls(campaign, since))
    machines = {call["pk"] for call in calls if _is_machine(call)}
    day, hours = _last_day(campaign, calls, machines)
    told = Observed(
        ages=[_age(call) for call in calls],
        ends=[_end(call, machines) for call in calls],
        screened=sum(call["screened"] for call in calls) * 2 > len(calls),
        talk=[talk for call in calls if call["pk"] not in machines and (talk := _talk(call)) is not None],
        machine_talk=[talk for call in calls if call["pk"] in machines and (talk := _talk(call)) is not None],
        originate=_between(calls, "queued_at", "ringing_at"),
        person_lag=_between((call for call in calls if call["pk"] not in machines), "answered_at", "ready_at"),
        machine_lag=_between((call for call in calls if call["pk"] in machines), "answered_at", "ready_at"),
        hours=hours,
        **_of_agents(campaign, since, machines),
    )
    return told, _measured(campaign, day, calls, machines)


def recent(campaign: Campaign, count: int = 6) -> list[Simulation]:
    """The campaign's newest simulations."""
    return list(Simulation.objects.for_tenant(campaign.tenant_id).filter(campaign=campaign)[:count])


def latest_of(user: User, since: datetime) -> list[Simulation]:
    """The user's simulations that somebody's page may be waiting for: those open, and those that ended since."""
    rows = Simulation.objects.for_tenant(user.tenant_id).filter(asked_by=user).select_related("campaign__tenant")
    return list(rows.filter(Q(state__in=OPEN) | Q(ended_at__gte=since))[:3])


# -- calls

_COLUMNS = (
    *("pk", "queued_at", "ringing_at", "answered_at", "ready_at", "connected_at", "ended_at", "outcome", "verdict"),
    *("screened", "ring_timeout_s", "disposition__is_machine"),
)


def _calls(campaign: Campaign, since: datetime) -> Iterable[dict[str, Any]]:
    """Ended calls that were really placed for whoever is free, the newest."""
    rows = CallTask.objects.for_tenant(campaign.tenant_id).filter(
        campaign=campaign, queued_at__gte=since, state=CallState.ENDED, placed_at__isnull=False
    )
    rows = rows.exclude(outcome=Outcome.LOST).exclude(outcome=Outcome.FAILED, ringing_at=None, answered_at=None)
    return rows.order_by("-queued_at").values(*_COLUMNS)[:NEWEST_CALLS]


def _is_machine(call: dict[str, Any]) -> bool:
    """Whether screening or the agent said so."""
    if call["answered_at"] is None:
        return False
    if call["verdict"] == "MACHINE" or call["outcome"] in (Outcome.MACHINE, Outcome.MESSAGE_LEFT):
        return True
    return bool(call["disposition__is_machine"])


def _age(call: dict[str, Any]) -> float:
    ended = call["answered_at"] or call["ended_at"]
    return max(0.0, float((ended - call["queued_at"]).total_seconds()))


def _end(call: dict[str, Any], machines: set[Any]) -> str:
    if call["answered_at"] is not None:
        return MACHINE if call["pk"] in machines else PERSON
    return FAILED if call["outcome"] in _AT_ONCE_REFUSED else NOBODY_KNOWS


def _talk(call: dict[str, Any]) -> float | None:
    if call["connected_at"] is None:
        return None
    return float((call["ended_at"] - call["connected_at"]).total_seconds())


def _between(calls: Iterable[dict[str, Any]], first: str, last: str) -> list[float]:
    """Seconds between two moments of each call that has both."""
    return [
        max(0.0, (call[last] - call[first]).total_seconds())
        for call in calls
        if call[first] is not None and call[last] is not None
    ]


def _last_day(
    campaign: Campaign, calls: list[dict[str, Any]], machines: set[Any]
) -> tuple[date | None, tuple[Hour, ...]]:
    """The last whole day with calls on the tenant's clock (today, when there is no other), and its hours."""
    zone = ZoneInfo(campaign.tenant.time_zone)
    moments = [(call["queued_at"].astimezone(zone), call) for call in calls]
    days = Counter(moment.date() for moment, _ in moments)
    if not days:
        return None, ()
    today = now().astimezone(zone).date()
    day = max((one for one in days if one != today and days[one] >= FEWEST_IN_AN_HOUR), default=max(days))
    dials: Counter[int] = Counter()
    persons: Counter[int] = Counter()
    for moment, call in moments:
        if moment.date() == day:
            dials[moment.hour] += 1
            persons[moment.hour] += call["answered_at"] is not None and call["pk"] not in machines
    hours = tuple(Hour(hour, dials[hour], persons[hour]) for hour in sorted(dials) if dials[hour] >= FEWEST_IN_AN_HOUR)
    return day, hours


# -- agents


def _changes(campaign: Campaign, since: datetime) -> Any:
    """Ended stays of the campaign's agents in a state."""
    rows = AgentStateChange.objects.for_tenant(campaign.tenant_id)
    return rows.filter(session__campaign=campaign, at__gte=since, until__isnull=False)


def _of_agents(campaign: Campaign, since: datetime, machines: set[Any]) -> dict[str, Any]:
    """Wrap-ups of people and machines, short pauses, and the hours over which they were taken."""
    newest = _changes(campaign, since).order_by("-at")
    wrapups = list(newest.filter(state=AgentState.WRAPUP).values_list("call_id", "at", "until")[:NEWEST_STATES])
    pauses = newest.filter(state=AgentState.PAUSED).exclude(pause_code=JOINED)
    lengths = [until - at for at, until in pauses.values_list("at", "until")[:NEWEST_STATES]]
    spent = _spent(_changes(campaign, since))
    return {
        "wrap": [(until - at).total_seconds() for call, at, until in wrapups if call not in machines],
        "machine_wrap": [(until - at).total_seconds() for call, at, until in wrapups if call in machines],
        "pauses": [length.total_seconds() for length in lengths if length <= SHORT_PAUSE],
        "worked_h": sum(spent.get(state, 0.0) for state in _WORKING) / 3600.0,
    }


def _spent(changes: Any) -> dict[str, float]:
    """Seconds in each state."""
    rows = changes.order_by().values("state").annotate(spent=Sum(F("until") - F("at")))
    return {row["state"]: row["spent"].total_seconds() for row in rows}


def _measured(campaign: Campaign, day: date | None, calls: list[dict[str, Any]], machines: set[Any]) -> Day:
    """What happened on that day; figures of agents need that they were there."""
    if day is None:
        return Day()
    zone = ZoneInfo(campaign.tenant.time_zone)
    begin = datetime(day.year, day.month, day.day, tzinfo=zone)
    end = begin + timedelta(days=1)
    of_day = [call for call in calls if begin <= call["queued_at"] < end]
    spent = _spent(_changes(campaign, begin).filter(at__lt=end))
    worked = sum(spent.get(state, 0.0) for state in _WORKING)
    persons = [call for call in of_day if call["answered_at"] is not None and call["pk"] not in machines]
    connected = sum(call["connected_at"] is not None for call in of_day)
    first, last = min(call["queued_at"] for call in of_day), max(call["ended_at"] for call in of_day)
    length_h = max(0.1, (last - first).total_seconds() / 3600.0)
    told = Day(day=day, dials=len(of_day), calls_per_hour=len(of_day) / length_h)
    if persons:
        abandoned = sum(call["outcome"] == Outcome.ABANDONED for call in of_day)
        told = replace(told, abandonment=abandoned / len(persons))
    if worked > 0.0:
        busy = sum(spent.get(state, 0.0) for state in _BUSY)
        told = replace(told, utilisation=busy / worked, agents=worked / 3600.0 / length_h)
        if connected:
            told = replace(told, wait_s=spent.get(AgentState.READY, 0.0) / connected)
    return told
