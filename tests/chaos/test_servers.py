"""Redis and PostgreSQL go away and come back while the floor dials and people talk."""

from __future__ import annotations

import time

from tests.chaos import invariants
from tests.chaos.conftest import Shift
from tests.chaos.test_processes import ends_in_order, keeps_talking
from tests.floor import until

AWAY_S = 5.0


def test_redis_is_away(shift: Shift) -> None:
    """Calls go on; screens say that they are behind, come back by themselves and are whole; dialing goes on."""
    floor = shift.floor
    staying, number = shift.conversation()
    going, gone_number = shift.conversation(customer_talks_s=3)
    staying.hears(440)
    floor.stack.kill("redis")
    try:
        keeps_talking(staying, AWAY_S)
        call = floor.ended(gone_number)  # while Redis is away: the truth is not in it
        assert (call.outcome, call.hung_up_by) == ("connected", "customer")
    finally:
        floor.stack.start_service("redis")
    view = going.until("wrapup", within_s=20)  # nobody told this screen, it came back by itself
    assert view.call == str(call.pk)
    going.dispose(then="pause")
    going.leave()
    ends_in_order(floor, staying, number)
    shift.dialing_goes_on(30)


def test_postgresql_is_restarted(shift: Shift) -> None:
    floor = shift.floor
    seat, number = shift.conversation()
    floor.stack.restart("postgres")
    keeps_talking(seat, 1.0)
    assert invariants.settled(floor) < 10
    ends_in_order(floor, seat, number)
    shift.dialing_goes_on(30)


def test_postgresql_is_away(shift: Shift) -> None:
    """What the switch tells meanwhile is kept: a customer who hung up is known to have, once there is a database."""
    floor = shift.floor
    staying, number = shift.conversation()
    going, gone_number = shift.conversation(customer_talks_s=3)
    staying.hears(440)
    floor.stack.kill("postgres")
    try:
        over = time.monotonic() + AWAY_S
        keeps_talking(staying, AWAY_S)
        assert time.monotonic() > over
        ended_at = floor.truth(gone_number).ended
    finally:
        floor.stack.start_service("postgres")
    began = time.monotonic()
    call = floor.ended(gone_number, 10)
    assert time.monotonic() - began < 10
    assert (call.outcome, call.cause, call.hung_up_by) == ("connected", 16, "customer")
    assert call.ended_at is not None
    assert abs(call.ended_at.timestamp() - ended_at) < 1, "the event kept its own time"
    until(floor.web_answers, 10, "the web answers again")
    assert invariants.settled(floor) < 10
    going.dispose(then="pause")
    going.leave()
    ends_in_order(floor, staying, number)
    shift.dialing_goes_on(30)
