"""The engine as a policy of the shared pacing bench: turns the bench's snapshot into ours and asks `decide`."""

from __future__ import annotations

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
        self.reasons: dict[str, int] = {}

    def start_day(self, day: int) -> None:
        """A new shift: nothing is under way."""
        self.picked.clear()
        self.talked.clear()
        self.said.clear()

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
        campaign, today = _answered(counts.campaign), _answered(counts.today)
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
            ledger=Ledger(*campaign, *today, cap=self.cap),
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
                found.append(Seen("answered" if kind == "routed" else "machine", age, event[2]))
            elif kind == "fail":
                found.append(Seen("failed", event[2]))
            elif kind == "talk_end":
                self.talked[event[1]] = event[2]
                said = self.said.pop(event[1], None)
                found.append(Seen("talk_end", event[2], ending=None if said is None else shown.t - said))
            elif kind == "wrap_end":
                found.append(Seen("wrap_end", event[2], stayed=event[3], talked=self.talked.pop(event[1], None)))
            elif kind == "drop":
                found.append(Seen("abandoned", event[1]))
            elif kind == "connect":
                found.append(Seen("connected"))
        return found

    def _forget(self, age: float) -> None:
        for i, (_, picked) in enumerate(self.picked):
            if abs(picked - age) < 0.003:
                del self.picked[i]
                return


def _answered(counts: Any) -> tuple[float, float]:
    """People who answered and those abandoned: a dropped call may have been a machine, as connected ones turn out."""
    people = (counts.human_dispo + 10.0) / (counts.human_dispo + counts.machine_dispo + 10.0)
    abandoned = counts.drops * people
    return counts.human_dispo + abandoned, abandoned


def engine(config: dict[str, Any], **options: Any) -> Engine:
    """What the bench calls."""
    return Engine(config, **options)
