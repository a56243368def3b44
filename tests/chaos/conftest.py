"""A floor at work, once for all tests of this folder: servers of its own to kill, six robots who dial without end."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import pytest
from pytest_django import DjangoDbBlocker

from asterisk.sandbox.robot import Habits, lognormal
from dialer.campaigns.models import Campaign, DialMethod
from dialer.people.models import Tenant
from tests import factories
from tests.chaos import invariants
from tests.chaos.proxy import Proxy
from tests.floor import Floor, Numbers, Seat, until

ROBOTS = 6
LEADS = 1200
HABITS = Habits(
    talk_s=lognormal(3.0, most_s=8.0),
    hangs_up=0.6,
    talks_at_most_s=10.0,
    wrap_s=lognormal(0.4, most_s=1.0),
    dispositions=(("NI", 5), ("SALE", 1), ("OTHER", 2)),
    pauses=0.0,
)


@dataclass
class Shift:
    """A floor at work."""

    floor: Floor
    tenant: Tenant
    campaign: Campaign
    ami: Proxy

    def dialed(self) -> int:
        """How many calls have been placed in the robots' campaign."""
        return self.campaign.calls.filter(placed_at__isnull=False).count()

    def dialing_goes_on(self, within_s: float = 20.0) -> None:
        """Wait until calls are placed and connected that were decided from now on."""
        last = self.campaign.calls.order_by("-queued_at").first()
        assert last is not None
        newer = self.campaign.calls.filter(queued_at__gt=last.queued_at)
        until(lambda: newer.filter(connected_at__isnull=False).count() >= 2, within_s, "new calls are connected")

    def conversation(self, *, customer_talks_s: int = 0) -> tuple[Seat, str]:
        """An agent of our own who talks with a customer: the seat and the customer's number.

        The customer says back what they hear, or, with `customer_talks_s`, hangs up so many seconds after answering.
        """
        campaign = factories.make_campaign(self.tenant, wrapup_s=0)
        seat = self.floor.seat(campaign).ready()
        numbers = self.floor.numbers
        number = numbers.of(Numbers.PERSON, seconds=customer_talks_s) if customer_talks_s else numbers.echo()
        self.floor.lead(campaign, number)
        seat.until("in_call", within_s=15)
        return seat, number


@pytest.fixture(scope="package")
def chaos_floor() -> Iterator[tuple[Floor, Proxy]]:
    """The servers and processes."""
    floor = Floor("chaos", durable=True)
    try:
        floor.start_servers()
        settings = floor.stack.settings
        proxy = Proxy(settings["ASTERISK_AMI_HOST"], int(settings["ASTERISK_AMI_PORT"]))
        port = floor.do(proxy.start())
        floor.start_product(ASTERISK_AMI_HOST="127.0.0.1", ASTERISK_AMI_PORT=str(port))
        yield floor, proxy
        floor.do(proxy.close())
    finally:
        floor.close()


@pytest.fixture(scope="package")
def shift(chaos_floor: tuple[Floor, Proxy], django_db_blocker: DjangoDbBlocker) -> Iterator[Shift]:
    """Robots at work in a ratio campaign. At the end they go home, and then everything must add up exactly."""
    floor, proxy = chaos_floor
    with django_db_blocker.unblock(), floor.pointed():
        tenant = floor.tenant()
        campaign = factories.make_campaign(
            tenant, dial_method=DialMethod.RATIO, dial_level="1.5", ring_timeout_s=15, wrapup_s=20
        )
        made = Shift(floor, tenant, campaign, proxy)
        _fill(floor, campaign)
        robots = floor.hire(campaign, ROBOTS, HABITS)
        until(lambda: campaign.calls.filter(connected_at__isnull=False).count() >= 3, 40, "the floor works")
        yield made
        floor.send_home(robots, 40)
        until(lambda: not campaign.calls.exclude(state="ended").exists(), 30, "all calls are over")
        invariants.settled(floor)
        assert not invariants.standing(floor)
        invariants.history(floor)


def _fill(floor: Floor, campaign: Campaign) -> None:
    """Leads of all behaviours, mostly people; nobody rings for long."""
    lead_list = factories.make_list(campaign)
    for place in range(LEADS):
        ring = place % 3
        match place % 12:
            case 0:
                number = floor.numbers.of(Numbers.BUSY, ring=ring)
            case 1:
                number = floor.numbers.of(Numbers.NO_ANSWER, seconds=3)
            case 2:
                number = floor.numbers.of(Numbers.CONGESTION)
            case 3:
                number = floor.numbers.of(Numbers.AT_ONCE, ring=ring)
            case 4:
                number = floor.numbers.of(Numbers.PERSON, ring=ring, seconds=2 + place % 7)
            case _:
                number = floor.numbers.of(Numbers.PERSON, ring=ring)
        factories.make_leads(lead_list, 1, phone=number)


@pytest.fixture(autouse=True)
def in_order(shift: Shift) -> Iterator[None]:
    """Every test begins and ends with a floor that works, and with a history that adds up."""
    assert shift.floor.web_answers()
    yield
    invariants.settled(shift.floor)
    invariants.history(shift.floor)
