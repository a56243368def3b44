"""What pacing reckons with: a risk limit that stays where it was while the budget is shut, a wait that is known."""

from __future__ import annotations

from dataclasses import replace

import pytest

from dialer.pacing import AgentView, CallView, Ledger, Memory, Rules, Snapshot, decide


def test_the_risk_limit_does_not_wind_up_while_the_budget_is_shut() -> None:
    """Agents wait and calls for them are sure to find one: no reason to dare more later."""
    floor = tuple(AgentView("ready", 5.0) for _ in range(10))
    at_cap = Ledger(2000, 60, 2000, 60)

    def played(ledger: Ledger) -> tuple[float, float]:
        memory: Memory | None = None
        limits = []
        for second in range(300):
            calls = tuple(CallView("ringing", 3.0) for _ in range(second % 10))
            snapshot = Snapshot("predictive", 1.0, floor, calls, 100, 0, at=float(second), ledger=ledger, memory=memory)
            memory = decide(snapshot).memory
            assert memory is not None
            limits.append(memory.log_threshold)
        return limits[0], limits[-1]

    first, last = played(at_cap)
    assert last < first + 0.1
    first, last = played(replace(at_cap, abandoned=40, day_abandoned=40))
    assert last > first + 0.5


def test_how_long_a_call_may_wait_is_taken_from_who_knows() -> None:
    unknown, known = Rules(detection=False), Rules(detection=False, wait=1.2)
    assert Memory.fresh(unknown, 0.03).grace(unknown) == pytest.approx(2.9)
    assert Memory.fresh(known, 0.03).grace(known) == 1.2
