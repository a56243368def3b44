"""The cap is kept in worlds that the engine was not made on: played in the project's own simulator, an hour each."""

from __future__ import annotations

from dataclasses import replace

import pytest

from dialer.pacing import Rules
from dialer.pacing.simulator import World, simulate
from dialer.pacing.simulator.world import lognormal

PLAIN = World(agents=12, hours=1.0, lines=120, calls_per_s=12.0, rules=Rules(seats=12))
WORLDS = {
    "warm-up among people who all answer": replace(PLAIN, answer=(0.65,)),
    "hardly anybody answers": replace(PLAIN, answer=(0.05,)),
    "the answer share doubles": PLAIN.with_answer_step(25, 2.0),
    "the answer share halves and comes back": PLAIN.with_answer_step(20, 0.5).with_answer_step(40, 2.0),
    "long conversations": replace(PLAIN, talk=lognormal(240.0, 0.7), wrap=lognormal(30.0, 0.6)),
    "detection often wrong": replace(PLAIN, machine=0.7, person_lost=0.1, machine_passed=0.25),
    "no detection": replace(PLAIN, rules=Rules(detection=False, seats=12)),
    "one agent": replace(PLAIN, agents=1, hours=1.5, rules=Rules(seats=1)),
    "agents come and go": replace(PLAIN, pauses_per_hour=8.0),
    "a trunk of few lines": replace(PLAIN, lines=18, calls_per_s=1.0),
}
CHANCE = 3.0
"""Abandonments that an hour's count may be over the cap: an hour holds too few answers to be exact."""


@pytest.mark.parametrize("name", WORLDS)
def test_the_cap_is_kept(name: str) -> None:
    world = WORLDS[name]
    total = simulate(world, seed=5).total()
    assert total.connected > 5
    assert total.abandoned <= world.cap * total.answered + CHANCE
    progressive = simulate(world, seed=5, method="progressive").total()
    assert total.busy / (total.busy + total.idle) >= 0.98 * progressive.busy / (progressive.busy + progressive.idle)
