"""How many calls to place now: pure functions of a snapshot. `decide` is the one way in for a campaign by itself,
`decide_together` for campaigns that share a trunk or agents."""

from .allocate import Campaign, Claim, SharedAgent, Trunk, decide_together, share_out
from .decide import decide
from .memory import Memory
from .types import AgentView, CallView, Decision, Ledger, Method, Rules, Seen, Snapshot

__all__ = [
    "AgentView", "CallView", "Campaign", "Claim", "Decision", "Ledger", "Memory", "Method", "Rules", "Seen",
    "SharedAgent", "Snapshot", "Trunk", "decide", "decide_together", "share_out",
]  # fmt: skip
