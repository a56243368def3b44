"""The switch and the ways to it are lost while the floor dials and people talk."""

from __future__ import annotations

from dialer.agents.models import AgentSession
from tests import factories
from tests.chaos import invariants
from tests.chaos.conftest import Shift
from tests.chaos.test_processes import ends_in_order, keeps_talking
from tests.floor import AGENT_TONE, until


def test_the_event_connection_drops(shift: Shift) -> None:
    floor = shift.floor
    staying, number = shift.conversation()
    going, gone_number = shift.conversation(customer_talks_s=5)
    floor.cli("pbx", "ari", "shutdown", "websocket", "sessions")
    keeps_talking(staying, 2.0)
    going.dispose(then="pause")
    assert floor.ended(gone_number).outcome == "connected"
    going.leave()
    invariants.settled(floor)
    ends_in_order(floor, staying, number)
    shift.dialing_goes_on()


def test_the_manager_connection_drops(shift: Shift) -> None:
    """Calls do not notice; recording works again at once."""
    floor = shift.floor
    before = shift.ami.accepted
    seat, number = shift.conversation()
    assert floor.do(shift.ami.cut()) >= 2
    keeps_talking(seat, 1.0)
    until(lambda: shift.ami.accepted > before, 10, "the switchboard is back at AMI")
    ends_in_order(floor, seat, number)
    again, recorded = shift.conversation()
    ends_in_order(floor, again, recorded)
    [call] = floor.calls_to(recorded)
    until(lambda: factories.get_call(call.pk).recording.state == "complete", 25, "the recording is complete")
    shift.dialing_goes_on()


def test_asterisk_is_killed(shift: Shift) -> None:
    """Calls end as they were, agents are told, phones are made known again, and dialing resumes by itself."""
    floor = shift.floor
    seat, number = shift.conversation()
    ringing = floor.numbers.of(floor.numbers.NO_ANSWER)
    campaign = factories.make_campaign(shift.tenant)
    waiting = floor.seat(campaign).ready()
    floor.lead(campaign, ringing)
    floor.live(ringing, "ringing")
    floor.stack.kill("pbx")
    floor.stack.start_service("pbx")
    call = floor.ended(number, 20)
    assert call.outcome == "connected"
    lost = floor.ended(ringing, 20)
    assert (lost.outcome, lost.cause) == ("lost", None)
    seat.until("wrapup", within_s=15)
    until(lambda: seat.robot.view is not None and seat.robot.view.leg == "down", 10, "the agent is told")
    assert seat.robot.view is not None
    assert "phone" in seat.robot.view.message.lower()
    invariants.settled(floor)
    view = waiting.until("paused", within_s=10)
    assert view.pause == "PHONE"
    seat.dispose(then="pause")

    def called_again() -> bool:
        """A phone that has not registered with the new Asterisk yet is called in vain: the agent tries once more."""
        if waiting.robot.view is not None and waiting.robot.view.leg == "down":
            waiting.press("phone")
        return waiting.robot.view is not None and waiting.robot.view.leg == "up"

    until(called_again, 40, "the leg is up again")
    another = floor.numbers.echo()
    floor.lead(campaign, another)
    waiting.ready()
    waiting.until("in_call", within_s=15)
    waiting.hears(AGENT_TONE)
    ends_in_order(floor, waiting, another)
    seat.leave()
    assert ringing not in {one.number for one in floor.truths() if one.answered is not None}
    on_line = AgentSession.objects.for_tenant(shift.tenant).filter(ended_at=None, campaign=shift.campaign, leg="up")
    until(lambda: on_line.count() == len(floor.robots), 40, "every robot is on the line again")
    shift.dialing_goes_on(30)
