"""The people (and machines) that the simulated switch calls: what a number does is a pure function of it and a seed."""

from __future__ import annotations

import random
from dataclasses import dataclass, fields
from typing import Literal

from .events import Screening

Kind = Literal["person", "early_hangup", "machine", "no_answer", "busy", "congestion", "invalid"]

RINGS_FOR_S = 90.0
"""How long a phone that nobody answers would ring."""
CAUSE: dict[Kind, int] = {"busy": 17, "congestion": 34, "invalid": 1}
"""Q.850 causes of calls that are never answered."""


@dataclass(frozen=True, slots=True)
class Mix:
    """Shares of what numbers do; they are scaled to sum to one."""

    person: float = 0.30
    early_hangup: float = 0.03
    machine: float = 0.18
    no_answer: float = 0.33
    busy: float = 0.08
    congestion: float = 0.03
    invalid: float = 0.05

    def __post_init__(self) -> None:
        shares = [getattr(self, field.name) for field in fields(self)]
        if min(shares) < 0 or sum(shares) <= 0:
            raise ValueError("a mix needs shares of zero or more, and at least one above zero")


@dataclass(frozen=True, slots=True)
class FarEnd:
    """What happens when a number is called. Times are seconds: silence, then ringing, then talk from the answer on."""

    kind: Kind
    delay_s: float
    ring_s: float
    talk_s: float
    screening_s: float
    """How long detection takes; only calls that ask for it are screened."""
    verdict: Screening

    @property
    def answers(self) -> bool:
        """Somebody or something picks up, if we ring long enough."""
        return self.kind in ("person", "early_hangup", "machine")


def far_end(number: str, seed: int, mix: Mix) -> FarEnd:
    """What `number` does, always the same for the same seed and mix."""
    chance = random.Random(f"{seed} {number}")
    names: list[Kind] = [field.name for field in fields(mix)]  # type: ignore[misc]
    kind = chance.choices(names, [getattr(mix, name) for name in names])[0]
    return FarEnd(
        kind=kind,
        delay_s=_within(chance.lognormvariate(-0.5, 0.5), 0.2, 2.0),
        ring_s=RINGS_FOR_S if kind == "no_answer" else _ring(kind, chance),
        talk_s={
            "person": _within(chance.lognormvariate(3.2, 0.5), 8.0, 90.0),
            "machine": chance.uniform(20.0, 45.0),
            "early_hangup": 0.3,
        }.get(kind, 0.0),
        screening_s=chance.uniform(1.6, 3.2),
        verdict=_verdict(kind, chance.random()),
    )


def _ring(kind: Kind, chance: random.Random) -> float:
    if kind in ("congestion", "invalid"):
        return 0.0
    if kind == "busy" and chance.random() < 0.7:  # engaged; the others look at the screen and press reject
        return 0.0
    return _within(chance.lognormvariate(1.95, 0.55), 1.0, 25.0)


def _verdict(kind: Kind, draw: float) -> Screening:
    """Detection errs now and then, as the real one does."""
    if kind == "machine":
        return "MACHINE" if draw < 0.93 else "HUMAN" if draw < 0.97 else "NOTSURE"
    return "HUMAN" if draw < 0.94 else "MACHINE" if draw < 0.96 else "NOTSURE"


def _within(value: float, low: float, high: float) -> float:
    return max(low, min(high, value))
