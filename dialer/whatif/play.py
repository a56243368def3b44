"""`python -m dialer.whatif.play`: plays one world within a limit of time, in a process of its own.

The processor is for live calls first: this process makes way for everybody else. It reads one JSON object from standard
input (`Play`), writes a line {"progress": 0..1} now and then, and at last {"result": …}. It touches no database.
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, replace
from time import monotonic
from typing import Any

from dialer.pacing import Method
from dialer.pacing.simulator import BATCH_S, Run, World, simulate, summary

from .rules import played_method, world_from_json

NICER = 10
MOST_RUNS = 8
TRIAL_H = 0.1
SLOWER_LATER = 1.25
"""A floor in full swing costs this much more time than the trial's first minutes."""
SHORTEST_MIN, LONGEST_MIN = 30, 60
"""Minutes of a stress; and of an hour of the day that is played again at most."""
_SAY_EVERY_S = 0.2

Say = Callable[[float], None]


@dataclass(frozen=True, slots=True)
class Play:
    """`day`: (hour of the clock, answer share) in order. `stress` multiplies the share half-way; None for no change."""

    world: World
    method: Method
    level: float
    day: tuple[tuple[int, float], ...]
    stress: float | None
    within_s: float
    seed: int = 0

    @classmethod
    def from_json(cls, stored: Mapping[str, Any]) -> Play:
        """Read what the parent process wrote."""
        return cls(
            world_from_json(stored["world"]),
            played_method(stored["method"]),
            float(stored["level"]),
            tuple((int(hour), float(share)) for hour, share in stored["day"]),
            None if stored["stress"] is None else float(stored["stress"]),
            float(stored["within_s"]),
            int(stored["seed"]),
        )


def play(asked: Play, say: Say) -> dict[str, Any]:
    """Play as many shifts as fit into the time; what came of them, as JSON can hold it."""
    began = monotonic()
    affordable = _affordable_minutes(asked, began)
    world, minutes = plan(asked, affordable)
    wanted = max(1, min(MOST_RUNS, int(affordable / (world.hours * 60.0))))
    played: list[Run] = []
    said = began
    for number in range(wanted):

        def going(done: float, number: int = number) -> bool:
            nonlocal said
            at = monotonic()
            if at - said >= _SAY_EVERY_S:
                said = at
                say(min(1.0, max((number + done) / wanted, (at - began) / asked.within_s)))
            return at - began < asked.within_s

        if number and monotonic() - began >= asked.within_s:
            break
        run = simulate(world, seed=asked.seed + number, method=asked.method, level=asked.level, going=going)
        if not played or len(run.batches) == len(played[0].batches):
            played.append(run)
    return {"minutes": minutes, **_figures(asked, world, played)}


def plan(asked: Play, affordable_min: float) -> tuple[World, int]:
    """The shift to play, and how many minutes each hour of the day gets in it (of a stress: its whole length).

    A stress plays the last hour's share and changes it half-way.
    """
    world = asked.world
    if asked.stress is not None:
        spans = max(SHORTEST_MIN, min(LONGEST_MIN, int(affordable_min))) * 60 // int(2 * BATCH_S) * 2
        minutes = int(spans * BATCH_S / 60.0)
        share = asked.day[-1][1] if asked.day else world.answer[0]
        steady = replace(world, answer=(share,), hours=minutes / 60.0)
        return steady.with_answer_step(minutes // 2, asked.stress), minutes
    day = asked.day or ((0, world.answer[0]),)
    minutes = max(4, min(LONGEST_MIN, int(affordable_min / len(day))))
    shares = tuple(share for _, share in day for _ in range(minutes))
    return replace(world, answer=shares, hours=max(SHORTEST_MIN, len(shares)) / 60.0), minutes


def _affordable_minutes(asked: Play, began: float) -> float:
    """Minutes of this floor that can be played in what is left of the time, by a short trial."""
    mean = sum(share for _, share in asked.day) / len(asked.day) if asked.day else asked.world.answer[0]
    trial = replace(asked.world, hours=TRIAL_H, answer=(mean,))
    simulate(trial, seed=asked.seed + 1000, method=asked.method, level=asked.level)
    took = max(1e-3, monotonic() - began)
    return (asked.within_s - took) / (took / (TRIAL_H * 60.0) * SLOWER_LATER)


def _figures(asked: Play, world: World, played: list[Run]) -> dict[str, Any]:
    whole = asdict(summary(played))
    whole["agents"] = world.agents
    whole["span_min"] = BATCH_S / 60.0
    if asked.stress is not None:
        half = int(world.hours * 3600.0 / BATCH_S) // 2
        if min(len(run.batches) for run in played) > half:
            whole["before"] = asdict(summary(played, begin=1, end=half))
            whole["after"] = asdict(summary(played, begin=half))
    return whole


def main() -> int:
    """Be the child of `dialer.whatif.runner`."""
    os.nice(NICER)
    asked = Play.from_json(json.load(sys.stdin))

    def write(line: dict[str, Any]) -> None:
        sys.stdout.write(json.dumps(line) + "\n")
        sys.stdout.flush()

    result = play(asked, lambda done: write({"progress": round(done, 3)}))
    write({"result": result})
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
