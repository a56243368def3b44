"""The call's lifecycle under any order of events: doubled, missing, late, and never meant for it."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, replace
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dialer.calls.outcomes import Outcome, outcome_of_cause
from dialer.calls.rules import (
    DETECTION_SILENCE_MS,
    STORED_ACTS,
    Act,
    Call,
    CallState,
    Effect,
    Event,
    Kind,
    advance,
    final_outcome,
    owed,
    wait_limit_ms,
)

OWN = 1
"""The session that dials an own-agent call."""

STATUSES = ("", "BUSY", "CONGESTION", "CHANUNAVAIL", "NOANSWER", "CANCEL", "ANSWER", "DONTCALL", "no such word")

events = st.builds(
    Event,
    kind=st.sampled_from(Kind),
    cause=st.integers(0, 127),
    dial_status=st.sampled_from(STATUSES),
    verdict=st.sampled_from(("HUMAN", "MACHINE", "NOTSURE", "HANGUP", "NONE")),
    session=st.sampled_from((None, 1, 2, 3)),
    by=st.sampled_from(("", "agent", "supervisor", "system")),
    cut_off=st.booleans(),
    answered=st.booleans(),
    overdue=st.booleans(),
    since=st.sampled_from((None, datetime(2026, 11, 27, 12, tzinfo=UTC))),
)
# Left to chance alone few calls would get far, so most histories are a likely one with accidents.
LIKELY = (
    Event(Kind.PLACED),
    Event(Kind.RINGING),
    Event(Kind.ANSWERED),
    Event(Kind.READY, verdict="HUMAN"),
    Event(Kind.CLAIMED, session=2),
    Event(Kind.BRIDGED, session=2),
    Event(Kind.BRIDGED, session=OWN),
    Event(Kind.HUNG_UP, cause=16),
)
ACCIDENTS = (
    Event(Kind.BRIDGE_FAILED, session=2),
    Event(Kind.AGENT_GONE, session=2),
    Event(Kind.AGENT_GONE, session=OWN),
    Event(Kind.WAIT_EXPIRED),
    Event(Kind.MESSAGE_PLAYED),
    Event(Kind.HANG_UP_ASKED, by="agent"),
)


@st.composite
def histories(draw: st.DrawFn) -> list[Event]:
    """A likely history with events left out, doubled, swapped and thrown in; or any list at all."""
    if draw(st.integers(0, 4)) == 0:
        return draw(st.lists(events, max_size=30))
    told: list[Event] = []
    for likely in LIKELY:
        told += draw(st.lists(st.one_of(st.sampled_from(ACCIDENTS), events), max_size=2))
        told += [likely] * draw(st.sampled_from((1, 1, 1, 0, 2)))
    if draw(st.booleans()):
        left, right = (draw(st.integers(0, max(0, len(told) - 1))) for _ in "ab")
        if told:
            told[left], told[right] = told[right], told[left]
    return told


new_calls = st.one_of(
    st.builds(
        lambda screened, unsure, own: Call(
            screened=screened, unsure_to_agent=unsure, own_agent=own, session=OWN if own else None
        ),
        st.booleans(),
        st.booleans(),
        st.booleans(),
    ),
    st.just(Call(state=CallState.ANSWERED, inbound=True)),
)
answers = st.lists(st.sampled_from((None, 2, 2, 3)), max_size=8)
"""What claiming an agent comes to, each time it is asked: an agent's session, or nobody."""


@dataclass
class Step:
    """One event and what it did."""

    before: Call
    event: Event
    after: Call
    effects: tuple[Effect, ...]

    @property
    def acts(self) -> set[Act]:
        return {effect.act for effect in self.effects}


def play(call: Call, told: list[Event], claims: list[int | None]) -> list[Step]:
    """Let a history happen, with claims answered at once, as the shell around the lifecycle does."""
    steps: list[Step] = []
    todo = deque(told)
    free = deque(claims)
    while todo:
        event = todo.popleft()
        after, effects = advance(call, event)
        steps.append(Step(call, event, after, effects))
        call = after
        for effect in effects:
            if effect.act is Act.CLAIM_AGENT:
                session = free.popleft() if free else None
                todo.appendleft(Event(Kind.CLAIMED, session=session) if session else Event(Kind.NO_AGENT))
    return steps


