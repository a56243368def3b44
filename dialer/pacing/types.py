"""What pacing is told and what it answers. Plain values: no Django, no I/O."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from .memory import Memory

Method = Literal["manual", "preview", "progressive", "ratio", "predictive", "blended"]
SeenKind = Literal["answered", "machine", "failed", "talk_end", "wrap_end", "connected", "abandoned"]


@dataclass(frozen=True, slots=True)
class AgentView:
    """One agent signed in to the campaign: their state and how long (seconds) they have been in it.

    `talked`: for an agent in wrap-up, the seconds of the conversation before, when known (a short one, such as with a
    machine, has a short wrap-up). `ending`: seconds since the agent's desktop said that this conversation is
    ending, when it did.
    """

    state: str
    seconds: float
    talked: float | None = None
    ending: float | None = None


@dataclass(frozen=True, slots=True)
class CallView:
    """One live call of the campaign: its state and its age in seconds. `taken`: it has its agent.

    `seconds` counts from the decision to dial for a call not yet answered, and from the answer for one being screened.
    `rang`: for an answered call, its age at the answer. `score`: the lead's own score, in logits above the list's mean.
    """

    state: str
    seconds: float
    taken: bool = False
    rang: float | None = None
    score: float = 0.0


@dataclass(frozen=True, slots=True)
class Seen:
    """One thing that happened since the last snapshot: what the engine learns from.

    answered   a call was passed to the agents: `seconds` its age at pick-up, `lag` the seconds screening took
    machine    screening said machine: likewise
    failed     a call ended unanswered (no answer, busy, invalid …; not when we cancelled it): `seconds` its age
    talk_end   a conversation ended: `seconds` its length
    wrap_end   a wrap-up ended: `seconds` its length, `stayed` whether the agent is ready again (not paused or gone),
               `talked` the length of the conversation before, when known
    connected  an answered call met its agent        abandoned  … found none: `seconds` it waited
    """

    kind: SeenKind
    seconds: float = 0.0
    lag: float = 0.0
    stayed: bool = True
    talked: float | None = None
    score: float = 0.0
    ending: float | None = None


@dataclass(frozen=True, slots=True)
class Ledger:
    """The gate's abandonment ledger of the campaign: people who answered and those abandoned, in the rule's window.

    The day's own figures keep one day from spending what others saved. `spent`: the gate has closed paced dialing.
    `certain`: False when the counters are unknown or do not agree with the events they are made of.
    """

    answered: float = 0.0
    abandoned: float = 0.0
    day_answered: float = 0.0
    day_abandoned: float = 0.0
    cap: float = 0.03
    spent: bool = False
    certain: bool = True


@dataclass(frozen=True, slots=True)
class Rules:
    """How the campaign dials. All times in seconds."""

    ring_timeout: float = 25.0
    min_ring: float = 15.0
    """Hanging up on a call that rang less than this is not allowed."""
    detection: bool = True
    """Answering-machine detection stands between the answer and the agents."""
    patience: float = 2.0
    """How long an answered person may wait after their greeting."""
    wait: float | None = None
    """How long the dialer lets a call wait that was passed to the agents, when it knows; None: learned from those that
    were abandoned, beginning with what patience and the greeting come to."""
    may_cancel: bool = True
    """Whether calls that rang past `min_ring` may be given up when nobody would be free for their answer."""
    cancel_share: float = 0.2
    """At most this share of the calls launched is given up, lately and in the long run."""
    tick: float = 1.0
    seats: int = 0
    """Agents that the campaign is planned for (0: those signed in); sets how fast the engine may steer."""


@dataclass(frozen=True, slots=True)
class Snapshot:
    """A campaign at one moment. Times in seconds; `at` counts from any fixed origin and may step."""

    method: Method
    level: float
    agents: tuple[AgentView, ...] = ()
    calls: tuple[CallView, ...] = ()
    max_lines: int = 0
    lines_in_use: int = 0
    """Lines of the whole trunk in use, this campaign's own included."""
    # What follows is for predictive and blended dialing; the other methods do not look at it.
    at: float = 0.0
    may_launch: int | None = None
    """Calls that the trunk's calls-per-second allowance lets go now; None: no such limit."""
    share: int | None = None
    """Calls that the campaigns on the same trunk leave to this one now (`allocate`); None: nobody else wants any."""
    seen: tuple[Seen, ...] = ()
    ledger: Ledger | None = None
    """None: nobody knows how many were abandoned; pacing falls back to progressive."""
    rules: Rules = field(default_factory=Rules)
    memory: Memory | None = None
    """What the last decision learned; None at the campaign's first."""
    next_scores: tuple[float, ...] = ()
    """Scores of the leads that would be dialed next, in list order, when leads have scores."""
    closes_in: float | None = None
    """Seconds until the campaign's dialing ends for the day, when known."""
    inbound_waiting: int = 0
    inbound_per_s: float = 0.0
    """Blended: callers waiting for these agents now, and those expected a second."""


@dataclass(frozen=True, slots=True)
class Decision:
    """How many calls to launch and to cancel now, and why, in one sentence that a supervisor understands.

    `cancel`: hang up the oldest calls still ringing that rang at least the legal minimum. `picks`: which of
    `next_scores` to dial, by position among those left (as a list that shrinks); empty: in list order.
    `worth`: of each call launched, in order: answer share x chance that an agent is free for it (for `allocate`).
    `memory` is to be handed to the next decision.
    """

    launch: int
    cancel: int
    level: float
    forecast: dict[str, float]
    reason: str
    limits: tuple[str, ...] = field(default=())
    picks: tuple[int, ...] = ()
    memory: Memory | None = field(default=None, compare=False, repr=False)
    worth: tuple[float, ...] = ()
