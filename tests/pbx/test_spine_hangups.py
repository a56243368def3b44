"""Hanging up at any moment by either side, and nobody being there in time, through the whole product."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

from asterisk.sandbox.rtp import strength
from dialer.calls import services
from dialer.calls.models import CallTask
from dialer.campaigns.models import Campaign, DialMethod
from dialer.core.clock import now
from dialer.leads.models import LeadState
from tests import factories
from tests.floor import AGENT_TONE, Floor, Numbers, Seat, until
from tests.hearing import energy, record, samples_of


def kinds_of(call: CallTask) -> list[str]:
    return list(call.events.order_by("seq").values_list("kind", flat=True))


def ready_agent(floor: Floor, **campaign: object) -> tuple[Campaign, Seat]:
    """An agent who waits in a progressive campaign without leads."""
    made = factories.make_campaign(floor.tenant(), **campaign)
    seat = floor.seat(made).ready()
    seat.until("ready")
    return made, seat


def end_as_supervisor(call: CallTask) -> None:
    services.ask_hang_up(call=call, by="supervisor")


def test_a_supervisor_cancels_while_it_rings(floor: Floor) -> None:
    campaign, seat = ready_agent(floor)
    number = floor.numbers.of(Numbers.NO_ANSWER)
    floor.lead(campaign, number)
    end_as_supervisor(floor.live(number, "ringing"))
    call = floor.ended(number)
    assert (call.outcome, call.cause, call.hung_up_by, call.answered) == ("cancelled", 16, "supervisor", False)
    truth = floor.truth(number)
    assert (truth.ended_by, truth.answered) == ("us", None)
    seat.leave()


def test_the_agent_cancels_their_own_call_while_it_rings(floor: Floor) -> None:
    campaign = factories.make_campaign(floor.tenant(), dial_method=DialMethod.MANUAL)
    seat = floor.seat(campaign).join()
    number = floor.numbers.of(Numbers.NO_ANSWER)
    floor.lead(campaign, number)  # which says in what time zone the number is
    answer = seat.press("dial", number=number)
    assert (answer.message, answer.state) == ("", "reserved")
    floor.live(number, "ringing")
    assert not seat.press("hang-up").message
    seat.dispose("OTHER")
    call = floor.ended(number)
    assert (call.outcome, call.hung_up_by, call.disposition.code) == ("cancelled", "agent", "OTHER")
    assert floor.truth(number).answered is None
    seat.leave()


def test_ended_at_the_very_answer(floor: Floor) -> None:
    """The command meets the answer, the claim and the bridge: whatever wins, all ends tell the same story."""
    campaign, seat = ready_agent(floor)
    number = floor.numbers.of(Numbers.PERSON, ring=1)
    floor.lead(campaign, number)
    end_as_supervisor(floor.live(number, "answered", "human", "connected"))
    call = floor.ended(number)
    assert call.outcome in ("abandoned", "connected")
    assert call.hung_up_by == "supervisor"
    assert floor.truth(number).ended_by == "us"
    if call.outcome == "connected":
        seat.dispose(then="pause")
    seat.until("ready", "paused")
    seat.leave()


def test_ended_while_it_is_screened(floor: Floor) -> None:
    campaign, seat = ready_agent(floor, amd=True)
    number = floor.numbers.steady()  # a tone keeps the detector busy for seconds
    floor.lead(campaign, number)
    end_as_supervisor(floor.live(number, "detecting"))
    call = floor.ended(number)
    assert (call.outcome, call.hung_up_by) == ("abandoned", "supervisor")
    assert seat.until("ready").call == ""
    seat.leave()


def test_the_customer_hangs_up_in_talk(floor: Floor) -> None:
    campaign, seat = ready_agent(floor)
    number = floor.numbers.of(Numbers.PERSON, seconds=5)
    floor.lead(campaign, number)
    seat.until("in_call")
    seat.dispose("SALE", then="pause")
    call = floor.ended(number)
    assert (call.outcome, call.cause, call.hung_up_by) == ("connected", 16, "customer")
    assert floor.truth(number).ended_by == "them"
    assert factories.get_lead(call.lead_id).state == LeadState.DONE
    seat.leave()


def test_a_supervisor_ends_a_talk(floor: Floor) -> None:
    campaign, seat = ready_agent(floor)
    number = floor.numbers.echo()
    floor.lead(campaign, number)
    seat.until("in_call")
    seat.hears(AGENT_TONE)
    end_as_supervisor(floor.live(number, "connected"))
    seat.dispose(then="pause")
    call = floor.ended(number)
    assert (call.outcome, call.hung_up_by) == ("connected", "supervisor")
    seat.leave()


def test_the_agents_phone_hangs_up_in_talk_and_is_called_again(floor: Floor) -> None:
    campaign, seat = ready_agent(floor)
    number = floor.numbers.echo()
    floor.lead(campaign, number)
    seat.until("in_call")
    floor.do(seat.phone.hang_up())
    seat.dispose()
    call = floor.ended(number)
    assert (call.outcome, call.hung_up_by) == ("connected", "agent")
    assert floor.truth(number).ended_by == "us"
    view = seat.until("paused")
    assert (view.pause, view.leg) == ("PHONE", "down")
    assert "Call my phone" in view.message
    assert not seat.press("phone").message
    until(lambda: seat.robot.view is not None and seat.robot.view.leg == "up", what="the leg is up again")
    seat.leave()


def test_the_next_customer_goes_to_the_same_leg(floor: Floor) -> None:
    campaign, seat = ready_agent(floor)
    for _ in range(2):
        number = floor.numbers.echo()
        floor.lead(campaign, number)
        seat.until("in_call")
        seat.hears(AGENT_TONE)
        seat.press("hang-up")
        seat.dispose()
        assert floor.ended(number).outcome == "connected"
        seat.until("ready")
    assert seat.phone.calls == 1
    seat.leave()


# ---- nobody is there in time


RINGS_S = 5
"""Long enough for an agent to go on pause meanwhile, on a slow machine too."""


def nobody_at_the_answer(floor: Floor, number: str, waits_s: int | None = None) -> tuple[CallTask, Seat]:
    """A lead is dialed for a ready agent who goes on pause while it rings. `waits_s`: longer than a campaign may."""
    campaign, seat = ready_agent(floor, may_cancel=False)  # or the call is given up, as nobody will be free
    floor.lead(campaign, number)
    ringing = floor.live(number, "ringing")
    assert seat.press("pause", code="BREAK").state == "paused"
    if waits_s is not None:
        CallTask.objects.across_tenants().filter(pk=ringing.pk).update(connect_limit_ms=waits_s * 1000)
    return floor.live(number, "human"), seat


def test_nobody_in_time_the_message_is_heard_and_the_lead_rests(floor: Floor, tmp_path: Path) -> None:
    number = floor.numbers.echo(ring=RINGS_S)
    call, seat = nobody_at_the_answer(floor, number)
    heard = record(floor, floor.carrier_channel(number), tmp_path)
    call = floor.ended(number, 40)
    assert (call.outcome, call.hung_up_by, call.session_id) == ("abandoned", "system", None)
    assert kinds_of(call) == [
        "placed",
        "ringing",
        "answered",
        "ready",
        "wait_expired",
        "message_played",
        "hung_up",
    ]
    times = dict(call.events.values_list("kind", "at"))
    waited = times["wait_expired"] - times["answered"]
    assert timedelta(seconds=1.9) < waited < timedelta(seconds=4)  # a limit of two, on a machine with much to do
    played = times["message_played"] - times["wait_expired"]
    assert timedelta(seconds=4) < played < timedelta(seconds=20)
    samples = heard()
    loud = [second for second in range(len(samples) // 8000) if energy(samples[second * 8000 :][:8000]) > 200]
    assert len(loud) >= played.total_seconds() * 0.6, "the customer heard the message"
    lead = factories.get_lead(call.lead_id)
    assert lead.state == LeadState.WAITING
    assert timedelta(hours=71, minutes=59) < lead.next_attempt_at - now() < timedelta(hours=72, seconds=1)
    seat.leave()


def test_the_customer_hangs_up_during_the_message(floor: Floor) -> None:
    number = floor.numbers.of(Numbers.PERSON, ring=RINGS_S, seconds=4)
    call, seat = nobody_at_the_answer(floor, number)
    call = floor.ended(number)
    assert (call.outcome, call.hung_up_by) == ("abandoned", "customer")
    assert floor.truth(number).ended_by == "them"
    seat.leave()


def test_the_customer_does_not_wait_for_the_limit(floor: Floor) -> None:
    number = floor.numbers.of(Numbers.PERSON, ring=RINGS_S, seconds=1)
    call, seat = nobody_at_the_answer(floor, number)
    call = floor.ended(number)
    assert (call.outcome, call.hung_up_by) == ("early_hangup", "customer")
    seat.leave()


def test_an_agent_who_comes_back_in_time_gets_the_one_who_waits(floor: Floor) -> None:
    number = floor.numbers.echo(ring=RINGS_S)
    _, seat = nobody_at_the_answer(floor, number, waits_s=30)  # in time whatever else the machine has to do
    seat.press("ready")
    seat.until("in_call", within_s=25)
    seat.hears(AGENT_TONE)
    seat.press("hang-up")
    seat.dispose(then="pause")
    assert floor.ended(number).outcome == "connected"
    seat.leave()


def test_the_recording_has_both_directions(floor: Floor) -> None:
    campaign, seat = ready_agent(floor)
    number = floor.numbers.steady()
    floor.lead(campaign, number)
    seat.until("in_call")
    seat.hears(1000)
    call = floor.live(number, "connected")
    until(lambda: now() - (call.connected_at or now()) > timedelta(seconds=1.5), what="a second and a half of talk")
    seat.press("hang-up")
    seat.dispose(then="pause")
    until(lambda: _recording(number).recording.state == "complete", 15, "the recording is complete")
    recording = _recording(number).recording
    path = Path(floor.env["ASTERISK_RECORDINGS_DIR"]) / recording.path
    samples = samples_of(path)
    middle = samples[len(samples) // 2 - 2000 :][:4000]
    assert strength(middle, 1000) > 1000
    assert strength(middle, AGENT_TONE) > 1000
    assert recording.bytes == path.stat().st_size
    assert recording.duration_ms == len(samples) // 8
    seat.leave()


def _recording(number: str) -> CallTask:
    call = CallTask.objects.across_tenants().select_related("recording").get(phone=number)
    assert isinstance(call, CallTask)
    return call
