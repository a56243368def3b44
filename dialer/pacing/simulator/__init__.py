"""What would happen: the pacing engine against simulated people, machines and agents with a campaign's own figures."""

from .fit import Share, incidence
from .run import BATCH_S, Run, simulate
from .whatif import Interval, WhatIf, stress, summary, what_if
from .world import ENOUGH, World, fitted, thin

__all__ = [
    "BATCH_S",
    "ENOUGH",
    "Interval",
    "Run",
    "Share",
    "WhatIf",
    "World",
    "fitted",
    "incidence",
    "simulate",
    "stress",
    "summary",
    "thin",
    "what_if",
]
