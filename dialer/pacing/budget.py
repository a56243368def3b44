"""What the ledger allows: the share of answers that may be abandoned from here on, and whether anything may at all."""

from __future__ import annotations

from dataclasses import dataclass
from math import exp, floor, inf, sqrt

from .types import Ledger

MARGIN_COUNT = 4.0
"""How many abandonments under the cap to aim (decision 0065); more in a larger team, whose come several at a time."""
LEAST_MARGIN, MOST_MARGIN = 0.02, 0.3
"""The least and the most of it, as a part of what the cap allows."""
SAVED_COUNT = 4.0
"""Abandonments that may be saved up for later; more in a larger team. A quiet hour buys no evening over the cap."""
HORIZON_ANSWERS = 400.0
"""Saved or overspent budget is worked off over so many answers (more in a larger team, which has more every minute)."""
LAST_HOUR_S = 3600.0
GRACE_ANSWERS = 100.0
"""A window with fewer answers than this is given the budget of this many: one abandonment is no rate."""
GRACE_COUNT = 3.0
"""Abandonments that a young window may be over; none is left once the window has twenty times the grace's answers."""
DAY_FACTOR = 1.1
"""A single day may come to this much over the cap, when the window as a whole does not."""
SOFT_COUNT, SOFT_YOUNG, GROWN_COUNT = 6.0, 2.0, 20.0
"""Abandonments over the aim at which the risk taken is down to a third: in a window that allows the last of these, and
in one that has just begun. Steering by the rate does the rest (decision 0039)."""
MOST_BOOST = 0.2
"""The logarithm of the most that the risk limit is raised by when abandonments are under the aim."""
SOFT_MARGIN = 0.6
"""The same, as a part of the margin in abandonments, when that is more."""
WALL = 1.3
"""So many times the cap is more than bad luck: the forecast itself is not to be trusted, and pacing is progressive."""
BARRIER = 1.5
"""Abandonments left under the cap at which the risk limit begins to be closed altogether."""


@dataclass(frozen=True, slots=True)
class Budget:
    """`rate`: the share of the coming answers that may be abandoned. `left` of `allowed`: counts, for people.

    `damp` multiplies the risk limit at once, while steering towards `rate` takes its minutes. Not `open`: progressive.
    """

    rate: float
    damp: float
    left: int
    allowed: int
    open: bool


def saved_since(saved: float, before: tuple[float, float], ledger: Ledger, seats: int) -> float:
    """Abandonments saved up (negative: overspent) as the ledger goes on from `before`, its (answered, abandoned) then.

    What is saved stays under SAVED_COUNT; what is overspent is not forgotten, unless a new window has begun.
    """
    team = _team(seats)
    if ledger.answered < before[0] - 1.0:
        return SAVED_COUNT * team
    then = _Account(*before, ledger.cap, team)
    now = _Account(ledger.answered, ledger.abandoned, ledger.cap, team)
    return min(SAVED_COUNT * team, saved + now.slack - then.slack)


def _team(seats: int) -> float:
    """How many times more the count of abandonments wanders than with 15 agents or fewer: they come several at once."""
    return sqrt(max(1.0, seats / 15.0))


def budget_of(ledger: Ledger, waiting: int, seats: int, closes_in: float | None = None, saved: float = inf) -> Budget:
    """The budget as the ledger stands. `waiting`: answered people with no agent yet, who may still be abandoned.

    `closes_in`: seconds until the day's dialing ends, when known. What is overspent then is worked off by then.
    `saved`: see `saved_since`; the coming answers are given no more than that of what the window has left.
    """
    size = max(1.0, seats / 40.0)
    late = 1.0 if closes_in is None else min(1.0, max(0.05, closes_in / LAST_HOUR_S))
    pending = 0.5 * waiting
    team = _team(seats)
    window = _Account(ledger.answered, ledger.abandoned + pending, ledger.cap, team, saved - pending)
    day = _Account(ledger.day_answered, ledger.day_abandoned + pending, ledger.cap * DAY_FACTOR, team)
    budget = ledger.cap * max(ledger.answered, GRACE_ANSWERS)
    return Budget(
        min(window.rate(HORIZON_ANSWERS * size, 1.0), day.rate(HORIZON_ANSWERS * size, late)),
        min(window.damp(), day.damp()),
        max(0, floor(budget - ledger.abandoned + 1e-9)),
        floor(budget + 1e-9),
        window.under_wall and day.under_wall,
    )


class _Account:
    """One window's answers and abandonments against a cap."""

    __slots__ = ("abandoned", "aim", "allowed", "answered", "cap", "slack", "team")

    def __init__(self, answered: float, abandoned: float, cap: float, team: float, saved: float = inf) -> None:
        self.answered, self.abandoned, self.cap, self.team = answered, abandoned, cap, team
        self.allowed = cap * answered
        margin = min(MOST_MARGIN, max(LEAST_MARGIN, MARGIN_COUNT * team / (self.allowed + 1.0)))
        self.aim = cap * (1.0 - margin)
        self.slack = min(saved, self.aim * answered - abandoned)
        """Abandonments under the aim (negative: over it)."""

    def rate(self, horizon: float, late: float) -> float:
        """The rate to aim at now, so that the window's own comes to its aim over the next `horizon` answers.

        `late`: a part of that horizon, for what is overspent. What was saved is not spent the faster for it.
        """
        horizon *= late if self.slack < 0.0 else 1.0
        return max(0.2 * self.aim, min(1.5 * self.aim, self.aim + self.slack / horizon))

    def damp(self) -> float:
        """The factor on the risk limit: the lower, the more abandonments are over the aim, and shut at the cap.

        The longer the window has gone on, and the larger the team, the gentler: a limit that jumps wastes agents.
        """
        grown = min(1.0, self.allowed / GROWN_COUNT)
        soft = self.team * (SOFT_YOUNG + grown * (SOFT_COUNT - SOFT_YOUNG))
        soft = max(soft, SOFT_MARGIN * (self.cap - self.aim) * self.answered)
        left = self.cap * max(self.answered, GRACE_ANSWERS) - self.abandoned
        barrier = min(1.0, max(0.02, left / (BARRIER * self.team)))
        return barrier * exp(max(-4.0, min(MOST_BOOST, self.slack / soft)))

    @property
    def under_wall(self) -> bool:
        """Whether another abandonment would still be within the cap, and a young window's grace."""
        young = max(0.0, 1.0 - self.answered / (20.0 * GRACE_ANSWERS))
        limit = WALL * self.cap * max(self.answered, GRACE_ANSWERS) + GRACE_COUNT * young
        return self.abandoned <= limit
