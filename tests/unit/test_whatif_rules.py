"""What-if's worlds: what was seen counts, what was not stays a guess, settings change what they are about."""

from __future__ import annotations

import json
from dataclasses import replace
from random import Random
from statistics import fmean
from typing import Any

import pytest

from dialer.pacing.simulator import World
from dialer.whatif.play import Play, plan, play
from dialer.whatif.rules import (
    LARGEST_FLOOR,
    Hour,
    Observed,
    Settings,
    day_of,
    world_from_json,
    world_of,
    world_to_json,
)

TRIED = Settings(method="predictive", agents=6, ring_timeout=25.0)


def seen(**values: Any) -> Observed:
    """A campaign of 1000 dials: 250 people, 300 machines, 100 failed, 350 rang out."""
    chance = Random(3)
    ends = ["person"] * 250 + ["machine"] * 300 + ["failed"] * 100 + ["open"] * 350
    ages = [chance.uniform(4.0, 20.0) if end == "person" else 17.0 if end == "machine" else 25.0 for end in ends]
    ages = [1.0 if end == "failed" else age for age, end in zip(ages, ends, strict=True)]
    made = Observed(ages=ages, ends=ends, talk=[40.0] * 200, wrap=[10.0] * 100 + [20.0] * 100)
    return replace(made, **values)


def made_of(observed: Observed, settings: Settings = TRIED) -> World:
    return world_of(observed, settings, patience=2.0, lines=100)[0]


def test_the_world_is_the_campaigns_own() -> None:
    world, guesses = world_of(seen(), TRIED, patience=1.5, lines=80)
    assert abs(world.answer[0] - 0.25) < 0.03
    assert abs(world.machine * (1.0 - world.answer[0]) - 0.3) < 0.03
    assert set(world.talk) == {40.0}
    assert (world.agents, world.lines, world.rules.patience, world.rules.ring_timeout) == (6, 80, 1.5, 25.0)
    assert guesses.words == ()


def test_what_was_not_seen_is_a_guess_and_said_to_be() -> None:
    world, guesses = world_of(Observed(), TRIED, patience=2.0, lines=80)
    assert world.answer == World().answer
    assert guesses.words == ("answers", "conversations", "wrap-up")


def test_screening_hides_some_people() -> None:
    assert made_of(seen(screened=True)).answer[0] > made_of(seen()).answer[0]


def test_a_campaign_that_never_looked_for_machines_has_none_and_says_so() -> None:
    ends = ["person"] * 550 + ["failed"] * 100 + ["open"] * 350
    told = seen(ends=ends)
    world, guesses = world_of(told, replace(TRIED, detection=True), patience=2.0, lines=80)
    assert world.machine == 0.0
    assert "how many machines answer" in guesses.words[0]


def test_wrap_up_is_stretched_to_the_mean_asked_for() -> None:
    world = made_of(seen(), replace(TRIED, wrap=30.0))
    assert fmean(world.wrap) == pytest.approx(30.0)
    assert max(world.wrap) / min(world.wrap) == pytest.approx(2.0)


def test_a_large_floor_is_played_in_part() -> None:
    world = world_of(seen(), replace(TRIED, agents=600), patience=2.0, lines=1200)[0]
    assert (world.agents, world.lines) == (LARGEST_FLOOR, 300)


def test_pauses_are_those_that_were_taken() -> None:
    world = made_of(seen(pauses=[60.0] * 50, worked_h=100.0))
    assert (world.pauses_per_hour, set(world.pause)) == (0.5, {60.0})


def test_each_hour_has_its_own_answers_drawn_towards_the_day() -> None:
    world = replace(World(), answer=(0.2,))
    day = dict(day_of(world, [Hour(9, 1000, 100), Hour(10, 1000, 300), Hour(11, 10, 10)]))
    assert day[9] == pytest.approx(0.1, abs=0.01)
    assert day[10] == pytest.approx(0.3, abs=0.01)
    assert 0.2 < day[11] < 0.5
    assert day_of(world, [Hour(9, 5, 5)]) == ((9, 0.2),)


def test_worlds_and_settings_survive_the_way_through_json() -> None:
    world = made_of(seen())
    assert world_from_json(json.loads(json.dumps(world_to_json(world)))) == world
    assert Settings.from_json({**TRIED.to_json(), "gone": 1}) == TRIED


def asked(**values: Any) -> Play:
    day = tuple((hour, 0.25) for hour in range(9, 17))
    return replace(Play(World(agents=4), "progressive", 1.0, day, None, 5.0), **values)


def test_a_day_is_shortened_to_what_can_be_played() -> None:
    world, minutes = plan(asked(), affordable_min=80.0)
    assert minutes == 10
    assert world.hours * 60 == pytest.approx(80.0)
    assert plan(asked(), affordable_min=1e6)[1] == 60
    assert plan(asked(), affordable_min=0.0)[1] == 4


def test_a_stress_changes_the_answers_half_way() -> None:
    world, minutes = plan(asked(stress=2.0), affordable_min=45.0)
    assert minutes == 40
    assert [world.share_at(at * 60.0) for at in (0, 19, 20, 39)] == [0.25, 0.25, 0.5, 0.5]


def test_play_gives_figures_in_time_and_tells_how_far_it_is() -> None:
    heard: list[float] = []
    result = play(asked(within_s=1.0), heard.append)
    assert heard and all(0.0 <= share <= 1.0 for share in heard)
    assert 0.2 < result["utilisation"]["mean"] < 0.9
    assert result["calls_per_hour"]["mean"] > 10
    json.dumps(result)


def test_a_stress_tells_before_and_after() -> None:
    result = play(asked(stress=2.0, within_s=1.0), lambda _: None)
    assert result["after"]["utilisation"]["mean"] > result["before"]["utilisation"]["mean"]
