"""A call's events end to end on PostgreSQL: rows, agent, lead, and what is left for the switch; alone and at once."""

from __future__ import annotations

import random
from collections.abc import Callable
from contextlib import suppress
from datetime import timedelta
from functools import partial
from itertools import pairwise
from uuid import UUID, uuid4

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from dialer.agents import services as agents
from dialer.agents.models import AgentSession, AgentStateChange, LegState
from dialer.agents.rules import AgentState
from dialer.agents.rules import Event as AgentEvent
from dialer.agents.rules import Kind as AgentKind
from dialer.calls import services
from dialer.calls.models import CallEvent, CallTask, Recording
from dialer.calls.outcomes import Outcome
from dialer.calls.rules import Act, Call, CallState, Event, Kind, advance
from dialer.campaigns.models import Campaign
from dialer.core.clock import now
from dialer.leads.models import Lead, LeadState
from tests.factories import (
    get_call,
    get_lead,
    get_session,
    make_call,
    make_campaign,
    make_lead,
    make_leads,
    make_list,
    make_session,
)
from tests.threads import at_once


def happen(call_id: UUID, kind: Kind, **details: object) -> list[Act]:
    """Let an event happen now; returns what is left for the switch to do."""
    applied = services.apply_event(call_id=call_id, event=Event(kind, **details), at=now())  # type: ignore[arg-type]
    assert applied is not None
    return [effect.act for effect in applied.effects]


def dialed(campaign: Campaign, lead: Lead | None = None) -> CallTask:
    """A call that rings somewhere."""
    call = make_call(campaign, lead=lead or make_lead(campaign))
    assert services.begin_placing(call_id=call.pk) is not None
    happen(call.pk, Kind.RINGING)
    return call


def connected(campaign: Campaign, session: AgentSession, lead: Lead | None = None) -> CallTask:
    """A call that an agent and a customer are on."""
    call = dialed(campaign, lead)
    happen(call.pk, Kind.ANSWERED)
    happen(call.pk, Kind.READY, verdict="HUMAN")
    happen(call.pk, Kind.BRIDGED, session=session.pk)
    assert get_call(call.pk).state == CallState.CONNECTED
    return call


def stored_events(call_id: UUID) -> list[CallEvent]:
    return list(CallEvent.objects.across_tenants().filter(call_id=call_id).order_by("seq"))


def replayed(call: CallTask) -> Call:
    """The call as its stored events alone tell it."""
    state = Call(
        screened=call.screened,
        unsure_to_agent=call.unsure_to_agent,
        own_agent=call.own_agent,
        session=call.session_id if call.own_agent else None,
    )
    for row in stored_events(call.pk):
        if row.kind in set(Kind):
            state, _ = advance(state, Event(Kind(row.kind), **row.data))
            assert row.state == state.state
    return state


def check_replay(call_id: UUID) -> None:
    call = get_call(call_id)
    assert replayed(call) == call.as_call()
    rows = stored_events(call_id)
    assert [row.seq for row in rows] == list(range(1, call.last_seq + 1))


def check_time_in_state(session: AgentSession) -> None:
    """The rows of an agent's states follow each other without a gap, an overlap or a step back."""
    rows = list(AgentStateChange.objects.across_tenants().filter(session=session).order_by("id"))
    for before, after in pairwise(rows):
        assert before.until == after.at
        assert before.at <= after.at
    stored = get_session(session.pk)
    assert (rows[-1].state, rows[-1].pause_code, rows[-1].call_id) == (stored.state, stored.pause_code, stored.call_id)
    assert (rows[-1].until is None) == (stored.state != AgentState.OFFLINE)


