"""What a wallboard shows of one campaign, or of all that its viewer may see, worked out of one look at the floor."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.utils.translation import gettext

from dialer.agents.rules import AgentState
from dialer.agents.selectors import STATE_WORDS
from dialer.calls.strain import trouble_now
from dialer.campaigns.models import Campaign
from dialer.leads.templatetags.leads import rule_words

from .models import Alert, EmergencyStop
from .reading import AgentNow, Floor, ListLeft, QueueNow, left_in, slowly

COLUMNS = (AgentState.READY, AgentState.RESERVED, AgentState.IN_CALL, AgentState.WRAPUP, AgentState.PAUSED)
SHOWN = 6
"""Agents named per state: those who have been in it longest."""
CAP = 0.03
"""The highest abandonment rate that 16 CFR 310.4(b)(4)(i) leaves unpunished."""


@dataclass(frozen=True, slots=True)
class Column:
    """The agents in one state, those longest in it first."""

    state: str
    word: str
    count: int
    agents: list[AgentNow]

    @property
    def more(self) -> int:
        """How many are not named."""
        return self.count - len(self.agents)


@dataclass(frozen=True, slots=True)
class Panel:
    """One panel. Rates are shares of one, lengths seconds; None where there is nothing to divide by."""

    key: str
    name: str
    campaign: Campaign | None
    columns: list[Column]
    agents: int
    ringing: int
    screening: int
    waiting: int
    talking: int
    waiting_since: datetime | None
    dialed: int
    answer_rate: float | None
    contact_rate: float | None
    conversions: int
    abandoned: int
    live_answers: int
    abandonment: float | None
    budget_left: int | None
    kept: bool
    """Whether the abandonment is that of the rule's window, by the ledger; else it is the day's."""
    level: float | None
    why: str
    talk_s: float | None
    wrap_s: float | None
    idle_s: float | None
    occupancy: float | None
    leads_left: int
    lists: list[ListLeft]
    refused: list[tuple[str, int]]
    queues: list[QueueNow]

    @property
    def over_budget(self) -> bool:
        """Whether not one more person may be abandoned."""
        return self.budget_left is not None and self.abandoned > 0 and self.budget_left <= 0

    def count(self, state: str) -> int:
        """The agents in a state."""
        return next((one.count for one in self.columns if one.state == state), 0)

    def digest(self) -> tuple[Any, ...]:
        """All that shows, without the moment."""
        campaign = self.campaign
        status = (campaign.status, campaign.dial_method, campaign.dial_level) if campaign else None
        seen = [(column.state, column.count, column.agents) for column in self.columns]
        return (self.key, self.name, status, str(seen), self.ringing, self.screening, self.waiting, self.talking,
                self.waiting_since, self.dialed, self.answer_rate, self.contact_rate, self.conversions, self.abandoned,
                self.budget_left, self.level, self.why, self.talk_s, self.wrap_s, self.idle_s, self.leads_left,
                str(self.refused), str(self.queues))  # fmt: skip


@dataclass(frozen=True, slots=True)
class BoardView:
    """A whole board: its panel, on that of all campaigns a strip for each, alerts, stops, and the moment it is of."""

    at: datetime
    title: str
    panel: Panel | None
    strips: list[Panel]
    alerts: list[Alert]
    stops: list[EmergencyStop]
    trouble: str = ""
    """Why the dialer itself holds dialing back: it is behind, or something that it needs is gone."""

    def digest(self) -> str:
        """All that shows, without the moment."""
        told = [(one.pk, one.text) for one in self.alerts], [(one.pk, one.command.result) for one in self.stops]
        panels = [one.digest() for one in (self.panel, *self.strips) if one is not None]
        return str((self.title, panels, told, self.trouble))


def visible(floor: Floor, team_id: int | None) -> list[Campaign]:
    """The campaigns that a team (None: everybody) works in, active ones first."""
    open_to = [
        one
        for one in floor.campaigns.values()
        if team_id is None or not floor.teams_of.get(one.pk) or team_id in floor.teams_of[one.pk]
    ]
    return sorted(open_to, key=lambda one: (one.status != "active", one.name.lower()))


def panel_of(floor: Floor, campaigns: list[Campaign], team_id: int | None, *, key: str, name: str) -> Panel:
    """Work out one panel for these campaigns; agents are those of the team, or all."""
    ids = {one.pk for one in campaigns}
    agents = [one for one in floor.agents if one.campaign_id in ids and team_id in (None, one.team_id)]
    calls = [floor.calls[pk] for pk in ids if pk in floor.calls]
    sums = _added(floor, ids)
    live, lost = _abandonment(floor, ids, sums)
    kept = bool(floor.abandonment.keys() & ids)
    contacts, dialed, talks = sums("contacts"), sums("dialed"), sums("talks")
    working = sums("agent_ms:in_call") + sums("agent_ms:wrapup")
    manned = working + sums("agent_ms:ready") + sums("agent_ms:reserved")
    only = campaigns[0] if len(campaigns) == 1 else None
    level, why = _pacing(floor, only)
    return Panel(
        key=key,
        name=name,
        campaign=only if key != "all" else None,
        columns=_columns(agents),
        agents=len(agents),
        ringing=sum(one.ringing for one in calls),
        screening=sum(one.screening for one in calls),
        waiting=sum(one.waiting for one in calls),
        talking=sum(one.talking for one in calls),
        waiting_since=min((one.waiting_since for one in calls if one.waiting_since), default=None),
        dialed=dialed,
        answer_rate=_share(sums("answered"), dialed),
        contact_rate=_share(contacts, dialed),
        conversions=sums("conversions"),
        abandoned=lost,
        live_answers=live,
        abandonment=_share(lost, live),
        budget_left=int(cap_of(campaigns) * live + 1e-9) - lost,
        kept=kept,
        level=level,
        why=why,
        talk_s=_mean(sums("talk_ms"), talks),
        wrap_s=_mean(sums("agent_ms:wrapup"), sums("agent_times:wrapup")),
        idle_s=_mean(sums("agent_ms:ready"), sums("agent_times:ready")),
        occupancy=_share(working, manned),
        leads_left=left_in(floor, ids),
        lists=[one for one in floor.lists if one.campaign_id in ids][:8],
        refused=_refused(floor, ids),
        queues=[one for one in floor.queues if one.campaigns & ids],
    )


def board_of(floor: Floor, team_id: int | None, campaign_id: int | None = None) -> BoardView:
    """The wallboard of all campaigns together, or of one."""
    campaigns = visible(floor, team_id)
    if campaign_id is not None:
        campaigns = [one for one in campaigns if one.pk == campaign_id]
        panel = one_panel(floor, campaigns[0], team_id) if campaigns else None
        title, strips = (panel.name if panel else gettext("This campaign is gone")), []
    else:
        title = gettext("All campaigns")
        panel = panel_of(floor, campaigns, team_id, key="all", name=title)
        strips = [one_panel(floor, one, team_id) for one in campaigns]
    ids = {one.pk for one in campaigns}
    stops = [one for one in floor.stops if concerns(one, ids)]
    trouble = slowly("pressure", trouble_now, 2.0)
    return BoardView(floor.at, title, panel, strips, alerts_in(floor, campaigns), stops, trouble)


def one_panel(floor: Floor, campaign: Campaign, team_id: int | None) -> Panel:
    """The panel of one campaign."""
    return panel_of(floor, [campaign], team_id, key=f"c{campaign.pk}", name=campaign.name)


def concerns(stop: EmergencyStop, campaigns: set[int]) -> bool:
    """Whether a stop was of one of these campaigns."""
    return bool(campaigns.intersection(stop.command.args.get("campaigns", ())))


def alerts_in(floor: Floor, campaigns: list[Campaign]) -> list[Alert]:
    """The open alerts that concern these campaigns, or all of the floor."""
    ids = {one.pk for one in campaigns}
    return [one for one in floor.alerts if one.threshold.campaign_id is None or one.threshold.campaign_id in ids]


def _columns(agents: list[AgentNow]) -> list[Column]:
    found = []
    for state in COLUMNS:
        here = [one for one in agents if one.state == state]
        found.append(Column(state.value, str(STATE_WORDS[state]), len(here), here[:SHOWN]))
    return found


def _added(floor: Floor, ids: set[int]) -> Any:
    def added(name: str) -> int:
        return sum(floor.today.get(pk, {}).get(name, 0) for pk in ids)

    return added


def _abandonment(floor: Floor, ids: set[int], sums: Any) -> tuple[int, int]:
    """Live answers and abandoned ones: by the ledger where one is kept, else the day's."""
    if floor.abandonment.keys() & ids:
        kept = [floor.abandonment.get(pk, (0, 0)) for pk in ids]
        return sum(live for live, _ in kept), sum(lost for _, lost in kept)
    lost = sums("outcome:abandoned")
    return sums("outcome:connected") + lost, lost


