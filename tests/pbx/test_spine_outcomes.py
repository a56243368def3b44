"""Every behaviour of the carrier, dialed by running campaigns: outcome, cause, events and the carrier's truth agree.

One batch: two progressive campaigns side by side, one of them with machine detection, and three robots in each.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import timedelta
from zoneinfo import ZoneInfo

import pytest

from asterisk.sandbox import TruthCall
from asterisk.sandbox.robot import Habits, fixed
from dialer.calls.models import CallTask
from dialer.calls.rules import Call, Event, Kind, advance
from dialer.campaigns.models import Campaign
from dialer.compliance.models import DncEntry, GateVerdict
from dialer.core.clock import now
from dialer.leads.models import Lead, LeadState
from dialer.people.models import Tenant
from tests import factories
from tests.bench.compare import compare, our_calls, overlapping
from tests.floor import Floor, Numbers, until

HABITS = Habits(talk_s=fixed(1.0), hangs_up=1.0, wrap_s=fixed(0.1), dispositions=(("NI", 1),), pauses=0.0)
RING_S = 15
"""The shortest ring that a campaign may have, so that the batch does not take long."""

CONNECTED = ("placed", "answered", "ready", "claimed", "bridged", "hang_up_asked", "hung_up", "disposed")
MACHINE = ("placed", "answered", "ready", "hung_up")
NOT_ANSWERED = ("placed", "hung_up")


@dataclass(frozen=True)
class Case:
    """One lead of the batch and what must come of it."""

    name: str
    kind: int
    outcome: str
    cause: int
    by: str
    events: tuple[str, ...]
    ring: int = 0
    seconds: int = 0
    amd: bool = False


CASES = (
    Case("a person", Numbers.PERSON, "connected", 16, "agent", CONNECTED),
    Case("a person after rings", Numbers.PERSON, "connected", 16, "agent", CONNECTED, ring=2),
    Case("a machine, not screened", Numbers.MACHINE, "connected", 16, "agent", CONNECTED),
    Case("a fax, not screened", Numbers.FAX, "connected", 16, "agent", CONNECTED),
    Case("busy at once", Numbers.BUSY, "busy", 17, "", NOT_ANSWERED),
    Case("busy after rings", Numbers.BUSY, "busy", 17, "", NOT_ANSWERED, ring=1),
    Case("congestion", Numbers.CONGESTION, "congestion", 34, "", NOT_ANSWERED),
    Case("an invalid number", Numbers.INVALID, "invalid_number", 1, "", NOT_ANSWERED),
    Case("an invalid number with tones", Numbers.INVALID, "invalid_number", 1, "", NOT_ANSWERED, ring=1),
    Case("the network gives up", Numbers.NO_ANSWER, "no_answer", 19, "", NOT_ANSWERED, seconds=2),
    Case("it rings out", Numbers.NO_ANSWER, "no_answer", 19, "", NOT_ANSWERED),
    Case("a person, screened", Numbers.PERSON, "connected", 16, "agent", CONNECTED, amd=True),
    Case("a machine, screened", Numbers.MACHINE, "machine", 16, "system", MACHINE, amd=True),
    Case(
        "hangs up while screened",
        Numbers.AT_ONCE,
        "early_hangup",
        16,
        "customer",
        ("placed", "answered", "hung_up"),
        amd=True,
    ),
    Case("busy, screened", Numbers.BUSY, "busy", 17, "", NOT_ANSWERED, amd=True),
)
NAMES = [case.name for case in CASES]


@dataclass
class Batch:
    """The leads of the batch, by the case's name."""

    floor: Floor
    tenant: Tenant
    plain: Campaign
    screened: Campaign
    leads: dict[str, Lead] = field(default_factory=dict)
    dnc: Lead | None = None

    def call(self, name: str) -> CallTask:
        return self.floor.ended(self.leads[name].phone, 40)


@pytest.fixture(scope="module")
def batch(floor: Floor) -> Iterator[Batch]:
    """All leads, and robots who work them off. The do-not-call lead comes first of all, if it came."""
    tenant = floor.tenant()
    plain = factories.make_campaign(tenant, ring_timeout_s=RING_S)
    screened = factories.make_campaign(tenant, ring_timeout_s=RING_S, amd=True)
    made = Batch(floor, tenant, plain, screened)
    made.dnc = floor.lead(plain, floor.numbers.of(Numbers.PERSON), priority=9)
    DncEntry.objects.create(tenant=tenant, phone=made.dnc.phone, source="test")
    for case in CASES:
        number = floor.numbers.of(case.kind, ring=case.ring, seconds=case.seconds)
        made.leads[case.name] = floor.lead(screened if case.amd else plain, number)
    robots = floor.hire(plain, 3, HABITS) + floor.hire(screened, 3, HABITS)
    yield made
    floor.send_home(robots)


@pytest.mark.parametrize("case", CASES, ids=NAMES)
def test_outcome_cause_and_events(batch: Batch, case: Case) -> None:
    call = batch.call(case.name)
    assert (call.outcome, call.cause, call.hung_up_by) == (case.outcome, case.cause, case.by)
    if "disposed" in case.events:
        until(lambda: call.events.filter(kind="disposed").exists(), what="the robot disposed of it")
    kinds = list(call.events.order_by("seq").values_list("kind", flat=True))
    assert tuple(kind for kind in kinds if kind != "ringing") == case.events
    if case.ring and case.kind in (Numbers.PERSON, Numbers.BUSY):
        assert "ringing" in kinds