def test_from_queue_to_disposition(campaign: Campaign) -> None:
    session, lead = make_session(campaign), make_lead(campaign)
    call = make_call(campaign, lead=lead)
    assert services.begin_placing(call_id=call.pk) is not None
    assert services.begin_placing(call_id=call.pk) is None  # once
    assert happen(call.pk, Kind.RINGING) == []
    assert happen(call.pk, Kind.ANSWERED) == []
    assert happen(call.pk, Kind.READY, verdict="NONE") == [Act.BRIDGE]
    assert get_session(session.pk).state == AgentState.RESERVED
    assert happen(call.pk, Kind.BRIDGED, session=session.pk) == [Act.RECORD]
    assert get_session(session.pk).state == AgentState.IN_CALL
    assert get_call(call.pk).user_id == session.user_id
    assert happen(call.pk, Kind.HUNG_UP, cause=16) == []
    assert get_session(session.pk).state == AgentState.WRAPUP
    services.dispose(session_id=session.pk, code="SALE", note="glad", by=session.user)

    done = get_call(call.pk)
    assert (done.outcome, done.cause, done.hung_up_by) == (Outcome.CONNECTED, 16, "customer")
    assert done.disposition is not None
    assert (done.disposition.code, done.note) == ("SALE", "glad")
    times = [done.queued_at, done.placed_at, done.ringing_at, done.answered_at, done.ready_at, done.connected_at]
    assert [*times, done.ended_at, done.disposed_at] == [*sorted(done.times()), done.disposed_at]
    assert [row.kind for row in stored_events(call.pk)] == [
        "placed", "ringing", "answered", "ready", "claimed", "bridged", "hung_up", "disposed",
    ]  # fmt: skip
    assert (get_lead(lead.pk).state, get_lead(lead.pk).attempts) == (LeadState.DONE, 1)
    assert get_session(session.pk).state == AgentState.READY
    check_replay(call.pk)
    check_time_in_state(session)


def test_nobody_in_time(campaign: Campaign) -> None:
    lead = make_lead(campaign)
    call = dialed(campaign, lead)
    happen(call.pk, Kind.ANSWERED)
    assert happen(call.pk, Kind.READY, verdict="NONE") == [Act.START_WAIT]
    assert happen(call.pk, Kind.WAIT_EXPIRED) == [Act.PLAY_MESSAGE]
    assert services.claim_for_waiting(call_id=call.pk, at=now()) is None  # an agent now would cut into the message
    assert happen(call.pk, Kind.MESSAGE_PLAYED) == [Act.HANG_UP]
    happen(call.pk, Kind.HUNG_UP, cause=16)
    assert (get_call(call.pk).outcome, get_call(call.pk).hung_up_by) == (Outcome.ABANDONED, "system")
    again = get_lead(lead.pk).next_attempt_at
    assert again >= now() + timedelta(hours=71, minutes=59)
    check_replay(call.pk)


def test_who_waits_gets_the_agent_who_comes_free(campaign: Campaign) -> None:
    call = dialed(campaign)
    happen(call.pk, Kind.READY, verdict="HUMAN")
    waiting = services.claim_for_waiting(call_id=call.pk, at=now())
    assert waiting is not None
    assert waiting.effects == ()
    session = make_session(campaign)
    applied = services.claim_for_waiting(call_id=call.pk, at=now())
    assert applied is not None
    assert [(effect.act, effect.session) for effect in applied.effects] == [(Act.BRIDGE, session.pk)]
    assert services.claim_for_waiting(call_id=call.pk, at=now()) is None


@pytest.mark.parametrize(
    ("cause", "outcome", "state"),
    [
        (17, Outcome.BUSY, LeadState.WAITING),
        (34, Outcome.CONGESTION, LeadState.WAITING),
        (1, Outcome.INVALID_NUMBER, LeadState.DONE),
        (19, Outcome.NO_ANSWER, LeadState.WAITING),
        (127, Outcome.FAILED, LeadState.WAITING),
    ],
)
def test_calls_that_nobody_answers(campaign: Campaign, cause: int, outcome: Outcome, state: str) -> None:
    lead = make_lead(campaign)
    call = dialed(campaign, lead)
    happen(call.pk, Kind.HUNG_UP, cause=cause)
    assert get_call(call.pk).outcome == outcome
    after = get_lead(lead.pk)
    assert (after.state, after.attempts, after.last_outcome) == (state, 1, outcome)


def test_an_event_told_twice_or_after_the_end_is_stored_once(campaign: Campaign) -> None:
    session, lead = make_session(campaign), make_lead(campaign)
    call = connected(campaign, session, lead)
    for _ in range(2):
        happen(call.pk, Kind.ANSWERED)
        happen(call.pk, Kind.READY, verdict="MACHINE")
        happen(call.pk, Kind.BRIDGED, session=session.pk)
    for _ in range(3):
        happen(call.pk, Kind.HUNG_UP, cause=16)
        happen(call.pk, Kind.MISSING)
    kinds = [row.kind for row in stored_events(call.pk)]
    assert kinds == ["placed", "ringing", "answered", "ready", "claimed", "bridged", "hung_up"]
    assert get_lead(lead.pk).attempts == 1
    assert get_session(session.pk).state == AgentState.WRAPUP


