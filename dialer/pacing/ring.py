"""Learning how calls ring: at which age people pick up, at which age calls end otherwise, and what share is answered.

Ages are in seconds since the decision to dial, in bins of one second. "Answered" means passed to the agents.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import sqrt

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

GRID = np.exp(np.linspace(np.log(0.008), np.log(0.95), 56))
"""Answer shares that the belief is spread over, evenly in the logarithm (8.9 % apart)."""
LOG_P = np.log(GRID)
SCORE_STEP, SCORE_SIDE = 0.5, 5
"""Leads' scores are taken in classes half a logit apart, from -2.5 to 2.5; without scores only the middle one."""
_ODDS = np.log(GRID / (1.0 - GRID))
CLASS_P = 1.0 / (1.0 + np.exp(-(_ODDS[None, :] + SCORE_STEP * np.arange(-SCORE_SIDE, SCORE_SIDE + 1)[:, None])))
"""[class, grid]: the answer share of a lead of that class, when a middling lead's is GRID."""

_HALF_LIFE_ANSWERS = 1500.0
_HALF_LIFE_CALLS = 4500.0
_PRIOR_CALLS = 40.0
_AT_RISK = 0.75
"""What a call that ends counts as time at risk in the second in which it does, since time is counted for those that
ring on: all of that second when decisions are a second apart, half of it when they are close together."""
_MOST_STEP_S = 6.0
"""Decisions further apart than this are taken for this far apart in that count."""
_DIFFUSION_SD_PER_S = 0.008
"""How far the logarithm of the answer share wanders in a second; about 25 % in a quarter of an hour."""
_JUMP_PER_S = 4e-4
"""Chance a second that the list changes under us, to a share up to about two times higher or lower."""
AT_ONCE_S = 3.0
"""A call that fails sooner never rang."""


def _transition() -> Floats:
    """One second of drift and rare jumps of the answer share, as a matrix on GRID (rows: from)."""
    gap = LOG_P[None, :] - LOG_P[:, None]
    step = LOG_P[1] - LOG_P[0]
    side = 0.5 * (_DIFFUSION_SD_PER_S / step) ** 2  # chance to move one grid point up, and down
    drift = np.eye(len(GRID)) * (1 - 2 * side) + side * (np.eye(len(GRID), k=1) + np.eye(len(GRID), k=-1))
    jump = np.exp(-0.5 * (gap / 0.5) ** 2)
    jump /= jump.sum(1, keepdims=True)
    drift /= drift.sum(1, keepdims=True)
    return np.asarray((1 - _JUMP_PER_S) * drift + _JUMP_PER_S * jump)


_STEP = _transition()


