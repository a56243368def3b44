"""The judgement on a run: its rows held against each other, against the carrier's truth and against the files.

Each function gives sentences, one per violation. Nothing is forgiven but what a fault itself forbids: a switch that was
killed drops its calls, and what it did not record because its disk was full is not there.
"""

from __future__ import annotations

import wave
from collections import Counter, defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path

from django.db.models import F

from asterisk.sandbox import TruthCall
from dialer.calls import ledger
from dialer.calls.models import CallTask, Recording, RecordingState
from dialer.calls.rules import CallState
from dialer.campaigns.models import Campaign
from dialer.compliance.models import AbandonmentDay
from dialer.core import audit
from dialer.leads.models import Lead, LeadState
from dialer.people.models import Tenant
from tests.bench.compare import digits, overlapping
from tests.chaos import invariants
from tests.chaos.rig import Rig

LIMIT_S, SLACK_S = 2.0, 1.0
DETECTION_S = 5.5
SPOKE_S = 1.0
CROSSED_S = 0.3
"""An answer and the hang-up of a switch that is being ended may cross on the wire: it saw none, the carrier one."""
SOONEST_AGAIN = timedelta(minutes=1)
"""No rule brings a lead back sooner, on the product's own clock."""


@dataclass(frozen=True, slots=True)
class Window:
    """A fault, from its beginning until everything was right again; epoch seconds of the machine's clock."""

    name: str
    began: float
    over: float
    ends_calls: bool
    records: bool


@dataclass(frozen=True, slots=True)
class Pair:
    """Our call, and what the carrier saw of it."""

    call: CallTask
    truth: TruthCall


