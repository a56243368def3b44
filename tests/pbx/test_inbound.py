"""Calls to us, from a number that somebody dials on the carrier to the disposition, on real Asterisk."""

from __future__ import annotations

from datetime import timedelta

from asterisk.sandbox import CallerCall, read_callers
from dialer.calls.models import CallTask, Recording
from dialer.campaigns.models import Campaign
from dialer.compliance.models import AbandonmentDay
from dialer.inbound.models import Did
from dialer.leads.models import LeadState
from tests import factories
from tests.floor import AGENT_TONE, Caller, Floor, Seat, until


def line(floor: Floor, **queue: object) -> tuple[Campaign, Did]:
    """A campaign of its own tenant with a queue, and the number that leads there."""
    campaign = factories.make_campaign(floor.tenant())
    return campaign, factories.make_did(factories.make_queue(campaign, **queue))


def kinds_of(call: CallTask) -> list[str]:
    return list(call.events.order_by("seq").values_list("kind", flat=True))


def nothing_booked(campaign: Campaign) -> bool:
    return not AbandonmentDay.objects.for_tenant(campaign.tenant_id).filter(campaign=campaign).exists()


def test_a_caller_waits_is_taken_and_talks_both_ways(floor: Floor) -> None:
    campaign, did = line(floor)
    seat = floor.seat(campaign).join()
    caller = floor.caller(did.phone)
    lead = factories.make_lead(campaign, phone=caller.phone, first_name="Grace")
    factories.make_lead(campaign, phone=factories.number_of(7_000_001), state=LeadState.DONE)
    caller.call()
    waiting = caller.row("human")
    assert (waiting.queue_id, waiting.lead_id, waiting.verdict_row_id) == (did.queue_id, lead.pk, None)
    seat.ready()
    seat.until("in_call")
    seat.hears(AGENT_TONE)  # which went to the caller, who says it back
    talking = caller.row("connected")
    until(lambda: factories.now() - talking.connected_at > timedelta(seconds=1), what="a second of talk")
    seat.press("hang-up")
    seat.dispose("SALE", then="pause")
    call = caller.row("ended")
    caller.gone()
    assert (call.outcome, call.hung_up_by, call.user, call.disposition.code) == (
        "connected",
        "agent",
        seat.user,
        "SALE",
    )
    assert (call.queue_since, call.placed_at) == (None, None)
    kinds = [kind for kind in kinds_of(call) if kind not in ("hang_up_asked", "disposed")]
    assert kinds == ["incoming", "ready", "claimed", "bridged", "hung_up"]
    assert nothing_booked(campaign)
    assert factories.get_lead(lead.pk).attempts == 0
    assert factories.get_lead(lead.pk).state == LeadState.DONE, "whoever bought is not dialed any more"
    recording = Recording.objects.across_tenants().get(call=call)
    until(lambda: (recording.refresh_from_db(), recording.state == "complete")[1], 10, "the recording is whole")
    assert recording.duration_ms > 300
    seat.leave()


def test_an_agent_who_is_ready_gets_the_caller_at_once_and_the_caller_hangs_up(floor: Floor) -> None:
    campaign, did = line(floor)
    seat = floor.seat(campaign).ready()
    seat.until("ready")
    caller = floor.caller(did.phone, "withheld").call()
    seat.until("in_call")
    seat.hears(AGENT_TONE)
    caller.hang_up()
    seat.dispose(then="pause")
    call = caller.row("ended")
    assert (call.outcome, call.hung_up_by, call.phone, call.lead_id) == ("connected", "customer", "", None)
    seat.leave()


def test_a_caller_who_does_not_wait_has_left_the_queue_and_is_in_no_ledger(floor: Floor) -> None:
    campaign, did = line(floor)
    seat = floor.seat(campaign).join()
    caller = floor.caller(did.phone).call("talk")
    caller.row("human")
    caller.hang_up()
    call = caller.row("ended")
    assert (call.outcome, call.hung_up_by, call.answered, call.queue_since) == ("left_queue", "customer", False, None)
    assert nothing_booked(campaign)
    seat.leave()


def test_nobody_free_within_the_longest_wait(floor: Floor) -> None:
    campaign, did = line(floor, max_wait_s=5)
    seat = floor.seat(campaign).join()
    caller = floor.caller(did.phone).call("talk")
    caller.row("human")
    call = caller.row("ended", within_s=25)
    caller.gone()
    assert (call.outcome, call.hung_up_by) == ("overflow", "system")
    times = dict(call.events.values_list("kind", "at"))
    waited = times["wait_expired"] - times["incoming"]
    assert timedelta(seconds=4.9) < waited < timedelta(seconds=9)
    assert times["message_played"] - times["wait_expired"] > timedelta(seconds=3), "they heard the message"
    assert nothing_booked(campaign)
    seat.leave()


def test_outside_the_hours_and_with_nobody_there(floor: Floor) -> None:
    campaign, did = line(floor)
    closed = factories.make_did(factories.make_queue(campaign, opens=0, closes=1, days=[], time_zone="Etc/UTC"))
    seat = floor.seat(campaign).join()
    queue = closed.queue
    minute = (lambda at: at.hour * 60 + at.minute)(queue.local(factories.now()))
    queue.opens, queue.closes = (minute + 600) % 1440, (minute + 660) % 1440
    queue.save(update_fields=["opens", "closes"])
    late = floor.caller(closed.phone).call("talk")
    call = late.row("ended", within_s=20)
    assert (call.outcome, call.hung_up_by, kinds_of(call)) == (
        "closed",
        "system",
        ["incoming", "turned_away", "message_played", "hung_up"],
    )
    seat.leave()
    alone = floor.caller(did.phone).call("talk")
    call = alone.row("ended", within_s=20)
    assert (call.outcome, kinds_of(call)[1]) == ("overflow", "turned_away")


