"""Predictive dialing in the tick: what pacing is told, what it remembers, what is stored, and what it does."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta
from functools import partial
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from dialer.agents import services as agents
from dialer.agents.rules import Event as AgentEvent
from dialer.agents.rules import Kind as AgentKind
from dialer.calls import board, decisions, memory, placing, services
from dialer.calls.models import CallTask, PacingDecision, PacingState
from dialer.calls.rules import CallState, Event, Kind
from dialer.calls.snapshots import snapshot_of
from dialer.campaigns import facts
from dialer.campaigns.models import Campaign, PacingFact
from dialer.compliance import ledger
from dialer.compliance.abandonment import Counts
from dialer.compliance.models import AbandonmentDay
from dialer.core.clock import now
from dialer.pacing import AgentView, CallView, Decision, Ledger, Memory, Rules, Seen, Snapshot, decide
from dialer.people.models import Tenant
from dialer.telephony.models import SwitchCommand
from tests.factories import make_call, make_campaign, make_leads, make_list, make_session
from tests.threads import at_once


@pytest.fixture
def ahead(tenant: Tenant) -> Campaign:
    """A predictive campaign with leads."""
    made = make_campaign(tenant, dial_method="predictive", amd=True)
    make_leads(make_list(made), 60)
    return made


def happen(call: CallTask, *kinds: Kind, at: datetime | None = None, **details: Any) -> None:
    for kind in kinds:
        services.apply_event(call_id=call.pk, event=Event(kind, **details), at=at or now())


def dialed(campaign: Campaign, **values: Any) -> CallTask:
    call = make_call(campaign, **values)
    services.begin_placing(call_id=call.pk)
    happen(call, Kind.RINGING)
    return call


def told(campaign: Campaign) -> list[facts.Fact]:
    return facts.take(campaign_id=campaign.pk, at=now())


def state_of(campaign: Campaign) -> PacingState:
    found = PacingState.objects.for_tenant(campaign.tenant_id).get(campaign=campaign)
    assert isinstance(found, PacingState)
    return found


def rows(campaign: Campaign) -> list[PacingDecision]:
    return list(PacingDecision.objects.for_tenant(campaign.tenant_id).filter(campaign=campaign).order_by("id"))


# --- what there is to learn ---


def test_a_call_s_life_is_told_once(ahead: Campaign) -> None:
    session = make_session(ahead)
    start = now()
    call = dialed(ahead)
    CallTask.objects.for_tenant(ahead.tenant_id).filter(pk=call.pk).update(queued_at=start - timedelta(seconds=9))
    for _ in range(2):
        happen(call, Kind.ANSWERED, at=start)
        happen(call, Kind.READY, at=start + timedelta(seconds=1.5), verdict="HUMAN")
        happen(call, Kind.BRIDGED, at=start + timedelta(seconds=2), session=session.pk)
        happen(call, Kind.HUNG_UP, at=start + timedelta(seconds=32))
    found = told(ahead)
    assert [fact.kind for fact in found] == ["answered", "connected", "talk_end"]
    assert found[0].seconds == pytest.approx(9, abs=2)
    assert found[0].lag == pytest.approx(1.5, abs=1)
    assert found[2].seconds == pytest.approx(30, abs=2)
    assert told(ahead) == [], "each fact once"


def test_machines_failures_and_abandonments_are_told(ahead: Campaign) -> None:
    happen(dialed(ahead), Kind.ANSWERED, Kind.READY, verdict="MACHINE")
    happen(dialed(ahead), Kind.HUNG_UP, cause=17)
    lost = dialed(ahead)
    happen(lost, Kind.ANSWERED, Kind.READY, Kind.WAIT_EXPIRED, Kind.MESSAGE_PLAYED, Kind.HUNG_UP, verdict="HUMAN")
    given_up = dialed(ahead)
    happen(given_up, Kind.GIVEN_UP, Kind.HUNG_UP)
    gone = dialed(ahead)
    happen(gone, Kind.ANSWERED, Kind.HUNG_UP)
    assert sorted(fact.kind for fact in told(ahead)) == ["abandoned", "answered", "failed", "machine", "machine"]


def test_a_wrap_up_is_told_with_the_talk_before(ahead: Campaign) -> None:
    session = make_session(ahead)
    start = now()
    call = dialed(ahead)
    happen(call, Kind.ANSWERED, Kind.READY, at=start, verdict="HUMAN")
    happen(call, Kind.BRIDGED, at=start, session=session.pk)
    happen(call, Kind.HUNG_UP, at=start + timedelta(seconds=20))
    told(ahead)
    disposed = AgentEvent(AgentKind.DISPOSED, call=call.pk)
    agents.apply(session_id=session.pk, event=disposed, at=start + timedelta(seconds=27))
    [wrap] = told(ahead)
    assert (wrap.kind, wrap.stayed) == ("wrap_end", True)
    assert (wrap.seconds, wrap.talked) == (pytest.approx(7), pytest.approx(20, abs=2))


def test_other_methods_and_own_calls_tell_nothing(campaign: Campaign, ahead: Campaign) -> None:
    happen(dialed(campaign), Kind.HUNG_UP, cause=17)
    own = make_call(ahead, session=make_session(ahead, state="paused"))
    services.begin_placing(call_id=own.pk)
    happen(own, Kind.HUNG_UP, cause=17)
    assert not PacingFact.objects.across_tenants().exists()


def test_what_nobody_learned_from_is_forgotten(ahead: Campaign) -> None:
    moment = now()
    for age in (5, 700):
        facts.note(
            tenant_id=ahead.tenant_id,
            campaign_id=ahead.pk,
            facts=[facts.Fact("failed", 3.0)],
            at=moment - timedelta(seconds=age),
        )
    assert facts.forget_old(at=moment) == 1
    assert len(told(ahead)) == 1


# --- what pacing is told ---


def test_the_snapshot_has_all_that_pacing_wants(ahead: Campaign) -> None:
    moment = now()
    make_session(ahead, since=moment - timedelta(seconds=40))
    dialed(ahead)
    waiting = dialed(ahead)
    happen(waiting, Kind.ANSWERED, at=moment)
    snapshot = snapshot_of(ahead, moment)
    assert snapshot.agents == (AgentView("ready", pytest.approx(40)),)
    assert sorted(call.state for call in snapshot.calls) == ["detecting", "ringing"]
    screened = next(call for call in snapshot.calls if call.state == "detecting")
    row = CallTask.objects.across_tenants().get(pk=waiting.pk)
    assert screened.rang == pytest.approx((row.answered_at - row.queued_at).total_seconds())
    assert screened.seconds == pytest.approx((moment - row.answered_at).total_seconds())
    assert snapshot.ledger is not None
    assert not snapshot.ledger.certain
    assert (snapshot.lines_in_use, snapshot.max_lines) == (2, ahead.max_lines)
    assert snapshot.closes_in == ledger.closes_in(ahead.tenant, moment)


def test_an_agent_who_will_pause_after_this_call_is_not_counted_on(ahead: Campaign) -> None:
    session = make_session(ahead)
    call = dialed(ahead)
    happen(call, Kind.ANSWERED, Kind.READY, verdict="HUMAN")
    happen(call, Kind.BRIDGED, session=session.pk)
    agents.apply(session_id=session.pk, event=AgentEvent(AgentKind.PAUSE_ASKED, code="BREAK"), at=now())
    moment = now()
    assert [one.state for one in snapshot_of(ahead, moment).agents] == ["paused"]


def test_an_agent_who_has_hung_up_is_as_good_as_in_wrap_up(ahead: Campaign) -> None:
    session = make_session(ahead)
    call = dialed(ahead)
    happen(call, Kind.ANSWERED, Kind.READY, verdict="HUMAN")
    start = now()
    happen(call, Kind.BRIDGED, at=start, session=session.pk)
    assert [one.state for one in snapshot_of(ahead, now()).agents] == ["in_call"]
    happen(call, Kind.HANG_UP_ASKED, by="agent")
    assert snapshot_of(ahead, start + timedelta(seconds=50)).agents == (AgentView("wrapup", 0.0, pytest.approx(50)),)


@pytest.mark.parametrize(
    ("clock", "closes_in"),
    [("20:30", 30 * 60), ("21:00", 3 * 3600), ("08:00", 13 * 3600), ("03:00", 18 * 3600), ("23:59", 60)],
)
def test_pacing_knows_when_the_day_s_dialing_ends(tenant: Tenant, clock: str, closes_in: int) -> None:
    tenant.time_zone, tenant.window_closes = "America/New_York", 21 * 60
    at = datetime.fromisoformat(f"2026-11-26T{clock}:00").replace(tzinfo=ZoneInfo("America/New_York"))
    assert ledger.closes_in(tenant, at) == closes_in


def test_the_day_ends_later_where_clocks_are_set_back(tenant: Tenant) -> None:
    tenant.time_zone, tenant.window_closes = "America/New_York", 21 * 60
    at = datetime.fromisoformat("2026-11-01T00:30:00").replace(tzinfo=ZoneInfo("America/New_York"))
    assert ledger.closes_in(tenant, at) == 21.5 * 3600


def test_the_trunk_s_lines_are_those_of_all_campaigns(ahead: Campaign, campaign: Campaign, settings: Any) -> None:
    settings.TRUNK_LIMITS = {"*": (5, 100)}
    for _ in range(4):
        dialed(campaign)
    for _ in range(9):
        make_session(ahead)
    assert len(placing.pace(campaign_id=ahead.pk).queued) == 1
    full = placing.pace(campaign_id=ahead.pk)
    assert full.queued == ()
    assert full.decision is not None
    assert "all 5 lines are in use" in full.decision.reason


def test_calls_per_second_are_those_of_all_campaigns(ahead: Campaign, campaign: Campaign, settings: Any) -> None:
    settings.TRUNK_LIMITS = {"*": (100, 3)}
    for _ in range(9):
        make_session(ahead)
        make_session(campaign)
    make_leads(make_list(campaign), 9)
    begun = now()
    launched = sum(len(placing.pace(campaign_id=one.pk).queued) for one in (campaign, ahead, campaign, ahead))
    assert now() - begun > timedelta(seconds=1) or launched == 3


# --- the tick ---


def test_unknown_counters_are_compared_before_the_first_decision(ahead: Campaign) -> None:
    make_session(ahead)
    paced = placing.pace(campaign_id=ahead.pk)
    assert paced.decision is not None
    assert "progressive" not in paced.decision.reason
    assert paced.queued


def test_drift_turns_pacing_progressive_and_the_reason_says_so(ahead: Campaign) -> None:
    make_session(ahead)
    placing.pace(campaign_id=ahead.pk)
    happen(dialed(ahead), Kind.ANSWERED, Kind.READY, Kind.WAIT_EXPIRED, verdict="HUMAN")
    AbandonmentDay.objects.for_tenant(ahead.tenant_id).update(answered=900)
    check = Campaign.objects.across_tenants().select_related("ledger_check").get(pk=ahead.pk).ledger_check
    check.checked_at -= timedelta(seconds=20)
    check.save()
    paced = placing.pace(campaign_id=ahead.pk)
    assert paced.decision is not None
    assert "do not agree with the calls, so pacing is progressive" in paced.decision.reason
    assert rows(ahead)[-1].reason == paced.decision.reason
    assert ledger.standing(ahead, now()).window == Counts(1, 0)


def test_a_spent_day_stops_every_paced_call(ahead: Campaign) -> None:
    make_session(ahead)
    make_session(ahead)
    for _ in range(10):
        happen(dialed(ahead), Kind.ANSWERED, Kind.READY, Kind.AGENT_GONE, Kind.HANG_UP_ASKED, verdict="HUMAN")
    assert ledger.standing(ahead, now()).spent
    paced = placing.pace(campaign_id=ahead.pk)
    assert paced.decision is not None
    assert (paced.queued, paced.decision.launch) == ((), 0)
    assert "spent" in paced.decision.reason


def test_a_method_changed_while_calls_run_is_obeyed_by_the_next_tick(ahead: Campaign) -> None:
    for _ in range(3):
        make_session(ahead)
    first = placing.pace(campaign_id=ahead.pk)
    assert first.decision is not None
    assert "within 8 s" in first.decision.reason
    for method, words in (("progressive", "at 1 lines per agent"), ("blended", "within 8 s")):
        Campaign.objects.across_tenants().filter(pk=ahead.pk).update(dial_method=method)
        later = placing.pace(campaign_id=ahead.pk).decision
        assert later is not None
        assert words in later.reason
    Campaign.objects.across_tenants().filter(pk=ahead.pk).update(dial_method="manual")
    assert placing.pace(campaign_id=ahead.pk).decision is None


def test_campaigns_that_dial_ahead_are_looked_at_while_agents_talk(ahead: Campaign, campaign: Campaign) -> None:
    for one in (ahead, campaign):
        session = make_session(one)
        call = dialed(one)
        happen(call, Kind.ANSWERED, Kind.READY, verdict="HUMAN")
        happen(call, Kind.BRIDGED, session=session.pk)
    assert board.campaigns_to_pace() == [ahead.pk]
    left = make_campaign(ahead.tenant, dial_method="blended")
    assert left.pk not in board.campaigns_to_pace()
    dialed(left)
    assert left.pk in board.campaigns_to_pace(), "calls ring, and nobody is there for them"


def decides(monkeypatch: pytest.MonkeyPatch, **values: Any) -> None:
    """Let pacing decide this."""

    def decision(snapshot: Snapshot) -> Decision:
        return Decision(**{"launch": 0, "cancel": 0, "level": 1.0, "forecast": {}, "reason": "Because.", **values})

    monkeypatch.setattr(placing, "decide", decision)


def test_giving_up_asks_for_the_oldest_that_rang_long_enough(ahead: Campaign, monkeypatch: pytest.MonkeyPatch) -> None:
    calls = [dialed(ahead) for _ in range(4)]
    for call, rang in zip(calls, (16, 14, 30, 40), strict=True):
        CallTask.objects.across_tenants().filter(pk=call.pk).update(ringing_at=now() - timedelta(seconds=rang))
    happen(calls[3], Kind.ANSWERED)
    decides(monkeypatch, cancel=1)
    assert placing.pace(campaign_id=ahead.pk).cancelled == 1
    commands = SwitchCommand.objects.for_tenant(ahead.tenant_id).filter(kind="hang_up")
    assert list(commands.values_list("target", "args")) == [(calls[2].pk, {"by": placing.GIVE_UP})]
    decides(monkeypatch, cancel=9)
    assert placing.pace(campaign_id=ahead.pk).cancelled == 2
    assert rows(ahead)[-1].cancel == 2


# --- what is stored ---


def test_what_does_something_or_holds_for_a_new_reason_is_stored(
    ahead: Campaign, monkeypatch: pytest.MonkeyPatch
) -> None:
    make_session(ahead)
    for values in (
        {"launch": 1, "reason": "1 free; launching 1."},
        {"reason": "1 free; enough calls are under way."},
        {"reason": "4 free; enough calls are under way."},
        {"reason": "All 7 lines are in use."},
    ):
        decides(monkeypatch, **values)
        placing.pace(campaign_id=ahead.pk)
    assert [row.reason for row in rows(ahead)] == [
        "1 free; launching 1.",
        "1 free; enough calls are under way.",
        "All 7 lines are in use.",
    ]
    first = rows(ahead)[0]
    assert (first.launch, first.queued, first.agents, first.ready) == (1, 1, 1, 1)
    assert len(first.digest) == 32
    assert state_of(ahead).reason == "All 7 lines are in use."


def test_a_tick_that_fails_leaves_nothing_behind(ahead: Campaign, monkeypatch: pytest.MonkeyPatch) -> None:
    make_session(ahead)
    facts.note(tenant_id=ahead.tenant_id, campaign_id=ahead.pk, facts=[facts.Fact("failed", 3.0)], at=now())

    def killed(*args: object, **values: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(placing, "queue_calls", killed)
    with pytest.raises(KeyboardInterrupt):
        placing.pace(campaign_id=ahead.pk)
    assert rows(ahead) == []
    assert not CallTask.objects.across_tenants().exists()
    monkeypatch.undo()
    assert len(told(ahead)) == 1, "what was to be learned is still there"


def test_forecasts_are_held_against_what_happened(ahead: Campaign) -> None:
    session = make_session(ahead)
    paced = placing.pace(campaign_id=ahead.pk)
    row = rows(ahead)[0]
    call = CallTask.objects.across_tenants().get(pk=paced.queued[0])
    services.begin_placing(call_id=call.pk)
    soon = row.at + timedelta(seconds=5)
    happen(call, Kind.ANSWERED, Kind.READY, at=soon, verdict="HUMAN")
    happen(call, Kind.BRIDGED, at=soon, session=session.pk)
    happen(call, Kind.HUNG_UP, at=row.at + timedelta(seconds=6))
    disposed = AgentEvent(AgentKind.DISPOSED, call=call.pk)
    agents.apply(session_id=session.pk, event=disposed, at=row.at + timedelta(seconds=7))
    assert decisions.judge(at=row.at + timedelta(seconds=9)) == 0, "the horizon is not over"
    assert decisions.judge(at=row.at + timedelta(seconds=30)) == len(rows(ahead))
    after = rows(ahead)[0]
    assert (after.answers, after.freed, after.abandoned) == (1, 2, 0), "one was ready, and came back once"
    [bucket] = decisions.calibration(ahead)
    assert (bucket.answers, bucket.free) == (1.0, 2.0)
    assert bucket.free_foreseen == pytest.approx(row.forecast["free"])
    assert decisions.forget(at=row.at + timedelta(days=8)) == 1


def test_other_tenants_see_none_of_it(ahead: Campaign, stranger: Tenant) -> None:
    make_session(ahead)
    placing.pace(campaign_id=ahead.pk)
    other = make_campaign(stranger, dial_method="predictive")
    assert decisions.latest(other) is None
    assert decisions.recent(other) == decisions.calibration(other) == []
    assert decisions.latest(ahead) is not None


# --- what pacing remembers ---


def learned() -> Memory:
    """A memory that has seen something."""
    snapshot = Snapshot(
        "predictive",
        1.0,
        (AgentView("ready", 3.0), AgentView("in_call", 20.0)),
        (CallView("ringing", 4.0),),
        50,
        1,
        at=1000.0,
        ledger=Ledger(500, 5, 100, 1),
        rules=Rules(ring_timeout=22.0),
    )
    first = decide(snapshot).memory
    seen = (Seen("answered", 8.0, 1.5), Seen("failed", 20.0), Seen("talk_end", 31.0), Seen("abandoned", 2.0))
    assert first is not None
    second = decide(replace(snapshot, at=1001.0, memory=first, seen=seen)).memory
    assert second is not None
    return second


def test_a_memory_comes_back_as_it_was() -> None:
    before = learned()
    after = memory.from_text(memory.to_text(before))
    assert after is not None
    assert after.tables is None
    assert memory.to_text(replace(after, built=before.built, work_built=before.work_built)) == memory.to_text(before)


@pytest.mark.parametrize(
    "spoil",
    [
        lambda text: "",
        lambda text: text[:-20],
        lambda text: "[]",
        lambda text: text.replace('"version":1', '"version":0'),
        lambda text: text.replace('"settled"', '"unsettled"'),
        lambda text: text.replace('"answered":[', '"answered":[1.0,'),
        lambda text: text.replace('"answered":[', '"answered":["x",'),
        lambda text: text.replace('"edges":[0.0,2.0', '"edges":[0.0,2.5'),
        lambda text: text.replace('"predicted":', '"predicted":NaN,"x":'),
        lambda text: text.replace('"shape":[22.0', '"shape":[1e999'),
        lambda text: text.replace('"shape":[22.0', '"shape":[30.0'),
    ],
)
def test_a_memory_that_does_not_fit_is_a_warm_up_and_no_crash(spoil: Any) -> None:
    assert memory.from_text(spoil(memory.to_text(learned()))) is None


def test_memory_is_kept_from_tick_to_tick_and_lost_without_harm(ahead: Campaign) -> None:
    make_session(ahead)
    placing.pace(campaign_id=ahead.pk)
    first = state_of(ahead)
    assert memory.held.get(ahead.pk, first.revision) is not None
    placing.pace(campaign_id=ahead.pk)
    second = state_of(ahead)
    assert second.revision == first.revision + 1
    memory.held.put(ahead.pk, -1, learned())  # another process: it has to read the row
    placing.pace(campaign_id=ahead.pk)
    PacingState.objects.across_tenants().filter(campaign=ahead).update(memory="nonsense", revision=500)
    assert placing.pace(campaign_id=ahead.pk).decision is not None
    PacingState.objects.across_tenants().filter(campaign=ahead).delete()
    assert placing.pace(campaign_id=ahead.pk).decision is not None


# --- at once ---


@pytest.mark.django_db(transaction=True)
def test_the_trunk_s_caps_hold_with_the_ticks_of_several_campaigns_at_once(tenant: Tenant, settings: Any) -> None:
    settings.TRUNK_LIMITS = {"*": (12, 1000)}
    one_set = make_campaign(tenant).disposition_set
    all_of_them = [
        make_campaign(tenant, dial_method=method, disposition_set=one_set)
        for method in ("predictive", "progressive", "blended", "ratio")
    ]
    for one in all_of_them:
        make_leads(make_list(one), 30)
        for _ in range(8):
            make_session(one)
    for _ in range(4):
        at_once([partial(placing.pace, campaign_id=one.pk) for one in all_of_them])
        live = CallTask.objects.across_tenants().exclude(state=CallState.ENDED)
        assert live.count() <= 12
    assert live.count() == 12, "and what there is is used"


@pytest.mark.django_db(transaction=True)
def test_a_full_trunk_is_shared_by_priority_and_nobody_starves(tenant: Tenant, settings: Any) -> None:
    settings.TRUNK_LIMITS = {"*": (12, 1000)}
    one_set = make_campaign(tenant).disposition_set
    low, high = (
        make_campaign(tenant, dial_method="progressive", disposition_set=one_set, priority=priority)
        for priority in (0, 1)
    )
    for one in (low, high):
        make_leads(make_list(one), 300)
        for _ in range(30):
            make_session(one)
    for _ in range(20):
        for one in (low, high):
            placing.pace(campaign_id=one.pk)
        for call in CallTask.objects.across_tenants().exclude(state=CallState.ENDED).order_by("queued_at")[:4]:
            services.apply_event(call_id=call.pk, event=Event(Kind.EXPIRED), at=now())
    held = {one.pk: CallTask.objects.across_tenants().filter(campaign=one).count() for one in (low, high)}
    assert held[low.pk] >= 10
    assert held[high.pk] > held[low.pk]