@given(new_calls, histories(), answers)
def test_a_call_ends_once_and_for_good(call: Call, told: list[Event], claims: list[int | None]) -> None:
    ended: Call | None = None
    for step in play(call, told, claims):
        if ended is not None:
            assert step.after == ended
            assert step.acts <= {Act.RELEASE_AGENT}
        assert (step.after.state is CallState.ENDED) == (step.after.outcome is not None)
        if step.after.state is CallState.ENDED and ended is None:
            ended = step.after
            assert (Act.FINISH_LEAD in step.acts) is not call.inbound
            assert step.after.ending is None
        else:
            assert Act.FINISH_LEAD not in step.acts


@given(new_calls, histories(), answers, st.sampled_from((Kind.HUNG_UP, Kind.MISSING)), st.integers(0, 127))
def test_a_placed_call_whose_channel_is_gone_has_ended(
    call: Call, told: list[Event], claims: list[int | None], kind: Kind, cause: int
) -> None:
    steps = play(call, [Event(Kind.PLACED), *told, Event(kind, cause=cause)], claims)
    assert steps[-1].after.state is CallState.ENDED
    assert steps[-1].after.outcome is not None


@given(new_calls, histories(), answers)
def test_only_a_bridge_to_its_own_agent_connects_a_call(
    call: Call, told: list[Event], claims: list[int | None]
) -> None:
    for step in play(call, told, claims):
        connects = step.after.state is CallState.CONNECTED and step.before.state is not CallState.CONNECTED
        if connects:
            assert step.event.kind is Kind.BRIDGED
            assert step.before.state is CallState.HUMAN
            assert step.event.session == step.before.session == step.after.session is not None
            assert {Act.AGENT_CONNECTED, Act.RECORD} <= step.acts
        elif Act.AGENT_CONNECTED in step.acts:
            assert step.event.kind is Kind.HANDED
            assert step.before.state is step.after.state is CallState.CONNECTED
            assert step.event.session == step.after.session != step.before.session
        if not connects:
            assert Act.RECORD not in step.acts
        if step.after.outcome is Outcome.CONNECTED:
            assert CallState.CONNECTED in (step.before.state, CallState.CONNECTED if step.before.outcome else None)


@given(new_calls, histories(), answers)
def test_every_agent_handed_to_a_call_is_given_back_once(
    call: Call, told: list[Event], claims: list[int | None]
) -> None:
    held = {call.session} - {None}
    for step in play(call, [*told, Event(Kind.PLACED), Event(Kind.HUNG_UP)], claims):
        if step.event.kind is Kind.CLAIMED and step.event.session is not None:
            held.add(step.event.session)
        for effect in step.effects:
            if effect.act in (Act.RELEASE_AGENT, Act.WRAP_UP, Act.FREE_AGENT):
                assert effect.session in held
                held.discard(effect.session)
            if effect.act is Act.AGENT_CONNECTED and step.event.kind is Kind.HANDED:
                assert effect.session is not None
                held.add(effect.session)
        assert step.after.session is None or step.after.state is CallState.ENDED or step.after.session in held
    assert not held


@given(new_calls, histories(), answers)
def test_only_who_met_the_customer_or_dialed_wraps_up(call: Call, told: list[Event], claims: list[int | None]) -> None:
    for step in play(call, told, claims):
        if Act.WRAP_UP in step.acts:
            assert step.before.state is CallState.CONNECTED or call.own_agent
            assert step.after.state is CallState.ENDED or step.event.kind is Kind.HANDED


@given(new_calls, histories(), answers)
def test_a_bridge_is_asked_for_the_call_s_own_agent_only(
    call: Call, told: list[Event], claims: list[int | None]
) -> None:
    for step in play(call, told, claims):
        for effect in step.effects:
            if effect.act is Act.BRIDGE:
                assert effect.session is not None
                assert effect.session == step.after.session
                assert step.after.state is CallState.HUMAN
            if effect.act is Act.CLAIM_AGENT:
                assert step.after.state is CallState.HUMAN
                assert step.after.session is None
                assert step.after.ending is None


