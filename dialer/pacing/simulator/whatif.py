"""What-if: several simulated shifts, their means and intervals, within a limit of time; and the stress view."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from math import sqrt
from time import monotonic

from ..types import Method
from .run import BATCH_S, Batch, Run, simulate
from .world import World

WARM_UP_BATCHES = 2
"""Spans at the start that count for nothing: agents sign in and the engine learns."""


@dataclass(frozen=True, slots=True)
class Interval:
    """A mean and the half-width of its 95 % interval."""

    mean: float
    give_or_take: float


@dataclass(frozen=True, slots=True)
class WhatIf:
    """Shares in 0..1; waits in seconds; calls an hour. `series`: utilisation and abandonment by span, for a picture."""

    utilisation: Interval
    abandonment: Interval
    wait_s: Interval
    calls_per_hour: Interval
    series: tuple[tuple[float, float], ...]
    runs: int


def what_if(
    world: World,
    *,
    runs: int = 4,
    seed: int = 0,
    within_s: float = 9.0,
    method: Method = "predictive",
    level: float = 1.0,
    progress: Callable[[float], None] | None = None,
) -> WhatIf:
    """Play up to `runs` shifts, stopping when another would not end within the time, and sum them up."""
    began, played = monotonic(), list[Run]()
    for i in range(runs):
        played.append(simulate(world, seed=seed + i, method=method, level=level))
        if progress:
            progress((i + 1) / runs)
        if (monotonic() - began) * (i + 2) / (i + 1) > within_s:
            break
    return summary(played)


def summary(played: list[Run], *, begin: int | None = None, end: int | None = None) -> WhatIf:
    """Means over the spans from `begin` (None: after the warm-up) to `end`, and intervals from their spread.

    Runs may have ended at different spans; the series is of all the spans that any of them reached.
    """
    longest = max(len(run.batches) for run in played)
    if begin is None:
        begin = WARM_UP_BATCHES if longest > 2 * WARM_UP_BATCHES else 0
    spans = [batch for run in played for batch in run.batches[begin:end]]
    series = tuple(_span([run.batches[i] for run in played if i < len(run.batches)]) for i in range(longest))
    return WhatIf(
        _ratio(spans, lambda b: b.busy, lambda b: b.busy + b.idle),
        _ratio(spans, lambda b: b.abandoned, lambda b: b.answered),
        _ratio(spans, lambda b: b.idle, lambda b: b.connected),
        _ratio(spans, lambda b: b.calls, lambda _: BATCH_S / 3600.0),
        series,
        len(played),
    )


def _span(batches: list[Batch]) -> tuple[float, float]:
    busy, idle = sum(b.busy for b in batches), sum(b.idle for b in batches)
    answered, abandoned = sum(b.answered for b in batches), sum(b.abandoned for b in batches)
    return busy / max(1e-9, busy + idle), abandoned / max(1, answered)


def _ratio(spans: list[Batch], above: Callable[[Batch], float], below: Callable[[Batch], float]) -> Interval:
    """A ratio of sums, with the usual interval for one (the spans taken as independent)."""
    tops, bottoms = [above(b) for b in spans], [below(b) for b in spans]
    base, count = sum(bottoms), len(spans)
    if base <= 0:
        return Interval(0.0, 0.0)
    ratio = sum(tops) / base
    if count < 2:
        return Interval(ratio, 0.0)
    rest = sum((t - ratio * b) ** 2 for t, b in zip(tops, bottoms, strict=True))
    return Interval(ratio, 1.96 * sqrt(rest * count / (count - 1)) / base)


def stress(world: World, *, factor: float = 2.0, seed: int = 0, within_s: float = 9.0) -> WhatIf:
    """The same shift, with the answer share multiplied half-way through: read the series from there on."""
    half = int(world.hours * 30.0)
    return what_if(replace(world.with_answer_step(half, factor)), runs=3, seed=seed, within_s=within_s)
