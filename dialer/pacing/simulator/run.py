"""One simulated shift: people ring, answer, talk and hang up; the engine is asked each tick as in the product.

Deterministic from the world and the seed. Lead number i has the same fate whatever the policy does.
"""

from __future__ import annotations

import heapq
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Literal

import numpy as np

from ..decide import decide
from ..memory import Memory
from ..types import AgentView, CallView, Decision, Ledger, Method, Seen, Snapshot
from .world import Samples, World

BATCH_S = 300.0
"""Figures are kept by spans of this length, so that intervals can be given."""
Kind = Literal["ring_end", "verdict", "lost", "talk_end", "wrap_end", "back", "start"]
Policy = Callable[[Snapshot], Decision]
Going = Callable[[float], bool]
"""Told, each tick, the share of the shift that is done; False ends the shift there."""


@dataclass(slots=True)
class Batch:
    """Sums over one span of the shift. Seconds of all agents together, and counts."""

    busy: float = 0.0
    idle: float = 0.0
    answered: int = 0
    abandoned: int = 0
    calls: int = 0
    cancelled: int = 0
    connected: int = 0


@dataclass(slots=True)
class Run:
    """What came of it, by span."""

    batches: list[Batch] = field(default_factory=list)

    def total(self, skip: int = 0) -> Batch:
        """The sums, without the first `skip` spans."""
        sums = Batch()
        for batch in self.batches[skip:]:
            for name in Batch.__slots__:
                setattr(sums, name, getattr(sums, name) + getattr(batch, name))
        return sums


@dataclass(slots=True)
class _Agent:
    state: str = "offline"
    since: float = 0.0
    talked: float | None = None
    pause_due: bool = False


@dataclass(slots=True)
class _Call:
    dialed: float
    rings_from: float
    person: bool
    machine: bool
    rang: float
    state: str = "ringing"
    since: float = 0.0
    deadline: float = 0.0
    fate: np.random.Generator | None = None


