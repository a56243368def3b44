"""Redis and PostgreSQL go away and come back while the floor dials and people talk."""

from __future__ import annotations

import time
import urllib.error
import urllib.request
from datetime import timedelta
from pathlib import Path

import pytest

from dialer.core.clock import now
from tests import factories
from tests.chaos import invariants
from tests.chaos.conftest import Shift
from tests.chaos.test_processes import ends_in_order, keeps_talking
from tests.floor import Floor, until
from tests.hearing import energy, record

AWAY_S = 6.0


def test_redis_is_away(shift: Shift) -> None:
    """Calls go on; screens say that they are behind, come back by themselves and are whole; dialing goes on."""
    floor = shift.floor
    staying, number = shift.conversation()
    going, gone_number = shift.conversation(customer_talks_s=5)
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
    invariants.settled(floor)
    ends_in_order(floor, seat, number)
    shift.dialing_goes_on(30)


def test_postgresql_is_away(shift: Shift) -> None:
    """What the switch tells meanwhile is kept: a customer who hung up is known to have, once there is a database."""
    floor = shift.floor
    staying, number = shift.conversation()
    going, gone_number = shift.conversation(customer_talks_s=5)
    staying.hears(440)
    floor.stack.kill("postgres")
    try:
        over = time.monotonic() + AWAY_S
        keeps_talking(staying, AWAY_S)
        assert time.monotonic() > over
        says_come_again(floor)
        ended_at = floor.truth(gone_number).ended
    finally:
        floor.stack.start_service("postgres")
    call = floor.ended(gone_number, 20)
    assert (call.outcome, call.cause, call.hung_up_by) == ("connected", 16, "customer")
    assert call.ended_at is not None
    assert abs(call.ended_at.timestamp() - ended_at) < 1, "the event kept its own time"
    until(floor.web_answers, 20, "the web answers again")
    invariants.settled(floor)
    going.dispose(then="pause")
    going.leave()
    ends_in_order(floor, staying, number)
    shift.dialing_goes_on(30)


def says_come_again(floor: Floor) -> None:
    """A page that cannot be made now is said to be made later, and is one line in the log."""
    log = floor.stack.log_dir / "web.log"
    seen = log.stat().st_size
    asked = urllib.request.Request(f"{floor.address}/calls/", headers={"Cookie": f"sessionid={'x' * 32}"})
    with pytest.raises(urllib.error.HTTPError) as refused:
        urllib.request.urlopen(asked, timeout=20)
    with refused.value as answer:
        assert (answer.code, answer.headers["Retry-After"]) == (503, "2")
        assert "try again in a moment" in answer.read().decode()
    said = log.read_bytes()[seen:].decode()
    assert "Service Unavailable: /calls/ (the database cannot be reached)" in said
    assert "Traceback" not in said


def test_somebody_who_answers_while_postgresql_is_away_hears_the_message(shift: Shift, tmp_path: Path) -> None:
    """Nobody can be claimed for them. They hear the message in time all the same, and it counts as what it was."""
    floor = shift.floor
    campaign = factories.make_campaign(shift.tenant)
    seat = floor.seat(campaign).ready()
    number = floor.numbers.echo(ring=4)  # until then the server is away
    floor.lead(campaign, number)
    floor.live(number, "ringing")
    others = set(echoes(floor))
    floor.stack.kill("postgres")
    try:
        [channel] = until(lambda: set(echoes(floor)) - others, 20, "they answer")
        heard = record(floor, channel, tmp_path)
        until(lambda: channel not in echoes(floor), 30, "the message is over and we hang up")
    finally:
        floor.stack.start_service("postgres")
    truth = floor.truth(number)
    assert truth.ended_by == "us"
    samples = heard()
    quiet = next(start for start in range(0, len(samples), 800) if energy(samples[start : start + 800]) > 200)
    assert quiet / 8000 < 5, "they heard something in time"
    call = floor.ended(number, 20)  # however long it was away, it is found again soon
    assert (call.outcome, call.session_id) == ("abandoned", None)
    lead = factories.get_lead(call.lead_id)
    assert lead.next_attempt_at - now() > timedelta(hours=71)
    invariants.settled(floor)
    assert seat.until("ready").call == ""
    seat.leave()
    shift.dialing_goes_on(30)


def echoes(floor: Floor) -> list[str]:
    """The carrier's channels on which somebody says back what they hear."""
    lines = floor.cli("carrier", "core", "show", "channels", "concise").splitlines()
    return [line.split("!")[0] for line in lines if line.split("!")[2:3] == ["echo"]]