@dataclass(slots=True)
class RingBelief:
    """What is believed of ringing; mutable, so copy before learning."""

    answered: Floats
    other: Floats
    at_risk: Floats
    """By second of age: calls answered, calls that ended otherwise, and the seconds that calls of that age rang."""
    share: Floats
    """Belief over GRID."""
    lag: float
    """Mean seconds from pick-up to the verdict of screening."""
    picked_person: Floats
    picked_machine: Floats
    reached: float = 0.0
    rung: float = 0.0
    """Of calls that rang and have ended, how many were passed to the agents, and how many there were."""
    undiffused: float = 0.0

    @classmethod
    def prior(cls, ring_timeout: float, detection: bool) -> RingBelief:
        """Belief before the first call: people pick up after about 9 s, most calls ring out at the timeout."""
        size = int(ring_timeout) + 14
        age = np.arange(size) + 0.5
        late = np.maximum(age - 2.5, 0.05)
        person = np.exp(-0.5 * ((np.log(late) - np.log(7.0)) / 0.6) ** 2) / late
        person /= person.sum()
        end = min(size - 3, int(ring_timeout))
        other = np.full(size, 0.05 / size)
        other[1:5] += 0.20 / 4
        other[max(5, end - 8) : end] += 0.20 / (end - max(5, end - 8))
        other[end + 1] += 0.40
        other[end + 2] += 0.15
        other /= other.sum()
        answer = 0.22
        begun = np.concatenate([[0.0], np.cumsum(answer * person + (1.0 - answer) * other)[:-1]])
        spread = np.exp(-0.5 * ((LOG_P - np.log(answer)) / 0.7) ** 2)
        machines = np.full(size, 0.5 if detection else 0.02)
        return cls(
            _PRIOR_CALLS * answer * person,
            _PRIOR_CALLS * (1.0 - answer) * other,
            _PRIOR_CALLS * np.maximum(1.0 - begun, 0.02),
            spread / spread.sum(),
            1.5 if detection else 0.0,
            0.3 + 5.0 * person,
            machines,
        )

    def copy(self) -> RingBelief:
        """A belief that may be changed without changing this one."""
        return RingBelief(
            self.answered.copy(),
            self.other.copy(),
            self.at_risk.copy(),
            self.share.copy(),
            self.lag,
            self.picked_person.copy(),
            self.picked_machine.copy(),
            self.reached,
            self.rung,
            self.undiffused,
        )

    @property
    def p(self) -> float:
        """The share of dials that will reach the agents."""
        return float(self.share @ GRID)

    @property
    def doubt(self) -> float:
        """How unsure `p` is: standard deviation over mean."""
        mean = self.p
        return float(np.sqrt(max(0.0, self.share @ (GRID * GRID) - mean * mean)) / mean)

    @property
    def most(self) -> float:
        """How large the share of ringing calls that reach the agents may well be, by those that have ended alone.

        It takes nothing for known: not when people pick up, and not how many calls end before they ring. Those who
        answer do so before the others ring out, so it is too high rather than too low. The mean and 1.3 standard
        deviations (nine chances in ten) of a beta distribution, which begins with two that answered and one that
        did not.
        """
        yes, no = 2.0 + self.reached, 1.0 + self.rung - self.reached
        mean = yes / (yes + no)
        return min(1.0, mean + 1.3 * sqrt(mean * (1.0 - mean) / (yes + no + 1.0)))

    def shapes(self) -> tuple[Floats, Floats]:
        """Distributions of the age at pick-up of answered calls, and of the age at the end of the others."""
        at_risk = np.maximum(self.at_risk, 1e-9)  # ages that nobody has reached for millions of calls
        answered, other = self.answered / at_risk, self.other / at_risk
        most = np.maximum(answered + other, 1.0)  # nobody ends more than once
        answered, other = answered / most, other / most
        ring_on = np.concatenate([[1.0], np.cumprod(1.0 - answered - other)])
        person, rest = answered * ring_on[:-1], other * ring_on[:-1]
        rest[-1] += ring_on[-1]
        return person / person.sum(), rest / rest.sum()

    def saw_answer(self, age: float, lag: float, score: float, table: RingTable, step: float = 1.0) -> None:
        """A call was picked up at `age` and passed to the agents `lag` seconds later.

        `step`: seconds between decisions, here and in `saw_other`: in the last of them nobody saw it ring.
        """
        at = min(len(self.answered) - 1, max(0, int(age)))
        self._ended(self.answered, at, step)
        keep = 0.5 ** (1.0 / _HALF_LIFE_ANSWERS)
        self.picked_person *= keep
        self.picked_machine *= keep
        self.picked_person[at] += 1.0
        self.lag += 0.02 * (lag - self.lag)
        self.reached += 1.0
        self.rung += 1.0
        which = score_class(score)
        self._weigh(np.log(CLASS_P[which]) - table.log_left_at(which, age - 0.5 * step))

    def saw_other(self, age: float, machine: bool, score: float, table: RingTable, step: float = 1.0) -> None:
        """A call ended, or was picked up by a machine, at `age`."""
        at = min(len(self.other) - 1, max(0, int(age)))
        self._ended(self.other, at, step)
        self.rung += float(machine or age >= AT_ONCE_S)
        if machine:
            self.picked_machine[at] += 1.0
        which = score_class(score)
        self._weigh(np.log1p(-CLASS_P[which]) - table.log_left_at(which, age - 0.5 * step))

    def rang_on(self, ages: Floats, scores: Floats, dt: float, table: RingTable) -> None:
        """Calls of these ages and scores have rung for `dt` seconds more than at the last look."""
        if len(ages):
            parts = max(1, round(dt))  # decisions two seconds apart: a call rang in both of them
            part = dt / parts
            likely = np.zeros(len(GRID))
            for which in {SCORE_SIDE} if not scores.any() else range(2 * SCORE_SIDE + 1):
                mine = ages if which == SCORE_SIDE and not scores.any() else ages[score_classes(scores) == which]
                if len(mine):
                    counts = np.zeros(table.size)
                    for back in range(parts):
                        then = mine - (back + 0.5) * part
                        bins = np.minimum(np.maximum(then[then > -part], 0.0).astype(np.int64), table.size - 1)
                        counts += np.bincount(bins, minlength=table.size)
                    self.at_risk += part * counts
                    likely += table.log_left_step(which) @ counts
            self._weigh(part * likely)
        self.undiffused += dt
        while self.undiffused >= 1.0:
            self.share = self.share @ _STEP
            self.undiffused -= 1.0

    def _ended(self, how: Floats, at: int, step: float) -> None:
        keep = 0.5 ** (1.0 / _HALF_LIFE_CALLS)
        for one in (self.answered, self.other, self.at_risk):
            one *= keep
        how[at] += 1.0
        self.at_risk[at] += _AT_RISK
        for back in range(1, min(at, int(np.ceil(min(step, _MOST_STEP_S))) - 1) + 1):
            self.at_risk[at - back] += 1.0 - back / step  # the chance that the last decision was before that second

    def _weigh(self, log_likelihood: Floats) -> None:
        weight = np.exp(log_likelihood - log_likelihood.max())
        belief = self.share * weight + 1e-12
        self.share = belief / belief.sum()


