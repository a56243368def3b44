"""One decision for all campaigns that share a trunk or agents: who may launch how many, by priority and marginal value.

Pure, and the same whatever the order of its inputs. `decide_together` is the way in for a tick that sees several
campaigns; `share_out` alone suffices for one that only knows what the others asked for.

The rule is that of highest averages (D'Hondt): each next call goes to the campaign with the largest
weight x worth of its next call / (1 + what it has had already), where a step of priority doubles the weight. So scarce
lines follow priority and value, yet a campaign that has little comes up sooner, and one that got nothing for
STARVED_S comes first with one call.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from heapq import heapify, heappop, heapreplace
from math import inf

from .decide import decide
from .types import AgentView, Decision, Snapshot

STARVED_S = 15.0
"""A campaign that wants to dial and has not for so long is served first, whatever its priority."""
MOST_PRIORITY = 10
_STATE_ORDER = {"ready": 0, "wrapup": 1, "in_call": 2, "reserved": 3}


@dataclass(frozen=True, slots=True)
class Trunk:
    """What a trunk takes now. `may_launch`: calls that its calls-per-second allowance lets go now; None: no limit."""

    name: str
    lines: int
    lines_in_use: int = 0
    may_launch: int | None = None

    @property
    def room(self) -> int:
        """Calls that may be launched on it now."""
        lines = max(0, self.lines - self.lines_in_use)
        return lines if self.may_launch is None else max(0, min(lines, self.may_launch))

    @property
    def paced_by_seconds(self) -> bool:
        """Whether calls per second are the tighter limit, rather than lines."""
        return self.may_launch is not None and self.may_launch < self.lines - self.lines_in_use


@dataclass(frozen=True, slots=True)
class Claim:
    """What one campaign would launch on a trunk if it were alone.

    `worth`: of each call it wants, in order (Decision.worth): answer share x chance that its agent is free. `held`: its
    live calls on the trunk; `recent`: its launches of the last half minute; `since_launch_s`: since the last of them.
    """

    key: str
    worth: tuple[float, ...]
    priority: int = 0
    held: int = 0
    recent: int = 0
    since_launch_s: float = inf


@dataclass(frozen=True, slots=True)
class Campaign:
    """One campaign in a common decision. The snapshot's own caps are the campaign's; the trunk's are in Trunk.

    `key`: unique among the campaigns. `trunk`: a Trunk's name; one that is not given has no room. `agent_worth`: what
    an hour of a shared agent is worth here; 0 for a campaign that has nobody left to dial.
    """

    key: str
    snapshot: Snapshot
    trunk: str
    priority: int = 0
    held: int = 0
    recent: int = 0
    since_launch_s: float = inf
    agent_worth: float = 1.0


@dataclass(frozen=True, slots=True)
class SharedAgent:
    """An agent who serves several campaigns: unique `key`, the view, and the keys of the campaigns."""

    key: str
    view: AgentView
    campaigns: frozenset[str]


def decide_together(
    campaigns: Iterable[Campaign], trunks: Iterable[Trunk], shared: Iterable[SharedAgent] = ()
) -> dict[str, Decision]:
    """Decide for each campaign, within the trunks' caps and with every shared agent counted once. By key.

    A campaign that its trunk cuts short is decided again with its share, so that its memory books what it launches.
    """
    ordered = sorted(campaigns, key=lambda one: one.key)
    lent = lend(ordered, shared)
    asked = {
        one.key: replace(one.snapshot, agents=one.snapshot.agents + lent[one.key]) if lent[one.key] else one.snapshot
        for one in ordered
    }
    decisions = {key: decide(snapshot) for key, snapshot in asked.items()}
    named = {trunk.name: trunk for trunk in trunks}
    for name in sorted({one.trunk for one in ordered}):
        trunk = named.get(name, Trunk(name, 0))
        mine = [one for one in ordered if one.trunk == name]
        shares = share_out([claim_of(one, decisions[one.key]) for one in mine], trunk)
        for one in mine:
            if shares[one.key] < decisions[one.key].launch:
                decisions[one.key] = decide(replace(asked[one.key], share=shares[one.key]))
    return decisions


def claim_of(campaign: Campaign, decision: Decision) -> Claim:
    """What the decision asks of the trunk."""
    return Claim(
        campaign.key, decision.worth, campaign.priority, campaign.held, campaign.recent, campaign.since_launch_s
    )


def share_out(claims: Sequence[Claim], trunk: Trunk) -> dict[str, int]:
    """How many calls each campaign may launch on the trunk now: never more than it wants, nor together than fit."""
    room = trunk.room
    if sum(len(claim.worth) for claim in claims) <= room:
        return {claim.key: len(claim.worth) for claim in claims}
    shares = {claim.key: 0 for claim in claims}
    starved = [claim for claim in claims if claim.worth and claim.since_launch_s >= STARVED_S]
    for claim in sorted(starved, key=lambda one: (-one.since_launch_s, -_weight(one.priority), one.key))[:room]:
        shares[claim.key] = 1
        room -= 1
    has = {claim.key: claim.recent if trunk.paced_by_seconds else claim.held for claim in claims}
    queue = [_next_in_line(claim, shares[claim.key], has[claim.key]) for claim in claims]
    by_key = {claim.key: claim for claim in claims}
    heapify(queue)
    while room > 0 and queue[0][0] < inf:
        key = queue[0][2]
        shares[key] += 1
        room -= 1
        heapreplace(queue, _next_in_line(by_key[key], shares[key], has[key]))
    return shares


def _next_in_line(claim: Claim, granted: int, has: int) -> tuple[float, float, str]:
    """Smaller comes first. A later call is never worth more than an earlier one; one not wanted comes never."""
    if granted >= len(claim.worth):
        return inf, 0.0, claim.key
    worth = max(1e-6, min(claim.worth[: granted + 1]))
    weight = _weight(claim.priority)
    return -weight * worth / (1.0 + max(0, has) + granted), -weight, claim.key


def _weight(priority: float) -> float:
    return float(2.0 ** max(-MOST_PRIORITY, min(MOST_PRIORITY, priority)))


def lend(campaigns: Sequence[Campaign], shared: Iterable[SharedAgent]) -> dict[str, tuple[AgentView, ...]]:
    """For each campaign the shared agents that it may count on at this moment; each agent is lent once.

    Those nearest to being free first, each to the campaign with the largest weight x worth / (1 + agents it has), its
    own included. When a call is answered, any shared agent may take it: lending only says who may be planned with.
    """
    lent: dict[str, list[AgentView]] = {one.key: [] for one in campaigns}
    agents = [agent for agent in shared if agent.view.state in _STATE_ORDER]
    own = {one.key: _working(one.snapshot.agents) for one in campaigns}
    for agent in sorted(agents, key=lambda a: (_STATE_ORDER[a.view.state], -a.view.seconds, a.key)):
        claimants = [
            (-_weight(one.priority) * one.agent_worth / (1.0 + own[one.key]), -_weight(one.priority), one.key)
            for one in campaigns
            if one.key in agent.campaigns and one.agent_worth > 0.0
        ]
        if claimants:
            heapify(claimants)
            key = heappop(claimants)[2]
            lent[key].append(agent.view)
            own[key] += 1
    return {key: tuple(views) for key, views in lent.items()}


def _working(agents: Sequence[AgentView]) -> int:
    return sum(1 for agent in agents if agent.state in _STATE_ORDER)
