"""Choosing a phone, the browser phone's account, and its word that it is there."""

from __future__ import annotations

import base64
import hashlib
import hmac
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.test import Client

from dialer.agents.models import AgentSession
from dialer.agents.rules import Event, Kind
from dialer.agents.services import apply, claim, leg_ended
from dialer.calls import board
from dialer.campaigns.models import Campaign
from dialer.core.clock import now
from dialer.people.models import User
from dialer.telephony.models import SwitchCommand
from tests import factories, switch

from .conftest import House
from .pages import message

As = Callable[[User | None], Client]
pytestmark = pytest.mark.django_db


def join(as_: As, house: House, campaign: Campaign, **fields: str) -> AgentSession:
    browser = as_(house.agent)
    assert message(browser.post("/desk/join/", {"campaign": str(campaign.public_id), **fields})) == ""
    return switch.session_of(house.agent)


def commands(house: House) -> list[str]:
    rows = SwitchCommand.objects.for_tenant(house.tenant).order_by("created_at")
    return list(rows.values_list("kind", flat=True))


def test_a_browser_phone_has_an_account_that_dies_with_the_session(house: House, campaign: Campaign, as_: As) -> None:
    session = join(as_, house, campaign, phone="browser")
    assert (session.leg, session.endpoint) == ("away", f"web-{session.public_id.hex}")
    assert commands(house)[-1] == "provision"
    browser = as_(house.agent)
    account = browser.get("/desk/phone/account/").json()
    assert account["user"] == session.endpoint
    assert account["secret"] == session.phone_secret
    assert len(account["secret"]) >= 32
    assert account["leg"] == f"leg-{session.public_id}"
    pushed = {one.endpoint: one for one in board.phone_accounts()}[session.endpoint]
    assert pushed.webrtc
    assert pushed.secret == session.phone_secret
    assert as_(house.supervisor).get("/desk/phone/account/").status_code == 404

    browser.post("/desk/leave/")
    ended = AgentSession.objects.for_tenant(house.tenant).get(pk=session.pk)
    assert (ended.state, ended.phone_secret) == ("offline", "")
    assert commands(house)[-2:] == ["drop_phone", "provision"]
    assert session.endpoint not in {one.endpoint for one in board.phone_accounts()}
    assert browser.get("/desk/phone/account/").status_code == 404
    assert browser.post("/desk/phone/here/").status_code == 409


def test_a_phone_that_is_here_is_called_and_one_that_comes_back_loses_nothing(
    house: House, campaign: Campaign, as_: As
) -> None:
    session = join(as_, house, campaign, phone="browser")
    browser = as_(house.agent)
    assert browser.post("/desk/phone/here/").status_code == 204
    assert commands(house)[-1] == "call_phone"
    switch.phone_up(house.agent)
    browser.post("/desk/ready/")
    assert leg_ended(session_id=session.pk, at=now(), notice="lost").leg == "away"
    assert switch.session_of(house.agent).state == "ready"
    call = factories.make_call(campaign)
    assert claim(campaign_id=campaign.pk, call_id=call.pk, at=now()) is None  # nobody is put through to silence
    assert board.overdue_legs(now() + timedelta(seconds=19)) == []
    assert board.overdue_legs(now() + timedelta(seconds=21)) == [session.public_id]
    browser.post("/desk/phone/here/")
    switch.phone_up(house.agent)
    assert claim(campaign_id=campaign.pk, call_id=call.pk, at=now()) == session.pk


def test_a_phone_that_does_not_come_back_is_lost(house: House, campaign: Campaign, as_: As) -> None:
    session = join(as_, house, campaign, phone="browser")
    switch.phone_up(house.agent)
    as_(house.agent).post("/desk/ready/")
    leg_ended(session_id=session.pk, at=now(), notice="")
    switch.phone_lost(house.agent, "It left the line.")
    after = switch.session_of(house.agent)
    assert (after.state, after.pause_code, after.leg, after.notice) == ("paused", "PHONE", "down", "It left the line.")


def test_a_sip_phone_that_hangs_up_is_lost_at_once(house: House, campaign: Campaign, as_: As) -> None:
    session = join(as_, house, campaign, phone="sip")
    assert commands(house)[-1] == "call_phone"
    apply(session_id=session.pk, event=Event(Kind.LEG_UP), at=now())
    assert leg_ended(session_id=session.pk, at=now(), notice="lost").leg == "down"


def test_a_plain_telephone_is_dialed_once(house: House, campaign: Campaign, as_: As) -> None:
    browser = as_(house.agent)
    answer = browser.post("/desk/join/", {"campaign": str(campaign.public_id), "phone": "number", "number": "12"})
    assert "Your telephone" in message(answer)
    session = join(as_, house, campaign, phone="number", number="(212) 555-0144")
    assert (session.endpoint, session.leg) == ("+12125550144", "calling")
    assert commands(house)[-1] == "call_phone"
    assert session.phone_secret == ""
    browser.post("/desk/leave/")
    assert 'value="+12125550144"' in browser.get("/desk/").content.decode()  # proposed again


def test_another_word_for_a_phone_is_refused(house: House, campaign: Campaign, as_: As) -> None:
    answer = as_(house.agent).post("/desk/join/", {"campaign": str(campaign.public_id), "phone": "tin can"})
    assert "Choose one of the phones" in message(answer)


def test_a_simulated_phone_needs_no_page(house: House, campaign: Campaign, as_: As, settings: Any) -> None:
    settings.SWITCH = "simulated"
    assert join(as_, house, campaign, phone="browser").leg == "calling"
    assert commands(house)[-2:] == ["provision", "call_phone"]


def test_turn_accounts_are_made_for_the_session(house: House, campaign: Campaign, as_: As, settings: Any) -> None:
    settings.STUN_URLS = ["stun:stun.example:3478"]
    settings.TURN_URLS, settings.TURN_SECRET = ["turn:turn.example:3478"], "of coturn"
    session = join(as_, house, campaign, phone="browser")
    stun, turn = as_(house.agent).get("/desk/phone/account/").json()["ice"]
    assert stun == {"urls": ["stun:stun.example:3478"]}
    expiry, name = turn["username"].split(":")
    assert name == session.public_id.hex
    assert int(expiry) > now().timestamp() + 13 * 3600
    wanted = hmac.new(b"of coturn", turn["username"].encode(), hashlib.sha1).digest()
    assert base64.b64decode(turn["credential"]) == wanted


def test_the_phone_is_on_every_page_of_its_agent_alone(house: House, campaign: Campaign, as_: As) -> None:
    join(as_, house, campaign, phone="browser")
    page = as_(house.agent).get("/desk/").content.decode()
    assert 'id="phone"' in page
    assert f'data-phone="{switch.session_of(house.agent).public_id}"' in page
    assert 'id="phone"' not in as_(house.supervisor).get("/agents/").content.decode()
