"""The live list of agents and calls: filtered, sorted, and rendered once for all who ask for the same."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from dialer.agents.models import LegState
from dialer.agents.selectors import STATE_WORDS
from dialer.calls.models import CallTask
from dialer.calls.rules import CallState

from .looks import COLUMNS, SORTS, Wanted
from .panel import visible
from .reading import AgentNow, Floor

MOST = 150
"""Rows of a table; whoever looks for somebody among more filters."""


@dataclass(frozen=True, slots=True)
class AgentRow:
    """One agent, with the words that show."""

    agent: AgentNow
    word: str
    campaign: str
    phone: str = ""
    moves_to: str = ""


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
    columns: tuple[str, ...] = tuple(COLUMNS)

    def digest(self) -> str:
        """All that shows, without the moment."""
        return str((self.agents, self.more, self.calls, self.more_calls, self.columns))


def people_of(floor: Floor, team_id: int | None, wanted: Wanted) -> PeopleView:
    """The agents and calls of the campaigns that a team (None: everybody) sees."""
    names = {one.pk: one.name for one in visible(floor, team_id) if wanted.campaign_id in (0, one.pk)}
    agents = [
        one
        for one in floor.agents
        if one.campaign_id in names and team_id in (None, one.team_id) and wanted.state in ("", one.state)
    ]
    agents.sort(key=SORTS[wanted.sort][1])
    rows = [_row(floor, one) for one in agents[:MOST]]
    holders = {one.call_id: one.name for one in floor.agents if one.call_id is not None}
    calls = _calls(floor, names, holders, team_id) if "calls" in wanted.columns else []
    return PeopleView(floor.at, rows, len(agents) - len(rows), calls[:MOST], max(0, len(calls) - MOST), wanted.columns)


def _row(floor: Floor, agent: AgentNow) -> AgentRow:
    to = floor.campaigns.get(agent.move_to) if agent.move_to is not None else None
    word = str(STATE_WORDS.get(agent.state, agent.state))  # type: ignore[call-overload]
    phone = str(LegState(agent.leg).label)
    return AgentRow(agent, word, floor.campaigns[agent.campaign_id].name, phone, to.name if to is not None else "")


def _calls(floor: Floor, names: Mapping[int, str], agents: Mapping[UUID, str], team_id: int | None) -> list[CallRow]:
    live = CallTask.objects.for_tenant(floor.tenant).exclude(state=CallState.ENDED).filter(campaign_id__in=names)
    if team_id is not None:
        mine = [one.call_id for one in floor.agents if one.team_id == team_id and one.call_id is not None]
        live = live.filter(session=None) | live.filter(pk__in=mine)
    rows = live.order_by("queued_at").values_list(
        "pk", "state", "campaign_id", "ringing_at", "answered_at", "connected_at", "queued_at"
    )
    return [
        CallRow(
            pk,
            str(CallTask(state=state).get_state_display()),
            connected or answered or ringing or queued,
            names[campaign],
            agents.get(pk, ""),
        )
        for pk, state, campaign, ringing, answered, connected, queued in rows[: MOST + 500]
    ]