@given(new_calls, histories(), answers)
def test_a_live_person_never_meets_silence(call: Call, told: list[Event], claims: list[int | None]) -> None:
    asked: set[Act] = set()
    for step in play(call, told, claims):
        after = step.after
        asked |= step.acts
        if step.before.session is not None and after.session is None:
            asked = set(step.acts)  # whoever lost their agent is owed something new
        if after.state is CallState.HUMAN and after.session is None and after.ending is None:
            assert Act.START_WAIT in asked
        if after.state is CallState.HUMAN and after.session is not None and after.ending is None:
            assert Act.BRIDGE in asked
        if after.state is CallState.CONNECTED and after.ending is not None:
            assert after.ending is Outcome.MACHINE  # the dialplan is leaving a message, and hangs up after it
            assert owed(after) == ()
            continue
        if after.answered and after.ending is not None and after.state is not CallState.ENDED:
            assert asked & {Act.PLAY_MESSAGE, Act.HANG_UP}
        if after.ending is not None:
            assert owed(after)  # a switchboard that was away does it again


@given(new_calls, histories(), answers)
def test_the_same_event_again_changes_nothing(call: Call, told: list[Event], claims: list[int | None]) -> None:
    """What the switch is asked for may repeat (ending a channel, playing the message); what is stored may not."""
    for step in play(call, told, claims):
        if step.before.state is CallState.ENDED and step.event.kind is Kind.CLAIMED:
            continue  # every agent that comes too late is sent away
        again, effects = advance(step.after, step.event)
        late_agent = step.event.kind is Kind.CLAIMED and step.after.session != step.event.session
        assert again == step.after
        acts = {effect.act for effect in effects}
        assert acts <= {Act.HANG_UP, Act.PLAY_MESSAGE} | ({Act.RELEASE_AGENT} if late_agent else set())


@given(new_calls, histories(), answers)
def test_the_events_replayed_give_the_same_call(call: Call, told: list[Event], claims: list[int | None]) -> None:
    steps = play(call, told, claims)
    # What neither changed the call nor asked for anything is not stored.
    stored = [step for step in steps if step.after != step.before or step.effects]
    replayed = call
    for step in stored:
        replayed, effects = advance(replayed, step.event)
        assert (replayed, effects) == (step.after, step.effects)
    assert not steps or replayed == steps[-1].after


@given(new_calls, histories(), answers)
def test_states_only_move_forward(call: Call, told: list[Event], claims: list[int | None]) -> None:
    order = list(CallState)
    for step in play(call, told, claims):
        assert order.index(step.after.state) >= order.index(step.before.state)
        assert step.after.answered or not step.before.answered
        if step.before.hung_up_by:
            assert step.after.hung_up_by == step.before.hung_up_by


@given(new_calls, histories(), answers)
def test_nobody_who_picked_up_is_booked_as_not_reached(call: Call, told: list[Event], claims: list[int | None]) -> None:
    """A call known to be answered never ends as cancelled or by its cause: it could hide an abandonment."""
    for step in play(call, told, claims):
        ends = step.after.state is CallState.ENDED and step.before.state is not CallState.ENDED
        if ends and step.before.answered:
            assert step.after.outcome in {
                Outcome.CONNECTED,
                Outcome.ABANDONED,
                Outcome.EARLY_HANGUP,
                Outcome.MACHINE,
                Outcome.LOST,
            }


OF_CALLERS = {Outcome.LEFT_QUEUE, Outcome.OVERFLOW, Outcome.CLOSED}
turned_away = st.builds(Event, kind=st.just(Kind.TURNED_AWAY), reason=st.sampled_from(("closed", "nobody", "")))


@given(new_calls, histories(), answers, turned_away)
def test_whoever_calls_us_is_never_abandoned_and_whom_we_call_never_left_a_queue(
    call: Call, told: list[Event], claims: list[int | None], away: Event
) -> None:
    """What the law counts is of people whom we called; a caller's outcomes are their own."""
    for step in play(call, [away, *told], claims):
        found = {step.after.ending, step.after.outcome}
        assert not found & ({Outcome.ABANDONED, Outcome.EARLY_HANGUP} if call.inbound else OF_CALLERS)
        if call.inbound:
            assert not step.after.answered and not step.after.verdict
            assert step.after.state not in (CallState.QUEUED, CallState.DIALING, CallState.RINGING, CallState.DETECTING)


WAITS = Call(state=CallState.HUMAN, inbound=True)


