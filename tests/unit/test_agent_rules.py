"""The agent's lifecycle under any order of events."""

from __future__ import annotations

from dataclasses import replace
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dialer.agents.rules import (
    CALLBACK_DUE,
    JOINED,
    PHONE_LOST,
    SCREEN_LOST,
    Agent,
    AgentState,
    Event,
    Kind,
    Refusal,
    advance,
)

CALLS = tuple(UUID(int=number) for number in (1, 2))
BUSY = (AgentState.RESERVED, AgentState.IN_CALL)
WITH_A_CALL = (*BUSY, AgentState.WRAPUP)

# A reservation always names its call; anything else may come without one.
events = st.one_of(
    st.builds(Event, kind=st.just(Kind.RESERVED), call=st.sampled_from(CALLS), own=st.booleans()),
    st.builds(Event, kind=st.just(Kind.LEG_AWAY), own=st.booleans()),
    st.builds(
        Event,
        kind=st.sampled_from([kind for kind in Kind if kind is not Kind.RESERVED]),
        call=st.sampled_from((None, *CALLS)),
        code=st.sampled_from(("", "BREAK", "LUNCH")),
    ),
)
LIKELY = (
    Event(Kind.LEG_UP),
    Event(Kind.READY_ASKED),
    Event(Kind.RESERVED, call=CALLS[0]),
    Event(Kind.CONNECTED, call=CALLS[0]),
    Event(Kind.CALL_ENDED, call=CALLS[0]),
    Event(Kind.DISPOSED),
)


@st.composite
def histories(draw: st.DrawFn) -> list[Event]:
    """A likely shift with accidents thrown in, or any list at all."""
    if draw(st.integers(0, 3)) == 0:
        return draw(st.lists(events, max_size=30))
    told: list[Event] = []
    for likely in LIKELY * draw(st.integers(1, 2)):
        told += draw(st.lists(events, max_size=2))
        told += [likely] * draw(st.sampled_from((1, 1, 1, 0, 2)))
    return told


def play(told: list[Event]) -> list[tuple[Agent, Event, Agent | Refusal]]:
    """Let a history happen to an agent who has just joined."""
    agent = Agent()
    steps: list[tuple[Agent, Event, Agent | Refusal]] = []
    for event in told:
        answer = advance(agent, event)
        steps.append((agent, event, answer))
        agent = agent if isinstance(answer, Refusal) else answer
    return steps


@given(histories())
def test_what_is_always_true_of_an_agent(told: list[Event]) -> None:
    for _, _, after in play(told):
        if isinstance(after, Refusal):
            assert after.reason
            continue
        if after.state is AgentState.READY:
            assert after.leg_up or after.leg_away
            assert not after.pause_after
        assert not (after.leg_up and after.leg_away)
        assert (after.call is not None) == (after.state in WITH_A_CALL)
        assert bool(after.pause_code) == (after.state is AgentState.PAUSED)
        if after.pause_after:
            assert after.state in WITH_A_CALL
        if after.state is AgentState.OFFLINE:
            assert not after.leg_up
            assert not after.leg_away


@given(histories())
def test_a_leg_that_is_away_takes_nothing_from_the_agent(told: list[Event]) -> None:
    for before, event, after in play(told):
        if event.kind is not Kind.LEG_AWAY or isinstance(after, Refusal) or before.state is AgentState.OFFLINE:
            continue
        assert (after.state, after.call, after.pause_after) == (before.state, before.call, before.pause_after)
        assert not after.leg_up
        assert after.leg_away == (event.own or before.state is not AgentState.RESERVED)


@given(histories())
def test_wrapup_is_left_by_a_disposition_or_the_end_of_the_session(told: list[Event]) -> None:
    for before, event, after in play(told):
        if before.state is not AgentState.WRAPUP or isinstance(after, Refusal):
            continue
        if after.state is not AgentState.WRAPUP:
            assert event.kind in (Kind.DISPOSED, Kind.ENDED)
        else:
            assert after.call == before.call


@given(histories())
def test_a_call_is_left_only_by_word_of_that_call(told: list[Event]) -> None:
    for before, event, after in play(told):
        if isinstance(after, Refusal) or before.state not in BUSY or after.state in BUSY:
            continue
        assert event.kind is Kind.ENDED or (
            event.kind in (Kind.RELEASED, Kind.CALL_ENDED, Kind.FREED) and event.call == before.call
        )


@given(histories())
def test_a_wrapup_is_extended_once(told: list[Event]) -> None:
    extended: UUID | None = None
    for before, event, after in play(told):
        if (
            event.kind is Kind.EXTEND_ASKED
            and not isinstance(after, Refusal)
            and before.state is not AgentState.OFFLINE
        ):
            assert before.state is AgentState.WRAPUP
            assert not before.wrapup_extended
            extended = before.call
        if isinstance(after, Refusal):
            continue
        if after.wrapup_extended:
            assert after.state is AgentState.WRAPUP
            assert after.call == extended


@given(histories())
def test_a_busy_agent_is_never_reserved_again(told: list[Event]) -> None:
    for before, event, after in play(told):
        if event.kind is Kind.RESERVED and before.state in WITH_A_CALL:
            assert isinstance(after, Refusal)
        if event.kind is Kind.RESERVED and not before.leg_up and before.state is not AgentState.OFFLINE:
            assert isinstance(after, Refusal)
        if event.kind is Kind.RESERVED and not event.own and before.state is AgentState.PAUSED:
            assert isinstance(after, Refusal)


@given(histories())
def test_offline_is_the_end(told: list[Event]) -> None:
    offline = False
    for _, _, after in play(told):
        assert not (offline and isinstance(after, Refusal))
        assert not offline or (isinstance(after, Agent) and after.state is AgentState.OFFLINE)
        offline = isinstance(after, Agent) and after.state is AgentState.OFFLINE


