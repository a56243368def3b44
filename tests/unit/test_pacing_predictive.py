"""Predictive pacing's promises, for any snapshot: caps kept, nothing without agents or budget, closed when unsure."""

from __future__ import annotations

from dataclasses import replace

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from dialer.pacing import AgentView, CallView, Decision, Ledger, Memory, Rules, Seen, Snapshot, decide

seconds = st.floats(0, 400, allow_nan=False)
agents = st.lists(
    st.builds(AgentView, st.sampled_from(["ready", "in_call", "wrapup", "reserved", "paused", "offline"]), seconds),
    max_size=30,
).map(tuple)
calls = st.lists(
    st.builds(
        CallView,
        st.sampled_from(["queued", "dialing", "ringing", "answered", "detecting", "human", "machine"]),
        st.floats(0, 45, allow_nan=False),
        st.booleans(),
        st.none() | st.floats(0, 30),
    ),
    max_size=60,
).map(tuple)


@st.composite
def ledgers(draw: st.DrawFn) -> Ledger:
    """Counters that hold together."""
    answered = draw(st.integers(0, 5000))
    day = draw(st.integers(0, answered))
    lost = draw(st.integers(0, answered))
    return Ledger(answered, lost, day, draw(st.integers(0, min(day, lost))))


seen = st.lists(
    st.builds(
        Seen,
        st.sampled_from(["answered", "machine", "failed", "talk_end", "wrap_end", "connected", "abandoned"]),
        seconds,
        st.floats(0, 4),
        st.booleans(),
        st.none() | seconds,
    ),
    max_size=12,
).map(tuple)

snapshots = st.builds(
    Snapshot,
    method=st.sampled_from(["predictive", "blended"]),
    level=st.just(1.0),
    agents=agents,
    calls=calls,
    max_lines=st.integers(0, 200),
    lines_in_use=st.integers(0, 200),
    at=st.floats(-100, 1e6),
    may_launch=st.none() | st.integers(-1, 50),
    seen=seen,
    ledger=st.none() | ledgers(),
    inbound_waiting=st.integers(0, 3),
    inbound_per_s=st.sampled_from([0.0, 0.0, 0.05]),
)
quick = settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])


def followed(first: Snapshot, then: Snapshot) -> Decision:
    """The second decision, with the first's memory."""
    return decide(replace(then, memory=decide(first).memory))


@quick
@given(snapshots, snapshots)
def test_never_negative_and_never_over_a_cap(first: Snapshot, then: Snapshot) -> None:
    decision = followed(first, then)
    assert 0 <= decision.launch <= max(0, then.max_lines - then.lines_in_use)
    assert then.may_launch is None or decision.launch <= max(0, then.may_launch)
    legal = sum(1 for c in then.calls if not c.taken and c.seconds >= then.rules.min_ring)
    assert 0 <= decision.cancel <= legal
    assert decision.reason.endswith(".")
    assert "nan" not in decision.reason
    assert all(value == value for value in decision.forecast.values())


@quick
@given(snapshots, snapshots)
def test_nothing_without_agents_nor_with_a_spent_ledger(first: Snapshot, then: Snapshot) -> None:
    away = tuple(replace(agent, state="paused") for agent in then.agents)
    assert followed(first, replace(then, agents=away)).launch == 0
    spent = replace(then.ledger or Ledger(), spent=True)
    assert followed(first, replace(then, ledger=spent)).launch == 0


@quick
@given(snapshots, snapshots)
def test_decides_from_its_inputs_alone(first: Snapshot, then: Snapshot) -> None:
    memory = decide(first).memory
    then = replace(then, memory=memory)
    assert decide(then) == decide(then)


@quick
@given(snapshots, snapshots, st.integers(0, 300), st.integers(0, 300))
def test_a_larger_budget_never_launches_fewer(first: Snapshot, then: Snapshot, more: int, fewer: int) -> None:
    """More answers on the books, or fewer abandonments among them, is a larger budget."""
    small = then.ledger or Ledger()
    large = replace(
        small,
        answered=small.answered + more,
        day_answered=small.day_answered + more,
        abandoned=max(small.day_abandoned - fewer, small.abandoned - fewer, 0),
        day_abandoned=max(0, small.day_abandoned - fewer),
    )
    memory = decide(first).memory
    narrow = decide(replace(then, ledger=small, memory=memory))
    wide = decide(replace(then, ledger=large, memory=memory))
    assert wide.launch >= narrow.launch
    assert wide.cancel <= narrow.cancel or "so pacing is progressive" in narrow.reason


