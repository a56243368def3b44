"""Pacing's decisions as rows: storing them, what the last one said, and holding the forecasts against what happened.

Reads for screens: `latest` (the reason now), `recent` (what was decided), `calibration` (forecast and actual).
"""

from __future__ import annotations

import re
from bisect import bisect_left, bisect_right
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from django.db.models import Count, DateTimeField, F, Func, Q, Sum, Value

from dialer.agents.models import AgentStateChange
from dialer.agents.rules import AgentState
from dialer.campaigns.models import Campaign
from dialer.core.clock import now
from dialer.live import publish
from dialer.pacing import Decision, Snapshot
from dialer.pacing.tables import FREE_SOON_S

from . import memory as memories
from .models import CallTask, PacingDecision, PacingState
from .outcomes import Outcome
from .rules import CallState
from .snapshots import digest_of

PACING = "pacing"
"""The topic of a campaign's pacing; its key is the campaign's id."""
KEEP = timedelta(days=7)
"""How long decisions are kept."""
HORIZON = timedelta(seconds=FREE_SOON_S)
"""How far a decision's forecast of free agents and answers looks ahead."""
JUDGED_AFTER = HORIZON + timedelta(seconds=5)
"""By then whatever happened within the horizon has been committed."""
_RINGING = frozenset({CallState.QUEUED, CallState.DIALING, CallState.RINGING})
_AWAY = frozenset({AgentState.OFFLINE, AgentState.PAUSED})


@dataclass(frozen=True, slots=True)
class Told:
    """One tick's outcome: what pacing was told and decided, and what was made of it."""

    campaign: Campaign
    at: datetime
    snapshot: Snapshot
    decision: Decision
    unmet: tuple[float, ...] = ()
    """The worth of the calls that it wanted and its trunk had no room for."""
    queued: tuple[UUID, ...] = ()
    refused: int = 0
    cancelled: int = 0


def write(told: Told, before: PacingState | None) -> PacingState:
    """Write what a tick decided, in its transaction, as the campaign's new state (returned, with its revision)."""
    decision, campaign = told.decision, told.campaign
    did = bool(decision.launch or decision.cancel)
    shape = before.shape if before is not None else ""
    if not did and (held := shape_of(decision.reason)) != shape:
        shape, did = held, True
    if did:
        _row(told).save(force_insert=True)
    state = before or PacingState(tenant_id=campaign.tenant_id, campaign=campaign)
    told_before, at_before = state.reason, getattr(state, "decided_at", None)
    state.revision += 1
    if decision.memory is not None:
        state.memory = memories.to_text(decision.memory)
    state.decided_at, state.method = told.at, campaign.dial_method
    state.level, state.reason, state.shape = decision.level, decision.reason[:400], shape
    state.forecast, state.wanted = decision.forecast, [round(worth, 4) for worth in told.unmet]
    if told.queued:
        state.launched_at = told.at
    state.save()
    # At most about once a second: nobody reads faster.
    if state.reason != told_before and (at_before is None or did or told.at.second != at_before.second):
        publish.changed(PACING, campaign.pk, told.at)
    return state


def shape_of(reason: str) -> str:
    """A reason without its figures: two holds of one shape are held for the same reason."""
    return (
        re.sub(r"\d+(\.\d+)?", "#", reason)[:400].replace("agents ", "agent ").replace("abandonments ", "abandonment ")
    )


def _row(told: Told) -> PacingDecision:
    snapshot, decision = told.snapshot, told.decision
    return PacingDecision(
        tenant_id=told.campaign.tenant_id,
        campaign=told.campaign,
        at=told.at,
        method=told.campaign.dial_method,
        digest=digest_of(snapshot),
        agents=sum(1 for agent in snapshot.agents if agent.state not in _AWAY),
        ready=sum(1 for agent in snapshot.agents if agent.state == AgentState.READY),
        ringing=sum(1 for call in snapshot.calls if call.state in _RINGING and not call.taken),
        launch=decision.launch,
        cancel=told.cancelled,
        queued=len(told.queued),
        refused=told.refused,
        level=decision.level,
        reason=decision.reason[:400],
        limits=list(decision.limits),
        forecast=decision.forecast,
        risked=_risked(decision),
    )


def _risked(decision: Decision) -> float:
    """The abandonments that the launches foretell: of each, answer share x chance that nobody is free for it."""
    if decision.memory is None or not decision.launch:
        return 0.0
    return max(0.0, decision.memory.ring.p * decision.launch - sum(decision.worth))


# ---- what came of it


def judge(*, at: datetime, limit: int = 5000) -> int:
    """Write what happened after decisions whose horizon is over; how many were judged."""
    rows = PacingDecision.objects.across_tenants().filter(answers=None, at__lt=at - JUDGED_AFTER).order_by("at")
    by_campaign: dict[int, list[PacingDecision]] = defaultdict(list)
    for row in rows.only("campaign_id", "tenant_id", "at", "ready", "forecast")[:limit]:
        by_campaign[row.campaign_id].append(row)
    for decided in by_campaign.values():
        _judge(decided)
        PacingDecision.objects.across_tenants().bulk_update(decided, ("answers", "freed", "abandoned"), batch_size=500)
    return sum(len(decided) for decided in by_campaign.values())


