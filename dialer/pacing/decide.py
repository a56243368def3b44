"""The decision for each dial method. Pure, deterministic, never negative, never over a cap."""

from __future__ import annotations

from math import floor as whole

from .budget import Budget, budget_of
from .floor import floor_of, learn
from .memory import Memory
from .predictive import Choice, choose, learning_room, refresh
from .tables import FREE_SOON_S
from .types import Decision, Ledger, Snapshot

USUAL_WORTH = 0.22
"""Of a call whose campaign has learned nothing yet: the share of dials that reach an agent, as a rule."""


def decide(snapshot: Snapshot) -> Decision:
    """Return how many calls to launch now.

    Progressive dials one line for each agent that is free and has no line under way for them; ratio dials `level`
    lines per free agent; predictive and blended launch ahead of agents, within the abandonment budget. Manual and
    preview launch nothing: their agents do.
    """
    if snapshot.method in ("manual", "preview"):
        return _hold(snapshot, "Agents dial for themselves.")
    if snapshot.method in ("predictive", "blended"):
        return _predict(snapshot)
    return _lines_per_agent(snapshot, snapshot.level if snapshot.method == "ratio" else 1.0)


def _lines_per_agent(snapshot: Snapshot, level: float, why: str = "", memory: Memory | None = None) -> Decision:
    free = sum(1 for agent in snapshot.agents if agent.state == "ready")
    under_way = sum(1 for call in snapshot.calls if not call.taken) + snapshot.inbound_waiting
    forecast = {"free": float(free), "under_way": float(under_way)}
    if free == 0:
        return _hold(snapshot, f"{why}No agent is free.", forecast, memory)
    wanted = whole(level * free + 1e-9) - under_way
    room, capped_by = _room(snapshot)
    launch = max(0, min(wanted, room))
    limits = (capped_by,) if wanted > room else ()
    counts = f"{why}{free} free, {under_way} under way at {level:g} lines per agent"
    if limits and not launch:
        reason = f"{counts}; {_why_capped(snapshot, capped_by)}."
    elif launch:
        reason = f"{counts}; launching {launch}{_cut_short(snapshot, limits)}."
    else:
        reason = f"{counts}; enough calls are under way."
    worth = memory.ring.p if memory is not None else USUAL_WORTH
    return Decision(launch, 0, level, forecast, reason, limits, memory=memory, worth=(worth,) * launch)


def _room(snapshot: Snapshot) -> tuple[int, str]:
    """Calls that lines and calls per second allow now, and the name of the tighter of the two."""
    limits = [(max(0, snapshot.max_lines - snapshot.lines_in_use), "max_lines")]
    if snapshot.may_launch is not None:
        limits.append((max(0, snapshot.may_launch), "cps"))
    if snapshot.share is not None:
        limits.append((max(0, snapshot.share), "trunk_share"))
    return min(limits, key=lambda one: one[0])


def _cut_short(snapshot: Snapshot, limits: tuple[str, ...]) -> str:
    """What is said after "launching n" when a limit allowed no more."""
    if not limits:
        return ""
    return ", as many as lines allow" if limits[0] == "max_lines" else f": {_why_capped(snapshot, limits[0])}"


def _why_capped(snapshot: Snapshot, limit: str) -> str:
    if limit == "cps":
        return "the trunk takes no more calls this second"
    if limit == "trunk_dead":
        return "the last calls all failed at once, so the trunk is tried with one call at a time"
    if limit == "learning":
        return "how many people answer is still being learned"
    if limit == "trunk_share":
        return "other campaigns have their share of the trunk"
    return f"all {snapshot.max_lines} lines are in use"


def _hold(
    snapshot: Snapshot, reason: str, forecast: dict[str, float] | None = None, memory: Memory | None = None
) -> Decision:
    return Decision(0, 0, snapshot.level, forecast or {}, reason, memory=memory)


