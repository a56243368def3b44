"""Pacing: never negative, never above a cap, nothing without agents, and more of what it has room for."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dialer.pacing import AgentView, CallView, Snapshot, decide

agents = st.lists(
    st.builds(
        AgentView,
        state=st.sampled_from(("paused", "ready", "ready", "reserved", "in_call", "wrapup")),
        seconds=st.floats(0, 1e5),
    ),
    max_size=40,
).map(tuple)
calls = st.lists(
    st.builds(
        CallView,
        state=st.sampled_from(("queued", "dialing", "ringing", "answered", "human", "connected")),
        seconds=st.floats(0, 1e4),
        taken=st.booleans(),
    ),
    max_size=60,
).map(tuple)


@st.composite
def snapshots(draw: st.DrawFn, method: str | None = None) -> Snapshot:
    """A campaign in any shape, over its caps included."""
    live = draw(calls)
    return Snapshot(
        method=draw(st.sampled_from(("manual", "preview", "progressive", "ratio"))) if method is None else method,  # type: ignore[arg-type]
        level=draw(st.floats(1, 10)),
        agents=draw(agents),
        calls=live,
        max_lines=draw(st.integers(0, 60)),
        lines_in_use=len(live) + draw(st.integers(0, 5)),
    )


def ready(snapshot: Snapshot) -> int:
    return sum(agent.state == "ready" for agent in snapshot.agents)


def under_way(snapshot: Snapshot) -> int:
    return sum(not call.taken for call in snapshot.calls)


@given(snapshots())
def test_what_is_always_true_of_a_decision(snapshot: Snapshot) -> None:
    decision = decide(snapshot)
    assert decision == decide(snapshot)
    assert decision.launch >= 0
    assert decision.cancel == 0
    assert decision.launch <= max(0, snapshot.max_lines - snapshot.lines_in_use)
    assert decision.reason.endswith(".")
    if not ready(snapshot) or snapshot.method in ("manual", "preview"):
        assert decision.launch == 0
    level = snapshot.level if snapshot.method == "ratio" else 1.0
    if decision.launch:
        assert decision.launch + under_way(snapshot) <= level * ready(snapshot) + 1e-6


@given(snapshots("progressive"))
def test_progressive_dials_one_line_for_each_free_agent(snapshot: Snapshot) -> None:
    wanted = max(0, ready(snapshot) - under_way(snapshot))
    room = max(0, snapshot.max_lines - snapshot.lines_in_use)
    assert decide(snapshot).launch == min(wanted, room)


@given(snapshots())
def test_more_agents_lines_or_level_never_launch_less(snapshot: Snapshot) -> None:
    launch = decide(snapshot).launch
    more_agents = replace(snapshot, agents=(*snapshot.agents, AgentView("ready", 0)))
    more_room = replace(snapshot, max_lines=snapshot.max_lines + 1)
    higher = replace(snapshot, level=snapshot.level + 0.5)
    assert decide(more_agents).launch >= launch
    assert decide(more_room).launch >= launch
    assert decide(higher).launch >= launch


@given(snapshots())
def test_a_call_more_never_launches_more(snapshot: Snapshot) -> None:
    busier = replace(snapshot, calls=(*snapshot.calls, CallView("dialing", 0)), lines_in_use=snapshot.lines_in_use + 1)
    assert decide(busier).launch <= decide(snapshot).launch


@pytest.mark.parametrize(
    ("level", "free", "lines", "launch"),
    [(1.0, 3, 0, 3), (1.5, 3, 0, 4), (1.5, 2, 1, 2), (2.0, 4, 9, 0), (1.1, 10, 0, 11), (3.0, 1, 0, 3)],
)
def test_ratio_dials_its_level_for_each_free_agent(level: float, free: int, lines: int, launch: int) -> None:
    snapshot = Snapshot("ratio", level, (AgentView("ready", 1),) * free, (CallView("dialing", 1),) * lines, 100, lines)
    assert decide(snapshot).launch == launch


def test_a_cap_that_bites_is_named() -> None:
    snapshot = Snapshot("progressive", 1.0, (AgentView("ready", 1),) * 5, (), 3, 0)
    decision = decide(snapshot)
    assert (decision.launch, decision.limits) == (3, ("max_lines",))
    assert decide(replace(snapshot, lines_in_use=3)).limits == ("max_lines",)