@pytest.mark.parametrize(
    ("call", "told", "outcome", "by"),
    [
        (WAITS, [Event(Kind.HUNG_UP, cause=16)], Outcome.LEFT_QUEUE, "customer"),
        (replace(WAITS, state=CallState.ANSWERED), [Event(Kind.HUNG_UP, cause=16)], Outcome.LEFT_QUEUE, "customer"),
        (WAITS, [Event(Kind.WAIT_EXPIRED), Event(Kind.HUNG_UP)], Outcome.OVERFLOW, "customer"),
        (
            WAITS,
            [Event(Kind.WAIT_EXPIRED), Event(Kind.MESSAGE_PLAYED), Event(Kind.HUNG_UP)],
            Outcome.OVERFLOW,
            "system",
        ),
        (WAITS, [Event(Kind.HANG_UP_ASKED, by="supervisor"), Event(Kind.HUNG_UP)], Outcome.OVERFLOW, "supervisor"),
        (
            replace(WAITS, state=CallState.ANSWERED),
            [Event(Kind.TURNED_AWAY, reason="closed"), Event(Kind.MESSAGE_PLAYED), Event(Kind.HUNG_UP)],
            Outcome.CLOSED,
            "system",
        ),
        (WAITS, [Event(Kind.MISSING)], Outcome.LEFT_QUEUE, ""),
        (WAITS, [Event(Kind.MISSING, cut_off=True)], Outcome.LOST, ""),
        (
            WAITS,
            [Event(Kind.CLAIMED, session=2), Event(Kind.BRIDGED, session=2), Event(Kind.HUNG_UP, cause=16)],
            Outcome.CONNECTED,
            "customer",
        ),
    ],
)
def test_how_calls_to_us_end(call: Call, told: list[Event], outcome: Outcome, by: str) -> None:
    for event in told:
        call, _ = advance(call, event)
    assert (call.outcome, call.hung_up_by) == (outcome, by)


def test_whoever_waits_is_said_why_they_are_let_go() -> None:
    after, effects = advance(WAITS, Event(Kind.WAIT_EXPIRED))
    assert effects == (Effect(Act.PLAY_MESSAGE),) == owed(after)
    after, effects = advance(replace(WAITS, state=CallState.ANSWERED), Event(Kind.TURNED_AWAY, reason="closed"))
    assert effects == (Effect(Act.PLAY_MESSAGE),) == owed(after)
    assert owed(WAITS) == (Effect(Act.START_WAIT),)


def test_stored_acts_are_those_that_need_the_transaction() -> None:
    outside = {Act.START_WAIT, Act.BRIDGE, Act.RECORD, Act.PLAY_MESSAGE, Act.HANG_UP}
    assert set(Act) - STORED_ACTS == outside


# --- outcomes ---


@pytest.mark.parametrize("status", STATUSES)
def test_every_cause_gives_an_outcome_of_an_unanswered_call(status: str) -> None:
    unanswered = {
        Outcome.INVALID_NUMBER,
        Outcome.BUSY,
        Outcome.NO_ANSWER,
        Outcome.CONGESTION,
        Outcome.FAILED,
    }
    for cause in range(128):
        assert outcome_of_cause(cause, status) in unanswered


@pytest.mark.parametrize(
    ("cause", "status", "outcome"),
    [
        (1, "", Outcome.INVALID_NUMBER),
        (1, "CHANUNAVAIL", Outcome.INVALID_NUMBER),  # the cause decides, not the status
        (28, "CONGESTION", Outcome.INVALID_NUMBER),
        (17, "", Outcome.BUSY),
        (17, "NOANSWER", Outcome.BUSY),
        (21, "", Outcome.BUSY),
        (19, "", Outcome.NO_ANSWER),
        (18, "", Outcome.NO_ANSWER),
        (34, "CONGESTION", Outcome.CONGESTION),
        (27, "", Outcome.CONGESTION),
        (0, "", Outcome.NO_ANSWER),
        (16, "", Outcome.NO_ANSWER),
        (0, "BUSY", Outcome.BUSY),
        (16, "BUSY", Outcome.BUSY),
        (0, "CHANUNAVAIL", Outcome.CONGESTION),
        (26, "CANCEL", Outcome.NO_ANSWER),
        (127, "", Outcome.FAILED),
        (127, "CONGESTION", Outcome.CONGESTION),
        (3, "", Outcome.FAILED),
    ],
)
def test_causes_and_their_outcomes(cause: int, status: str, outcome: Outcome) -> None:
    assert outcome_of_cause(cause, status) is outcome
    ringing = Call(state=CallState.RINGING)
    assert final_outcome(ringing, Event(Kind.HUNG_UP, cause=cause, dial_status=status)) is outcome


def ends(*told: Event, **how: object) -> Call:
    """A call after these events, placed first."""
    call = replace(Call(), **how)  # type: ignore[arg-type]
    steps = play(call, [Event(Kind.PLACED), *told], [2])
    return steps[-1].after


