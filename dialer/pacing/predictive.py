"""Predictive dialing: forecast answers and free agents, launch while the risk of an abandonment is worth it.

The risk of one more call is the chance that its answer, or the later answer whose agent it takes, finds nobody. Summed
over all calls launched, risk times answer share is the number of abandonments to expect; so the threshold up to
which calls are launched is steered until the risk taken is what the ledger allows.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from math import exp, log

import numpy as np

from .balance import Balance, ExactBalance, MomentBalance, width_for
from .budget import Budget
from .floor import ORIGINATE_S, Floor
from .memory import Memory
from .ring import SCORE_SIDE, Floats, score_class, score_classes
from .tables import Tables
from .types import Snapshot

_STEER = 0.04
_SETTLING_S = 600.0
_BOOK_ANSWERS = 2500.0
_UNTRUE, _RESERVE_STEP = 2.2, 0.004
"""Abandonments observed over those foretold from which on agents are kept in reserve, and how fast, per answer."""
_CANCEL_OVER, _CANCEL_SURE, _CANCEL_LEAST = 5.0, 0.9, 1.3
"""A ringing call is given up when its risk is so many times the one at which calls are launched, or so large in itself
(and then at least so many times the other): decision 0015."""
_MOST_A_TICK = 200


@dataclass(slots=True)
class Choice:
    """What to do, and what was foreseen for it."""

    launch: int = 0
    cancel: int = 0
    picks: tuple[int, ...] = ()
    free_soon: float = 0.0
    answers_soon: float = 0.0
    risk: float = 0.0
    """Of the last call launched, or of the first one not launched."""
    capped: bool = False
    worth: list[float] = field(default_factory=list)
    """Of each call launched: answer share x chance that an agent is free for it."""


def refresh(memory: Memory, snapshot: Snapshot, agents: int) -> None:
    """Make the tables anew when they are old: every few seconds, those of agents' work more rarely."""
    every = 8.0 if memory.age > 60.0 else 2.0
    if memory.tables is not None and memory.age - memory.built < every:
        return
    keep = memory.tables if memory.age - memory.work_built < 4 * every else None
    memory.tables = Tables(memory.ring, memory.work, snapshot.rules.ring_timeout, memory.grace(snapshot.rules), keep)
    memory.built = memory.age
    if keep is None:
        memory.work_built = memory.age
    if not memory.settled and memory.age > _SETTLING_S:  # what was foretold before anything was known counts no more
        memory.settled, memory.predicted, memory.observed = True, 3.0, 3.0


def balance_of(
    tables: Tables, snapshot: Snapshot, floor: Floor, frees: Floats, doubt: float, reserve: float = 0.0
) -> tuple[Balance, Floats, Floats]:
    """The balance ahead, the chances of each ringing call, and the expected answers by bin.

    `reserve`: agents who are taken for spoken for, since the forecast proved too bold (decision 0065).
    """
    ages = np.minimum(floor.ringing.astype(np.int64), tables.ring.size - 1)
    ringing = tables.call_old[score_classes(floor.scores) if floor.scores.any() else SCORE_SIDE, ages]
    answers = ringing
    if len(floor.rang):
        known = tables.screened[np.clip(floor.rang.astype(np.int64), 0, tables.ring.size - 1)]
        passed = np.where(floor.rang < 0, 0.8, known)
        answers = np.vstack([ringing, np.repeat(passed[:, None], len(tables.ends), axis=1)])
    expected = answers.sum(0)
    if reserve > 0.0:
        taken = np.clip(reserve - np.arange(np.ceil(reserve)), 0.0, 1.0)
        answers = np.vstack([answers, np.repeat(taken[:, None], len(tables.ends), axis=1)])
    again = tables.again @ _steps(expected)
    inbound = snapshot.inbound_per_s * tables.middle
    start = floor.waiting - floor.ready
    blur = (doubt * ringing.sum(0)) ** 2 + inbound
    highest = start + reserve + expected[-1] + 5.0 * np.sqrt(expected[-1]) + 1.0 + inbound[-1]
    width = width_for(-float(floor.working), max(0.0, float(highest)))
    again = again - inbound  # callers who come by themselves: as many answers more
    if width and not snapshot.inbound_per_s:
        return ExactBalance(width, start, answers, frees, again, blur), ringing, expected
    return MomentBalance(start, answers, frees, again, blur), ringing, expected


def _steps(rising: Floats) -> Floats:
    """Differences of a cumulative row, the first one from nought."""
    steps = rising.copy()
    steps[1:] -= rising[:-1]
    return steps


def worst_later(short: Floats) -> Floats:
    """For each bin the largest chance from it on: the agent an answer takes may be the one a later answer needs."""
    return np.maximum.accumulate(short[::-1])[::-1]


def learning_room(memory: Memory, floor: Floor) -> int:
    """Calls that may be launched while the list is being learned: should they answer as they well may, each meets an
    agent who is idle or soon free."""
    tables = memory.tables
    assert tables is not None
    free = floor.ready + float(tables.busy_free[floor.busy_groups()][:, tables.soon].sum())
    under_way = len(floor.ringing) + len(floor.rang)
    return max(0, int((free - floor.waiting) / memory.ring.most + 1e-9) - under_way)


