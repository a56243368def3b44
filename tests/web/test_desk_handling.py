"""/desk/hold/, retrieve/, transfer/, toggle/, conference/, complete/, cancel/, park/, unpark/ and the panels."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from django.test import Client

from dialer.calls.models import CallTask
from dialer.campaigns.models import Campaign
from dialer.core.clock import now
from dialer.handling.models import Conversation, HandlingSettings, MessageRecording, TransferPreset
from dialer.people.models import User
from dialer.telephony.models import CommandKind, SwitchCommand
from tests import factories, switch

from .conftest import House
from .pages import attributes, message, refused

As = Callable[[User | None], Client]


@pytest.fixture
def call(house: House, campaign: Campaign) -> CallTask:
    """The agent talks with a customer."""
    factories.make_session(campaign, house.agent)
    return switch.connect(campaign, factories.make_lead(campaign))


def commands(house: House) -> list[SwitchCommand]:
    return list(SwitchCommand.objects.for_tenant(house.tenant).filter(kind=CommandKind.HANDLE).order_by("created_at"))


def converse(call: CallTask, mode: str, **values: object) -> Conversation:
    return Conversation.objects.create(tenant_id=call.tenant_id, call=call, mode=mode, version=3, **values)


def test_hold_is_one_command_however_often_it_is_sent(house: House, call: CallTask, as_: As) -> None:
    browser = as_(house.agent)
    for _ in range(3):
        answer = browser.post("/desk/hold/", {"seen": "0"})
        assert message(answer) == ""
        assert attributes(answer)["state"] == "in_call"
    [command] = commands(house)
    assert (command.target, command.args["kind"], command.args["seen"]) == (call.pk, "hold", 0)


@pytest.mark.parametrize("deed", ["retrieve", "toggle", "conference", "complete", "cancel"])
def test_what_makes_no_sense_now_says_so(house: House, call: CallTask, as_: As, deed: str) -> None:
    converse(call, "parked" if deed == "retrieve" else "hold")
    answer = as_(house.agent).post(f"/desk/{deed}/", {"seen": "3"})
    assert message(answer)
    assert commands(house) == []


def test_a_card_that_is_behind_is_told(house: House, call: CallTask, as_: As) -> None:
    converse(call, "hold")
    answer = as_(house.agent).post("/desk/hold/", {"seen": "2"})
    assert "changed" in message(answer)
    assert commands(house) == []


@pytest.mark.parametrize("seen", ["", "-1", "x", "9" * 12])
def test_a_damaged_form(house: House, call: CallTask, as_: As, seen: str) -> None:
    answer = as_(house.agent).post("/desk/hold/", {"seen": seen})
    assert message(answer)
    assert commands(house) == []


def test_without_a_call_nothing_is_handled(house: House, campaign: Campaign, as_: As) -> None:
    factories.make_session(campaign, house.agent)
    for deed in ("hold", "retrieve", "park", "resume-recording"):
        assert message(as_(house.agent).post(f"/desk/{deed}/", {"seen": "0"})) == "There is no call in hand."


def test_transfer_to_a_typed_number(house: House, call: CallTask, as_: As) -> None:
    browser = as_(house.agent)
    for number, word in (("", "Type the number"), ("12", "not a telephone number"), (call.phone, "own number")):
        answer = browser.post("/desk/transfer/", {"seen": "0", "to": "number", "number": number, "how": "consult"})
        assert word in message(answer)
    assert message(browser.post("/desk/transfer/", {"seen": "0", "to": "number", "number": "(212) 555-0188"}))
    ok = {"seen": "0", "to": "number", "number": "(212) 555-0188", "how": "consult"}
    assert message(browser.post("/desk/transfer/", ok)) == ""
    [command] = commands(house)
    assert command.args["number"] == "+12125550188"


def test_a_campaign_may_forbid_typed_numbers(house: House, campaign: Campaign, call: CallTask, as_: As) -> None:
    HandlingSettings.objects.create(tenant=house.tenant, campaign=campaign, may_dial_out=False)
    form = {"seen": "0", "to": "number", "number": "(212) 555-0188", "how": "blind"}
    assert "presets" in message(as_(house.agent).post("/desk/transfer/", form))
    assert b"transfer-number" not in as_(house.agent).get("/desk/panel/transfer/").content


def test_transfer_to_a_colleague_and_a_preset(house: House, campaign: Campaign, call: CallTask, as_: As) -> None:
    colleague = factories.make_session(factories.make_campaign(house.tenant), house.teammate)
    preset = TransferPreset.objects.create(tenant=house.tenant, campaign=campaign, name="Billing", phone="+12125550111")
    browser = as_(house.agent)
    panel = browser.get("/desk/panel/transfer/").content.decode()
    assert f"agent:{colleague.public_id}" in panel
    assert "Billing" in panel
    form = {"seen": "0", "to": f"preset:{preset.public_id}", "how": "blind"}
    assert message(browser.post("/desk/transfer/", form)) == ""
    form = {"seen": "0", "to": f"agent:{colleague.public_id}", "how": "consult"}
    assert message(browser.post("/desk/transfer/", form)) == ""
    assert [command.args.get("user_id") for command in commands(house)] == [None, house.teammate.pk]


def test_a_strangers_colleague_and_preset_do_not_exist(
    house: House, campaign: Campaign, call: CallTask, as_: As
) -> None:
    theirs = factories.make_campaign(house.stranger.tenant)
    session = factories.make_session(theirs)
    preset = TransferPreset.objects.create(
        tenant=house.stranger.tenant, campaign=theirs, name="Theirs", phone="+12125550112"
    )
    for to in (f"agent:{session.public_id}", f"preset:{preset.public_id}", "agent:", "", "nobody"):
        assert message(as_(house.agent).post("/desk/transfer/", {"seen": "0", "to": to, "how": "blind"}))
    assert commands(house) == []
    assert b"Theirs" not in as_(house.agent).get("/desk/panel/transfer/").content


def test_pausing_the_recording_wants_a_reason(house: House, campaign: Campaign, call: CallTask, as_: As) -> None:
    browser = as_(house.agent)
    refusal = message(browser.post("/desk/pause-recording/", {"seen": "0", "reason": "Card number"}))
    assert "does not allow" in refusal
    HandlingSettings.objects.create(tenant=house.tenant, campaign=campaign, may_pause_recording=True)
    assert "why" in message(browser.post("/desk/pause-recording/", {"seen": "0", "reason": " "}))
    assert message(browser.post("/desk/pause-recording/", {"seen": "0", "reason": "Card number"})) == ""
    [command] = commands(house)
    assert command.args["reason"] == "Card number"


def test_digits(house: House, call: CallTask, as_: As) -> None:
    browser = as_(house.agent)
    key = "0190aaaa-0000-7000-8000-000000000001"
    for digits in ("", "12a", "1" * 33, "1\r\nAction: x"):
        assert "digits" in message(browser.post("/desk/digits/", {"digits": digits, "key": key}))
    assert message(browser.post("/desk/digits/", {"digits": "1#", "key": "x"}))
    for _ in range(2):
        assert message(browser.post("/desk/digits/", {"digits": "1#", "key": key})) == ""
    assert [command.args["digits"] for command in commands(house)] == ["1#"]


def test_dropping_a_message(house: House, campaign: Campaign, call: CallTask, as_: As) -> None:
    made = MessageRecording.objects.create(
        tenant=house.tenant, campaign=campaign, name="Call back", path="messages/1/a.wav", duration_ms=4000
    )
    browser = as_(house.agent)
    assert b"Call back" in browser.get("/desk/panel/messages/").content
    assert message(browser.post("/desk/drop/", {"seen": "0", "message": "nothing"}))
    assert message(browser.post("/desk/drop/", {"seen": "0", "message": str(made.public_id)})) == ""
    assert [command.args["path"] for command in commands(house)] == ["messages/1/a.wav"]


def test_parked_calls_are_the_tenants(house: House, campaign: Campaign, call: CallTask, as_: As) -> None:
    session = switch.session_of(house.agent)
    converse(call, "parked", held_since=now(), parked_by=session)
    factories.make_session(campaign, house.teammate)
    browser = as_(house.teammate)
    assert str(call.pk) in browser.get("/desk/panel/parked/").content.decode()
    theirs = factories.make_campaign(house.stranger.tenant)
    factories.make_session(theirs, house.stranger)
    assert str(call.pk) not in as_(house.stranger).get("/desk/panel/parked/").content.decode()
    assert as_(house.stranger).post("/desk/unpark/", {"call": str(call.pk)}).status_code == 404
    assert message(browser.post("/desk/unpark/", {"call": "x"}))
    assert message(browser.post("/desk/unpark/", {"call": str(call.pk)})) == ""
    assert [command.args["kind"] for command in commands(house)] == ["unpark"]


def test_a_colleague_cannot_handle_my_call(house: House, campaign: Campaign, call: CallTask, as_: As) -> None:
    factories.make_session(campaign, house.teammate)
    assert message(as_(house.teammate).post("/desk/hold/", {"seen": "0"})) == "There is no call in hand."
    assert commands(house) == []


def test_nobody_who_is_not_signed_in(house: House, as_: As) -> None:
    for deed in ("hold", "transfer", "unpark", "drop", "digits"):
        assert refused({"nobody": as_(None)}, f"/desk/{deed}/", "post") == {"nobody": 302}
        assert as_(house.agent).get(f"/desk/{deed}/").status_code == 405


def test_the_card_offers_what_can_be_done(house: House, call: CallTask, as_: As) -> None:
    page = as_(house.agent).get("/desk/").content.decode()
    assert 'id="do-hold"' in page
    assert 'id="do-retrieve"' not in page
    converse(call, "hold", held_since=now(), notice="That was not done: <b>no</b>.")
    page = as_(house.agent).get("/desk/").content.decode()
    assert 'id="do-retrieve"' in page
    assert 'id="hold-timer"' in page
    assert "&lt;b&gt;no" in page
