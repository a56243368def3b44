"""What the engine remembers between decisions: its beliefs, its threshold, and the book of risks taken."""

from __future__ import annotations

from dataclasses import dataclass
from math import log

from .ring import RingBelief
from .tables import Tables
from .types import Rules
from .work import WorkBelief

START_THRESHOLD = 2.0
"""First threshold, in multiples of the cap."""


@dataclass(slots=True)
class Memory:
    """Handed from decision to decision; `decide` never changes the one it is given."""

    ring: RingBelief
    work: WorkBelief
    log_threshold: float
    """Logarithm of the highest risk at which a call is still launched."""
    predicted: float = 3.0
    """Abandonments that the risks taken foretold, fading."""
    observed: float = 3.0
    """Abandonments that came, fading alike."""
    wait: float = 0.0
    waits: float = 0.0
    """Sum and number of the waits of those abandoned: how long an answered call really lasts without an agent."""
    at: float = 0.0
    age: float = 0.0
    """Seconds of paced dialing that this memory has seen."""
    settled: bool = False
    """The book of the cold start was closed."""
    tables: Tables | None = None
    built: float = -1e9
    """The age at which `tables` was made."""
    work_built: float = -1e9
    shape: tuple[float, bool] = (0.0, True)
    """Ring timeout and detection that the beliefs were made for."""

    @classmethod
    def fresh(cls, rules: Rules, cap: float) -> Memory:
        """The memory of a campaign that has not dialed yet."""
        return cls(
            RingBelief.prior(rules.ring_timeout, rules.detection),
            WorkBelief.prior(),
            log(START_THRESHOLD * max(cap, 1e-3)),
            shape=(rules.ring_timeout, rules.detection),
        )

    def copy(self) -> Memory:
        """A memory that may be changed without changing this one. Tables are shared: nobody changes them."""
        return Memory(
            self.ring.copy(),
            self.work.copy(),
            self.log_threshold,
            self.predicted,
            self.observed,
            self.wait,
            self.waits,
            self.at,
            self.age,
            self.settled,
            self.tables,
            self.built,
            self.work_built,
            self.shape,
        )

    def grace(self, rules: Rules) -> float:
        """Seconds from the verdict to the moment at which an answered call counts as abandoned."""
        greeting = 0.9
        guess = max(0.3, rules.patience + greeting - self.ring.lag)
        return (5.0 * guess + self.wait) / (5.0 + self.waits)