READY = Event(Kind.READY, verdict="HUMAN")
GONE = Event(Kind.HUNG_UP, cause=16)
GONE_WHILE_UP = Event(Kind.HUNG_UP, cause=16, answered=True)


@pytest.mark.parametrize(
    ("told", "outcome", "by"),
    [
        ((READY, Event(Kind.BRIDGED, session=2), GONE), Outcome.CONNECTED, "customer"),
        (
            (READY, Event(Kind.BRIDGED, session=2), Event(Kind.HANG_UP_ASKED, by="agent"), GONE),
            Outcome.CONNECTED,
            "agent",
        ),
        ((READY, Event(Kind.BRIDGED, session=2), Event(Kind.AGENT_GONE, session=2), GONE), Outcome.CONNECTED, "agent"),
        ((Event(Kind.ANSWERED), GONE), Outcome.EARLY_HANGUP, "customer"),
        ((READY, GONE), Outcome.EARLY_HANGUP, "customer"),
        ((READY, Event(Kind.HANG_UP_ASKED, by="supervisor"), GONE), Outcome.ABANDONED, "supervisor"),
        ((Event(Kind.HANG_UP_ASKED, by="agent"), GONE), Outcome.CANCELLED, "agent"),
        (
            (Event(Kind.RINGING), Event(Kind.HANG_UP_ASKED, by="agent"), Event(Kind.ANSWERED), GONE),
            Outcome.ABANDONED,
            "agent",
        ),
        # The word of the answer is overtaken by that of the end, which says that the channel was up.
        ((Event(Kind.RINGING), GONE_WHILE_UP, Event(Kind.ANSWERED)), Outcome.EARLY_HANGUP, "customer"),
        ((Event(Kind.HANG_UP_ASKED, by="agent"), GONE_WHILE_UP), Outcome.ABANDONED, "agent"),
        ((READY, Event(Kind.BRIDGED, session=2), GONE_WHILE_UP), Outcome.CONNECTED, "customer"),
        ((Event(Kind.READY, verdict="MACHINE"), GONE), Outcome.MACHINE, "system"),
        ((Event(Kind.READY, verdict="HANGUP"), GONE), Outcome.EARLY_HANGUP, "customer"),
        ((Event(Kind.REFUSED, cause=0),), Outcome.FAILED, ""),
        ((Event(Kind.REFUSED, cause=34),), Outcome.CONGESTION, ""),
        ((Event(Kind.MISSING),), Outcome.LOST, ""),
        ((READY, Event(Kind.BRIDGED, session=2), Event(Kind.MISSING)), Outcome.CONNECTED, ""),
        ((READY, Event(Kind.MISSING)), Outcome.ABANDONED, ""),
        ((Event(Kind.MISSING, answered=True, verdict="NONE"),), Outcome.ABANDONED, ""),
        ((Event(Kind.MISSING, answered=True, verdict="MACHINE"),), Outcome.MACHINE, ""),
        (
            (READY, Event(Kind.CLAIMED, session=2), Event(Kind.BRIDGE_FAILED, session=2, unattended=True), GONE),
            Outcome.ABANDONED,
            "customer",
        ),
    ],
)
def test_how_calls_end(told: tuple[Event, ...], outcome: Outcome, by: str) -> None:
    call = ends(*told)
    assert (call.outcome, call.hung_up_by) == (outcome, by)


@pytest.mark.parametrize(
    ("told", "outcome"),
    [
        (Event(Kind.MISSING, answered=True, verdict="DETECTING"), Outcome.EARLY_HANGUP),
        (Event(Kind.MISSING, answered=True, verdict="DETECTING", cut_off=True), Outcome.LOST),
        (Event(Kind.MISSING, answered=True, verdict="HUMAN"), Outcome.ABANDONED),
        (Event(Kind.MISSING, answered=True, verdict="MACHINE"), Outcome.MACHINE),
        (Event(Kind.MISSING), Outcome.LOST),
    ],
)
def test_a_screened_call_that_nobody_saw_end_is_what_the_switch_remembers(told: Event, outcome: Outcome) -> None:
    ringing = Call(state=CallState.RINGING, screened=True)
    ended, _ = advance(ringing, told)
    assert (ended.outcome, ended.answered) == (outcome, told.answered)


