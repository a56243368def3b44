"""The snapshot as the engine counts it: agents by what they do, calls by how far they are, in arrays."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from .memory import RANG_S, Memory
from .ring import AT_ONCE_S, Floats
from .types import Snapshot
from .work import ENDING_EDGES, SHORT_TALK_S, TALK_EDGES, WRAP_EDGES, Ints

RINGING = frozenset({"queued", "dialing", "ringing"})
SCREENING = frozenset({"answered", "detecting"})
ORIGINATE_S = 1.5
"""Between the decision to dial and the first ring, about; ringing itself is what the law's minimum is about."""
LONG_S = 30.0
"""After so long without a decision, what agents and calls did meanwhile is not known."""

_SHORT_AT = len(TALK_EDGES)
_LONG_AT = _SHORT_AT + len(WRAP_EDGES)
_ENDING_AT = _LONG_AT + len(WRAP_EDGES)


@dataclass(frozen=True, slots=True)
class Floor:
    """Agents and calls of one moment. Times in seconds."""

    ready: int
    talk: Floats
    wrap_short: Floats
    wrap_long: Floats
    ending: Floats
    ringing: Floats
    """Age of each call not yet answered, since the decision to dial."""
    scores: Floats
    rang: Floats
    """Age at pick-up of each call being screened; -1 when not known."""
    waiting: int
    """Answered people, and inbound callers, without an agent."""

    @property
    def working(self) -> int:
        """Agents that are ready, talking or wrapping up."""
        return self.ready + len(self.talk) + len(self.wrap_short) + len(self.wrap_long) + len(self.ending)

    def busy_groups(self) -> Ints:
        """The row of Tables.busy_free of each busy agent."""
        return np.concatenate(
            [
                _bin(TALK_EDGES, self.talk),
                _SHORT_AT + _bin(WRAP_EDGES, self.wrap_short),
                _LONG_AT + _bin(WRAP_EDGES, self.wrap_long),
                _ENDING_AT + _bin(ENDING_EDGES, self.ending),
            ]
        )


def _bin(edges: Floats, seconds: Floats) -> Ints:
    return edges.searchsorted(seconds, side="right") - 1


def floor_of(snapshot: Snapshot) -> Floor:
    """Sort the snapshot's agents and calls. Unknown states count as nothing that helps: not free, not ringing."""
    ready = 0
    talk: list[float] = []
    short: list[float] = []
    long: list[float] = []
    ending: list[float] = []
    for agent in snapshot.agents:
        state = agent.state
        if state == "in_call":
            if agent.ending is not None:
                ending.append(max(0.0, agent.ending))
            else:
                talk.append(max(0.0, agent.seconds))
        elif state == "ready":
            ready += 1
        elif state == "wrapup":
            brief = agent.talked is not None and agent.talked < SHORT_TALK_S
            (short if brief else long).append(max(0.0, agent.seconds))
        elif state == "reserved":
            talk.append(0.0)
    ringing: list[float] = []
    scores: list[float] = []
    rang: list[float] = []
    waiting = snapshot.inbound_waiting
    screened = snapshot.rules.detection
    for call in snapshot.calls:
        if call.taken:
            continue
        if call.state in RINGING:
            ringing.append(max(0.0, call.seconds))
            scores.append(call.score)
        elif call.state == "human" or (call.state == "answered" and not screened):
            waiting += 1
        elif call.state in SCREENING:
            rang.append(-1.0 if call.rang is None else call.rang)
    return Floor(
        ready,
        np.array(talk),
        np.array(short),
        np.array(long),
        np.array(ending),
        np.array(ringing),
        np.array(scores),
        np.array(rang),
        waiting,
    )


def learn(memory: Memory, snapshot: Snapshot, floor: Floor) -> None:
    """Take into `memory` (a copy made for this) what happened since the last snapshot, and the time that passed."""
    ring, work, tables = memory.ring, memory.work, memory.tables
    assert tables is not None
    passed = snapshot.at - memory.at
    step = passed if 0.0 < passed <= LONG_S else snapshot.rules.tick
    for seen in snapshot.seen:
        match seen.kind:
            case "answered":
                memory.rang(snapshot.at, seen.seconds + seen.lag)
                ring.saw_answer(seen.seconds, seen.lag, seen.score, tables.ring, step)
            case "machine":
                memory.rang(snapshot.at, seen.seconds + seen.lag)
                ring.saw_other(seen.seconds, True, seen.score, tables.ring, step)
            case "failed":
                if seen.seconds < AT_ONCE_S:
                    memory.failed_at_once(snapshot.at)
                else:
                    memory.rang(snapshot.at, seen.seconds)
                if not memory.trunk_dead:  # a dead trunk says nothing about the people on the list
                    ring.saw_other(seen.seconds, False, seen.score, tables.ring, step)
            case "talk_end":
                if seen.ending is None:
                    work.talk.ended(seen.seconds)
                else:
                    work.ending.ended(seen.ending)
            case "wrap_end":
                work.wrap_ended(seen.seconds, seen.talked, seen.stayed)
            case "abandoned":
                memory.observed += 1.0
                memory.wait += seen.seconds
                memory.waits += 1.0
            case "connected":
                pass
    if memory.streak and len(floor.ringing):
        youngest = floor.ringing[floor.ringing >= RANG_S]
        if len(youngest):
            memory.rang(snapshot.at, float(youngest.min()))
    if memory.waits > 60.0:
        memory.wait, memory.waits = memory.wait * 0.5, memory.waits * 0.5
    memory.at = snapshot.at
    if not 0.0 < passed <= LONG_S:  # the clock stepped, or nobody asked for long: time taught nothing
        memory.rested(passed, snapshot.rules.seats or len(snapshot.agents))
        return
    memory.age += passed
    work.talk.lasted(floor.talk, passed)
    work.wrap_short.lasted(floor.wrap_short, passed)
    work.wrap_long.lasted(floor.wrap_long, passed)
    work.ending.lasted(floor.ending, passed)
    ring.rang_on(floor.ringing, floor.scores, passed, tables.ring)