def choose(memory: Memory, snapshot: Snapshot, floor: Floor, budget: Budget, room: int) -> Choice:
    """Cancel or launch, and steer towards the budget's rate. `room`: calls that fit."""
    tables = memory.tables
    assert tables is not None
    frees = tables.busy_free[floor.busy_groups()]
    balance, ringing, expected = balance_of(tables, snapshot, floor, frees, memory.ring.doubt, memory.reserve)
    choice = Choice()
    soon = tables.soon
    choice.free_soon = floor.ready + float(frees[:, soon].sum())
    choice.answers_soon = float(expected[soon])
    threshold = min(0.97, exp(memory.log_threshold)) * budget.damp
    book = _Book(memory, budget, snapshot)
    under_way = len(floor.ringing) + len(floor.rang) + floor.waiting
    sure = min(room, max(0, floor.ready - under_way))  # what progressive would launch: an idle agent for each
    may_give_up = memory.may_give_up(snapshot.rules)
    if may_give_up and len(ringing) and not sure:
        choice.cancel = _cancel(tables, snapshot, floor, balance, ringing, threshold, may_give_up)
    if choice.cancel == 0 and room == 0:
        choice.risk = float(tables.arrival @ worst_later(balance.short()))
        choice.capped = choice.risk <= threshold
    elif choice.cancel == 0:
        _launch(tables, snapshot, balance, (sure, min(room, _MOST_A_TICK)), threshold, choice, book)
        choice.capped = choice.launch == room
    book.close(choice.capped and choice.launch > 0)
    memory.count_calls(choice.launch, choice.cancel)
    return choice


def _cancel(
    tables: Tables, snapshot: Snapshot, floor: Floor, balance: Balance, ringing: Floats, threshold: float, most: int
) -> int:
    """How many of the oldest ringing calls to give up: past the legal minimum, and with nobody free if answered."""
    old = np.nonzero(floor.ringing >= snapshot.rules.min_ring + ORIGINATE_S)[0]
    if not len(old):
        return 0
    limit = max(_CANCEL_LEAST * threshold, min(_CANCEL_OVER * threshold, _CANCEL_SURE))
    given_up = looked = 0
    for i in old[np.argsort(-floor.ringing[old])][:most]:
        chance = ringing[i]
        looked += 1
        if chance[-1] <= 1e-3:  # nobody will answer it any more; hanging up gains nothing
            continue
        arrival = _steps(chance) / chance[-1]
        risk = float(arrival @ worst_later(balance.short()))
        if risk <= limit:
            break
        balance.remove(chance)
        given_up = looked
    return given_up


def _launch(
    tables: Tables,
    snapshot: Snapshot,
    balance: Balance,
    room: tuple[int, int],
    threshold: float,
    choice: Choice,
    book: _Book,
) -> None:
    """Launch while the risk is under the threshold; at least and at most `room`."""
    arrival, (least, most) = tables.arrival, room
    if snapshot.next_scores:
        _launch_scored(tables, snapshot, balance, room, threshold, choice, book)
        return
    p = float(tables.ring.p[SCORE_SIDE])
    chance = tables.call_new[SCORE_SIDE]
    while choice.launch < most:
        choice.risk = float(arrival @ worst_later(balance.short()))
        if choice.risk > threshold and choice.launch >= least:
            break
        choice.launch += 1
        choice.worth.append(p * (1.0 - choice.risk))
        book.note(p, choice.risk)
        balance.add(chance)


def _launch_scored(
    tables: Tables,
    snapshot: Snapshot,
    balance: Balance,
    room: tuple[int, int],
    threshold: float,
    choice: Choice,
    book: _Book,
) -> None:
    left = list(snapshot.next_scores)
    picks: list[int] = []
    least, most = room
    while choice.launch < most and left:
        choice.risk = float(tables.arrival @ worst_later(balance.short()))
        if choice.risk > threshold and choice.launch >= least:
            break
        at = 0
        which = score_class(left.pop(at))
        picks.append(at)
        choice.launch += 1
        p = float(tables.ring.p[which])
        choice.worth.append(p * (1.0 - choice.risk))
        book.note(p, choice.risk)
        balance.add(tables.call_new[which])
    choice.picks = tuple(picks)


class _Book:
    """Keeps the book of risks taken and moves the threshold so that they come to what is allowed."""

    __slots__ = ("before", "cap", "keep", "memory", "most_reserve", "rate", "rise", "steer")

    def __init__(self, memory: Memory, budget: Budget, snapshot: Snapshot) -> None:
        seats = snapshot.rules.seats or max(1, len(snapshot.agents))
        self.cap = max(1e-3, snapshot.ledger.cap if snapshot.ledger else 0.03)
        self.memory, self.before = memory, memory.log_threshold
        self.most_reserve = 1.0 + 0.1 * seats
        self.steer = _STEER * min(1.0, 20.0 / seats)
        self.keep = _BOOK_ANSWERS * max(1.0, seats / 40.0) ** 0.5
        self.rise = min(1.0, budget.damp)
        """While the budget damps the risk taken, the threshold must not wind up against it (decision 0039)."""
        self.rate = budget.rate / min(4.0, max(0.2, memory.observed / memory.predicted))

    def note(self, p: float, risk: float) -> None:
        """A call with answer share `p` was launched at `risk` (or given up: `p` negative)."""
        memory = self.memory
        fade = 1.0 - abs(p) / self.keep
        memory.predicted = max(0.05, (memory.predicted + p * risk) * fade)
        memory.observed *= fade
        untrue = max(-1.0, min(1.0, log(max(0.05, memory.observed) / memory.predicted / _UNTRUE)))
        memory.reserve = max(0.0, min(self.most_reserve, memory.reserve + _RESERVE_STEP * p * untrue))
        move = self.steer * p * (self.rate - risk) / self.cap
        moved = memory.log_threshold + (move if move < 0.0 else move * self.rise)
        memory.log_threshold = min(log(0.97), max(log(self.cap * 0.05), moved))

    def close(self, capped: bool) -> None:
        """When a cap held the launches back, the threshold must not wind up."""
        if capped:
            self.memory.log_threshold = min(self.memory.log_threshold, self.before)