def test_an_event_of_no_call_is_no_error(campaign: Campaign) -> None:
    assert services.apply_event(call_id=uuid4(), event=Event(Kind.HUNG_UP), at=now()) is None


def test_an_agent_whose_bridge_failed_is_given_back_and_the_next_one_claimed(campaign: Campaign) -> None:
    first = make_session(campaign, since=now() - timedelta(minutes=2))
    call = dialed(campaign)
    happen(call.pk, Kind.READY, verdict="HUMAN")
    second = make_session(campaign, since=now() - timedelta(minutes=1))
    assert happen(call.pk, Kind.BRIDGE_FAILED, session=first.pk) == [Act.BRIDGE]
    assert get_call(call.pk).session_id == second.pk
    assert get_session(first.pk).state == AgentState.READY
    check_replay(call.pk)
    check_time_in_state(first)


def test_an_agent_who_is_lost_mid_call_wraps_up_without_a_phone(campaign: Campaign) -> None:
    session = make_session(campaign)
    call = connected(campaign, session)
    agents.apply(session_id=session.pk, event=AgentEvent(AgentKind.LEG_LOST), at=now(), notice="lost")
    assert happen(call.pk, Kind.AGENT_GONE, session=session.pk) == [Act.HANG_UP]
    happen(call.pk, Kind.HUNG_UP, cause=16)
    assert (get_call(call.pk).outcome, get_call(call.pk).hung_up_by) == (Outcome.CONNECTED, "agent")
    services.dispose(session_id=session.pk, code="OTHER", by=session.user)
    after = get_session(session.pk)
    assert (after.state, after.pause_code, after.leg) == (AgentState.PAUSED, "PHONE", LegState.DOWN)


def test_clocks_that_disagree_never_make_times_run_backwards(campaign: Campaign) -> None:
    session = make_session(campaign)
    call = dialed(campaign)
    behind = now() - timedelta(seconds=5)
    for event in (
        Event(Kind.ANSWERED),
        Event(Kind.READY, verdict="HUMAN"),
        Event(Kind.BRIDGED, session=session.pk),
        Event(Kind.HUNG_UP, cause=16),
    ):
        services.apply_event(call_id=call.pk, event=event, at=behind)
    done = get_call(call.pk)
    assert done.placed_at is not None
    assert done.ended_at is not None
    assert done.times() == sorted(done.times())
    assert stored_events(call.pk)[-1].at == behind  # the event keeps what it was told
    check_time_in_state(session)


def test_a_reason_full_of_control_signs_is_kept_as_data(campaign: Campaign) -> None:
    call = dialed(campaign)
    reason = "a\0b\r\n\"'${EXTEN}; DROP TABLE calls_calltask;--"
    happen(call.pk, Kind.READY, verdict="HUMAN", reason=reason)
    row = next(row for row in stored_events(call.pk) if row.kind == "ready")
    assert row.data["reason"] == reason.replace("\0", " ")


def test_a_recording_is_started_once(campaign: Campaign) -> None:
    call = connected(campaign, make_session(campaign))
    happen(call.pk, Kind.BRIDGED, session=call.session_id)
    row = Recording.objects.for_tenant(campaign.tenant).get(call=call)
    assert row.path == services.recording_path(get_call(call.pk))


@pytest.mark.parametrize(
    ("kind", "details", "queries"),
    [
        # Read and lock the call; write the event and the row.
        (Kind.ANSWERED, {}, 3),
        # … another event, claim an agent and note their state (3), and book a live answer.
        (Kind.READY, {"verdict": "HUMAN"}, 7),
        # … lock the agent, note and write their state (3), and note the recording.
        (Kind.BRIDGED, {"session": 0}, 7),
        # … and lock and write the lead (2).
        (Kind.HUNG_UP, {"cause": 16}, 8),
    ],
)
def test_what_an_event_costs(campaign: Campaign, kind: Kind, details: dict[str, object], queries: int) -> None:
    session = make_session(campaign)
    call = dialed(campaign)
    told: list[tuple[Kind, dict[str, object]]] = [
        (Kind.ANSWERED, {}),
        (Kind.READY, {"verdict": "HUMAN"}),
        (Kind.BRIDGED, {"session": session.pk}),
        (Kind.HUNG_UP, {"cause": 16}),
    ]
    for earlier, how in told[: [one for one, _ in told].index(kind)]:
        happen(call.pk, earlier, **how)
    how = {name: session.pk if name == "session" else value for name, value in details.items()}
    with CaptureQueriesContext(
        connection,
    ) as caught:
        happen(call.pk, kind, **how)
    asked = [query["sql"] for query in caught if "SAVEPOINT" not in query["sql"]]
    assert len(asked) == queries, "\n".join(asked)