def cap_of(campaigns: list[Campaign]) -> float:
    """The share of live answers that may be abandoned in these campaigns: the strictest of theirs."""
    return min((float(getattr(one, "abandonment_cap", 100 * CAP)) / 100 for one in campaigns), default=CAP)


def _pacing(floor: Floor, campaign: Campaign | None) -> tuple[float | None, str]:
    if campaign is None:
        return None, ""
    if campaign.halted_at is not None:
        return None, gettext("Emergency stop: nothing is dialed, by nobody, until it is started again.")
    if campaign.status != "active":
        return None, gettext("Stopped: nothing is dialed.")
    if campaign.pk in floor.pacing:
        return floor.pacing[campaign.pk]
    if campaign.dial_method == "ratio":
        words = gettext("Ratio: %(level)s lines per free agent, as it is set.")
        return float(campaign.dial_level), words % {"level": campaign.dial_level}
    if campaign.dial_method == "progressive":
        return 1.0, gettext("Progressive: one line per free agent.")
    words = gettext("%(method)s: agents dial for themselves.")
    return None, words % {"method": campaign.get_dial_method_display()}


def _refused(floor: Floor, ids: set[int]) -> list[tuple[str, int]]:
    found: dict[str, int] = {}
    for pk in ids:
        for name, n in floor.today.get(pk, {}).items():
            if name.startswith("refused:") and n:
                rule = name.removeprefix("refused:")
                found[rule] = found.get(rule, 0) + n
    return [(rule_words(rule), n) for rule, n in sorted(found.items(), key=lambda item: -item[1])]


def _share(part: float, whole: float) -> float | None:
    return part / whole if whole > 0 else None


def _mean(ms: int, times: int) -> float | None:
    return ms / times / 1000 if times > 0 else None