@pytest.mark.parametrize(
    ("verdict", "overdue", "outcome"),
    [
        ("DETECTING", False, Outcome.EARLY_HANGUP),
        ("HUMAN", False, Outcome.EARLY_HANGUP),
        ("HUMAN", True, Outcome.ABANDONED),
        ("MACHINE", True, Outcome.MACHINE),
        ("NOTSURE", True, Outcome.ABANDONED),
    ],
)
def test_of_a_call_whose_answer_nobody_told_the_hang_up_says_what_it_was(
    verdict: str, overdue: bool, outcome: Outcome
) -> None:
    ringing = Call(state=CallState.RINGING, screened=True)
    since = datetime(2026, 11, 27, 12, tzinfo=UTC)
    told = Event(Kind.HUNG_UP, cause=16, answered=True, verdict=verdict, since=since, overdue=overdue)
    ended, _ = advance(ringing, told)
    assert (ended.outcome, ended.answered, ended.hung_up_by) == (outcome, True, "customer")
    assert ended.verdict == verdict.replace("DETECTING", "")


def test_nobody_in_time_plays_the_message_then_hangs_up_as_abandoned() -> None:
    steps = play(Call(), [Event(Kind.PLACED), READY, Event(Kind.WAIT_EXPIRED), Event(Kind.MESSAGE_PLAYED), GONE], [])
    assert [step.acts for step in steps if step.acts] == [
        {Act.CLAIM_AGENT, Act.START_WAIT},
        {Act.PLAY_MESSAGE},
        {Act.HANG_UP},
        {Act.FINISH_LEAD},
    ]
    assert (steps[-1].after.outcome, steps[-1].after.hung_up_by) == (Outcome.ABANDONED, "system")


def test_whose_agent_is_lost_before_they_meet_gets_another_or_waits() -> None:
    steps = play(Call(), [Event(Kind.PLACED), READY, Event(Kind.BRIDGE_FAILED, session=2)], [2, None])
    assert [(effect.act, effect.session) for effect in steps[3].effects] == [
        (Act.RELEASE_AGENT, 2),
        (Act.CLAIM_AGENT, None),
        (Act.START_WAIT, None),
    ]
    assert (steps[-1].after.state, steps[-1].after.session) == (CallState.HUMAN, None)


def test_a_limit_that_runs_out_while_an_agent_is_being_connected_is_nothing() -> None:
    waiting = play(Call(), [Event(Kind.PLACED), READY], [2])[-1].after
    assert advance(waiting, Event(Kind.WAIT_EXPIRED)) == (waiting, ())


def test_who_picked_up_while_we_cancelled_counts_as_abandoned_though_nobody_saw_the_answer() -> None:
    assert ends(Event(Kind.HANG_UP_ASKED, by="agent"), READY, GONE).outcome is Outcome.ABANDONED


@pytest.mark.parametrize("told", [(), (Event(Kind.MESSAGE_PLAYED, cut_off=True),)])
def test_who_hangs_up_during_the_message_was_abandoned_all_the_same(told: tuple[Event, ...]) -> None:
    steps = play(Call(), [Event(Kind.PLACED), READY, Event(Kind.WAIT_EXPIRED), *told, GONE], [])
    assert (steps[-1].after.outcome, steps[-1].after.hung_up_by) == (Outcome.ABANDONED, "customer")


@pytest.mark.parametrize("unsure_to_agent", [True, False])
def test_unsure_verdicts_go_where_the_campaign_says(unsure_to_agent: bool) -> None:
    call = Call(screened=True, unsure_to_agent=unsure_to_agent)
    after = play(call, [Event(Kind.PLACED), Event(Kind.READY, verdict="NOTSURE")], [])[-1].after
    assert after.state is (CallState.HUMAN if unsure_to_agent else CallState.MACHINE)


def test_an_expired_call_is_cancelled_only_while_it_is_queued() -> None:
    queued, _ = advance(Call(), Event(Kind.EXPIRED))
    assert (queued.outcome, queued.hung_up_by) == (Outcome.CANCELLED, "system")
    dialing, effects = advance(Call(state=CallState.DIALING), Event(Kind.EXPIRED))
    assert (dialing.state, effects) == (CallState.DIALING, ())


def test_a_screened_person_has_waited_for_the_detector_already() -> None:
    assert wait_limit_ms(2000, screened=False) == 2000
    assert wait_limit_ms(2000, screened=True) == 2000 - DETECTION_SILENCE_MS
    assert wait_limit_ms(200, screened=True) == 0