@pytest.mark.parametrize("case", CASES, ids=NAMES)
def test_the_rows_replay_to_the_same_end(batch: Batch, case: Case) -> None:
    """The stored events alone lead the pure lifecycle to the stored end."""
    call = batch.call(case.name)
    replayed = Call(screened=call.screened, unsure_to_agent=call.unsure_to_agent, own_agent=call.own_agent)
    for row in call.events.order_by("seq").exclude(kind="disposed"):
        replayed, _ = advance(replayed, Event(Kind(row.kind), **row.data))
    assert (replayed.state, replayed.outcome, replayed.cause) == (call.state, call.outcome, call.cause)


def test_the_carriers_truth_agrees(batch: Batch) -> None:
    calls = [batch.call(name) for name in NAMES]
    numbers = {call.phone for call in calls}

    def written() -> list[TruthCall] | None:
        truths = [one for one in batch.floor.truths() if one.number in numbers]
        return truths if len(truths) >= len(calls) else None

    truths = until(written, what="the carrier wrote all calls down")
    found = compare(our_calls(tenant=batch.tenant), truths)
    assert not found.mismatches
    assert not found.unknown_to_us
    assert not found.never_arrived
    assert overlapping(truths) == 0


def test_it_rang_for_as_long_as_the_campaign_says(batch: Batch) -> None:
    call = batch.call("it rings out")
    truth = batch.floor.truth(call.phone)
    assert truth.ended_by == "us"
    assert RING_S - 0.2 < truth.ended - truth.arrived < RING_S + 2


def test_a_number_on_the_do_not_call_list_never_left(batch: Batch) -> None:
    for name in NAMES:
        batch.call(name)
    assert batch.dnc is not None
    verdict = GateVerdict.objects.for_tenant(batch.tenant).get(lead=batch.dnc)
    assert not verdict.allowed
    assert factories.get_lead(batch.dnc.pk).state == LeadState.DONE
    assert not batch.floor.calls_to(batch.dnc.phone)
    assert batch.dnc.phone not in {one.number for one in batch.floor.truths()}


def test_leads_are_due_again_by_the_recycle_rules(batch: Batch) -> None:
    after = {name: batch.call(name) for name in NAMES}
    hours = {"busy at once": 0.5, "congestion": 0.5, "it rings out": 4, "a machine, screened": 6}
    for name, due in hours.items():
        lead = factories.get_lead(batch.leads[name].pk)
        ended_at = after[name].ended_at
        assert ended_at is not None
        assert (lead.state, lead.attempts) == (LeadState.WAITING, 1)
        assert abs(lead.next_attempt_at - ended_at - timedelta(hours=due)) < timedelta(seconds=5)
    assert factories.get_lead(batch.leads["an invalid number"].pk).state == LeadState.DONE


def test_recordings_of_conversations_are_whole(batch: Batch) -> None:
    for case in CASES:
        if case.outcome == "connected":
            call = batch.call(case.name)
            until(lambda call=call: _recording_state(call) == "complete", 15, f"the recording of {case.name}")


def _recording_state(call: CallTask) -> str:
    return str(CallTask.objects.across_tenants().values_list("recording__state", flat=True).get(pk=call.pk))


def _open_and_closed_zones() -> tuple[str, str, int, int]:
    """A zone where it is now, a zone far from it, and a window (minutes) around the first one's clock."""
    for name in ("America/New_York", "America/Los_Angeles", "Pacific/Honolulu"):
        local = now().astimezone(ZoneInfo(name))
        minute = local.hour * 60 + local.minute
        if 60 <= minute < 1440 - 60:
            other = "Europe/London" if name != "Pacific/Honolulu" else "America/New_York"
            return name, other, minute - 60, minute + 60
    raise AssertionError("it is midnight everywhere")


def test_out_of_hours_is_never_dialed(floor: Floor) -> None:
    """Dialed: the lead whose window is open. Not dialed: one that is closed, one that is both, one of unknown zone."""
    opened, closed, opens, closes = _open_and_closed_zones()
    tenant = floor.tenant(window_opens=opens, window_closes=closes)
    campaign = factories.make_campaign(tenant)
    late = floor.lead(campaign, floor.numbers.of(Numbers.PERSON), time_zones=[closed], priority=5)
    unknown = floor.lead(campaign, floor.numbers.of(Numbers.PERSON), time_zones=[], priority=4)
    split = floor.lead(campaign, floor.numbers.of(Numbers.PERSON), time_zones=[opened, closed], priority=3)
    fine = floor.lead(campaign, floor.numbers.of(Numbers.PERSON), time_zones=[opened])
    seat = floor.seat(campaign).ready()
    seat.until("in_call")
    assert seat.robot.view is not None
    assert floor.calls_to(fine.phone)
    seat.leave()
    floor.truth(fine.phone)
    called = {one.number for one in floor.truths()}
    for lead in (late, unknown, split):
        assert lead.phone not in called
        assert not floor.calls_to(lead.phone)
        assert factories.get_lead(lead.pk).refused_rule
    again = factories.get_lead(late.pk)
    assert again.state == LeadState.WAITING and again.next_attempt_at > now() + timedelta(hours=1)