class _Shift:
    def __init__(self, world: World, policy: Policy, method: Method, level: float, seed: int) -> None:
        self.world, self.policy, self.method, self.level, self.seed = world, policy, method, level, seed
        self.rules = world.rules if world.wait is None else replace(world.rules, wait=world.wait)
        self.agents = [_Agent() for _ in range(world.agents)]
        self.calls: dict[int, _Call] = {}
        self.queue: list[int] = []
        self.heap: list[tuple[float, int, Kind, int, int]] = []
        self.ids = self.order = 0
        self.seen: list[Seen] = []
        self.answered = self.abandoned = 0
        self.memory: Memory | None = None
        self.run = Run([Batch() for _ in range(max(1, int(np.ceil(world.hours * 3600.0 / BATCH_S))))])
        self.chance = np.random.default_rng([seed, 1])
        self.on_call: dict[int, int] = {}
        self.wrapping: dict[int, float] = {}
        self.found_machine: set[int] = set()
        """Agents who will say that their last call was a machine, and so no live answer: as in the ledger."""
        self.spent_at = 0.0

    def at(self, moment: float, kind: Kind, which: int, other: int = 0) -> None:
        self.order += 1
        heapq.heappush(self.heap, (moment, self.order, kind, which, other))

    def batch(self, moment: float) -> Batch:
        return self.run.batches[min(len(self.run.batches) - 1, int(moment / BATCH_S))]

    # -- agents
    def set_agent(self, who: int, state: str, now: float) -> None:
        agent = self.agents[who]
        begin = agent.since
        while begin < now and agent.state in ("ready", "in_call", "wrapup"):
            end = min(now, (int(begin / BATCH_S) + 1) * BATCH_S)
            batch = self.batch(begin)
            if agent.state == "ready":
                batch.idle += end - begin
            else:
                batch.busy += end - begin
            begin = end
        agent.state, agent.since = state, now

    def ready(self, who: int, now: float) -> None:
        agent = self.agents[who]
        if agent.pause_due:
            agent.pause_due = False
            self.set_agent(who, "paused", now)
            self.at(now + draw(self.chance, self.world.pause), "back", who)
            return
        self.set_agent(who, "ready", now)
        if self.queue:
            self.connect(who, self.queue.pop(0), now)

    def connect(self, who: int, which: int, now: float) -> None:
        call, world = self.calls[which], self.world
        call.state = "connected"
        self.set_agent(who, "in_call", now)
        self.batch(now).connected += 1
        self.seen.append(Seen("connected", now - call.since))
        assert call.fate is not None
        talk = draw(call.fate, world.talk if call.person else world.machine_talk)
        self.wrapping[who] = draw(call.fate, world.wrap if call.person else world.machine_wrap)
        self.on_call[who] = which
        self.at(now + talk, "talk_end", who)

    # -- calls
    def launch(self, now: float) -> None:
        self.ids += 1
        world = self.world
        fate = np.random.default_rng([self.seed, 2, self.ids])
        u, v = fate.random(2)
        age_person, age_machine = draw(fate, world.answer_age), draw(fate, world.machine_age)
        age_fail, originate = draw(fate, world.fail_age), draw(fate, world.originate)
        most = world.rules.ring_timeout + originate
        person, machine = bool(u < world.share_at(now)), False
        if person:
            age = age_person
        elif v < world.machine:
            machine, age = True, age_machine
        elif v < world.machine + world.fail:
            age = age_fail
        else:
            age = most
        if age >= most:
            person, machine, age = False, False, most
        self.calls[self.ids] = _Call(now, now + originate, person, machine, age, fate=fate)
        self.at(now + age, "ring_end", self.ids)
        self.batch(now).calls += 1

    def ring_end(self, which: int, now: float) -> None:
        call = self.calls.get(which)
        if call is None:
            return
        if not (call.person or call.machine):
            self.seen.append(Seen("failed", call.rang))
            del self.calls[which]
            return
        world = self.world
        assert call.fate is not None
        if call.person:
            self.batch(now).answered += 1
        lag = 0.0
        if world.rules.detection:
            lag = draw(call.fate, world.person_lag if call.person else world.machine_lag)
        heard = draw(call.fate, world.greeting) if call.person or lag == 0.0 else lag
        limit = heard + world.rules.patience if world.wait is None else lag + world.wait
        call.state, call.since, call.deadline = "detecting", now, now + limit
        self.at(now + lag, "verdict", which)

    def verdict(self, which: int, now: float) -> None:
        call, world = self.calls[which], self.world
        lag = now - call.since
        wrong = world.person_lost if call.person else world.machine_passed
        assert call.fate is not None
        taken_for_person = call.person != bool(call.fate.random() < wrong) if world.rules.detection else True
        if not taken_for_person:
            self.seen.append(Seen("machine", call.rang, lag))
            del self.calls[which]
            return
        self.seen.append(Seen("answered", call.rang, lag))
        call.state, call.since = "human", now
        self.answered += 1
        free = [i for i, agent in enumerate(self.agents) if agent.state == "ready"]
        if free:
            self.connect(min(free, key=lambda i: self.agents[i].since), which, now)
            return
        self.queue.append(which)
        self.at(max(now + 0.05, call.deadline), "lost", which)

    def lost(self, which: int, now: float) -> None:
        if which not in self.queue:
            return
        call = self.calls.pop(which)
        self.queue.remove(which)
        self.abandoned += 1
        self.seen.append(Seen("abandoned", now - call.since))
        if call.person:
            self.batch(now).abandoned += 1

    def events_until(self, moment: float) -> None:
        while self.heap and self.heap[0][0] <= moment:
            now, _, kind, which, _ = heapq.heappop(self.heap)
            match kind:
                case "ring_end":
                    self.ring_end(which, now)
                case "verdict":
                    self.verdict(which, now)
                case "lost":
                    self.lost(which, now)
                case "talk_end":
                    agent = self.agents[which]
                    agent.talked = now - agent.since
                    self.seen.append(Seen("talk_end", agent.talked))
                    call = self.calls.pop(self.on_call.pop(which))
                    if call.machine:
                        self.found_machine.add(which)
                    self.set_agent(which, "wrapup", now)
                    self.at(now + self.wrapping[which], "wrap_end", which)
                case "wrap_end":
                    agent = self.agents[which]
                    gone = self.chance.random() < self.pause_chance(which, now)
                    agent.pause_due = gone
                    if which in self.found_machine:
                        self.found_machine.remove(which)
                        self.answered -= 1
                    self.seen.append(Seen("wrap_end", now - agent.since, stayed=not gone, talked=agent.talked))
                    self.ready(which, now)
                case "back" | "start":
                    self.ready(which, now)

    def pause_chance(self, who: int, now: float) -> float:
        handled = max(20.0, (self.agents[who].talked or 0.0) + now - self.agents[who].since)
        return min(0.5, self.world.pauses_per_hour * handled / 3600.0)

    # -- the tick
    def snapshot(self, now: float, allowance: int) -> Snapshot:
        calls = []
        for call in self.calls.values():
            if call.state == "ringing":
                calls.append(CallView("ringing", now - call.dialed))
            elif call.state != "connected":
                calls.append(CallView(call.state, now - call.since, rang=call.rang))
        seen, self.seen = tuple(self.seen), []
        return Snapshot(
            self.method,
            self.level,
            tuple(AgentView(a.state, now - a.since, a.talked if a.state == "wrapup" else None) for a in self.agents),
            tuple(calls),
            self.world.lines,
            len(self.calls),
            at=now,
            may_launch=allowance,
            seen=seen,
            ledger=Ledger(self.answered, self.abandoned, self.answered, self.abandoned, self.world.cap),
            rules=self.rules,
            memory=self.memory,
        )

    def cancel(self, count: int, now: float) -> None:
        ringing = sorted((c.dialed, which) for which, c in self.calls.items() if c.state == "ringing")
        for _, which in ringing[:count]:
            if now - self.calls[which].rings_from >= self.world.rules.min_ring:
                del self.calls[which]
                self.batch(now).cancelled += 1

    def play(self, going: Going | None = None) -> Run:
        world = self.world
        for who in range(world.agents):
            self.at(abs(float(self.chance.standard_normal())) * world.arrive, "start", who)
        end, credit, step = world.hours * 3600.0, 0.0, world.tick
        for i in range(int(end / step)):
            now = i * step
            self.events_until(now)
            if going is not None and not going(now / end):
                # What ended early counts up to its last whole span.
                end = now
                del self.run.batches[max(1, int(now / BATCH_S)) :]
                break
            credit = min(credit + world.calls_per_s * step, max(1.0, world.calls_per_s * step))
            decision = self.policy(self.snapshot(now, int(credit)))
            self.memory = decision.memory
            if decision.cancel:
                self.cancel(decision.cancel, now)
            for _ in range(decision.launch):
                self.launch(now)
            credit -= decision.launch
        for who in range(world.agents):
            self.set_agent(who, "offline", end)
        return self.run


def draw(chance: np.random.Generator, samples: Samples) -> float:
    """One of the samples, any as likely as another."""
    return samples[int(chance.random() * len(samples))]


def simulate(
    world: World,
    *,
    seed: int = 0,
    method: Method = "predictive",
    level: float = 1.0,
    policy: Policy = decide,
    going: Going | None = None,
) -> Run:
    """Play one shift of the world under a policy, to its end or until `going` says that it is enough."""
    return _Shift(world, policy, method, level, seed).play(going)
