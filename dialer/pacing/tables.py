"""The forecast's tables: chances by age and by time in state over the seconds ahead, made anew every few seconds."""

from __future__ import annotations

import numpy as np

from .ring import Floats, RingBelief, RingTable
from .work import WorkBelief, free_table

FREE_SOON_S = 8.0
"""What "soon" means in a forecast shown to people."""


def horizon(ring_timeout: float) -> Floats:
    """Ends of the forecast's bins, in seconds from now: fine where most answers fall, coarse after."""
    end = ring_timeout + 4.0
    fine = np.arange(2.0, min(16.0, end) + 0.1, 2.0)
    return np.concatenate([fine, np.arange(fine[-1] + 3.0, end + 2.9, 3.0)])


class Tables:
    """Chances that follow from the beliefs as they stood when it was made."""

    __slots__ = (
        "again", "arrival", "busy_free", "call_new", "call_old", "ends", "grace", "middle", "ring", "screened", "soon",
    )  # fmt: skip

    def __init__(self, ring: RingBelief, work: WorkBelief, ring_timeout: float, grace: float, old: Tables | None):
        self.ring = table = RingTable(ring)
        self.grace = grace
        self.ends = ends = horizon(ring_timeout)
        begins = np.concatenate([[0.0], ends[:-1]])
        self.middle = 0.5 * (begins + ends)
        self.soon = int(np.searchsorted(ends, FREE_SOON_S))
        ages = np.arange(table.size) + 0.5
        by = np.interp(ages[:, None] + self.middle[None, :] - ring.lag, np.arange(table.size + 1), table.cdf_person)
        until_now = np.interp(ages, np.arange(table.size + 1), table.cdf_person)
        ahead = np.clip(by - until_now[:, None], 0.0, 1.0)
        self.call_old = np.clip(table.p[:, None, None] * ahead / table.left[:, :, None], 0.0, 0.98)
        """[class of score, age, bin]: chance that such a call is passed to the agents by the middle of the bin."""
        reach = np.interp(ends - ring.lag, np.arange(table.size + 1), table.cdf_person)
        mass = np.diff(np.concatenate([[0.0], reach]))
        self.arrival = mass / max(1e-9, mass.sum())
        """When a call launched now reaches the agents, if it does."""
        reached = np.interp(self.middle - ring.lag, np.arange(table.size + 1), table.cdf_person)
        self.call_new = table.p[:, None] * reached
        """[class of score, bin]: the same for a call launched now."""
        self.screened = (ring.picked_person + 0.2) / (ring.picked_person + ring.picked_machine + 0.25)
        """[age at pick-up]: chance that screening will pass the call on."""
        self.busy_free: Floats
        self.again: Floats
        if old is not None:
            self.busy_free, self.again = old.busy_free, old.again
            return
        self.busy_free = np.clip(free_table(work, self.middle + grace), 0.0, 0.995)
        """[group of busy agents, bin]: chance to be free in time for an answer in that bin."""
        gap = self.middle[:, None] - self.middle[None, :]
        times = np.linspace(0.0, float(ends[-1]) + 4.0, 33)
        fresh = free_table(work, times)[0]
        self.again = np.where(gap > 0, np.interp(np.maximum(gap, 0.0) + grace, times, fresh), 0.0)
        """[k, j]: chance that an agent who takes a call in bin j is free again by bin k."""
