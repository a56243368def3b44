"""How many calls to place now: pure functions of a snapshot. `decide` is the one way in."""

from .decide import decide
from .memory import Memory
from .types import AgentView, CallView, Decision, Ledger, Method, Rules, Seen, Snapshot

__all__ = ["AgentView", "CallView", "Decision", "Ledger", "Memory", "Method", "Rules", "Seen", "Snapshot", "decide"]
