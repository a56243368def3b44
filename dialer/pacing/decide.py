"""The decision for each dial method. Pure, deterministic, never negative, never over a cap."""

from __future__ import annotations

from math import floor

from .types import Decision, Snapshot


def decide(snapshot: Snapshot) -> Decision:
    """Return how many calls to launch now.

    Progressive dials one line for each agent that is free and has no line under way for them; ratio dials `level`
    lines per free agent. Manual and preview launch nothing: their agents do.
    """
    if snapshot.method in ("manual", "preview"):
        return _hold(snapshot, "Agents dial for themselves.")
    free = sum(1 for agent in snapshot.agents if agent.state == "ready")
    under_way = sum(1 for call in snapshot.calls if not call.taken)
    level = snapshot.level if snapshot.method == "ratio" else 1.0
    forecast = {"free": float(free), "under_way": float(under_way)}
    if free == 0:
        return _hold(snapshot, "No agent is free.", forecast)
    wanted = floor(level * free + 1e-9) - under_way
    room = max(0, snapshot.max_lines - snapshot.lines_in_use)
    launch = max(0, min(wanted, room))
    limits = ("max_lines",) if wanted > room else ()
    counts = f"{free} free, {under_way} under way at {level:g} lines per agent"
    if limits and not launch:
        reason = f"{counts}; all {snapshot.max_lines} lines are in use."
    elif launch:
        reason = f"{counts}; launching {launch}{', as many as lines allow' if limits else ''}."
    else:
        reason = f"{counts}; enough calls are under way."
    return Decision(launch, 0, level, forecast, reason, limits)


def _hold(snapshot: Snapshot, reason: str, forecast: dict[str, float] | None = None) -> Decision:
    return Decision(0, 0, snapshot.level, forecast or {}, reason)
