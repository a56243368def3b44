"""/desk/commands/: the command bar's list."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from datetime import timedelta
from html import unescape

from django.test import Client

from dialer.agents.rules import AgentState
from dialer.campaigns.models import Campaign, DialMethod
from dialer.core.clock import now
from dialer.handling.models import TransferPreset
from dialer.people.models import User
from dialer.telephony.models import SwitchCommand
from tests import factories, switch

from .conftest import House
from .pages import sends_to_sign_in

As = Callable[[User | None], Client]


def offered(browser: Client, text: str = "") -> list[str]:
    """The words of the options, in order."""
    page = browser.get("/desk/commands/", {"q": text}).content.decode()
    return re.findall(r'<li [^>]*role="option"[^>]*><span>([^<]*)</span>', page)


def test_strangers_are_sent_to_sign_in(house: House, as_: As) -> None:
    assert sends_to_sign_in(as_(None).get("/desk/commands/"))


def test_only_what_can_be_done_now(house: House, campaign: Campaign, as_: As) -> None:
    browser = as_(house.agent)
    assert offered(browser)[0] == f"Join {campaign.name}"
    assert "Hang up" not in offered(browser)
    factories.make_session(campaign, house.agent, state=AgentState.PAUSED)
    assert "Ready" in offered(browser)
    assert "Pause: Break" in offered(browser)
    assert "Leave the campaign" in offered(browser)
    browser.post("/desk/ready/")
    assert "Ready" not in offered(browser)
    call = switch.connect(campaign, factories.make_lead(campaign))
    assert {"Hang up", "Hold", "Pause after this call: Break"} <= set(offered(browser))
    assert "Leave the campaign" not in offered(browser)
    switch.hang_up(call.pk)
    assert "Hang up" not in offered(browser)
    sale = campaign.disposition_set.dispositions.order_by("key").first()
    assert offered(browser, sale.label) == [sale.label]


def test_buttons_that_are_named_are_there(house: House, campaign: Campaign, as_: As) -> None:
    browser = as_(house.agent)
    factories.make_session(campaign, house.agent)
    switch.connect(campaign, factories.make_lead(campaign))
    named = re.findall('data-press="([^"]*)"', browser.get("/desk/commands/").content.decode())
    page = browser.get("/desk/").content.decode()
    assert named
    assert [name for name in named if f'id="{name}"' not in page] == []


def test_words_narrow_it_down(house: House, campaign: Campaign, as_: As) -> None:
    browser = as_(house.agent)
    assert offered(browser, "calls today") == ["My calls today"]
    assert offered(browser, "CALLS my") == ["My calls today"]
    assert "Nothing of that name" in browser.get("/desk/commands/", {"q": "xyzzy\0"}).content.decode()
    assert offered(browser, "users") == []
    assert offered(as_(house.admin), "users") == ["Users"]


def test_people_are_found_and_dialed_where_agents_dial(house: House, campaign: Campaign, as_: As) -> None:
    manual = factories.make_campaign(house.tenant, name="Front desk", dial_method=DialMethod.MANUAL)
    lead = factories.make_leads(factories.make_list(manual), 1, first_name="Theo", last_name="Brandt")[0]
    factories.make_leads(factories.make_list(campaign), 1, first_name="Theo", last_name="Elsewhere")
    browser = as_(house.agent)
    assert offered(browser, "theo") == []  # in no campaign
    factories.make_session(manual, house.agent, state=AgentState.PAUSED)
    assert [word.split(",")[0] for word in offered(browser, "theo")] == ["Dial Theo Brandt"]
    assert [word.split(",")[0] for word in offered(browser, "brandt theo")] == ["Dial Theo Brandt"]
    typed = offered(browser, lead.phone)
    assert typed[0].startswith("Dial +")
    assert lead.phone in browser.get("/desk/commands/", {"q": "theo"}).content.decode()


def test_own_calls_of_today_are_found(house: House, campaign: Campaign, as_: As) -> None:
    lead = factories.make_leads(factories.make_list(campaign), 1, first_name="Jonas", last_name="Weiss")[0]
    began = now() - timedelta(seconds=90)
    factories.make_call(
        campaign, lead=lead, state="ended", outcome="connected", queued_at=began, ended_at=now(), cause=16,
        connected_at=began, user=house.agent,
    )  # fmt: skip
    assert offered(as_(house.agent), "weiss") == ["Call with Jonas Weiss"]
    assert offered(as_(house.teammate), "weiss") == []


def test_a_call_is_transferred_by_name(house: House, campaign: Campaign, as_: As) -> None:
    browser = as_(house.agent)
    factories.make_session(campaign, house.agent)
    colleague = factories.make_session(campaign, factories.make_user(house.tenant, first_name="Bea", last_name="Marsh"))
    factories.make_queue(campaign, name="Marsh service")
    preset = {"tenant": house.tenant, "campaign": campaign, "phone": "+12125550166"}
    TransferPreset.objects.create(**preset, name="Marsh office")
    assert offered(browser, "marsh") == []  # there is no call to transfer
    call = switch.connect(campaign, factories.make_lead(campaign, first_name="Ada"))
    assert offered(browser, "marsh") == [
        *("Ask Marsh office first", "Transfer to Marsh office", "Ask Bea Marsh first", "Transfer to Bea Marsh"),
        "Transfer to Marsh service",
    ]
    assert offered(browser, "ask bea") == ["Ask Bea Marsh first"]
    assert offered(browser, "ask") == []  # of nobody's name
    page = browser.get("/desk/commands/", {"q": "ask bea"}).content.decode()
    [values] = re.findall('hx-post="/desk/transfer/" hx-vals="([^"]*)"', page)
    browser.post("/desk/transfer/", json.loads(unescape(values)))
    [command] = SwitchCommand.objects.for_tenant(house.tenant).filter(kind="handle", target=call.pk)
    assert (command.args["kind"], command.args["user_id"]) == ("consult", colleague.user_id)
