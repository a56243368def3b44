"""The day of a floor in stretches of a quarter of an hour, for the charts: read from counters and pacing's decisions.

What was booked more than ten minutes ago is read every five minutes, the rest each time, and only while somebody looks
at a board. Time in state is booked when a state ends: who has been ready for an hour shows in the
stretch in which that hour ended.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Any

from dialer.calls import decisions

from . import counters
from .charts import Charts, Stretch, charts_of
from .panel import cap_of, visible
from .reading import Floor, slowly

WIDTH = timedelta(minutes=15)
SETTLED_S = 300.0
"""How old the settled part of the day may be."""
_WORKING = ("agent_ms:in_call", "agent_ms:wrapup")
_MANNED = (*_WORKING, "agent_ms:ready", "agent_ms:reserved")

Day = dict[int, list[Stretch]]
"""Stretches by campaign; there may be several of one beginning."""


def charts_on(floor: Floor, team_id: int | None, campaign_id: int | None = None) -> Charts | None:
    """The charts of a board: of one campaign, or of all that its viewers see. Only one campaign has a dial level."""
    campaigns = [one for one in visible(floor, team_id) if campaign_id in (None, one.pk)]
    day = read_day(floor)
    stretches = [stretch for one in campaigns for stretch in day.get(one.pk, ())]
    if campaign_id is None:
        stretches = [Stretch(one.at, one.outcomes, one.working_ms, one.manned_ms) for one in stretches]
    return charts_of(stretches, width=WIDTH, cap=cap_of(campaigns))


def read_day(floor: Floor) -> Day:
    """The tenant's day so far."""
    tenant_id, starts, at = floor.tenant.pk, floor.day_starts, floor.at

    def read_settled() -> tuple[datetime, datetime, Day]:
        edge = max(starts, counters.bucket_of(at - counters.SETTLED, WIDTH))
        return starts, edge, _stretches(tenant_id, starts, edge)

    of, edge, settled = slowly(f"settled day {tenant_id}", read_settled, SETTLED_S)
    if of != starts:  # another day has begun
        edge, settled = starts, {}
    fresh = _stretches(tenant_id, edge, at + timedelta(days=1))
    return {one: [*settled.get(one, ()), *fresh.get(one, ())] for one in settled.keys() | fresh.keys()}


def _stretches(tenant_id: int, starts: datetime, ends: datetime) -> Day:
    found: dict[int, list[Stretch]] = defaultdict(list)
    span: dict[str, Any] = {"tenant_id": tenant_id, "starts": starts, "ends": ends}
    by_stretch: dict[tuple[int, datetime], dict[str, int]] = defaultdict(dict)
    for campaign_id, at, name, n in counters.by_stretch(**span, width=WIDTH):
        by_stretch[campaign_id, at][name] = n
    for (campaign_id, at), sums in by_stretch.items():
        outcomes = {name.removeprefix("outcome:"): n for name, n in sums.items() if name.startswith("outcome:")}
        found[campaign_id].append(Stretch(at, outcomes, _added(sums, _WORKING), _added(sums, _MANNED)))
    for campaign_id, at, level_sum, number in decisions.levels(**span, width=WIDTH):
        found[campaign_id].append(Stretch(at, level_sum=level_sum, decisions=number))
    return found


def _added(sums: dict[str, int], names: Iterable[str]) -> int:
    return sum(sums.get(name, 0) for name in names)