# --- at once ---


@pytest.mark.django_db(transaction=True)
def test_the_end_told_by_many_at_once_ends_a_call_once(campaign: Campaign) -> None:
    for _ in range(5):
        session, lead = make_session(campaign), make_lead(campaign)
        call = connected(campaign, session, lead)
        ends = at_once(
            [partial(services.apply_event, call_id=call.pk, event=Event(Kind.HUNG_UP, cause=16), at=now())] * 3
            + [partial(services.apply_event, call_id=call.pk, event=Event(Kind.MISSING), at=now())] * 2
        )
        assert sum(end is not None and end.ended_now for end in ends) == 1
        assert get_lead(lead.pk).attempts == 1
        assert len([row for row in stored_events(call.pk) if row.state == CallState.ENDED]) == 1
        agents.apply(session_id=session.pk, event=AgentEvent(AgentKind.ENDED), at=now(), notice="")


@pytest.mark.django_db(transaction=True)
def test_one_agent_and_two_people_who_wait(campaign: Campaign) -> None:
    for _ in range(5):
        calls = [dialed(campaign) for _ in range(2)]
        session = make_session(campaign)
        ready = [
            partial(services.apply_event, call_id=call.pk, event=Event(Kind.READY, verdict="HUMAN"), at=now())
            for call in calls
        ]
        at_once(ready)
        assert sorted(bool(get_call(call.pk).session_id) for call in calls) == [False, True]
        for call in calls:
            happen(call.pk, Kind.HUNG_UP, cause=16)
        assert get_session(session.pk).state == AgentState.READY
        agents.apply(session_id=session.pk, event=AgentEvent(AgentKind.LEAVE_ASKED), at=now())


def _refused_is_fine(job: Callable[[], object]) -> None:
    with suppress(agents.NotNow):
        job()


NOT_TOLD = (Kind.PLACED, Kind.EXPIRED, Kind.CLAIMED, Kind.NO_AGENT, Kind.HANDED, Kind.DROPPED)
"""What only our own services say, of an agent whom they reserved before."""


def _one_of_the_floor(campaign: Campaign, sessions: list[int], calls: list[UUID], seed: int) -> None:
    """What switch, agents, supervisors and timers do, at random; any database error ends the test."""
    chance = random.Random(seed)
    kinds = [kind for kind in Kind if kind not in NOT_TOLD]
    weights = [0.4 if kind in (Kind.HUNG_UP, Kind.MISSING, Kind.REFUSED) else 2 for kind in kinds]
    agent_kinds = [
        AgentKind.LEG_UP,
        AgentKind.LEG_LOST,
        AgentKind.SCREEN_LOST,
        AgentKind.READY_ASKED,
        AgentKind.READY_ASKED,
        AgentKind.PAUSE_ASKED,
    ]
    for _ in range(70):
        call_id, session_id = chance.choice(calls), chance.choice(sessions)
        match chance.choices(("call", "agent", "dispose", "wait", "bridge"), (5, 4, 2, 2, 4))[0]:
            case "call":
                event = Event(chance.choices(kinds, weights)[0], session=session_id, verdict="HUMAN", cause=16)
                services.apply_event(call_id=call_id, event=event, at=now())
            case "bridge":
                on = CallTask.objects.across_tenants().values_list("session_id", flat=True).get(pk=call_id)
                services.apply_event(call_id=call_id, event=Event(Kind.BRIDGED, session=on), at=now())
            case "agent":
                event_of_agent = AgentEvent(chance.choice(agent_kinds), code="BREAK")
                _refused_is_fine(partial(agents.apply, session_id=session_id, event=event_of_agent, at=now()))
            case "dispose":
                code = chance.choice(("SALE", "CALLBK", "DNC", "NI"))
                _refused_is_fine(partial(services.dispose, session_id=session_id, code=code))
            case "wait":
                services.claim_for_waiting(call_id=call_id, at=now())


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("seed", [1, 2])
def test_a_floor_at_random_stays_whole(campaign: Campaign, seed: int) -> None:
    """Six threads of accidents: no deadlock, and afterwards calls, agents, leads and their histories agree."""
    sessions = [make_session(campaign) for _ in range(4)]
    leads = make_leads(make_list(campaign), 12)
    calls = [dialed(campaign, lead) for lead in leads]
    ids = [call.pk for call in calls]
    keys = [session.pk for session in sessions]
    at_once([partial(_one_of_the_floor, campaign, keys, ids, seed * 100 + thread) for thread in range(6)])

    for call in (get_call(call_id) for call_id in ids):
        check_replay(call.pk)
        if call.state != CallState.ENDED and call.session_id is not None:
            assert get_session(call.session_id).call_id == call.pk
    for session in map(get_session, keys):
        if session.state in (AgentState.RESERVED, AgentState.IN_CALL):
            assert session.call is not None
            assert (session.call.session_id, session.call.state == CallState.ENDED) == (session.pk, False)

    for call_id in ids:
        happen(call_id, Kind.HUNG_UP, cause=16)
    for session in sessions:
        _refused_is_fine(partial(services.dispose, session_id=session.pk, code="NI"))
        assert get_session(session.pk).state in (AgentState.READY, AgentState.PAUSED)
        check_time_in_state(session)
    for call_id in ids:
        check_replay(call_id)
    for lead in leads:
        after = get_lead(lead.pk)
        assert after.state != LeadState.RESERVED
        assert after.attempts == 1


