"""What the ledger allows: the share of answers that may be abandoned from here on, and whether anything may at all."""

from __future__ import annotations

from dataclasses import dataclass
from math import floor, sqrt

from .types import Ledger

MARGIN = 0.30
"""How far under the cap to aim, in standard deviations of the count so far; shrinks as evidence grows."""
LEAST_MARGIN = 0.02
HORIZON_ANSWERS = 400.0
"""Saved or overspent budget is worked off over so many answers (more in a larger team, which has more every minute)."""
GRACE_ANSWERS = 100.0
"""A window with fewer answers than this is given the budget of this many: one abandonment is no rate."""


@dataclass(frozen=True, slots=True)
class Budget:
    """`rate`: the share of the coming answers that may be abandoned. `left` of `allowed`: counts, for people."""

    rate: float
    left: int
    allowed: int
    open: bool


def budget_of(ledger: Ledger, waiting: int, seats: int) -> Budget:
    """The budget as the ledger stands. `waiting`: answered people with no agent yet, who may still be abandoned."""
    scale = max(1.0, seats / 40.0)
    window = _rate(ledger.answered, ledger.abandoned, ledger.cap, HORIZON_ANSWERS * scale)
    day = _rate(ledger.day_answered, ledger.day_abandoned, ledger.cap, HORIZON_ANSWERS * scale)
    allowed = floor(ledger.cap * max(ledger.answered, GRACE_ANSWERS) + 1e-9)
    left = floor(ledger.cap * max(ledger.answered, GRACE_ANSWERS) - ledger.abandoned + 1e-9)
    is_open = (
        _under_wall(ledger.answered, ledger.abandoned + 0.5 * waiting, ledger.cap, 1.0)
        and _under_wall(ledger.day_answered, ledger.day_abandoned + 0.5 * waiting, ledger.cap, 1.06)
    )  # fmt: skip
    return Budget(min(window, day), max(0, left), allowed, is_open)


def _rate(answered: float, abandoned: float, cap: float, horizon: float) -> float:
    """The rate to aim at now, so that the window's own rate comes to the cap less its margin."""
    expected = cap * answered
    margin = min(0.25, max(LEAST_MARGIN, MARGIN / sqrt(expected + 1.0)))
    aim = cap * (1.0 - margin)
    slack = aim * answered - abandoned
    return max(0.3 * aim, min(1.5 * aim, aim + slack / horizon))


def _under_wall(answered: float, abandoned: float, cap: float, factor: float) -> bool:
    """Whether another abandonment would still be within the cap; a young window has the grace of its first answers."""
    return abandoned + 0.5 <= cap * factor * max(answered, GRACE_ANSWERS) - (0.0 if factor > 1 else 0.01 * cap * answered)
