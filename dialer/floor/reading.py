"""One look at a tenant's floor: everything that its boards show, read once per tick in a handful of queries.

The live figures (agents, calls) are counted from the rows themselves through their partial indexes; the day's sums come
from the counters; what changes slowly (leads left) is read every quarter of a minute.
"""

from __future__ import annotations

import threading
import time
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from uuid import UUID
from zoneinfo import ZoneInfo

from django.db.models import Count, F, Min, Q

from dialer.agents.models import AgentSession
from dialer.agents.rules import SYSTEM_CODES
from dialer.calls import queueing
from dialer.calls.models import CallTask, PacingState
from dialer.calls.rules import CallState
from dialer.campaigns.models import Campaign, LeadList, PauseCode
from dialer.campaigns.selectors import figures_of
from dialer.compliance.abandonment import period_of
from dialer.compliance.ledger import today_of
from dialer.compliance.models import AbandonmentDay
from dialer.compliance.rulebook import abandonment_rule
from dialer.core.clock import now
from dialer.core.language import translated
from dialer.people.models import Tenant

from . import counters
from .models import Alert, EmergencyStop

FORGET_S = 600.0
"""What nobody asked for in so long is not kept: boards that were looked at once."""
SLOW_S = 15.0
"""How old the count of leads left may be."""
STOP_SHOWN = timedelta(minutes=10)
_NOT_RINGING_YET = (CallState.QUEUED, CallState.DIALING)


@dataclass(frozen=True, slots=True)
class AgentNow:
    """One agent on the floor."""

    session: UUID
    user_id: int
    name: str
    team_id: int | None
    team: str
    campaign_id: int
    state: str
    since: datetime
    pause: str
    leg: str
    call_id: UUID | None
    move_to: int | None = None
    """The campaign that they work for when the call in hand is wrapped up."""


@dataclass(frozen=True, slots=True)
class CallsNow:
    """The live calls of one campaign. `waiting_since`: when the one who waits longest was answered."""

    ringing: int = 0
    screening: int = 0
    waiting: int = 0
    talking: int = 0
    waiting_since: datetime | None = None


@dataclass(frozen=True, slots=True)
class QueueNow:
    """A queue of callers: the campaigns whose agents serve it, how many wait, and since when the longest waiting."""

    name: str
    campaigns: frozenset[int]
    waiting: int
    since: datetime | None


@dataclass(frozen=True, slots=True)
class ListLeft:
    """A list and how many of its leads wait to be called."""

    campaign_id: int
    name: str
    left: int
    is_active: bool


@dataclass(frozen=True, slots=True)
class Floor:
    """A tenant's floor at one moment."""

    tenant: Tenant
    at: datetime
    day_starts: datetime
    campaigns: dict[int, Campaign]
    teams_of: dict[int, frozenset[int]]
    agents: list[AgentNow]
    calls: dict[int, CallsNow]
    today: counters.Sums
    lists: list[ListLeft]
    alerts: list[Alert]
    stops: list[EmergencyStop]
    abandonment: dict[int, tuple[int, int]] = field(default_factory=dict)
    """Per campaign, where the ledger of the rule's window is kept: live answers, and those abandoned."""
    queues: list[QueueNow] = field(default_factory=list)
    pacing: dict[int, tuple[float, str]] = field(default_factory=dict)
    """Per campaign, where decisions are kept: the dial level and why."""


def read_floor(tenant_id: int) -> Floor:
    """Look at a tenant's floor."""
    tenant = Tenant.objects.get(pk=tenant_id)
    at = now()
    starts = day_start(tenant, at)
    campaigns = {one.pk: one for one in Campaign.objects.for_tenant(tenant)}
    return Floor(
        tenant=tenant,
        at=at,
        day_starts=starts,
        campaigns=campaigns,
        teams_of=slowly(f"teams {tenant_id}", lambda: _teams(tenant_id)),
        agents=_agents(tenant),
        calls=_calls(tenant),
        today=counters.sums_since(tenant_id=tenant_id, starts=starts),
        lists=slowly(f"lists {tenant_id}", lambda: _lists(tenant_id)),
        alerts=list(
            Alert.objects.for_tenant(tenant).filter(ended_at=None).select_related("threshold").order_by("began_at")
        ),
        stops=list(
            EmergencyStop.objects.for_tenant(tenant)
            .filter(at__gt=at - STOP_SHOWN)
            .select_related("by", "command")
            .order_by("-at")[:3]
        ),
        abandonment=_abandonment(tenant, at),
        queues=[
            QueueNow(line.queue.name, line.campaigns, line.waiting, line.since) for line in queueing.lines_of(tenant_id)
        ],
        pacing={
            campaign: (level, reason)
            for campaign, level, reason in PacingState.objects.for_tenant(tenant).values_list(
                "campaign_id", "level", "reason"
            )
            if reason
        },
    )