@pytest.mark.django_db(transaction=True)
def test_agents_of_one_campaign_get_no_call_of_another(campaign: Campaign) -> None:
    other = make_campaign(campaign.tenant)
    mine, theirs = make_session(campaign), make_session(other)
    call = dialed(campaign)
    happen(call.pk, Kind.READY, verdict="HUMAN")
    assert get_session(mine.pk).call_id == call.pk
    assert get_session(theirs.pk).call_id is None


@pytest.mark.parametrize(("waited_s", "outcome"), [(1.9, Outcome.EARLY_HANGUP), (2.2, Outcome.ABANDONED)])
def test_a_hang_up_heard_before_the_limit_was_noticed(campaign: Campaign, waited_s: float, outcome: Outcome) -> None:
    """Whoever waited for longer than allowed was abandoned, whatever a busy switchboard hears of first."""
    call = dialed(campaign)
    answered = now()
    for kind in (Kind.ANSWERED, Kind.READY):
        services.apply_event(call_id=call.pk, event=Event(kind), at=answered)
    gone = answered + timedelta(seconds=waited_s)
    applied = services.apply_event(call_id=call.pk, event=Event(Kind.HUNG_UP, cause=16), at=gone)
    assert applied is not None
    assert (applied.call.outcome, applied.call.hung_up_by) == (outcome, "customer")


@pytest.mark.parametrize("screened", [False, True])
@pytest.mark.parametrize(("waited_s", "outcome"), [(0.9, Outcome.EARLY_HANGUP), (2.2, Outcome.ABANDONED)])
def test_a_hang_up_of_somebody_whose_answer_nobody_told(
    campaign: Campaign, screened: bool, waited_s: float, outcome: Outcome
) -> None:
    """They answered while no switchboard listened: since when they had waited comes with the word of their going."""
    call = dialed(campaign)
    CallTask.objects.across_tenants().filter(pk=call.pk).update(screened=screened)
    answered = now() + timedelta(seconds=1)
    gone = answered + timedelta(seconds=waited_s)
    event = Event(Kind.HUNG_UP, cause=16, answered=True, verdict="HUMAN" if screened else "NONE", since=answered)
    applied = services.apply_event(call_id=call.pk, event=event, at=gone)
    assert applied is not None
    assert (applied.call.outcome, applied.call.hung_up_by) == (outcome, "customer")
    assert (applied.call.answered_at, applied.call.ended_at) == (answered, gone)
    assert list(call.events.order_by("seq").values_list("kind", flat=True))[-2:] == ["answered", "hung_up"]
    again = services.apply_event(call_id=call.pk, event=event, at=gone)
    assert again is not None
    assert again.call.last_seq == applied.call.last_seq
