"""The desk of an agent whom somebody called, and the transfer of their customer to a queue."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from django.test import Client

from dialer.agents.models import AgentSession
from dialer.calls import incoming, services
from dialer.calls.models import CallTask
from dialer.calls.rules import Event, Kind
from dialer.campaigns.models import Campaign
from dialer.core.clock import now
from dialer.core.ids import new_id
from dialer.inbound.models import Did
from dialer.people.models import User
from dialer.telephony.models import SwitchCommand
from tests import factories

from .conftest import House

As = Callable[[User | None], Client]


@pytest.fixture
def did(campaign: Campaign) -> Did:
    return factories.make_did(factories.make_queue(campaign, name="Service"), "+16465550177")


def in_call(did: Did, session: AgentSession, caller: str = "") -> CallTask:
    """Somebody calls, and talks with the agent who is ready."""
    taken = incoming.take(call_id=new_id(), dialed=did.phone, caller=caller, at=now())
    assert taken is not None
    for event in (taken.then, Event(Kind.BRIDGED, session=session.pk)):
        services.apply_event(call_id=taken.call.pk, event=event, at=now())
    call = factories.get_call(taken.call.pk)
    assert call.state == "connected"
    return call


def test_the_card_says_who_called_which_number_and_queue(house: House, as_: As, campaign: Campaign, did: Did) -> None:
    session = factories.make_session(campaign, house.agent)
    lead = factories.make_lead(campaign, first_name="Grace", last_name="Hopper")
    call = in_call(did, session, lead.phone)
    assert call.lead_id == lead.pk
    page = as_(house.agent).get("/desk/").content.decode()
    assert "Grace Hopper" in page and "queue Service" in page and "646" in page
    card = as_(house.agent).get(f"/desk/card/call/{call.pk}/").content.decode()
    assert "They called you" in card and "Allowed by the gate" not in card
    assert as_(house.supervisor).get(f"/calls/{call.pk}/").status_code == 200
    assert "not asked: they called" in as_(house.supervisor).get(f"/calls/{call.pk}/").content.decode()


def test_a_number_that_is_withheld_or_unknown(house: House, as_: As, campaign: Campaign, did: Did) -> None:
    session = factories.make_session(campaign, house.agent)
    in_call(did, session)
    page = as_(house.agent).get("/desk/").content.decode()
    assert "Number withheld" in page and "On none of your lists" in page


def transfer(client: Client, did: Did, how: str = "blind", to: str = "") -> str:
    answer = client.post("/desk/transfer/", {"how": how, "seen": "0", "to": to or f"queue:{did.queue.public_id}"})
    assert answer.status_code == 200
    return answer.content.decode()


def asked(house: House) -> list[SwitchCommand]:
    return list(SwitchCommand.objects.for_tenant(house.tenant).filter(kind="handle"))


def test_a_customer_is_transferred_to_a_queue_once(house: House, as_: As, campaign: Campaign, did: Did) -> None:
    session = factories.make_session(campaign, house.agent)
    factories.make_session(campaign, house.teammate, state="paused")
    call = in_call(did, session)
    browser = as_(house.agent)
    assert f"queue:{did.queue.public_id}" in browser.get("/desk/panel/transfer/").content.decode()
    transfer(browser, did)
    transfer(browser, did)
    [command] = asked(house)
    assert (command.target, command.args["kind"], command.args["queue"]) == (call.pk, "park", did.queue_id)


def test_why_not(house: House, as_: As, campaign: Campaign, did: Did) -> None:
    session = factories.make_session(campaign, house.agent)
    in_call(did, session)
    browser = as_(house.agent)
    assert "cannot be asked first" in transfer(browser, did, how="consult")
    strangers = factories.make_did(factories.make_queue(factories.make_campaign(house.stranger.tenant)))
    assert "That queue is gone" in transfer(browser, strangers)
    assert "That queue is gone" in transfer(browser, did, to="queue:nonsense")
    empty = factories.make_did(factories.make_queue(factories.make_campaign(house.tenant), name="Night"))
    assert "Nobody works in “Night” now" in transfer(browser, empty)
    minute = (lambda at: at.hour * 60 + at.minute)(did.queue.local(now()))
    did.queue.opens, did.queue.closes = (minute + 600) % 1440, (minute + 660) % 1440
    did.queue.save()
    assert "is closed now" in transfer(browser, did)
    assert not asked(house)
