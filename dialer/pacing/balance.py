"""The balance of answers and free agents ahead, Z = answers so far - agents idle or freed so far, as a distribution.

Exact for small teams (characteristic functions multiplied, inverted at the tail only); an Edgeworth expansion for
large ones. Both answer: how likely is Z >= 0 in each bin, that is, would one more answer find nobody.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from .ring import Floats

Complexes = NDArray[np.complex128]

_ROOM = 3.0
"""Answers for which the exact form keeps room above what is under way."""


class Balance(Protocol):
    """A distribution of Z by bin, to which calls can be added."""

    def short(self) -> Floats:
        """P(Z >= 0) by bin."""

    def add(self, p: Floats) -> None:
        """One more call, answered by bin k with chance p[k]."""

    def remove(self, p: Floats) -> None:
        """One call fewer."""


@lru_cache(maxsize=4)
def _spectrum(width: int) -> tuple[Complexes, Complexes, Floats]:
    """exp(i w) - 1, the vector that reads P(0 <= Z < width / 2) off a characteristic function, and w squared."""
    w = 2.0 * np.pi * np.arange(width // 2 + 1) / width
    z = np.arange(width // 2)
    read = np.exp(-1j * w[:, None] * z[None, :]).sum(1) / width
    read[1:-1] *= 2.0
    return np.exp(1j * w) - 1.0, read, w * w


class ExactBalance:
    """Z as characteristic functions on `width` points; holds values from -width/2 to width/2 - 1."""

    __slots__ = ("_phi", "_read", "_unit")

    def __init__(self, width: int, start: float, answers: Floats, frees: Floats, again: Floats, blur: Floats) -> None:
        """`answers` and `frees`: [item, bin] chances; `again`: [bin] expected agents free a second time;
        `blur`: [bin] variance that the doubt about the answer share adds; `start`: waiting calls - idle agents."""
        self._unit, self._read, squared = _spectrum(width)
        unit, bins = self._unit, len(again)
        phi = np.exp(again[:, None] * np.conj(unit)[None, :] - 0.5 * blur[:, None] * squared[None, :])
        phi *= (1.0 + unit) ** start
        if len(answers):
            phi *= np.multiply.reduce(1.0 + answers[:, :, None] * unit, axis=0)
        if len(frees):
            phi *= np.multiply.reduce(1.0 + frees[:, :, None] * np.conj(unit), axis=0)
        self._phi = phi.reshape(bins, -1)

    def short(self) -> Floats:
        """P(Z >= 0) by bin."""
        return np.clip((self._phi @ self._read).real, 0.0, 1.0)

    def add(self, p: Floats) -> None:
        """One more call, answered by bin k with chance p[k]."""
        self._phi *= 1.0 + p[:, None] * self._unit

    def remove(self, p: Floats) -> None:
        """One call fewer; p[k] below one half."""
        self._phi /= 1.0 + np.minimum(p, 0.45)[:, None] * self._unit


class MomentBalance:
    """Z as its mean, variance and third cumulant by bin: close enough once many calls and agents are summed."""

    __slots__ = ("mean", "third", "variance")

    def __init__(self, start: float, answers: Floats, frees: Floats, again: Floats, blur: Floats) -> None:
        """As ExactBalance."""
        spread_a, spread_f = answers * (1.0 - answers), frees * (1.0 - frees)
        self.mean = start + answers.sum(0) - frees.sum(0) - again
        self.variance = spread_a.sum(0) + spread_f.sum(0) + again + blur
        self.third = (spread_a * (1.0 - 2.0 * answers)).sum(0) - (spread_f * (1.0 - 2.0 * frees)).sum(0) - again

    def short(self) -> Floats:
        """P(Z >= 0) by bin."""
        return edgeworth(self.mean, self.variance, self.third)

    def add(self, p: Floats, times: float = 1.0) -> None:
        """`times` more calls, each answered by bin k with chance p[k]."""
        spread = times * p * (1.0 - p)
        self.mean = self.mean + times * p
        self.variance = self.variance + spread
        self.third = self.third + spread * (1.0 - 2.0 * p)

    def remove(self, p: Floats) -> None:
        """One call fewer."""
        self.add(p, -1.0)


def edgeworth(mean: Floats, variance: Floats, third: Floats) -> Floats:
    """P(Z >= 0) of an integer Z with these cumulants, elementwise."""
    sd = np.sqrt(np.maximum(variance, 1e-3))
    x = (-0.5 - mean) / sd
    density = np.exp(-0.5 * x * x) * 0.3989422804014327
    skew = third / (sd * sd * sd)
    return np.asarray(np.clip(_upper_tail(x, density) + skew / 6.0 * (x * x - 1.0) * density, 0.0, 1.0))


def _upper_tail(x: Floats, density: Floats) -> Floats:
    """P(N(0, 1) > x), error under 1e-7 (Abramowitz and Stegun 26.2.17)."""
    t = 1.0 / (1.0 + 0.2316419 * np.abs(x))
    poly = t * (0.319381530 + t * (-0.356563782 + t * (1.781477937 + t * (-1.821255978 + t * 1.330274429))))
    tail = density * poly
    return np.asarray(np.where(x >= 0, tail, 1.0 - tail))


def width_for(lowest: float, highest: float) -> int:
    """Points that ExactBalance needs for Z between these; 0 when there are too many."""
    reach = max(-lowest, highest + _ROOM)
    return 32 if reach <= 15 else 64 if reach <= 31 else 0