@quick
@given(snapshots)
def test_unknown_counters_mean_progressive(snapshot: Snapshot) -> None:
    progressive = decide(replace(snapshot, method="progressive"))
    for ledger in (None, Ledger(certain=False), Ledger(answered=3, abandoned=9)):
        decision = decide(replace(snapshot, ledger=ledger))
        assert decision.launch == progressive.launch
        assert decision.cancel == 0
        assert "so pacing is progressive" in decision.reason


def test_one_agent_is_dialed_for_and_no_more() -> None:
    waiting = Snapshot("predictive", 1.0, (AgentView("ready", 5),), (), 50, 0, ledger=Ledger(400, 4, 400, 4))
    first = decide(waiting)
    assert first.launch >= 1
    ringing = tuple(CallView("ringing", 1.0) for _ in range(8))
    assert decide(replace(waiting, calls=ringing, at=1.0, memory=first.memory)).launch == 0


def test_reason_is_a_sentence_for_a_supervisor() -> None:
    floor = tuple(AgentView("ready", 5) for _ in range(3)) + tuple(AgentView("in_call", 40) for _ in range(9))
    decision = decide(Snapshot("predictive", 1.0, floor, (), 50, 0, ledger=Ledger(1200, 27, 400, 9)))
    assert decision.reason.startswith("3 agents free within 8 s, 0 ringing; launching")
    assert decision.reason.endswith("9 abandonments left of 36.")


def test_all_agents_leaving_at_once_gives_up_calls_that_rang_long() -> None:
    full = Snapshot(
        "predictive", 1.0, tuple(AgentView("ready", 5) for _ in range(20)), (), 300, 0, ledger=Ledger(900, 20, 900, 20)
    )
    memory: Memory | None = decide(full).memory
    calls = tuple(CallView("ringing", 18.0) for _ in range(12)) + tuple(CallView("ringing", 3.0) for _ in range(12))
    left = decide(replace(full, agents=(AgentView("in_call", 3.0),), calls=calls, at=1.0, memory=memory))
    assert left.launch == 0
    assert 0 < left.cancel <= 12
    forbidden = replace(full, agents=(AgentView("in_call", 3.0),), calls=calls, at=1.0, memory=memory,
                        rules=Rules(may_cancel=False))  # fmt: skip
    assert decide(forbidden).cancel == 0


def test_a_stepping_clock_teaches_nothing() -> None:
    snapshot = Snapshot(
        "predictive", 1.0, (AgentView("in_call", 30),), (CallView("ringing", 4),), 50, 0, ledger=Ledger(), at=1000.0
    )
    memory = decide(snapshot).memory
    assert memory is not None
    for at in (10.0, 5000.0):
        later = decide(replace(snapshot, at=at, memory=memory)).memory
        assert later is not None
        assert later.age == memory.age
        assert later.ring.p == memory.ring.p
        assert later.at == at


def test_the_answer_share_is_followed_through_a_step() -> None:
    """Calls are answered at 10 %, then at 40 %: within four minutes the belief is nearer the new share."""

    def picks_up(dialed: int) -> bool:
        return dialed % 10 < (1 if dialed < 900 else 4)

    snapshot = Snapshot("predictive", 1.0, (AgentView("in_call", 1),), (), 500, 0, ledger=Ledger(500, 5, 500, 5))
    memory, beliefs = None, []
    for second in range(1200):
        events = []
        if second >= 8 and picks_up(second - 8):
            events.append(Seen("answered", 8.0, 1.4))
        if second >= 26 and not picks_up(second - 26):
            events.append(Seen("failed", 26.0))
        ages = [age for age in range(1, 26) if second >= age and (age < 8 or not picks_up(second - age))]
        calls = tuple(CallView("ringing", float(age)) for age in ages)
        decision = decide(replace(snapshot, at=float(second), calls=calls, seen=tuple(events), memory=memory))
        memory = decision.memory
        assert memory is not None
        beliefs.append(memory.ring.p)
    assert 0.06 < beliefs[899] < 0.16
    assert beliefs[1140] > 0.25


