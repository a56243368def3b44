"""Learning how long agents talk and wrap up, as hazards by time in state, and forecasting when they are free again."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

TALK_EDGES = np.array(
    [0, 2, 4, 6, 8, 10, 13, 16, 20, 25, 30, 36, 43, 52, 62, 75, 90, 110, 130, 160, 200, 250, 320, 400, 600, 900.0]
)
WRAP_EDGES = np.array([0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 12, 14, 16, 18, 21, 24, 28, 33, 40, 50, 65, 90, 130.0])
SHORT_TALK_S = 12.0
"""Conversations shorter than this (machines, refusals) have a wrap-up of their own kind."""
_HALF_LIFE = 600.0
_PRIOR_TALK_S, _PRIOR_WRAP_S, _PRIOR_EVENTS = 90.0, 15.0, 0.25
ENDING_EDGES = np.array([0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 12, 14, 17, 20, 25.0])


@dataclass(slots=True)
class Hazard:
    """Ends and exposure (seconds) by bin of time in state."""

    edges: Floats
    ends: Floats
    exposure: Floats

    @classmethod
    def prior(cls, edges: Floats, mean_s: float) -> Hazard:
        """A weak belief in a constant hazard of 1 / mean."""
        ends = np.full(len(edges), _PRIOR_EVENTS)
        return cls(edges, ends, ends * mean_s)

    def copy(self) -> Hazard:
        """A hazard that may be changed without changing this one."""
        return Hazard(self.edges, self.ends.copy(), self.exposure.copy())

    def bins(self, seconds: Floats) -> Ints:
        """The bin of each time in state."""
        return self.edges.searchsorted(seconds, side="right") - 1

    def lasted(self, seconds: Floats, dt: float) -> None:
        """Those in state for `seconds` stayed in it for another `dt`."""
        if len(seconds):
            self.exposure += dt * np.bincount(self.bins(seconds), minlength=len(self.edges))

    def ended(self, seconds: float) -> None:
        """One ended after `seconds`."""
        keep = 0.5 ** (1.0 / _HALF_LIFE)
        self.ends *= keep
        self.exposure *= keep
        self.ends[max(0, int(np.searchsorted(self.edges, seconds, side="right")) - 1)] += 1.0

    def cumulative(self, t: Floats) -> Floats:
        """The cumulative hazard at each t."""
        rate = self.ends / self.exposure
        at_edges = np.concatenate([[0.0], np.cumsum(rate[:-1] * np.diff(self.edges))])
        return np.asarray(np.interp(t, self.edges, at_edges) + np.maximum(0.0, t - self.edges[-1]) * rate[-1])

    def ended_within(self, start: Floats, ahead: Floats) -> Floats:
        """P(ended by start + ahead | not by start): rows start, columns ahead."""
        begin = self.cumulative(start)
        return np.asarray(1.0 - np.exp(begin[:, None] - self.cumulative(start[:, None] + ahead[None, :])))

    def middles(self) -> Floats:
        """A time in the middle of each bin."""
        return np.append(0.5 * (self.edges[:-1] + self.edges[1:]), self.edges[-1] * 1.2)


@dataclass(slots=True)
class WorkBelief:
    """What is believed of agents' work; mutable, so copy before learning."""

    talk: Hazard
    wrap_short: Hazard
    wrap_long: Hazard
    ending: Hazard
    """Talk that the desktop said is ending: time since it said so."""
    stayed: float = 19.0
    stayed_of: float = 20.0

    @classmethod
    def prior(cls) -> WorkBelief:
        """Belief before the first conversation."""
        return cls(
            Hazard.prior(TALK_EDGES, _PRIOR_TALK_S),
            Hazard.prior(WRAP_EDGES, _PRIOR_WRAP_S),
            Hazard.prior(WRAP_EDGES, _PRIOR_WRAP_S),
            Hazard.prior(ENDING_EDGES, 10.0),
        )

    def copy(self) -> WorkBelief:
        """A belief that may be changed without changing this one."""
        return WorkBelief(
            self.talk.copy(),
            self.wrap_short.copy(),
            self.wrap_long.copy(),
            self.ending.copy(),
            self.stayed,
            self.stayed_of,
        )

    def wrap_ended(self, seconds: float, talked: float | None, stayed: bool) -> None:
        """A wrap-up ended after `seconds`, after a conversation of `talked`."""
        short = talked is not None and talked < SHORT_TALK_S
        (self.wrap_short if short else self.wrap_long).ended(seconds)
        self.stayed = 0.995 * self.stayed + float(stayed)
        self.stayed_of = 0.995 * self.stayed_of + 1.0

    @property
    def stay(self) -> float:
        """P(ready again after wrap-up, rather than paused or gone)."""
        return self.stayed / self.stayed_of


ROWS = len(TALK_EDGES) + 2 * len(WRAP_EDGES) + len(ENDING_EDGES)
"""Groups of busy agents: by time in talk, in wrap-up after a short talk, after a long one, since the end was said."""


def free_table(belief: WorkBelief, ahead: Floats) -> Floats:
    """P(free within ahead[k] | group): ROWS rows. `ahead` rises, in seconds."""
    grid = np.arange(0, int(np.ceil(ahead[-1])) + 2, 1.0)
    wrap_short = belief.wrap_short.ended_within(np.zeros(1), grid)[0]
    wrap_long = belief.wrap_long.ended_within(np.zeros(1), grid)[0]
    middles = belief.talk.middles()
    talk = np.diff(belief.talk.ended_within(middles, grid), axis=1)  # ends in (g, g + 1]
    short = middles[:, None] + grid[None, :-1] + 0.5 < SHORT_TALK_S
    free = _then(np.where(short, talk, 0.0), wrap_short) + _then(np.where(short, 0.0, talk), wrap_long)
    ending = np.diff(belief.ending.ended_within(belief.ending.middles(), grid), axis=1)
    said = _then(ending, wrap_long)
    at = np.minimum(ahead.astype(int), len(grid) - 2)
    part = ahead - at
    return np.asarray(
        np.vstack(
            [
                free[:, at] * (1 - part) + free[:, at + 1] * part,
                belief.wrap_short.ended_within(belief.wrap_short.middles(), ahead),
                belief.wrap_long.ended_within(belief.wrap_long.middles(), ahead),
                said[:, at] * (1 - part) + said[:, at + 1] * part,
            ]
        )
        * belief.stay
    )


def _then(first: Floats, second: Floats) -> Floats:
    """P(both over by g, one after the other); `first[:, j]` = P(over in (j, j + 1]), `second` the other's cdf."""
    size = first.shape[1] + 1
    half = 0.5 * (second[:-1] + second[1:])  # the first part ended in the middle of its second, on average
    lagged = np.zeros((size - 1, size))
    for j in range(size - 1):
        lagged[j, j + 1 :] = half[: size - 1 - j]
    return np.asarray(first @ lagged)
