"""What would happen: the pacing engine against simulated people, machines and agents with a campaign's own figures."""

from .run import Run, simulate
from .whatif import Interval, WhatIf, stress, what_if
from .world import World, fitted

__all__ = ["Interval", "Run", "WhatIf", "World", "fitted", "simulate", "stress", "what_if"]
