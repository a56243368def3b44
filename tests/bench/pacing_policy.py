"""The engine as a policy of the shared pacing bench: turns the bench's snapshot into ours and asks `decide`."""

from __future__ import annotations

from collections import deque
from typing import Any

from dialer.pacing import AgentView, CallView, Ledger, Rules, Seen, Snapshot, decide

_AGENT = ("offline", "paused", "ready", "in_call", "wrapup")


class Engine:
    """`.decide(snapshot)` as the bench wants it; remembers between ticks what a dialer has in its own tables."""

    def __init__(self, config: dict[str, Any], **options: Any) -> None:
        self.rules = Rules(
            ring_timeout=float(config["ring_timeout"]),
            min_ring=float(config["min_ring"]),
            detection=bool(config["amd"]),
            patience=float(config["wait_limit"]),
            may_cancel=options.get("cancel", True),
            tick=float(config["tick"]),
            seats=int(config["agents"]),
        )
        self.cap, self.lines = float(config["target"]), int(config["lines"])
        self.memory = None
        self.picked: list[tuple[float, float]] = []  # (when, age at pick-up) of calls being screened
        self.talked: dict[int, float] = {}
        self.said: dict[int, float] = {}
        self.people = _People()

    def start_day(self, day: int) -> None:
        """A new shift: nothing is under way."""
        self.picked.clear()
        self.talked.clear()
        self.said.clear()
        self.people.new_day()

    def decide(self, shown: Any) -> Any:
        """Calls to launch and to cancel, and the leads to take."""
        decision = decide(self.snapshot(shown))
        self.memory = decision.memory
        self.last = decision
        if decision.picks:
            return decision.launch, decision.cancel, list(decision.picks)
        return (decision.launch, decision.cancel) if decision.cancel else decision.launch

    def snapshot(self, shown: Any) -> Snapshot:
        """The bench's view in our words."""
        seen = self._seen(shown)
        counts = shown.stats
        scores = shown.next_scores(60)
        ages = shown.ring_elapsed.tolist()
        if scores is None:
            calls = [CallView("ringing", age) for age in ages]
        else:
            calls = [CallView("ringing", age, score=s) for age, s in zip(ages, shown.ring_score.tolist(), strict=True)]
        for i in range(shown.n_detect):
            rang = self.picked[i][1] if i < len(self.picked) else None
            calls.append(CallView("detecting", 1.0, rang=rang))
        calls.extend([CallView("human", 1.0)] * shown.n_waiting)
        people = self.people
        # Without screening it is guesswork which of the abandoned were people: a standard deviation on the safe side.
        sure = 0.0 if self.rules.detection else 1.0
        abandoned = people.abandoned + sure * people.doubt**0.5
        abandoned_today = people.abandoned_today + sure * people.doubt_today**0.5
        return Snapshot(
            method="predictive",
            level=1.0,
            agents=self._agents(shown),
            calls=tuple(calls),
            max_lines=self.lines,
            lines_in_use=len(calls) + shown.n_connected,
            at=shown.t,
            may_launch=shown.max_launch,
            seen=tuple(seen),
            ledger=Ledger(
                counts.campaign.human_dispo + abandoned,
                abandoned,
                counts.today.human_dispo + abandoned_today,
                abandoned_today,
                cap=self.cap,
            ),
            rules=self.rules,
            memory=self.memory,
            next_scores=tuple(scores) if scores is not None else (),
        )

    def _agents(self, shown: Any) -> tuple[AgentView, ...]:
        signals = shown.end_signals
        views = []
        states, times = shown.agent_state.tolist(), shown.agent_elapsed.tolist()
        for who, (state, since) in enumerate(zip(states, times, strict=True)):
            if state == 4:
                views.append(AgentView("wrapup", since, self.talked.get(who)))
            elif state == 3:
                ending = signals.get(who)
                if ending is not None:
                    self.said[who] = shown.t - ending
                views.append(AgentView("in_call", since, None, ending))
            else:
                views.append(AgentView(_AGENT[state], since))
        return tuple(views)

    def _seen(self, shown: Any) -> list[Seen]:
        found: list[Seen] = []
        for event in shown.events:
            kind = event[0]
            if kind == "answer":
                self.picked.append((shown.t, event[1]))
            elif kind in ("routed", "machine"):
                age = event[1] - event[2]
                self._forget(age)
                if kind == "routed":
                    self.people.passed(age)
                found.append(Seen("answered" if kind == "routed" else "machine", age, event[2]))
            elif kind == "fail":
                found.append(Seen("failed", event[2]))
            elif kind == "talk_end":
                self.talked[event[1]] = event[2]
                self.people.disposed(event[1], event[3] == "human")
                said = self.said.pop(event[1], None)
                found.append(Seen("talk_end", event[2], ending=None if said is None else shown.t - said))
            elif kind == "wrap_end":
                found.append(Seen("wrap_end", event[2], stayed=event[3], talked=self.talked.pop(event[1], None)))
            elif kind == "drop":
                found.append(Seen("abandoned", event[1]))
                self.people.lost()
            elif kind == "connect":
                found.append(Seen("connected"))
                self.people.met(event[1])
        return found

    def _forget(self, age: float) -> None:
        for i, (_, picked) in enumerate(self.picked):
            if abs(picked - age) < 0.003:
                del self.picked[i]
                return


class _People:
    """How many of the abandoned were people: by the age at pick-up, as the connected calls of that age turned out.

    Machines pick up later than people, so one share for all would count too few of the abandoned.
    """

    SPAN_S = 3.0

    def __init__(self) -> None:
        self.queue: deque[float] = deque()
        self.with_agent: dict[int, float] = {}
        self.found: dict[int, list[float]] = {}
        self.abandoned = self.abandoned_today = 0.0
        self.doubt = self.doubt_today = 0.0  # variance of these, for each was a person or a machine

    def new_day(self) -> None:
        """Nothing is under way, and the day's count begins anew."""
        self.queue.clear()
        self.with_agent.clear()
        self.abandoned_today = self.doubt_today = 0.0

    def _at(self, age: float) -> list[float]:
        return self.found.setdefault(int(age / self.SPAN_S), [4.0, 4.0])  # people, of all; taken for people at first

    def passed(self, age: float) -> None:
        """A call picked up at `age` joined the agents' queue."""
        self.queue.append(age)

    def met(self, agent: int) -> None:
        """The first in the queue met this agent."""
        if self.queue:
            self.with_agent[agent] = self.queue.popleft()

    def disposed(self, agent: int, person: bool) -> None:
        """The agent said what it was."""
        share = self._at(self.with_agent.pop(agent, 8.0))
        share[0] += float(person)
        share[1] += 1.0

    def lost(self) -> None:
        """The first in the queue was abandoned."""
        people, calls = self._at(self.queue.popleft() if self.queue else 8.0)
        share = people / calls
        self.abandoned += share
        self.abandoned_today += share
        self.doubt += share * (1.0 - share)
        self.doubt_today += share * (1.0 - share)


def engine(config: dict[str, Any], **options: Any) -> Engine:
    """What the bench calls."""
    return Engine(config, **options)


def without_cancelling(config: dict[str, Any], **options: Any) -> Engine:
    """The same engine where no ringing call may be given up."""
    return Engine(config, cancel=False, **options)