def test_a_dead_trunk_is_not_flooded() -> None:
    """Nothing is ever answered: launches stay within what lines and seconds allow, and lines fill but once."""
    floor = tuple(AgentView("ready", 60) for _ in range(60))
    memory = None
    for second in range(60):
        full = tuple(CallView("ringing", 20.0) for _ in range(40))
        books = Ledger(500, 2, 500, 2)
        decision = decide(
            Snapshot("predictive", 1.0, floor, full, 40, 40, at=float(second), ledger=books, memory=memory)
        )
        memory = decision.memory
        assert decision.launch == 0
        assert decision.limits == ("max_lines",)
        assert "all 40 lines are in use" in decision.reason


def test_inbound_callers_take_agents() -> None:
    floor = tuple(AgentView("ready", 5) for _ in range(8)) + tuple(AgentView("in_call", 30) for _ in range(22))
    alone = Snapshot("blended", 1.0, floor, (), 300, 0, ledger=Ledger(900, 15, 900, 15))
    busy = replace(alone, inbound_waiting=4, inbound_per_s=0.3)
    assert decide(busy).launch < decide(alone).launch


def test_a_trunk_that_fails_every_call_is_tried_with_one_at_a_time() -> None:
    """Thirty calls fail at once: no flood, no lesson about the list, and the first call that rings ends it."""
    floor = tuple(AgentView("ready", 60) for _ in range(20))
    dead = Snapshot("predictive", 1.0, floor, (), 200, 0, ledger=Ledger(500, 2, 500, 2))
    memory, launched = None, 0
    for second in range(30):
        failed = tuple(Seen("failed", 0.6) for _ in range(min(10, launched)))
        decision = decide(replace(dead, at=float(second), seen=failed, memory=memory, may_launch=10))
        memory, launched = decision.memory, decision.launch
    assert memory is not None
    assert memory.trunk_dead
    assert launched == 1
    assert "the trunk is tried with one call at a time" in decision.reason
    assert memory.ring.p > 0.05
    on_trial = replace(dead, at=30.0, calls=(CallView("ringing", 1.0),), memory=memory)
    assert decide(on_trial).launch == 0
    rings = replace(dead, at=34.0, calls=(CallView("ringing", 5.0),), memory=decide(on_trial).memory)
    assert decide(rings).launch > 1


def test_calls_dialed_before_the_trunk_died_do_not_hide_that() -> None:
    floor = tuple(AgentView("ready", 60) for _ in range(20))
    dead = Snapshot("predictive", 1.0, floor, (), 200, 0, ledger=Ledger(500, 2, 500, 2), may_launch=10)
    memory = decide(dead).memory
    for second in range(1, 8):
        older = (CallView("ringing", 12.0 + second),)
        seen = (*([Seen("failed", 0.6)] * 5), Seen("failed", 20.0))
        decision = decide(replace(dead, at=float(second), calls=older, seen=seen, memory=memory))
        memory = decision.memory
    assert memory is not None
    assert memory.trunk_dead
    assert decision.launch == 0


def test_few_calls_are_given_up() -> None:
    """However many ring without hope, about one in five launches is given up, or what the campaign says."""
    full = Snapshot(
        "predictive", 1.0, tuple(AgentView("ready", 5) for _ in range(20)), (), 300, 0, ledger=Ledger(900, 20, 900, 20)
    )
    calls = tuple(CallView("ringing", 18.0) for _ in range(60))
    for share, most in ((0.2, 16), (0.0, 0), (1.0, 60)):
        rules = Rules(cancel_share=share)
        memory, given_up = decide(replace(full, rules=rules)).memory, 0
        away = replace(full, rules=rules, agents=(AgentView("in_call", 3.0),))
        for second in range(1, 9):
            gone = decide(replace(away, calls=calls[given_up:], at=float(second), memory=memory))
            memory = gone.memory
            given_up += gone.cancel
        assert given_up <= most
        assert given_up > 0 or share == 0.0