def test_a_number_that_is_nobody_s_is_refused(floor: Floor) -> None:
    before = CallTask.objects.across_tenants().filter(inbound=True).count()
    caller = floor.caller("+16465559999").call("talk")
    caller.gone()
    assert CallTask.objects.across_tenants().filter(inbound=True).count() == before


def test_the_longest_waiting_goes_first_and_the_higher_priority_before_all(floor: Floor) -> None:
    campaign, did = line(floor)
    urgent = factories.make_did(factories.make_queue(campaign, priority=9))
    seat = floor.seat(campaign).join()
    callers = []
    for number in (did.phone, did.phone, urgent.phone):
        callers.append(floor.caller(number).call())
        callers[-1].row("human")
    for caller in (callers[2], callers[0], callers[1]):
        seat.ready()
        seat.until("in_call")
        assert caller.row("connected").session is not None
        seat.press("hang-up")
        seat.dispose(then="pause")
    seat.leave()


def test_a_caller_waits_on_while_the_switchboard_is_replaced(floor: Floor) -> None:
    campaign, did = line(floor)
    seat = floor.seat(campaign).join()
    caller = floor.caller(did.phone).call()
    caller.row("human")
    floor.processes.kill("switchboard")
    seat.ready()
    seat.until("in_call", within_s=20)
    seat.hears(AGENT_TONE)
    seat.press("hang-up")
    seat.dispose(then="pause")
    assert caller.row("ended").outcome == "connected"
    seat.leave()


def transfer_to(seat: Seat, queue: object) -> None:
    answer = seat.press("transfer", seen="0", how="blind", to=f"queue:{queue.public_id}")  # type: ignore[attr-defined]
    assert not answer.message, answer.message


def test_a_customer_is_transferred_to_a_queue_and_reaches_another_agent(floor: Floor) -> None:
    campaign, did = line(floor)
    other = factories.make_campaign(campaign.tenant)
    second_line = factories.make_queue(other)
    first, second = floor.seat(campaign).ready(), floor.seat(other).join()
    first.until("ready")
    caller = floor.caller(did.phone).call()
    first.until("in_call")
    transfer_to(first, second_line)
    first.dispose(then="pause")
    waiting = caller.row("connected")
    until(lambda: factories.get_call(waiting.pk).queue_since is not None, what="they wait in the second queue")
    second.ready()
    second.until("in_call")
    second.hears(AGENT_TONE)
    second.press("hang-up")
    second.dispose(then="pause")
    call = caller.row("ended")
    assert (call.outcome, call.user, call.queue_id) == ("connected", second.user, second_line.pk)
    first.leave()
    second.leave()


def played(floor: Floor, dialed: str) -> str:
    """The message that the switch itself plays to who has called this number, once it does."""

    def found() -> str:
        lines = floor.cli("pbx", "core", "show", "channels", "concise").splitlines()
        return next((line.split("!")[6] for line in lines if f"!{dialed}!" in line and "!Playback!" in line), "")

    return until(found, 15, "the switch plays a message")


def on_the_line_s(floor: Floor, caller: Caller) -> float:
    """How long somebody whom we answered was on the line, once they are not any more."""

    def written() -> CallerCall | None:
        lines = read_callers(floor.stack.settings["CARRIER_TRUTH"])
        return next((line for line in lines if line.number == caller.phone), None)

    line = until(written, 40, "the caller's line is free")
    assert line.answered is not None
    return line.ended - line.answered


def says_of(floor: Floor, dialed: str) -> str:
    """The message that the switch itself plays to somebody who calls while no dialer is there."""
    caller = floor.caller(dialed).call("talk")
    try:
        return played(floor, dialed)
    finally:
        caller.hang_up()
        caller.gone()


def test_with_no_switchboard_the_switch_says_why_and_calls_come_in_without_agi(floor: Floor) -> None:
    campaign, did = line(floor)
    closed = factories.make_did(factories.make_queue(campaign))
    minute = (lambda at: at.hour * 60 + at.minute)(closed.queue.local(factories.now()))
    closed.queue.opens, closed.queue.closes = (minute + 600) % 1440, (minute + 660) % 1440
    closed.queue.save(update_fields=["opens", "closes"])
    floor.processes.take_away("switchboard")
    try:
        assert says_of(floor, did.phone) == "cordboard/all-busy"
        assert says_of(floor, closed.phone) == "cordboard/closed"
        floor.processes.take_away("agi")
        assert says_of(floor, did.phone) == "cordboard/closed"
        told = floor.caller(did.phone).call("talk")
        played(floor, did.phone)
        floor.processes.bring_back("switchboard")
        assert on_the_line_s(floor, told) > 7, "the message was heard to its end, although a switchboard came back"
        seat = floor.seat(campaign).ready()
        seat.until("ready")
        caller = floor.caller(did.phone).call()
        seat.until("in_call", within_s=20)
    finally:
        floor.processes.bring_back("agi")
        floor.processes.bring_back("switchboard")
    caller.hang_up()
    seat.dispose(then="pause")
    seat.leave()
    rows = CallTask.objects.across_tenants().filter(caller_id__in=[did.phone, closed.phone])
    assert [row.phone for row in rows] == [caller.phone], "whom no dialer took left no row"
