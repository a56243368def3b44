"""What pacing foretells comes to pass, and its risk limit stays where it was while the budget holds launches back."""

from __future__ import annotations

from dataclasses import replace

import pytest

from dialer.pacing import AgentView, CallView, Decision, Ledger, Memory, Rules, Snapshot, decide
from dialer.pacing.simulator import World, simulate
from dialer.pacing.simulator.world import lognormal

AT_ONCE = World(
    agents=30,
    hours=0.25,
    machine=0.0,
    fail=0.3,
    originate=(0.2,),
    talk=lognormal(28.0, 0.5),
    wrap=lognormal(8.0, 0.5),
    pauses_per_hour=0.0,
    rules=Rules(ring_timeout=22.0, detection=False, seats=30),
    wait=2.0,
    lines=150,
    calls_per_s=30.0,
)
"""Of every hundred calls fifty ring out, all at the very same age."""


@pytest.mark.parametrize("seed", [1, 2])
def test_answers_come_as_foretold_where_all_calls_ring_out_at_the_same_age(seed: int) -> None:
    foretold, came = [], []

    def watched(snapshot: Snapshot) -> Decision:
        decision = decide(snapshot)
        foretold.append(decision.forecast.get("answers"))
        came.append(sum(1 for seen in snapshot.seen if seen.kind == "answered"))
        return decision

    simulate(AT_ONCE, seed=seed, policy=watched)
    # The forecast is for the middle of its last bin: seven seconds ahead.
    pairs = [(said, sum(came[i + 1 : i + 8])) for i, said in enumerate(foretold[:-8]) if i > 240 and said is not None]
    assert sum(said for said, _ in pairs) == pytest.approx(sum(true for _, true in pairs), rel=0.13)


@pytest.mark.parametrize("tick", [0.5, 2.0, 3.0])
@pytest.mark.parametrize("seed", [1, 2])
def test_the_answer_share_is_learned_alike_however_far_apart_decisions_are(tick: float, seed: int) -> None:
    """Calls answered or refused between two decisions were rung in seconds that nobody looked at."""

    def believed(tick: float) -> float:
        shares: list[float] = []

        def watched(snapshot: Snapshot) -> Decision:
            decision = decide(snapshot)
            if snapshot.at > 400.0 and decision.memory is not None:
                shares.append(decision.memory.ring.p)
            return decision

        world = World(agents=20, hours=0.25, lines=200, calls_per_s=17.0, tick=tick, rules=Rules(seats=20))
        simulate(world, seed=seed, policy=watched)
        return sum(shares) / len(shares)

    assert believed(tick) == pytest.approx(believed(1.0), rel=0.12)


def experienced(rules: Rules) -> Memory:
    """The memory of a campaign that has dialed enough to trust its forecast."""
    memory = Memory.fresh(rules, 0.03)
    memory.ring.reached, memory.ring.rung = 220.0, 1000.0
    return memory


def test_the_risk_limit_does_not_wind_up_while_the_budget_is_shut() -> None:
    """Agents wait and calls for them are sure to find one: no reason to dare more later."""
    floor = tuple(AgentView("ready", 5.0) for _ in range(10))
    at_cap = Ledger(2000, 60, 2000, 60)

    def played(ledger: Ledger) -> list[float]:
        memory: Memory | None = experienced(Rules())
        limits = []
        for second in range(300):
            calls = tuple(CallView("ringing", 3.0) for _ in range(second % 10))
            snapshot = Snapshot("predictive", 1.0, floor, calls, 100, 0, at=float(second), ledger=ledger, memory=memory)
            memory = decide(snapshot).memory
            assert memory is not None
            limits.append(memory.log_threshold)
        return limits

    shut = played(at_cap)
    assert max(shut) < shut[0] + 0.1
    free = played(replace(at_cap, abandoned=40, day_abandoned=40))
    assert max(free[100:]) > free[0] + 0.5


def test_how_long_a_call_may_wait_is_taken_from_who_knows() -> None:
    unknown, known = Rules(detection=False), Rules(detection=False, wait=1.2)
    assert Memory.fresh(unknown, 0.03).grace(unknown) == pytest.approx(2.9)
    assert Memory.fresh(known, 0.03).grace(known) == 1.2


def test_agents_are_kept_in_reserve_while_far_more_are_abandoned_than_was_foretold() -> None:
    floor = tuple(AgentView("ready", 5.0) for _ in range(10))
    ledger = Ledger(4000, 100, 4000, 100)

    def after(observed: float, decisions: int) -> Memory:
        memory = experienced(Rules(seats=20))
        for second in range(decisions):
            memory.observed, memory.predicted = observed, 10.0
            found = decide(
                Snapshot("predictive", 1.0, floor, (), 200, 0, at=float(second), ledger=ledger, memory=memory)
            ).memory
            assert found is not None
            memory = found
        return memory

    assert after(12.0, 60).reserve == 0.0
    kept = after(60.0, 60).reserve
    assert 0.3 < kept <= 3.0
    many, few = after(10.0, 1), after(10.0, 1)
    few.reserve = 3.0
    launches = [
        decide(Snapshot("predictive", 1.0, floor, (), 200, 0, at=1.0, ledger=ledger, memory=memory)).launch
        for memory in (many, few)
    ]
    assert launches[1] < launches[0]
