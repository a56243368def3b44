"""Our call records against what the simulated carrier says really happened.

Each call that the carrier got is matched with ours by number and time, and our outcome is judged: from what the far end
did, who ended it and when, there are outcomes that can be true and those that cannot. Machine detection may err; a
verdict is taken as given here (what matters is that the call followed it) and counted in `amd_confusion`.

`python -m tests.bench.compare` compares the database of the environment with CARRIER_TRUTH and prints what it finds.
"""

from __future__ import annotations

import json
import os
from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from asterisk.sandbox import TruthCall, read_truth

CONNECT_LIMIT_S = 2.0
DETECTION_LIMIT_S = 5.5
"""No verdict of machine detection takes longer."""
SLACK_S = 1.0
"""How far apart the clocks of the two ends' events may be: signalling takes time, and so does a busy machine."""

CLOCKS_S = 0.25
"""How far the carrier's time of an answer may be from ours when a wait is held against the limit."""

MACHINES = frozenset({"machine", "fax"})
REFUSED = {"busy": "busy", "congestion": "congestion", "invalid": "invalid_number", "no_answer": "no_answer"}
NEVER_LEFT = frozenset({"cancelled", "failed"})
"""Outcomes of calls that need not have reached the carrier."""


@dataclass(frozen=True, slots=True)
class OurCall:
    """One of our calls; times are epoch seconds."""

    id: str
    number: str
    caller_id: str
    outcome: str
    """Empty while the call goes on."""
    placed: float | None
    answered: float | None
    connected: float | None
    ended: float | None
    screened: bool = False
    verdict: str = ""
    hung_up_by: str = ""
    ring_timeout_s: int = 22


@dataclass(frozen=True, slots=True)
class Mismatch:
    """A call of which our record and the truth cannot both be right. It names no number."""

    call: str
    ours: str
    truth: str
    why: str


@dataclass(slots=True)
class Comparison:
    """What came of comparing."""

    matched: int = 0
    pairs: list[tuple[OurCall, TruthCall]] = field(default_factory=list)
    mismatches: list[Mismatch] = field(default_factory=list)
    unknown_to_us: list[TruthCall] = field(default_factory=list)
    """Calls that the carrier got and we have no record of."""
    never_arrived: list[OurCall] = field(default_factory=list)
    """Calls that we say rang or were answered, and the carrier never got."""
    amd_confusion: dict[str, Counter[str]] = field(default_factory=lambda: defaultdict(Counter))
    """What answered → the detector's verdicts."""
    answer_seen_after_ms: list[float] = field(default_factory=list)
    """From the carrier's answer to the time that our record gives."""


def digits(number: str) -> str:
    """The ten digits of a North American number, as a key."""
    return "".join(sign for sign in number if sign.isdigit())[-10:]


def compare(calls: Iterable[OurCall], truths: Iterable[TruthCall]) -> Comparison:
    """Match and judge."""
    result = Comparison()
    waiting: dict[str, list[OurCall]] = defaultdict(list)
    for call in sorted((one for one in calls if one.placed is not None), key=lambda one: one.placed or 0.0):
        waiting[digits(call.number)].append(call)
    for truth in sorted(truths, key=lambda one: one.arrived):
        match = _take(waiting[digits(truth.number)], truth)
        if match is None:
            result.unknown_to_us.append(truth)
            continue
        result.matched += 1
        result.pairs.append((match, truth))
        if why := disagreement(match, truth):
            result.mismatches.append(Mismatch(match.id, match.outcome or "goes on", _told(truth), why))
        if match.screened and match.verdict:
            result.amd_confusion[truth.behaviour][match.verdict] += 1
        if match.answered is not None and truth.answered is not None:
            result.answer_seen_after_ms.append((match.answered - truth.answered) * 1000)
    left = (call for calls_of_number in waiting.values() for call in calls_of_number)
    # The carrier writes a call down when it is over, so one that goes on cannot be missed yet.
    result.never_arrived = [call for call in left if call.outcome and call.outcome not in NEVER_LEFT]
    return result


def _take(candidates: list[OurCall], truth: TruthCall) -> OurCall | None:
    """Take the call that was placed last before the carrier got this one."""
    fitting = [call for call in candidates if (call.placed or 0.0) <= truth.arrived + SLACK_S]
    if not fitting:
        return None
    candidates.remove(fitting[-1])
    return fitting[-1]


def _told(truth: TruthCall) -> str:
    answered = "answered" if truth.answered is not None else "not answered"
    return f"{truth.behaviour or 'nothing yet'}, {answered}, ended by {truth.ended_by}, cause {truth.cause}"


def disagreement(call: OurCall, truth: TruthCall) -> str:
    """Why our record cannot be true, or an empty string."""
    if digits(call.caller_id) != digits(truth.caller_id):
        return "another number was shown to the person called"
    if not call.outcome:
        return "" if call.ended is None else "it ended without an outcome"
    if truth.answered is None:
        return _unanswered(call, truth)
    if call.answered is None:
        return "it was answered and we do not know it"
    if abs(call.answered - truth.answered) > SLACK_S:
        return f"answered {call.answered - truth.answered:+.2f} s apart"
    return _answered(call, truth)