def score_class(score: float) -> int:
    """The class of a lead's score."""
    return SCORE_SIDE + max(-SCORE_SIDE, min(SCORE_SIDE, round(score / SCORE_STEP)))


def score_classes(scores: Floats) -> NDArray[np.int64]:
    """The class of each score."""
    return np.asarray(SCORE_SIDE + np.clip(np.rint(scores / SCORE_STEP), -SCORE_SIDE, SCORE_SIDE), dtype=np.int64)


class RingTable:
    """What follows from a belief's shapes, worked out once in several seconds. Rows are classes of score."""

    __slots__ = ("_log_left", "cdf_other", "cdf_person", "left", "p", "size")

    def __init__(self, belief: RingBelief) -> None:
        person, other = belief.shapes()
        self.size = len(person)
        self.cdf_person = np.concatenate([[0.0], np.cumsum(person)])
        self.cdf_other = np.concatenate([[0.0], np.cumsum(other)])
        self._log_left: dict[int, tuple[Floats, Floats]] = {}
        self.p = CLASS_P @ belief.share
        """[class]: the share of dials that will reach the agents."""
        p = self.p[:, None]
        edge = np.maximum(1.0 - p * self.cdf_person - (1.0 - p) * self.cdf_other, 1e-3)
        self.left = np.maximum(0.5 * (edge[:, 1:] + edge[:, :-1]), 1e-3)
        """[class, age]: chance that a call still rings in the middle of the age bin."""

    def _of(self, which: int) -> tuple[Floats, Floats]:
        known = self._log_left.get(which)
        if known is None:
            share = CLASS_P[which][:, None]
            left = np.log(np.maximum(1.0 - share * self.cdf_person - (1.0 - share) * self.cdf_other, 1e-4))
            known = self._log_left[which] = np.diff(left, axis=1), left
        return known

    def log_left_step(self, which: int) -> Floats:
        """[grid, age]: how the logarithm of the chance to ring still changes over an age bin."""
        return self._of(which)[0]

    def log_left_at(self, which: int, age: float) -> Floats:
        """[grid]: that logarithm at an age."""
        left = self._of(which)[1]
        age = min(max(age, 0.0), float(self.size))
        at = min(int(age), self.size - 1)
        return np.asarray(left[:, at] + (age - at) * (left[:, at + 1] - left[:, at]))