def _judge(decided: Sequence[PacingDecision]) -> None:
    """One campaign's decisions, in the order of time."""
    starts, ends = decided[0].at, decided[-1].at + HORIZON
    campaign, tenant = decided[0].campaign_id, decided[0].tenant_id
    # A call rings two minutes at most and a message is short: older ones did not come to anything within the span.
    calls = CallTask.objects.for_tenant(tenant).filter(
        campaign=campaign,
        own_agent=False,
        inbound=False,
        queued_at__gt=starts - timedelta(minutes=5),
        queued_at__lt=ends,
    )
    passed = calls.filter(ready_at__gt=starts, ready_at__lte=ends).exclude(verdict="MACHINE")
    answers = sorted(passed.values_list("ready_at", flat=True))
    lost = calls.filter(Q(ending=Outcome.ABANDONED) | Q(outcome=Outcome.ABANDONED), answered_at__gt=starts)
    abandoned = sorted(when for when in lost.values_list("answered_at", flat=True) if when is not None)
    changes = AgentStateChange.objects.for_tenant(tenant).filter(
        session__campaign=campaign, at__gt=starts, at__lte=ends, state=AgentState.READY, event__in=_FREED_BY
    )
    freed = sorted(changes.values_list("at", flat=True))
    for row in decided:
        until = row.at + HORIZON
        row.answers = _within(answers, row.at, until)
        row.abandoned = _within(abandoned, row.at, until)
        row.freed = row.ready + _within(freed, row.at, until)


_FREED_BY = ("disposed", "released")
"""Agents who come back from a call; whoever returns from a break was not foreseen and is not counted."""


def _within(times: Sequence[datetime], after: datetime, until: datetime) -> int:
    return bisect_right(times, until) - bisect_left(times, after)


def forget(*, at: datetime) -> int:
    """Remove decisions that are older than KEEP; how many."""
    return PacingDecision.objects.across_tenants().filter(at__lt=at - KEEP).delete()[0]


# ---- reads


def latest(campaign: Campaign) -> PacingState | None:
    """What pacing said last of a campaign, without its memory."""
    rows = PacingState.objects.for_tenant(campaign.tenant_id).filter(campaign=campaign)
    found: PacingState | None = rows.defer("memory").first()
    return found


def recent(campaign: Campaign, *, limit: int = 20) -> list[PacingDecision]:
    """The campaign's last stored decisions, newest first."""
    rows = PacingDecision.objects.for_tenant(campaign.tenant_id).filter(campaign=campaign)
    return list(rows.order_by("-at")[:limit])


def levels(
    *, tenant_id: int, starts: datetime, ends: datetime, width: timedelta
) -> list[tuple[int, datetime, float, int]]:
    """Campaign, beginning of a stretch of time, the sum of its decisions' dial levels, and their number."""
    bins = Func(
        *(Value(width), F("at"), Value(datetime(2001, 1, 1, tzinfo=UTC))),
        function="date_bin",
        output_field=DateTimeField(),
    )
    rows = PacingDecision.objects.for_tenant(tenant_id).filter(at__gte=starts, at__lt=ends).order_by()
    sums = rows.values_list("campaign_id", bins).annotate(levels=Sum("level"), n=Count("pk"))
    return list(sums)


@dataclass(frozen=True, slots=True)
class Bucket:
    """The judged decisions of one stretch of time: means a decision of what was foreseen and what came.

    `risked` and `abandoned` are sums over the stretch: abandonments that its launches foretold, and those that came.
    """

    at: datetime
    decisions: int
    free_foreseen: float
    free: float
    answers_foreseen: float
    answers: float
    risked: float
    abandoned: int


def calibration(campaign: Campaign, *, span: timedelta = timedelta(hours=1), buckets: int = 12) -> list[Bucket]:
    """Forecast against actual over the last `span`, in equal stretches; those without decisions are left out."""
    ends = now()
    starts, width = ends - span, span / buckets
    rows = PacingDecision.objects.for_tenant(campaign.tenant_id).filter(campaign=campaign, at__gt=starts)
    judged: dict[int, list[tuple[Any, ...]]] = defaultdict(list)
    for row in rows.exclude(answers=None).values_list("at", "forecast", "freed", "answers", "risked"):
        if "answers" in row[1]:
            judged[int((row[0] - starts) / width)].append(row)
    lost = CallTask.objects.for_tenant(campaign.tenant_id).filter(
        campaign=campaign, outcome=Outcome.ABANDONED, own_agent=False, queued_at__gt=starts - timedelta(minutes=3)
    )
    lost_at = sorted(when for when in lost.values_list("answered_at", flat=True) if when is not None)
    found = []
    for place, few in sorted(judged.items()):
        since = starts + place * width
        found.append(
            Bucket(
                since,
                len(few),
                _mean(row[1]["free"] for row in few),
                _mean(row[2] for row in few),
                _mean(row[1]["answers"] for row in few),
                _mean(row[3] for row in few),
                sum(row[4] for row in few),
                _within(lost_at, since, since + width),
            )
        )
    return found


def _mean(values: Any) -> float:
    numbers = list(values)
    return sum(numbers) / len(numbers) if numbers else 0.0
