"""A campaign's past, in bulk: dials of one day that ended, and what its agents did meanwhile."""

from __future__ import annotations

from datetime import datetime, timedelta
from random import Random
from zoneinfo import ZoneInfo

from dialer.agents.models import AgentSession, AgentStateChange
from dialer.calls.models import CallTask
from dialer.campaigns.models import Campaign
from dialer.compliance.models import GateVerdict
from dialer.core.clock import now
from tests import factories

TALK_S, WRAP_S, RINGS_S, LIMIT_S = 40.0, 10.0, 8.0, 22.0
HOURS = (9, 10, 11)


def yesterday(campaign: Campaign, hour: int) -> datetime:
    """A full hour of yesterday on the tenant's clock."""
    zone = ZoneInfo(campaign.tenant.time_zone)
    day = now().astimezone(zone).date() - timedelta(days=1)
    return datetime(day.year, day.month, day.day, hour, tzinfo=zone)


def make_history(campaign: Campaign, *, dials_per_hour: int = 100, agents: int = 4) -> None:
    """Yesterday from 9 to 12: of each hour's dials 30 % are answered (one in ten of them abandoned), 20 % were busy.

    The others rang out. Agents talk for 40 s, wrap up in 10 s, and are ready for the rest of the time.
    """
    chance = Random(5)
    sessions = [factories.make_session(campaign, state="ready") for _ in range(agents)]
    calls, verdicts = [], []
    for hour in HOURS:
        for number in range(dials_per_hour):
            at = yesterday(campaign, hour) + timedelta(seconds=number * 3600 / dials_per_hour)
            verdict = GateVerdict(
                tenant_id=campaign.tenant_id,
                campaign=campaign,
                phone=factories.number_of(5_000_000 + len(verdicts)),
                allowed=True,
                rule="",
                pack="test",
                evidence={},
                at=at,
            )
            verdicts.append(verdict)
            calls.append(_call(campaign, verdict, at, number * 10 // dials_per_hour, chance))
    GateVerdict.objects.bulk_create(verdicts)
    CallTask.objects.bulk_create(calls)
    _make_shift(campaign, [call for call in calls if call.connected_at], sessions)


def _call(campaign: Campaign, verdict: GateVerdict, at: datetime, tenth: int, chance: Random) -> CallTask:
    """Tenths 0 to 2 of the dials answer, 3 and 4 are busy, the others ring out."""
    after = lambda seconds: at + timedelta(seconds=seconds)  # noqa: E731
    call = CallTask(
        tenant_id=campaign.tenant_id,
        campaign=campaign,
        verdict_row=verdict,
        phone=verdict.phone,
        caller_id=campaign.caller_id,
        trunk="carrier",
        ring_timeout_s=int(LIMIT_S),
        connect_limit_ms=2000,
        record=False,
        dial_method=campaign.dial_method,
        state="ended",
        day=at.astimezone(ZoneInfo(campaign.tenant.time_zone)).date(),
        queued_at=at,
        deadline=after(5),
        placed_at=after(0.1),
        ringing_at=after(1.0),
    )
    if tenth <= 2:
        rang = RINGS_S + chance.random()
        call.answered, call.answered_at, call.ready_at = True, after(rang), after(rang + 0.1)
        if chance.random() < 0.1:
            call.outcome, call.ended_at = "abandoned", after(rang + 6)
        else:
            call.outcome, call.connected_at, call.ended_at = "connected", after(rang + 0.3), after(rang + 0.3 + TALK_S)
    elif tenth <= 4:
        call.outcome, call.ended_at, call.cause = "busy", after(1.5), 17
    else:
        call.outcome, call.ended_at = "no_answer", after(LIMIT_S)
    return call


def _make_shift(campaign: Campaign, connected: list[CallTask], sessions: list[AgentSession]) -> None:
    """The agents take turns; whoever is not busy is ready, from 9 to 12."""
    begin, end = yesterday(campaign, HOURS[0]), yesterday(campaign, HOURS[-1] + 1)
    rows = []
    for place, session in enumerate(sessions):
        since = begin
        for call in connected[place :: len(sessions)]:
            over = call.ended_at + timedelta(seconds=WRAP_S)
            for state, at, until in (
                ("ready", since, call.connected_at),
                ("in_call", call.connected_at, call.ended_at),
                ("wrapup", call.ended_at, over),
            ):
                rows.append(_stay(session, state, at, until, None if state == "ready" else call))
            since = over
        rows.append(_stay(session, "ready", since, max(since, end), None))
    AgentStateChange.objects.bulk_create(rows)


def _stay(session: AgentSession, state: str, at: datetime, until: datetime, call: CallTask | None) -> AgentStateChange:
    return AgentStateChange(
        tenant_id=session.tenant_id, session=session, state=state, call=call, event="made", at=at, until=until
    )
