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


def test_the_risk_limit_does_not_wind_up_while_the_budget_is_shut() -> None:
    """Agents wait and calls for them are sure to find one: no reason to dare more later."""
    floor = tuple(AgentView("ready", 5.0) for _ in range(10))
    at_cap = Ledger(2000, 60, 2000, 60)

    def played(ledger: Ledger) -> tuple[float, float]:
        memory: Memory | None = None
        limits = []
        for second in range(300):
            calls = tuple(CallView("ringing", 3.0) for _ in range(second % 10))
            snapshot = Snapshot("predictive", 1.0, floor, calls, 100, 0, at=float(second), ledger=ledger, memory=memory)
            memory = decide(snapshot).memory
            assert memory is not None
            limits.append(memory.log_threshold)
        return limits[0], limits[-1]

    first, last = played(at_cap)
    assert last < first + 0.1
    first, last = played(replace(at_cap, abandoned=40, day_abandoned=40))
    assert last > first + 0.5


def test_how_long_a_call_may_wait_is_taken_from_who_knows() -> None:
    unknown, known = Rules(detection=False), Rules(detection=False, wait=1.2)
    assert Memory.fresh(unknown, 0.03).grace(unknown) == pytest.approx(2.9)
    assert Memory.fresh(known, 0.03).grace(known) == 1.2
