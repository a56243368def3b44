"""What the engine remembers between decisions: its beliefs, its threshold, and the book of risks taken."""

from __future__ import annotations

from dataclasses import dataclass
from math import log

from .budget import saved_since
from .ring import RingBelief
from .tables import Tables
from .types import Ledger, Rules
from .work import WorkBelief

START_THRESHOLD = 2.0
"""First threshold, in multiples of the cap."""
CANCEL_HALF_LIFE = 2000.0
CANCEL_START = 20.0
"""Launches credited at the start, so that a young campaign may give up a call or two."""
RANG_S, TRUNK_DEAD = 4.0, 24
"""A call that is up for so long did ring; so many failures in a row."""
LEARNED_CALLS, LEARNED_PER_SEAT = 30.0, 3.0
"""Calls that have rung to their end until the forecast's answer share is trusted, and how many more for each seat."""
REST_S, FORGETS_S = 600.0, 1200.0
"""Without dialing for longer than the first, half of what was learned of the share is forgotten each time the second
has passed: the people at home by day are not those of the evening."""


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
    reserve: float = 0.0
    """Agents not counted on, while many more are abandoned than was foretold."""
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
    launched: float = 0.0
    given_up: float = 0.0
    """Calls launched, and those of them given up while ringing; both fading alike."""
    saved: float = 1e9
    answered: float = 0.0
    abandoned: float = 0.0
    """Abandonments saved up (budget.saved_since; at first as many as may be), and the ledger's counts until which."""
    streak: int = 0
    streak_from: float = 0.0
    """Calls in a row that failed at once, and when the first of them did."""

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
            self.reserve,
            self.wait,
            self.waits,
            self.at,
            self.age,
            self.settled,
            self.tables,
            self.built,
            self.work_built,
            self.shape,
            self.launched,
            self.given_up,
            self.saved,
            self.answered,
            self.abandoned,
            self.streak,
            self.streak_from,
        )

    def may_give_up(self, rules: Rules) -> int:
        """Calls that may be given up now, by the share of launches that the campaign allows."""
        if not rules.may_cancel:
            return 0
        return max(0, int(rules.cancel_share * (self.launched + CANCEL_START) - self.given_up + 1e-9))

    def count_calls(self, launched: int, given_up: int) -> None:
        """Book what a decision does. What is long past fades, so that a quiet day saves up nothing for a bad one."""
        keep = 0.5 ** (launched / CANCEL_HALF_LIFE)
        self.launched = self.launched * keep + launched
        self.given_up = self.given_up * keep + given_up

    def bank(self, ledger: Ledger, seats: int) -> None:
        """Book what the ledger's counts say since the last decision."""
        self.saved = saved_since(self.saved, (self.answered, self.abandoned), ledger, seats)
        self.answered, self.abandoned = float(ledger.answered), float(ledger.abandoned)

    def failed_at_once(self, at: float) -> None:
        """A call failed before it can have rung."""
        if self.streak == 0 or at < self.streak_from:
            self.streak, self.streak_from = 0, at
        self.streak += 1

    def rang(self, at: float, age: float) -> None:
        """A call of this age has rung; one dialed after the streak began shows that the trunk works."""
        if at - age >= self.streak_from:
            self.streak = 0

    @property
    def trunk_dead(self) -> bool:
        """The last couple of dozen calls failed at once: that is the trunk, not the people called."""
        return self.streak >= TRUNK_DEAD

    def learning(self, seats: int) -> bool:
        """Too few calls have rung to their end to trust the forecast with a floor full of agents (decision 0083)."""
        return self.ring.rung < _learned(seats)

    def rested(self, seconds: float, seats: int) -> None:
        """Nobody dialed for so long, or the clock stepped."""
        if seconds > REST_S:
            kept = min(1.0, _learned(seats) / max(1.0, self.ring.rung)) * 0.5 ** ((seconds - REST_S) / FORGETS_S)
            self.ring.reached, self.ring.rung = kept * self.ring.reached, kept * self.ring.rung

    def grace(self, rules: Rules) -> float:
        """Seconds from the verdict to the moment at which an answered call counts as abandoned."""
        if rules.wait is not None:
            return max(0.3, rules.wait)
        greeting = 0.9
        guess = max(0.3, rules.patience + greeting - self.ring.lag)
        return (5.0 * guess + self.wait) / (5.0 + self.waits)


def _learned(seats: int) -> float:
    return LEARNED_CALLS + LEARNED_PER_SEAT * seats
