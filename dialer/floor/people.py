"""The live list of agents and calls: filtered, sorted, and rendered once for all who ask for the same."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from dialer.agents.selectors import STATE_WORDS
from dialer.calls.models import CallTask
from dialer.calls.rules import CallState

from .panel import visible
from .reading import AgentNow, Floor

MOST = 150
"""Rows of a table; whoever looks for somebody among more filters."""
SORTS: dict[str, tuple[str, Callable[[AgentNow], Any]]] = {
    "time": ("Longest in state", lambda one: one.since),
    "name": ("Name", lambda one: one.name.lower()),
    "state": ("State", lambda one: (one.state, one.since)),
    "team": ("Team", lambda one: (one.team.lower(), one.name.lower())),
}
STATES = [(state.value, word) for state, word in STATE_WORDS.items()]


@dataclass(frozen=True, slots=True)
class Wanted:
    """What a viewer asks for: a campaign (0: all), a state (empty: all), and the order."""

    campaign_id: int = 0
    state: str = ""
    sort: str = "time"

    def key(self) -> str:
        """As a part of a board's key."""
        return f"{self.campaign_id}.{self.state or 'all'}.{self.sort}"


def wanted_of(query: Mapping[str, str], campaigns: Mapping[str, int]) -> Wanted:
    """Read a query string; what it does not know it leaves out. `campaigns`: by outward id, those that may be seen."""
    state, sort = query.get("state", ""), query.get("sort", "time")
    return Wanted(
        campaigns.get(query.get("campaign", ""), 0),
        state if state in dict(STATES) else "",
        sort if sort in SORTS else "time",
    )


@dataclass(frozen=True, slots=True)
class AgentRow:
    """One agent, with the words that show."""

    agent: AgentNow
    word: str
    campaign: str


@dataclass(frozen=True, slots=True)
class CallRow:
    """One live call."""

    call_id: UUID
    state: str
    since: datetime | None
    campaign: str
    agent: str


@dataclass(frozen=True, slots=True)
class PeopleView:
    """The list as it shows."""

    at: datetime
    agents: list[AgentRow]
    more: int
    calls: list[CallRow]
    more_calls: int

    def digest(self) -> str:
        """All that shows, without the moment."""
        return str((self.agents, self.more, self.calls, self.more_calls))


def people_of(floor: Floor, team_id: int | None, wanted: Wanted) -> PeopleView:
    """The agents and calls of the campaigns that a team (None: everybody) sees."""
    names = {one.pk: one.name for one in visible(floor, team_id) if wanted.campaign_id in (0, one.pk)}
    agents = [
        one
        for one in floor.agents
        if one.campaign_id in names and team_id in (None, one.team_id) and wanted.state in ("", one.state)
    ]
    agents.sort(key=SORTS[wanted.sort][1])
    rows = [AgentRow(one, STATE_WORDS.get(one.state, one.state), names[one.campaign_id]) for one in agents[:MOST]]  # type: ignore[call-overload]
    calls = _calls(floor, names, {one.call_id: one.name for one in floor.agents if one.call_id is not None}, team_id)
    return PeopleView(floor.at, rows, len(agents) - len(rows), calls[:MOST], max(0, len(calls) - MOST))


def _calls(floor: Floor, names: Mapping[int, str], agents: Mapping[UUID, str], team_id: int | None) -> list[CallRow]:
    live = CallTask.objects.for_tenant(floor.tenant).exclude(state=CallState.ENDED).filter(campaign_id__in=names)
    if team_id is not None:
        mine = [one.call_id for one in floor.agents if one.team_id == team_id and one.call_id is not None]
        live = live.filter(session=None) | live.filter(pk__in=mine)
    rows = live.order_by("queued_at").values_list(
        "pk", "state", "campaign_id", "ringing_at", "answered_at", "connected_at", "queued_at"
    )
    return [
        CallRow(pk, state.capitalize(), connected or answered or ringing or queued, names[campaign], agents.get(pk, ""))
        for pk, state, campaign, ringing, answered, connected, queued in rows[: MOST + 500]
    ]
