"""How many calls to place now: pure functions of a snapshot. `decide` is the one way in."""

from .decide import decide
from .types import AgentView, CallView, Decision, Method, Snapshot

__all__ = ["AgentView", "CallView", "Decision", "Method", "Snapshot", "decide"]