def day_start(tenant: Tenant, at: datetime) -> datetime:
    """When the tenant's day began."""
    return at.astimezone(ZoneInfo(tenant.time_zone)).replace(hour=0, minute=0, second=0, microsecond=0)


def _abandonment(tenant: Tenant, at: datetime) -> dict[int, tuple[int, int]]:
    """Per campaign: live answers and abandoned ones in the window of the tenant's rule, by the ledger."""
    rule, today = abandonment_rule(tenant.region), today_of(tenant, at)
    rows = AbandonmentDay.objects.for_tenant(tenant).order_by()
    firsts = slowly(
        f"ledger {tenant.pk}",
        lambda: dict(rows.values_list("campaign_id").annotate(first=Min("day"))),
    )
    starts = {campaign: period_of(first, today, rule.days)[0] for campaign, first in firsts.items()}
    found: dict[int, tuple[int, int]] = {}
    since = min(starts.values(), default=today)
    for campaign, day, live, lost in rows.filter(day__gte=since).values_list(
        "campaign_id", "day", "answered", "abandoned"
    ):
        if day >= starts.get(campaign, since):
            before = found.get(campaign, (0, 0))
            found[campaign] = before[0] + live, before[1] + lost
    return found


def _agents(tenant: Tenant) -> list[AgentNow]:
    rows = AgentSession.objects.for_tenant(tenant).filter(ended_at=None).order_by("state_since", "id")
    labels = {code: translated(label) for code, label in SYSTEM_CODES.items()}
    labels |= slowly(f"pauses {tenant.pk}", lambda: _pause_labels(tenant.pk))
    found = rows.values_list(
        *("public_id", "user_id", "user__first_name", "user__last_name", "user__username", "user__team_id"),
        *("user__team__name", "campaign_id", "state", "state_since", "pause_code", "leg", "call_id", "move_to_id"),
    )
    return [
        AgentNow(
            *(session, user_id, f"{first} {last}".strip() or username, team_id, team or "", campaign, state),
            *(since, labels.get(code, code), *rest),
        )
        for session, user_id, first, last, username, team_id, team, campaign, state, since, code, *rest in found
    ]


def _pause_labels(tenant_id: int) -> dict[str, str]:
    return dict(PauseCode.objects.for_tenant(tenant_id).values_list("code", "label"))


def _calls(tenant: Tenant) -> dict[int, CallsNow]:
    live = CallTask.objects.for_tenant(tenant).exclude(state=CallState.ENDED)
    waits = Q(state=CallState.HUMAN, session=None, ending="", inbound=False)
    rows = (
        live.order_by()
        .values("campaign_id")
        .annotate(
            ringing=Count("pk", filter=Q(state__in=(*_NOT_RINGING_YET, CallState.RINGING))),
            screening=Count("pk", filter=Q(state__in=(CallState.ANSWERED, CallState.DETECTING), inbound=False)),
            waiting=Count("pk", filter=waits),
            talking=Count("pk", filter=Q(state=CallState.CONNECTED)),
            since=Min(F("answered_at"), filter=waits),
        )
    )
    return {
        row["campaign_id"]: CallsNow(row["ringing"], row["screening"], row["waiting"], row["talking"], row["since"])
        for row in rows
    }


def _teams(tenant_id: int) -> dict[int, frozenset[int]]:
    found: dict[int, set[int]] = defaultdict(set)
    for campaign_id, team_id in Campaign.objects.for_tenant(tenant_id).values_list("pk", "teams"):
        found[campaign_id].update((team_id,) if team_id is not None else ())
    return {campaign: frozenset(teams) for campaign, teams in found.items()}


def _lists(tenant_id: int) -> list[ListLeft]:
    lists = list(LeadList.objects.for_tenant(tenant_id))
    figures = figures_of([one.pk for one in lists])
    left = {one.pk: figures[one.pk].open for one in lists if one.pk in figures}
    found = [ListLeft(one.campaign_id, one.name, left[one.pk], one.is_active) for one in lists if left.get(one.pk)]
    return sorted(found, key=lambda one: (not one.is_active, -one.left, one.name))


_slow: dict[str, tuple[float, object]] = {}
_lock = threading.Lock()


def slowly(name, read, for_s=SLOW_S):  # type: ignore[no-untyped-def]
    """What `read` says, at most so old."""
    with _lock:
        kept = _slow.get(name)
    moment = time.monotonic()
    if kept is None or moment - kept[0] > for_s:
        kept = (moment, read())
        with _lock:
            _slow[name] = kept
            for old in [other for other, (at, _) in _slow.items() if moment - at > FORGET_S]:
                del _slow[old]
    return kept[1]


def forget() -> None:
    """Read everything anew."""
    with _lock:
        _slow.clear()
    counters.forget()


def left_in(floor: Floor, campaigns: Iterable[int]) -> int:
    """Leads that wait on active lists of these campaigns."""
    wanted = set(campaigns)
    return sum(one.left for one in floor.lists if one.is_active and one.campaign_id in wanted)
