"""The simulator behind what-if: deterministic, adds up, fits what it is given."""

from __future__ import annotations

from dataclasses import replace

from dialer.pacing import Rules
from dialer.pacing.simulator import World, fitted, simulate, what_if

SMALL = World(agents=4, hours=0.25, lines=40, calls_per_s=7.0, rules=Rules(seats=4))


def test_the_same_seed_gives_the_same_shift() -> None:
    assert simulate(SMALL, seed=3) == simulate(SMALL, seed=3)
    assert simulate(SMALL, seed=3) != simulate(SMALL, seed=4)


def test_time_and_calls_add_up() -> None:
    total = simulate(SMALL, seed=1).total()
    assert 0 < total.busy + total.idle <= 4 * 900.0 + 1e-6
    assert total.connected <= total.calls
    assert total.abandoned <= total.answered <= total.calls


def test_nobody_answers_nobody_is_busy() -> None:
    dead = replace(SMALL, answer=(0.0,), machine=0.0, fail=0.0)
    total = simulate(dead, seed=1, method="progressive").total()
    assert total.busy == 0.0
    assert total.answered == 0


def test_predictive_beats_progressive() -> None:
    world = replace(SMALL, hours=0.5)
    predictive, progressive = simulate(world, seed=2).total(), simulate(world, seed=2, method="progressive").total()
    assert predictive.busy > progressive.busy


def test_a_world_takes_what_was_seen_and_keeps_the_guess_for_the_rest() -> None:
    world = fitted(SMALL, dials=1000, answer_age=[9.0] * 300, fail_age=[1.0] * 70, talk=[60.0] * 200, wrap=[5.0] * 3)
    assert world.answer == (0.3,)
    assert set(world.talk) == {60.0}
    assert world.wrap == SMALL.wrap
    assert abs(world.fail - 0.1) < 1e-9


def test_what_if_gives_intervals_and_stops_in_time() -> None:
    heard: list[float] = []
    result = what_if(SMALL, runs=2, within_s=60.0, progress=heard.append)
    assert 0.0 < result.utilisation.mean < 1.0
    assert result.utilisation.give_or_take > 0.0
    assert len(result.series) == 3
    assert heard == [0.5, 1.0]
    assert what_if(SMALL, runs=50, within_s=0.0).runs == 1


def test_people_who_may_wait_for_longer_are_abandoned_less() -> None:
    world = replace(SMALL, hours=0.5, pauses_per_hour=0.0, rules=Rules(detection=False, seats=4))
    at_once = simulate(replace(world, wait=0.0), seed=1, method="ratio", level=3.0).total()
    patient = simulate(replace(world, wait=30.0), seed=1, method="ratio", level=3.0).total()
    assert patient.abandoned < at_once.abandoned
