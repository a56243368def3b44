"""A floor that is ready all at once and a list of which nothing is known, or no longer: nobody pays for the guess."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dialer.pacing import AgentView, Decision, Ledger, Memory, Rules, Snapshot, decide
from dialer.pacing.ring import RingBelief
from dialer.pacing.simulator import World, simulate
from dialer.pacing.simulator.world import lognormal

AT_ONCE = World(
    agents=25,
    hours=0.1,
    answer=(0.55,),
    answer_age=lognormal(5.0, 0.5, plus=1.0),
    machine=0.0,
    fail=0.6,
    fail_age=tuple(0.2 + 0.02 * step for step in range(50)),
    originate=(0.2,),
    arrive=0.0,
    rules=Rules(ring_timeout=15.0, detection=False, seats=25),
    wait=2.0,
    lines=200,
    calls_per_s=1000.0,
    tick=0.5,
)
"""Half of all calls are answered, and of the others most are refused within a second: before anybody could answer."""


@pytest.mark.parametrize("agents", [5, 25, 100])
@pytest.mark.parametrize("answer", [0.15, 0.55, 0.75])
def test_a_new_list_is_not_dialed_as_if_it_were_known(agents: int, answer: float) -> None:
    """When what the prior says of refusals was taken for known, 25 agents abandoned up to a hundred in five minutes."""
    world = replace(
        AT_ONCE, agents=agents, answer=(answer,), lines=8 * agents, rules=replace(AT_ONCE.rules, seats=agents)
    )
    for seed in (1, 2):
        total = simulate(world, seed=seed).total()
        assert total.abandoned <= world.cap * total.answered + 3.0
        progressive = simulate(world, seed=seed, method="progressive").total()
        assert total.busy >= 0.98 * progressive.busy


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_after_a_break_the_list_is_learned_again(seed: int) -> None:
    """By day every fifth call was answered; in the evening every second is, and the floor comes back at once."""
    by_day = World(agents=25, hours=0.3, answer=(0.2,), arrive=0.0, lines=200, calls_per_s=1000.0, tick=0.5,
                   rules=Rules(seats=25))  # fmt: skip
    last: list[Memory | None] = [None]

    def day(snapshot: Snapshot) -> Decision:
        decision = decide(snapshot)
        last[0] = decision.memory
        return decision

    def evening(snapshot: Snapshot) -> Decision:
        at = snapshot.at + 3600.0 * (by_day.hours + 2.0)
        return decide(replace(snapshot, at=at, memory=snapshot.memory or last[0]))

    simulate(by_day, seed=seed, policy=day)
    total = simulate(replace(by_day, hours=0.1, answer=(0.5,)), seed=seed, policy=evening).total()
    assert total.abandoned <= by_day.cap * total.answered + 3.0


def test_what_is_learned_survives_a_short_break_and_fades_in_a_long_one() -> None:
    memory = Memory.fresh(Rules(), 0.03)
    memory.ring.reached, memory.ring.rung = 400.0, 2000.0
    assert not memory.learning(seats=20)
    memory.rested(300.0, seats=20)
    assert memory.ring.rung == 2000.0
    memory.rested(1800.0, seats=20)
    assert memory.learning(seats=20)
    assert memory.ring.rung == pytest.approx(45.0)  # half of the 90 that twenty seats need
    assert memory.ring.reached == pytest.approx(9.0)  # and the share is what it was


@given(rung=st.integers(0, 3000), share=st.floats(0.0, 1.0))
def test_the_most_that_may_answer_is_more_than_did(rung: int, share: float) -> None:
    belief = RingBelief.prior(25.0, False)
    belief.rung, belief.reached = float(rung), float(int(share * rung))
    assert 0.0 < belief.most <= 1.0
    assert belief.most >= min(1.0, belief.reached / max(1, rung))
    more = belief.copy()
    more.rung += 10.0
    assert more.most <= belief.most


def test_the_first_launch_is_a_call_for_each_agent_and_says_why() -> None:
    floor = tuple(AgentView("ready", 5.0) for _ in range(30))
    decision = decide(Snapshot("predictive", 1.0, floor, (), 500, 0, ledger=Ledger()))
    assert decision.launch == 30
    assert decision.limits == ("learning",)
    assert "launching 30: how many people answer is still being learned" in decision.reason