@given(histories())
def test_the_system_is_never_refused(told: list[Event]) -> None:
    """What a person asks may be refused; what has happened has happened."""
    asked = {Kind.READY_ASKED, Kind.RESERVED, Kind.DISPOSED, Kind.LEAVE_ASKED, Kind.EXTEND_ASKED}
    for _, event, after in play(told):
        assert event.kind in asked or not isinstance(after, Refusal)


@given(histories())
def test_the_same_event_again_changes_nothing(told: list[Event]) -> None:
    for _, event, after in play(told):
        if isinstance(after, Agent):
            again = advance(after, event)
            assert isinstance(again, Refusal) or again == after


def agent(state: AgentState, **how: object) -> Agent:
    """An agent in a state, phone on the line."""
    base = Agent(
        state=state,
        pause_code="BREAK" if state is AgentState.PAUSED else "",
        leg_up=True,
        call=CALLS[0] if state in WITH_A_CALL else None,
    )
    return replace(base, **how)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("before", "event", "state", "code"),
    [
        (agent(AgentState.READY), Event(Kind.LEG_LOST), AgentState.PAUSED, PHONE_LOST),
        (agent(AgentState.READY), Event(Kind.SCREEN_LOST), AgentState.PAUSED, SCREEN_LOST),
        (agent(AgentState.READY), Event(Kind.PAUSE_ASKED, code="LUNCH"), AgentState.PAUSED, "LUNCH"),
        (agent(AgentState.READY), Event(Kind.PAUSE_ASKED), AgentState.PAUSED, "PAUSE"),
        (agent(AgentState.PAUSED), Event(Kind.READY_ASKED), AgentState.READY, ""),
        (agent(AgentState.WRAPUP), Event(Kind.DISPOSED), AgentState.READY, ""),
        (agent(AgentState.WRAPUP), Event(Kind.DISPOSED, call=CALLS[0]), AgentState.READY, ""),
        (agent(AgentState.WRAPUP, pause_after="LUNCH"), Event(Kind.DISPOSED), AgentState.PAUSED, "LUNCH"),
        (agent(AgentState.WRAPUP, leg_up=False), Event(Kind.DISPOSED), AgentState.PAUSED, PHONE_LOST),
        (agent(AgentState.RESERVED), Event(Kind.RELEASED, call=CALLS[0]), AgentState.READY, ""),
        (agent(AgentState.RESERVED, leg_up=False), Event(Kind.RELEASED, call=CALLS[0]), AgentState.PAUSED, PHONE_LOST),
        (agent(AgentState.RESERVED), Event(Kind.RELEASED, call=CALLS[1]), AgentState.RESERVED, ""),
        (agent(AgentState.RESERVED), Event(Kind.CALL_ENDED, call=CALLS[0]), AgentState.WRAPUP, ""),
        (agent(AgentState.PAUSED), Event(Kind.LEAVE_ASKED), AgentState.OFFLINE, ""),
        (agent(AgentState.IN_CALL), Event(Kind.ENDED), AgentState.OFFLINE, ""),
    ],
)
def test_moves(before: Agent, event: Event, state: AgentState, code: str) -> None:
    after = advance(before, event)
    assert isinstance(after, Agent)
    assert (after.state, after.pause_code) == (state, code)


@pytest.mark.parametrize(
    ("before", "event"),
    [
        (agent(AgentState.PAUSED, leg_up=False), Event(Kind.READY_ASKED)),
        (agent(AgentState.WRAPUP), Event(Kind.READY_ASKED)),
        (agent(AgentState.WRAPUP), Event(Kind.LEAVE_ASKED)),
        (agent(AgentState.IN_CALL), Event(Kind.LEAVE_ASKED)),
        (agent(AgentState.IN_CALL), Event(Kind.DISPOSED)),
        (agent(AgentState.READY), Event(Kind.DISPOSED)),
        (agent(AgentState.WRAPUP), Event(Kind.DISPOSED, call=CALLS[1])),
        (agent(AgentState.READY, leg_up=False), Event(Kind.RESERVED, call=CALLS[0], own=True)),
    ],
)
def test_refusals_say_what_to_do(before: Agent, event: Event) -> None:
    after = advance(before, event)
    assert isinstance(after, Refusal)
    assert after.reason.endswith(".")


def test_who_dials_while_paused_goes_back_to_that_pause() -> None:
    dialing = advance(agent(AgentState.PAUSED), Event(Kind.RESERVED, call=CALLS[0], own=True))
    assert isinstance(dialing, Agent)
    assert dialing.pause_after == "BREAK"


def test_who_has_just_joined_and_dials_is_ready_afterwards() -> None:
    joined = agent(AgentState.PAUSED, pause_code=JOINED)
    dialing = advance(joined, Event(Kind.RESERVED, call=CALLS[0], own=True))
    assert isinstance(dialing, Agent)
    assert dialing.pause_after == ""


def test_ready_during_a_call_takes_back_the_pause_after_it() -> None:
    wants = agent(AgentState.IN_CALL, pause_after="LUNCH")
    assert advance(wants, Event(Kind.READY_ASKED)) == agent(AgentState.IN_CALL)


def test_a_callback_shown_while_ready_does_not_end_in_a_pause() -> None:
    ready = Agent(state=AgentState.READY, pause_code="", leg_up=True)
    shown = advance(ready, Event(Kind.PAUSE_ASKED, code=CALLBACK_DUE))
    assert isinstance(shown, Agent)
    dialing = advance(shown, Event(Kind.RESERVED, call=CALLS[0], own=True))
    assert isinstance(dialing, Agent)
    assert dialing.pause_after == ""