def _unanswered(call: OurCall, truth: TruthCall) -> str:
    if call.answered is not None:
        return "we say that it was answered"
    if truth.ended_by == "them":
        expected = REFUSED.get(truth.behaviour)
        return "" if call.outcome == expected else f"it was {expected or 'ended by them'}"
    if call.outcome == "cancelled":
        return "" if call.hung_up_by else "cancelled by nobody"
    rang_out = truth.ended - truth.arrived >= call.ring_timeout_s - SLACK_S
    return "" if call.outcome == "no_answer" and rang_out else "we ended it while it rang"


def _answered(call: OurCall, truth: TruthCall) -> str:
    lasted = truth.ended - (truth.answered or 0.0)
    if call.screened and call.verdict in ("", "HANGUP"):
        gone = call.outcome == "early_hangup" and truth.ended_by == "them" and lasted <= DETECTION_LIMIT_S
        return "" if gone or call.outcome == "abandoned" else "no verdict, and they had not hung up"
    if call.screened and call.verdict == "MACHINE":
        return "" if call.outcome == "machine" else "the verdict was MACHINE"
    match call.outcome:
        case "connected":
            met = call.connected is not None and call.connected <= truth.ended + SLACK_S
            return "" if met else "it was over when we say that it was connected"
        case "early_hangup":
            limit = CONNECT_LIMIT_S + SLACK_S + (DETECTION_LIMIT_S if call.screened else 0)
            return "" if truth.ended_by == "them" and lasted <= limit else "they had not hung up early"
        case "abandoned":
            return "" if call.connected is None else "it had been connected"
        case _:
            return "it was answered"


def abandonment_of(pairs: Iterable[tuple[OurCall, TruthCall]], limit_s: float = CONNECT_LIMIT_S) -> dict[str, Any]:
    """Live answers and abandonments by the carrier's clock, whatever our ledger booked (`Comparison.pairs`).

    A person who was connected to nobody was abandoned, unless they hung up themselves within the limit. Those who were
    connected after the limit are counted apart. `abandonment` is in percent.
    """
    answered = abandoned = late = 0
    for ours, truth in pairs:
        if truth.answered is None or truth.behaviour in MACHINES:
            continue
        answered += 1
        if ours.connected is not None:
            late += ours.connected - truth.answered > limit_s + CLOCKS_S
        elif truth.ended_by == "us" or truth.ended - truth.answered > limit_s:
            abandoned += 1
    share = round(100.0 * abandoned / max(1, answered), 3)
    return {"answered": answered, "abandoned": abandoned, "connected_late": late, "abandonment": share}


def overlapping(truths: Sequence[TruthCall]) -> int:
    """How often a number was called while a call to it was under way."""
    until: dict[str, float] = {}
    doubles = 0
    for truth in sorted(truths, key=lambda one: one.arrived):
        doubles += truth.arrived < until.get(digits(truth.number), 0.0)
        until[digits(truth.number)] = max(truth.ended, until.get(digits(truth.number), 0.0))
    return doubles


def repeated(truths: Iterable[TruthCall]) -> int:
    """How many calls went to a number that had been called before."""
    return sum(count - 1 for count in Counter(digits(truth.number) for truth in truths).values())


def our_calls(**only: Any) -> list[OurCall]:
    """Our calls out of the database; `only` narrows them, e.g. `campaign_id=3`."""
    from dialer.calls.models import CallTask

    return [
        OurCall(
            id=str(row.pk),
            number=row.phone,
            caller_id=row.caller_id,
            outcome=row.outcome,
            placed=_epoch(row.placed_at),
            answered=_epoch(row.answered_at),
            connected=_epoch(row.connected_at),
            ended=_epoch(row.ended_at),
            screened=row.screened,
            verdict=row.verdict,
            hung_up_by=row.hung_up_by,
            ring_timeout_s=row.ring_timeout_s,
        )
        for row in CallTask.objects.across_tenants().filter(**only)
    ]


def _epoch(moment: datetime | None) -> float | None:
    return moment.timestamp() if moment is not None else None


def main() -> None:
    """Compare what is there now, and print it."""
    from dialer.settings import use_environment

    use_environment()
    import django

    django.setup()
    truths = read_truth(os.environ["CARRIER_TRUTH"])
    calls = our_calls()
    found = compare(calls, truths)
    for mismatch in found.mismatches:
        print(f"{mismatch.call}: ours {mismatch.ours}; truth {mismatch.truth}: {mismatch.why}")
    print(
        json.dumps(
            {
                "calls": len(calls),
                "truth": len(truths),
                "matched": found.matched,
                "outcome_mismatches": len(found.mismatches),
                "unknown_to_us": len(found.unknown_to_us),
                "never_arrived": len(found.never_arrived),
                "amd_confusion": found.amd_confusion,
                "overlapping": overlapping(truths),
            }
        )
    )


if __name__ == "__main__":
    main()
