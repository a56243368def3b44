"""What share of dials ends how, and when, although many are given up before anybody could know.

Predictive dialing gives calls up after the legal minimum, and every call rings out at the campaign's limit. Counting
those as "did not answer" makes the people of a campaign look shyer than they are; so shares are cumulative incidences
(Aalen and Johansen, 1978): at each age only those calls count that were still ringing.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from .world import Samples, thin

Floats = npt.NDArray[np.float64]
Flags = npt.NDArray[np.bool_]

_TAIL_S = 5.0
"""The last seconds of ringing, from which the rate of answers after them is guessed."""


@dataclass(frozen=True, slots=True)
class Share:
    """The share of all dials that end in one way, and the ages (seconds) at which they do."""

    share: float
    ages: Samples


def incidence(
    ages: Sequence[float], ends: Sequence[str], *, kinds: Sequence[str], beyond: float | None = None
) -> dict[str, Share]:
    """Share and ages of each of `kinds`; calls that ended in no kind were given up at their age.

    `beyond`: an age that was never waited for. The first of `kinds` is carried on to it at the rate of the last
    seconds that were seen; without `beyond`, nothing is supposed to happen after the last age.
    """
    empty = {kind: Share(0.0, ()) for kind in kinds}
    if not len(ages):
        return empty
    order = np.argsort(np.asarray(ages, dtype=float), kind="stable")
    when, how = np.asarray(ages, dtype=float)[order], np.asarray(ends)[order]
    ended = np.isin(how, kinds)
    waiting = len(when) - np.arange(len(when))
    alive = np.cumprod(np.where(ended, 1.0 - 1.0 / waiting, 1.0))
    before = np.concatenate([[1.0], alive[:-1]])
    weight = np.where(ended, before / waiting, 0.0)
    shares = {kind: _share(when[how == kind], weight[how == kind]) for kind in kinds}
    if beyond is not None and beyond > when[-1] and alive[-1] > 0.0:
        shares[kinds[0]] = _carried_on(shares[kinds[0]], when, how == kinds[0], float(alive[-1]), beyond)
    return shares


def _share(when: Floats, weight: Floats) -> Share:
    """The kind's ages, each as often as its weight says."""
    total = float(weight.sum())
    if total <= 0.0:
        return Share(0.0, ())
    if np.allclose(weight, weight[0]):
        return Share(total, thin([float(age) for age in when]))
    places = (np.arange(400) + 0.5) / 400 * total
    found = np.minimum(np.searchsorted(np.cumsum(weight), places), len(when) - 1)
    return Share(total, tuple(float(age) for age in when[found]))


def _carried_on(known: Share, when: Floats, mine: Flags, alive: float, beyond: float) -> Share:
    """`known` and what the rate of its last seconds adds until `beyond`."""
    last = float(when[-1])
    exposed = float(np.clip(when - (last - _TAIL_S), 0.0, _TAIL_S).sum())
    rate = float((mine & (when > last - _TAIL_S)).sum()) / exposed if exposed > 0.0 else 0.0
    added = alive * (1.0 - float(np.exp(-rate * (beyond - last))))
    if added <= 1e-6:
        return known
    places = (np.arange(100) + 0.5) / 100
    later = last - np.log(1.0 - places * (1.0 - np.exp(-rate * (beyond - last)))) / rate
    both = np.concatenate([np.asarray(known.ages), later])
    weight = np.concatenate(
        [np.full(len(known.ages), known.share / max(1, len(known.ages))), np.full(100, added / 100)]
    )
    order = np.argsort(both, kind="stable")
    merged = _share(both[order], weight[order])
    return Share(known.share + added, merged.ages)
