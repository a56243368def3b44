"""The people, machines and agents of a simulation: samples of what a campaign saw, or of a guess at it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from math import log

import numpy as np

from ..types import Rules

Samples = tuple[float, ...]
_QUANTILES = 400
ENOUGH = 30
"""Fewer observations than this are not taken for a distribution; the guess stays."""


def lognormal(median: float, sigma: float, plus: float = 0.0, most: float = 1e9) -> Samples:
    """Evenly spaced quantiles of a lognormal, shifted by `plus`, at most `most`."""
    z = np.random.default_rng(0).standard_normal(4 * _QUANTILES)
    z.sort()
    return tuple(float(v) for v in np.minimum(plus + np.exp(log(median) + sigma * z), most))


def _ring_out() -> Samples:
    return tuple(float(v) for v in np.linspace(0.5, 3.5, 50))


@dataclass(frozen=True, slots=True)
class World:
    """All times in seconds. Ages count from the decision to dial. Shares are of dials unless said otherwise."""

    agents: int = 15
    hours: float = 1.0
    answer: Samples = (0.25,)
    """Share of dials that a person picks up, by minute; the last one stays."""
    answer_age: Samples = field(default_factory=lambda: lognormal(7.5, 0.5, plus=3.3))
    machine: float = 0.35
    """Share, among dials that no person picks up, of those that a machine does."""
    machine_age: Samples = field(default_factory=lambda: tuple(float(v) for v in np.linspace(14.0, 27.0, 100)))
    fail: float = 0.13
    """Likewise, of those that are busy or fail at once."""
    fail_age: Samples = field(default_factory=_ring_out)
    originate: Samples = field(default_factory=lambda: lognormal(1.3, 0.45))
    greeting: Samples = field(default_factory=lambda: lognormal(0.9, 0.3))
    person_lag: Samples = field(default_factory=lambda: lognormal(1.4, 0.3))
    machine_lag: Samples = field(default_factory=lambda: lognormal(2.6, 0.25))
    person_lost: float = 0.03
    """Share of people whom screening takes for a machine."""
    machine_passed: float = 0.08
    talk: Samples = field(default_factory=lambda: lognormal(18.0, 0.55) + lognormal(75.0, 0.75))
    wrap: Samples = field(default_factory=lambda: lognormal(11.0, 0.6, most=120.0))
    machine_talk: Samples = field(default_factory=lambda: lognormal(7.0, 0.4))
    machine_wrap: Samples = field(default_factory=lambda: lognormal(3.3, 0.6))
    pauses_per_hour: float = 0.8
    """Of each agent, taken when the call or wrap-up is over."""
    pause: Samples = field(default_factory=lambda: tuple(float(v) for v in np.linspace(10.0, 330.0, 100)))
    arrive: float = 60.0
    """Agents sign in over about so long; 0: all are ready at once, as after a meeting."""
    rules: Rules = field(default_factory=Rules)
    wait: float | None = None
    """How long the dialer lets a person wait after the verdict; None: `rules.patience` after their greeting."""
    cap: float = 0.03
    lines: int = 150
    calls_per_s: float = 14.0
    tick: float = 1.0

    def with_answer_step(self, minute: int, factor: float) -> World:
        """The same world, where the answer share is multiplied from `minute` on."""
        minutes = max(minute + 1, len(self.answer))
        shares = [self.answer[min(i, len(self.answer) - 1)] for i in range(minutes)]
        return replace(
            self, answer=tuple(min(0.9, share * factor) if i >= minute else share for i, share in enumerate(shares))
        )

    def share_at(self, seconds: float) -> float:
        """The answer share at a time of the shift."""
        return self.answer[min(int(seconds / 60.0), len(self.answer) - 1)]


def fitted(
    guess: World,
    *,
    dials: int = 0,
    answer_age: Sequence[float] = (),
    machine_age: Sequence[float] = (),
    fail_age: Sequence[float] = (),
    talk: Sequence[float] = (),
    wrap: Sequence[float] = (),
) -> World:
    """`guess` with what a campaign saw in its place: counts give shares, observed times their distributions.

    `answer_age` has an entry for each call passed to agents. Distributions with few observations stay the guess's.
    """
    world = guess
    if dials >= ENOUGH:
        share = min(0.9, max(0.005, len(answer_age) / dials))
        rest = max(1, dials - len(answer_age))
        world = replace(world, answer=(share,), machine=min(1.0, len(machine_age) / rest))
        world = replace(world, fail=min(1.0 - world.machine, len(fail_age) / rest))
    if len(answer_age) >= ENOUGH:
        world = replace(world, answer_age=thin(answer_age))
    if len(machine_age) >= ENOUGH:
        world = replace(world, machine_age=thin(machine_age))
    if len(fail_age) >= ENOUGH:
        world = replace(world, fail_age=thin(fail_age))
    if len(talk) >= ENOUGH:
        world = replace(world, talk=thin(talk))
    if len(wrap) >= ENOUGH:
        world = replace(world, wrap=thin(wrap))
    return world


def thin(values: Sequence[float]) -> Samples:
    """At most a few hundred quantiles of the values."""
    ordered = np.sort(np.asarray(values, dtype=float))
    if len(ordered) <= _QUANTILES:
        return tuple(float(v) for v in ordered)
    return tuple(float(v) for v in np.quantile(ordered, (np.arange(_QUANTILES) + 0.5) / _QUANTILES))