def _predict(snapshot: Snapshot) -> Decision:
    ledger = snapshot.ledger
    if ledger is None or not ledger.certain or not _sound(ledger):
        what = "are not known" if ledger is None else "do not agree with the calls"
        return _lines_per_agent(snapshot, 1.0, f"The abandonment counters {what}, so pacing is progressive: ",
                                _remember(snapshot))  # fmt: skip
    floor = floor_of(snapshot)
    memory = _memory_for(snapshot)
    learn(memory, snapshot, floor)
    refresh(memory, snapshot, floor.working)
    seats = snapshot.rules.seats or len(snapshot.agents)
    memory.bank(ledger, seats)
    if ledger.spent:
        return _hold(snapshot, "The abandonment ledger is spent: no paced call leaves until the gate opens it again.",
                     memory=memory)  # fmt: skip
    if floor.working == 0:
        return _hold(snapshot, "No agent is logged in and working.", memory=memory)
    waiting = floor.waiting - snapshot.inbound_waiting
    budget = budget_of(ledger, waiting, seats, snapshot.closes_in, memory.saved)
    if not budget.open:
        why = f"{_left(budget)}, so pacing is progressive: "
        return _lines_per_agent(snapshot, 1.0, why[0].upper() + why[1:], memory)
    room, capped_by = _room(snapshot)
    if memory.trunk_dead:
        probe = 0 if len(floor.ringing) + len(floor.rang) else 1
        if room >= probe:
            room, capped_by = probe, "trunk_dead"
    if memory.learning(seats) and (first := learning_room(memory, floor)) < room:
        room, capped_by = first, "learning"
    choice = choose(memory, snapshot, floor, budget, room)
    return _decision(
        snapshot, choice, budget, memory, (capped_by,) if choice.capped else (), len(floor.ringing), len(floor.rang)
    )


def _sound(ledger: Ledger) -> bool:
    return (
        0.0 <= ledger.abandoned <= ledger.answered
        and 0.0 <= ledger.day_abandoned <= ledger.day_answered
        and 0.0 < ledger.cap < 1.0
    )


def _memory_for(snapshot: Snapshot) -> Memory:
    """The last memory, copied; a new one when there is none or the campaign now rings or screens differently."""
    rules, given = snapshot.rules, snapshot.memory
    if given is not None and given.shape == (rules.ring_timeout, rules.detection):
        memory = given.copy()
    else:
        memory = Memory.fresh(rules, snapshot.ledger.cap if snapshot.ledger else 0.03)
        memory.at = snapshot.at
        if given is not None:
            memory.work = given.work.copy()
    if memory.tables is None:
        refresh(memory, snapshot, len(snapshot.agents))
    return memory


def _remember(snapshot: Snapshot) -> Memory:
    """Go on learning while pacing is progressive for want of counters."""
    memory = _memory_for(snapshot)
    learn(memory, snapshot, floor_of(snapshot))
    refresh(memory, snapshot, len(snapshot.agents))
    return memory


def _decision(
    snapshot: Snapshot,
    choice: Choice,
    budget: Budget,
    memory: Memory,
    limits: tuple[str, ...],
    ringing: int,
    screening: int,
) -> Decision:
    tables = memory.tables
    assert tables is not None
    forecast = {
        "free": round(choice.free_soon, 2),
        "answers": round(choice.answers_soon, 2),
        "within_s": FREE_SOON_S,
        "risk": round(choice.risk, 4),
        "risk_limit": round(min(0.97, 2.718281828459045**memory.log_threshold), 4),
        "rate": round(budget.rate, 5),
    }
    free = f"{choice.free_soon:.0f} agent{'' if round(choice.free_soon) == 1 else 's'} free within {FREE_SOON_S:.0f} s"
    if choice.launch:
        done = f"launching {choice.launch}{_cut_short(snapshot, limits)}"
    elif choice.cancel:
        done = f"giving up {choice.cancel} that rang long, for nobody would be free to answer"
    elif limits:
        done = _why_capped(snapshot, limits[0])
    else:
        done = "enough calls are under way"
    reason = f"{free}, {ringing} ringing; {done}; {_left(budget)}."
    level = round((ringing + screening + choice.launch) / max(1.0, choice.free_soon), 2)
    worth = tuple(choice.worth)
    return Decision(choice.launch, choice.cancel, level, forecast, reason, limits, choice.picks, memory, worth)


def _left(budget: Budget) -> str:
    return f"{budget.left} abandonment{'' if budget.left == 1 else 's'} left of {budget.allowed}"
