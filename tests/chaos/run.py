"""One run: a floor at work, the faults of a seed one after the other, and the judgement."""

from __future__ import annotations

import random
import time
from collections import defaultdict
from collections.abc import Callable
from typing import Any

from django.db import DatabaseError, connection

from dialer.calls.models import Recording, RecordingState
from tests.chaos.faults import Fault, TooSlow, schedule
from tests.chaos.inbound import Inbound
from tests.chaos.judge import Judge, Window
from tests.chaos.rig import Rig, Signs
from tests.chaos.watch import Watch
from tests.floor import Floor

Say = Callable[[str], None]
RECORDED_WITHIN_S = 20.0
"""How long recordings are waited for at the end; the file of one that nobody has looked at by then must play."""


def chaos(
    *,
    name: str,
    seed: int,
    faults: int,
    robots: int,
    say: Say,
    only: tuple[str, ...] = (),
    rest_s: float = 1.5,
    patience: float = 1.0,
    callers: bool = False,
) -> dict[str, Any]:
    """Run, and tell what came of it.

    `patience` stretches how long things may be out of order, for a busy machine; `callers`: people call us meanwhile.
    """
    floor = Floor(name, durable=True)
    rig = Rig(floor, seed)
    began = time.monotonic()
    try:
        rig.start(robots=robots, leads=max(150, faults * robots * 12))
        with floor.pointed():
            rig.at_work()
            say(f"the floor works after {time.monotonic() - began:.0f} s")
            run = _Run(rig, say, patience)
            run.watch.start()
            if callers:
                rig.callers.start()
            try:
                for fault in schedule(seed, faults, only):
                    run.one(fault, rest_s)
                stuck = rig.go_home()
            finally:
                rig.callers.stop()
                run.watch.stop()
            _wait_for_recordings()
            return run.told(stuck, time.monotonic() - began)
    finally:
        rig.close()


class _Run:
    def __init__(self, rig: Rig, say: Say, patience: float) -> None:
        self.rig, self._say = rig, say
        self.watch = Watch(rig, patience)
        self._chance = random.Random(f"faults {rig.seed}")
        self._windows: list[Window] = []
        self._took: dict[str, list[float]] = defaultdict(list)
        self._slow: list[str] = []

    def one(self, fault: Fault, rest_s: float) -> None:
        """Do one fault, and wait until everything is right again."""
        self.watch.calm(False)
        began = time.time()
        trouble = ""
        try:
            fault.do(self.rig, self._chance)
        except (TooSlow, AssertionError) as slow:
            trouble = f"{fault.name}: {slow}"
        over = time.monotonic()
        before = self._signs()
        took, wrong = self.watch.recovered(over, lambda: self._works(before), fault.limit_s)
        self._took[fault.name].append(round(took, 2))
        if took > fault.limit_s:
            trouble = trouble or f"{fault.name}: right again after {took:.1f} s; {wrong}"
        if trouble:
            self._slow.append(trouble)
        self._windows.append(Window(fault.name, began, time.time(), fault.ends_calls, fault.records))
        lasted = time.time() - began - took
        self._say(f"  {fault.name:<20} {lasted:5.1f} s, right again in {took:5.2f} s ({wrong[:90]}) {trouble}")
        self.watch.calm(True)
        time.sleep(self._chance.uniform(0.5, 1.5) * rest_s)

    def _signs(self) -> Signs:
        while True:
            try:
                return self.rig.signs()
            except DatabaseError:
                connection.close()
                time.sleep(0.1)

    def _works(self, before: Signs) -> bool:
        """The web answers, the switchboard has its switch, and pacing has decided anew."""
        now = self.rig.signs()
        leads = now.switch_up and now.beats != before.beats
        return leads and now.decided > before.decided and self.rig.floor.web_answers()

    def told(self, stuck: list[str], seconds: float) -> dict[str, Any]:
        """The judgement."""
        judge = Judge(self.rig, self._windows)
        inbound = Inbound(self.rig.callers, self._windows)
        found = {
            **judge.violations(),
            **inbound.violations(),
            "orphans_after_10_s": self.watch.late,
            "agent_in_a_call_that_is_over": self.watch.late_agents,
            "not_right_again_in_time": self._slow,
            "somebody_stuck_at_the_end": stuck,
        }
        dropped = judge.dropped() + inbound.dropped()
        for name, texts in {**found, "talking calls dropped": dropped}.items():
            for text in texts[:12]:
                self._say(f"  {name}: {text}")
        return {
            "seed": self.rig.seed,
            "violations": {name: len(texts) for name, texts in found.items()},
            "violations_total": sum(len(texts) for texts in found.values()),
            "talking_calls_dropped_by_our_faults": len(dropped),
            **judge.figures(),
            "calls_to_us": inbound.figures(),
            "faults": len(self._windows),
            "recovery_s": {
                kind: {"p50": sorted(took)[len(took) // 2], "max": max(took), "count": len(took)}
                for kind, took in sorted(self._took.items())
            },
            "events_disturbed": self.rig.ari.disturbed,
            "full_disk_was_real": self.rig.small_disk,
            "seconds": round(seconds),
        }


def _wait_for_recordings() -> None:
    running = Recording.objects.across_tenants().filter(state=RecordingState.RUNNING)
    deadline = time.monotonic() + RECORDED_WITHIN_S
    while running.exists() and time.monotonic() < deadline:
        time.sleep(0.5)
