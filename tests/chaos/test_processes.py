"""Each process of the Procfile is killed while the floor dials and people talk."""

from __future__ import annotations

import signal
import time

import pytest

from deploy.local.supervisor import Supervisor
from tests.chaos import invariants
from tests.chaos.conftest import Shift
from tests.floor import AGENT_TONE, ROOT, Floor, Seat, until


def keeps_talking(seat: Seat, seconds: float) -> None:
    """Both directions carry, all the time: every moment the agent hears their own tone from the customer."""
    over = time.monotonic() + seconds
    while time.monotonic() < over:
        seat.hears(AGENT_TONE, within_s=1.5)
        time.sleep(0.1)  # sound has no event


def ends_in_order(floor: Floor, seat: Seat, number: str) -> None:
    """The agent hangs up at the desk; the call ends as a conversation, for everybody."""
    seat.until("in_call", within_s=20)
    assert not seat.press("hang-up").message
    seat.dispose(then="pause")
    call = floor.ended(number)
    assert (call.outcome, call.hung_up_by) == ("connected", "agent")
    assert floor.truth(number).ended_by == "us"
    seat.leave()


def test_the_switchboard_is_killed_and_people_talk_on(shift: Shift) -> None:
    floor = shift.floor
    staying, number = shift.conversation()
    going, gone_number = shift.conversation(customer_talks_s=5)
    staying.hears(AGENT_TONE)
    floor.processes.take_away("switchboard")
    keeps_talking(staying, 5.0)  # the other customer hangs up meanwhile, and nobody hears it
    floor.truth(gone_number)
    floor.processes.bring_back("switchboard")
    keeps_talking(staying, 1.0)
    invariants.settled(floor)
    going.dispose(then="pause")
    call = floor.ended(gone_number)
    assert call.outcome == "connected"
    going.leave()
    ends_in_order(floor, staying, number)
    shift.dialing_goes_on()


def test_another_switchboard_stands_by_and_takes_over(shift: Shift) -> None:
    floor = shift.floor
    seat, number = shift.conversation()
    standby = Supervisor(
        {"standby": "python -m asterisk.switchboard"}, env=floor.env, log_dir=floor.stack.log_dir, cwd=ROOT
    )
    with standby:
        log = floor.stack.log_dir / "standby.log"
        until(lambda: log.exists() and "standing by" in log.read_text(), 40, "the second one stands by")
        placed = shift.dialed()
        floor.processes.take_away("switchboard")
        began = time.monotonic()
        until(lambda: "leading switch" in log.read_text(), 20, "the second one leads")
        assert time.monotonic() - began < 10  # 1 s on a machine that has nothing else to do
        keeps_talking(seat, 1.0)
        until(lambda: shift.dialed() > placed, 20, "the second one dials")
        invariants.settled(floor)
        floor.processes.bring_back("switchboard")
        ends_in_order(floor, seat, number)
    shift.dialing_goes_on()


def test_a_frozen_switchboard_is_taken_over_from(shift: Shift) -> None:
    """The one that stands by leads, and the frozen one does nothing once it wakes up but stand by itself."""
    floor = shift.floor
    seat, number = shift.conversation()
    going, gone_number = shift.conversation(customer_talks_s=5)
    standby = Supervisor(
        {"standby": "python -m asterisk.switchboard"}, env=floor.env, log_dir=floor.stack.log_dir, cwd=ROOT
    )
    with standby:
        log, first = floor.stack.log_dir / "standby.log", floor.stack.log_dir / "switchboard.log"
        said, led = log.read_text() if log.exists() else "", first.read_text().count("leading switch")
        until(lambda: log.read_text().count("standing by") > said.count("standing by"), 40, "the second one stands by")
        before = floor.processes.status()["switchboard"].pid
        floor.processes.kill("switchboard", signal.SIGSTOP)
        try:
            began = time.monotonic()
            until(lambda: log.read_text().count("leading switch") > said.count("leading switch"), 20, "it leads")
            assert time.monotonic() - began < 12  # 4 s on a machine that has nothing else to do
            placed = shift.dialed()
            keeps_talking(seat, 1.0)
            going.until("wrapup", within_s=20)
            until(lambda: shift.dialed() > placed, 20, "the second one dials")
            invariants.settled(floor)
        finally:
            floor.processes.kill("switchboard", signal.SIGCONT)
        until(lambda: floor.processes.status()["switchboard"].pid not in (None, before), 20, "the first one has ended")
        assert "another switchboard leads this switch now" in first.read_text()
        assert first.read_text().count("leading switch") == led
        going.dispose(then="pause")
        assert floor.ended(gone_number).outcome == "connected"
        going.leave()
        ends_in_order(floor, seat, number)
    shift.dialing_goes_on()


def test_the_web_is_killed_and_the_desks_come_back(shift: Shift) -> None:
    floor = shift.floor
    seat, number = shift.conversation()
    seen = len(seat.robot.seen)
    floor.processes.kill("web")
    keeps_talking(seat, 1.0)
    until(floor.web_answers, 20, "the web is back")
    until(lambda: len(seat.robot.seen) > seen, 15, "the desk is shown afresh")
    assert seat.robot.seen[-1].state == "in_call"
    assert seat.robot.figures.reconnects >= 1
    ends_in_order(floor, seat, number)
    shift.dialing_goes_on()


@pytest.mark.parametrize("name", ["pacing", "worker"])
def test_a_consumer_is_killed(shift: Shift, name: str) -> None:
    seat, number = shift.conversation()
    shift.floor.processes.kill(name)
    keeps_talking(seat, 1.0)
    ends_in_order(shift.floor, seat, number)
    shift.dialing_goes_on()
    calls = shift.floor.calls_to(number)
    until(lambda: calls[0].recording.__class__.objects.across_tenants().get(call=calls[0]).state == "complete", 25)


def test_the_switchboard_is_killed_again_and_again(shift: Shift) -> None:
    """Each time while calls are being placed: nothing is dialed twice, nobody is left over."""
    floor = shift.floor
    for _ in range(5):
        under_way = shift.campaign.calls.filter(state__in=("queued", "dialing"))
        until(under_way.exists, 25, "a call is being placed")
        before = floor.processes.status()["switchboard"].pid
        floor.processes.kill("switchboard")
        until(lambda before=before: floor.processes.status()["switchboard"].pid not in (None, before), 20)
    invariants.settled(floor)
    shift.dialing_goes_on(30)
