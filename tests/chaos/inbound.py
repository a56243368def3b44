"""The judgement on calls to us: nobody who called is lost silently, and rows say what the carrier saw."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from asterisk.sandbox import CallerCall
from dialer.calls.models import CallTask
from tests.chaos.callers import Callers
from tests.chaos.judge import Window

TOLD_WITHIN_S = 45.0
"""How long somebody whom no dialer took may be on the line: until one is there, or the dialplan's message is over."""


@dataclass(frozen=True, slots=True)
class Pair:
    """Somebody's call as the carrier saw it, and our row, if there is one."""

    truth: CallerCall
    row: CallTask | None


class Inbound:
    """Everything about the calls to us of one run that is over."""

    def __init__(self, callers: Callers, windows: Sequence[Window]) -> None:
        self._called, self._windows = callers.called, windows
        truths = {one.number: one for one in callers.truths()}
        rows = {one.phone: one for one in CallTask.objects.across_tenants().filter(inbound=True)}
        self._rows = rows
        self._pairs = [Pair(truth, rows.get(number)) for number, truth in truths.items()]
        self._unwritten = [one.phone for one in self._called if one.phone not in truths]
        self._unheard = [row.pk for phone, row in rows.items() if phone not in truths]

    def violations(self) -> dict[str, list[str]]:
        """What does not hold, by invariant."""
        return {"callers_lost": self._lost(), "callers_against_truth": self._against_truth()}

    def dropped(self) -> list[str]:
        """Callers who talked with an agent and were cut off by us, though no person wanted it and no switch died."""
        found = []
        for pair in self._pairs:
            row = pair.row
            if (
                row is None
                or row.connected_at is None
                or pair.truth.ended_by == "them"
                or self._switch_went(pair.truth)
            ):
                continue
            if not row.events.filter(kind="hang_up_asked").exists():
                story = list(row.events.order_by("seq").values_list("kind", flat=True))
                found.append(f"call to us {row.pk} ended in {self._when(pair.truth.ended)}: {story[-4:]}")
        return found

    def _lost(self) -> list[str]:
        """Who called and has no row, though a dialer was there; and who was left on the line."""
        found = [f"{phone} is still on the line" for phone in self._unwritten]
        for pair in self._pairs:
            truth = pair.truth
            if pair.row is not None:
                continue
            if not self._disturbed(truth):
                found.append(f"a caller in quiet times, {truth.ended - truth.arrived:.1f} s on the line, has no row")
            elif truth.ended - truth.arrived > TOLD_WITHIN_S and not self._switch_went(truth):
                found.append(
                    f"a caller in {self._when(truth.arrived)} was on the line for {truth.ended - truth.arrived:.0f} s"
                )
        return found

    def _against_truth(self) -> list[str]:
        found = [f"call to us {pk}: the carrier knows nothing of it" for pk in self._unheard]
        for pair in self._pairs:
            row, truth = pair.row, pair.truth
            if row is None or self._switch_went(truth):
                continue
            why = ""
            if row.outcome == "connected" and (truth.answered is None or row.connected_at is None):
                why = "nobody talked"
            elif row.outcome != "connected" and row.connected_at is not None:
                why = "they talked"
            elif row.outcome == "left_queue" and truth.ended_by == "us":
                why = "we hung up"
            elif row.outcome not in ("connected", "left_queue", "overflow", "closed"):
                why = "no call to us ends so"
            if why:
                story = list(row.events.order_by("seq").values_list("kind", "state"))
                found.append(f"call to us {row.pk} in {self._when(truth.ended)} is {row.outcome}, and {why}: {story}")
        return found

    def _switch_went(self, truth: CallerCall) -> bool:
        return any(
            one.ends_calls and truth.arrived <= one.over and one.began - 1 <= truth.ended for one in self._windows
        )

    def _disturbed(self, truth: CallerCall) -> bool:
        """Whether a fault was under way, or being put right, when they came or while they were on the line."""
        return any(truth.arrived <= one.over + 1 and one.began - 1 <= truth.ended for one in self._windows)

    def _when(self, moment: float) -> str:
        names = [one.name for one in self._windows if one.began - 1 <= moment <= one.over + 1]
        return " and ".join(names) or "quiet times"

    def figures(self) -> dict[str, object]:
        """What was done."""
        return {
            "callers": len(self._called),
            "told_by_the_dialplan": sum(pair.row is None for pair in self._pairs),
            "by_outcome": dict(sorted(Counter(row.outcome for row in self._rows.values()).items())),
        }