class Judge:
    """Everything about one run that is over."""

    def __init__(self, rig: Rig, windows: Sequence[Window]) -> None:
        self._rig, self._windows = rig, windows
        self._truths = rig.floor.truths()
        self._calls = list(CallTask.objects.across_tenants().filter(placed_at__isnull=False).order_by("pk"))
        self._pairs, self._strays = self._match()

    def violations(self) -> dict[str, list[str]]:
        """What does not hold, by invariant."""
        looks: dict[str, Callable[[], list[str]]] = {
            "lead_in_two_calls": self._two_calls,
            "lead_dialed_again_too_soon": self._too_soon,
            "dialed_without_allow": self._no_allow,
            "unknown_calls": lambda: [f"{one.behaviour} at {one.arrived}" for one in self._strays],
            "not_ended_exactly_once": self._ends,
            "abandonments_miscounted": self._abandonments,
            "outcome_against_truth": self._outcomes,
            "leads_lost": self._leads,
            "recordings_missing": self._recordings,
            "audit_broken": self._audit,
        }
        return {name: look() for name, look in looks.items()}

    def dropped(self) -> list[str]:
        """Customers who talked with an agent and were cut off by us, though no person wanted it and no switch died."""
        found = []
        for pair in self._pairs:
            call, truth = pair.call, pair.truth
            if call.connected_at is None or truth.ended_by == "them" or self._cut_by_the_switch(truth):
                continue
            asked = call.events.filter(kind="hang_up_asked").exists()
            if not asked:
                found.append(f"{call.pk} ended in {self._when(truth.ended)}: {_story(call, truth)}")
        return found

    # ---- what belongs together

    def _match(self) -> tuple[list[Pair], list[TruthCall]]:
        """By number, in order: the ids of calls rise with the machine's time."""
        ours: dict[str, list[CallTask]] = defaultdict(list)
        for call in self._calls:
            ours[digits(call.phone)].append(call)
        seen: dict[str, list[TruthCall]] = defaultdict(list)
        for truth in sorted(self._truths, key=lambda one: one.arrived):
            seen[digits(truth.number)].append(truth)
        pairs, strays = [], []
        for number, truths in seen.items():
            calls = ours[number]
            strays += truths[len(calls) :]
            if len(calls) == len(truths):
                pairs += [Pair(call, truth) for call, truth in zip(calls, truths, strict=True)]
        return pairs, strays

    def _cut_by_the_switch(self, truth: TruthCall) -> bool:
        """Whether the switch went while this call was up. (The carrier may notice that much later.)"""
        return any(
            one.ends_calls and truth.arrived - 1.0 <= one.began + 5.0 and one.began <= truth.ended + 1.0
            for one in self._windows
        )

    def _when(self, moment: float) -> str:
        names = [one.name for one in self._windows if one.began - 1 <= moment <= one.over + 1]
        return " and ".join(names) or "quiet times"

    # ---- the invariants

    def _two_calls(self) -> list[str]:
        doubles = overlapping(self._truths)
        return [f"{doubles} times a number was called while it was in a call"] if doubles else []

    def _too_soon(self) -> list[str]:
        last: dict[int, CallTask] = {}
        found = []
        for call in self._calls:
            if call.lead_id is None:
                continue
            before = last.get(call.lead_id)
            if before is not None and before.ended_at is not None and call.queued_at < before.ended_at + SOONEST_AGAIN:
                found.append(f"lead {call.lead_id}: {call.queued_at} after {before.ended_at} ({before.outcome})")
            last[call.lead_id] = call
        return found

    @staticmethod
    def _no_allow() -> list[str]:
        try:
            invariants.allowed_before_dialed()
        except invariants.Broken as broken:
            return [str(broken)]
        return []

    @staticmethod
    def _ends() -> list[str]:
        found = [
            f"call {pk} is {state}"
            for pk, state in CallTask.objects.across_tenants().exclude(state=CallState.ENDED).values_list("pk", "state")
        ]
        try:
            invariants.ended_exactly_once()
        except invariants.Broken as broken:
            found.append(str(broken))
        return found

    def _abandonments(self) -> list[str]:
        """Who answered, met nobody and was let go by us, or went after the limit, was abandoned; nobody else."""
        found = []
        for pair in self._pairs:
            why = self._abandonment(pair.call, pair.truth)
            if why:
                story = list(pair.call.events.order_by("seq").values_list("kind", "state"))
                found.append(f"{pair.call.pk} in {self._when(pair.truth.ended)}: {why}; {story}")
        for campaign in Campaign.objects.across_tenants():
            days = AbandonmentDay.objects.for_tenant(campaign.tenant_id).filter(campaign=campaign)
            booked = sum(days.values_list("abandoned", flat=True))
            counted = campaign.calls.filter(outcome="abandoned").count()
            if booked != counted:
                found.append(f"campaign {campaign.pk}: {booked} booked, {counted} calls")
            if drift := ledger.compare(campaign.pk, date(2020, 1, 1)):
                found.append(f"campaign {campaign.pk}: its ledger drifts {drift}")
        return found

    def _abandonment(self, call: CallTask, truth: TruthCall) -> str:
        if call.outcome == "abandoned":
            met = truth.answered is None or call.connected_at is not None
            return "counted, and nobody was left waiting" if met else ""
        if truth.answered is None or call.connected_at is not None or call.outcome in ("machine", "message_left"):
            return ""
        if self._cut_by_the_switch(truth) and call.outcome in ("lost", "early_hangup"):  # it hangs up as a person does
            return ""  # cut off by the switch's own death before anything could be done for them
        if self._cut_by_the_switch(truth) and not call.answered and truth.ended - truth.answered < CROSSED_S:
            return ""
        limit = LIMIT_S + SLACK_S + (DETECTION_S if call.screened else 0.0)
        if truth.ended_by == "us" and not (call.screened and call.verdict == "HANGUP"):
            after = truth.ended - truth.answered
            return f"answered, met nobody, and was let go after {after:.2f} s; it counts as {call.outcome}"
        if truth.ended - truth.answered > limit:
            waited = truth.ended - truth.answered
            return f"answered, met nobody, and gave up after {waited:.1f} s; it counts as {call.outcome}"
        return ""

    def _outcomes(self) -> list[str]:
        found = []
        for pair in self._pairs:
            call, truth = pair.call, pair.truth
            if call.answered and truth.answered is None:
                found.append(f"{call.pk} in {self._when(truth.ended)}: we say that it was answered")
            if call.outcome == "connected" and truth.answered is None:
                found.append(f"{call.pk}: connected, and never answered")
            unseen = truth.answered is not None and not call.answered and not self._cut_by_the_switch(truth)
            if unseen and call.outcome not in ("abandoned", "early_hangup", "machine"):
                found.append(f"{call.pk} in {self._when(truth.ended)}: answered, and it counts as {call.outcome}")
        return found

    @staticmethod
    def _leads() -> list[str]:
        stuck = Lead.objects.across_tenants().filter(state=LeadState.RESERVED)
        return [f"lead {pk} is reserved for nothing" for pk in stuck.values_list("pk", flat=True)]

    def _recordings(self) -> list[str]:
        root = self._rig.recordings
        found = []
        ended = {pair.call.pk: pair.truth.ended for pair in self._pairs}
        answered = {pair.call.pk: pair.truth.answered or pair.truth.ended for pair in self._pairs}
        calls = CallTask.objects.across_tenants().filter(record=True, connected_at__isnull=False)
        for call in calls.filter(ended_at__gte=F("connected_at") + timedelta(seconds=SPOKE_S)):
            over = ended.get(call.pk)
            if over is None or over - answered[call.pk] < SPOKE_S + 0.5 or self._unrecorded(answered[call.pk], over):
                continue
            recording = Recording.objects.across_tenants().filter(call=call).first()
            if why := _why_missing(root, recording):
                found.append(f"{call.pk} in {self._when(over)}: {why}")
        return found

    def _unrecorded(self, began: float, over: float) -> bool:
        return any(
            one.began - 1 <= over and began <= one.over + 1
            for one in self._windows
            if one.ends_calls or not one.records
        )

    @staticmethod
    def _audit() -> list[str]:
        found = []
        for pk in Tenant.objects.values_list("pk", flat=True):
            if broken := audit.verify(pk).broken:
                found.append(f"tenant {pk}: {broken}")
        return found

    def figures(self) -> dict[str, object]:
        """What was done."""
        return {
            "calls": len(self._calls),
            "carrier_calls": len(self._truths),
            "by_outcome": dict(sorted(Counter(call.outcome for call in self._calls).items())),
        }


def _story(call: CallTask, truth: TruthCall) -> str:
    """What was written of a call, and when, in seconds from its answer as the carrier saw it; who ended it."""
    zero = truth.answered or truth.arrived
    answer = call.answered_at.timestamp() if call.answered_at is not None else 0.0
    told = [
        f"{kind} {at.timestamp() - answer:+.2f}" for kind, at in call.events.order_by("seq").values_list("kind", "at")
    ]
    return f"{told}; the carrier: over after {truth.ended - zero:.2f} s; hung up by {call.hung_up_by or 'nobody known'}"


def _why_missing(root: Path, recording: Recording | None) -> str:
    """Why a recording cannot be played; empty when it can."""
    if recording is None:
        return "no recording was noted"
    if recording.state == RecordingState.MISSING:  # one that is not looked at yet may be whole all the same
        return f"the recording is {recording.state}"
    try:
        with wave.open(str(root / recording.path)) as sound:
            return "" if sound.getnframes() > 0 else "the recording is empty"
    except (OSError, EOFError, wave.Error) as error:
        return f"the recording does not play: {error}"
