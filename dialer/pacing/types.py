"""What pacing is told and what it answers. Plain values: no Django, no I/O."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

Method = Literal["manual", "preview", "progressive", "ratio"]


@dataclass(frozen=True, slots=True)
class AgentView:
    """One agent signed in to the campaign: their state and how long (seconds) they have been in it."""

    state: str
    seconds: float


@dataclass(frozen=True, slots=True)
class CallView:
    """One live call of the campaign: its state and its age in that state, in seconds. `taken`: it has its agent."""

    state: str
    seconds: float
    taken: bool = False


@dataclass(frozen=True, slots=True)
class Snapshot:
    """A campaign at one moment."""

    method: Method
    level: float
    agents: tuple[AgentView, ...] = ()
    calls: tuple[CallView, ...] = ()
    max_lines: int = 0
    lines_in_use: int = 0
    """Lines of the whole trunk in use, this campaign's own included."""


@dataclass(frozen=True, slots=True)
class Decision:
    """How many calls to launch and to cancel now, and why, in one sentence that a supervisor understands."""

    launch: int
    cancel: int
    level: float
    forecast: dict[str, float]
    reason: str
    limits: tuple[str, ...] = field(default=())
