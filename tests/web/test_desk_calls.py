"""/desk/hang-up/, /desk/dispose/, /desk/next/, /desk/dial-shown/, /desk/skip/ and /desk/dial/."""

from __future__ import annotations

from collections.abc import Callable

from django.test import Client

from dialer.calls.models import CallTask
from dialer.calls.rules import Kind
from dialer.campaigns.models import Campaign
from dialer.compliance.models import DncEntry
from dialer.compliance.services import add_to_dnc
from dialer.leads.models import LeadState
from dialer.people.models import User
from dialer.telephony.models import CommandKind, SwitchCommand
from tests import factories, switch

from .conftest import House
from .pages import attributes, message

As = Callable[[User | None], Client]


def calls_of(house: House) -> list[CallTask]:
    return list(CallTask.objects.for_tenant(house.tenant).order_by("queued_at"))


def in_call(house: House, campaign: Campaign) -> CallTask:
    factories.make_session(campaign, house.agent)
    return switch.connect(campaign, factories.make_lead(campaign))


def test_hang_up_asks_the_switch(house: House, campaign: Campaign, as_: As) -> None:
    call = in_call(house, campaign)
    assert message(as_(house.agent).post("/desk/hang-up/")) == ""
    command = SwitchCommand.objects.for_tenant(house.tenant).get()
    assert (command.kind, command.target, command.args) == (CommandKind.HANG_UP, call.pk, {"by": "agent"})


def test_hang_up_without_a_call(house: House, campaign: Campaign, as_: As) -> None:
    factories.make_session(campaign, house.agent)
    assert message(as_(house.agent).post("/desk/hang-up/")) == "There is no call to hang up."


def test_a_call_that_is_being_connected_is_not_hung_up(house: House, campaign: Campaign, as_: As) -> None:
    factories.make_session(campaign, house.agent)
    call = factories.make_call(campaign, lead=factories.make_lead(campaign))
    for kind in (Kind.PLACED, Kind.ANSWERED, Kind.READY):
        switch.tell(call.pk, kind)
    answer = as_(house.agent).post("/desk/hang-up/")
    assert attributes(answer)["state"] == "reserved"
    assert "being connected to you" in message(answer)


def test_dispose_writes_it_once(house: House, campaign: Campaign, as_: As) -> None:
    call = in_call(house, campaign)
    browser = as_(house.agent)
    early = browser.post("/desk/dispose/", {"code": "SALE"})
    assert "Hang up first" in message(early)
    switch.hang_up(call.pk)
    page = browser.get("/desk/").content.decode()
    assert 'data-key="1"' in page
    assert "Not interested" in page
    answer = browser.post("/desk/dispose/", {"code": "SALE", "note": "  two years \n", "call": str(call.pk)})
    assert attributes(answer)["state"] == "ready"
    again = browser.post("/desk/dispose/", {"code": "SALE", "note": "", "call": str(call.pk)})
    assert message(again) == ""
    other = browser.post("/desk/dispose/", {"code": "NI", "call": str(call.pk)})
    assert "disposed of as “Sale” already" in message(other)
    stored = factories.get_call(call.pk)
    assert stored.disposition is not None
    assert stored.disposition.code == "SALE"
    assert stored.note == "two years"


def test_dispose_refuses_what_the_campaign_has_not(house: House, campaign: Campaign, as_: As) -> None:
    call = in_call(house, campaign)
    switch.hang_up(call.pk)
    browser = as_(house.agent)
    for code in ("", "NOPE", "sale", "'; DROP TABLE"):
        answer = browser.post("/desk/dispose/", {"code": code})
        assert "has no disposition" in message(answer)
        assert attributes(answer)["state"] == "wrapup"
    assert factories.get_call(call.pk).disposition is None


def test_a_colleagues_call_is_not_mine_to_dispose(house: House, campaign: Campaign, as_: As) -> None:
    call = in_call(house, campaign)
    switch.hang_up(call.pk)
    factories.make_session(campaign, house.teammate)
    answer = as_(house.teammate).post("/desk/dispose/", {"code": "SALE", "call": str(call.pk)})
    assert message(answer) == "There is no call to dispose of."
    assert factories.get_call(call.pk).disposition is None


def test_do_not_call_goes_on_the_list(house: House, campaign: Campaign, as_: As) -> None:
    call = in_call(house, campaign)
    switch.hang_up(call.pk)
    as_(house.agent).post("/desk/dispose/", {"code": "DNC", "call": "nonsense"})
    assert DncEntry.objects.for_tenant(house.tenant).get().phone == call.phone


def test_manual_next_dials_at_once(house: House, manual: Campaign, as_: As) -> None:
    lead = factories.make_lead(manual, first_name="Theo")
    factories.make_session(manual, house.agent, state="paused")
    browser = as_(house.agent)
    answer = browser.post("/desk/next/")
    [call] = calls_of(house)
    assert attributes(answer)["call"] == str(call.pk)
    assert attributes(answer)["state"] == "reserved"
    assert "Theo" in answer.content.decode()
    assert call.lead_id == lead.pk
    again = browser.post("/desk/next/")
    assert "Finish the call" in message(again)
    assert len(calls_of(house)) == 1


def test_manual_next_passes_over_what_may_not_be_called(house: House, manual: Campaign, as_: As) -> None:
    leads = factories.make_leads(factories.make_list(manual), 3)
    for lead in leads[:2]:
        add_to_dnc(tenant_id=house.tenant.pk, number=lead.phone, source="test", by=None)
    factories.make_session(manual, house.agent, state="paused")
    assert message(as_(house.agent).post("/desk/next/")) == ""
    [call] = calls_of(house)
    assert call.lead_id == leads[2].pk


def test_no_lead_left_is_said(house: House, manual: Campaign, as_: As) -> None:
    factories.make_session(manual, house.agent, state="paused")
    assert "No lead is due" in message(as_(house.agent).post("/desk/next/"))


def test_preview_shows_then_dials_or_skips(house: House, preview: Campaign, as_: As) -> None:
    first, second = factories.make_leads(factories.make_list(preview), 2)
    factories.make_session(preview, house.agent, state="paused")
    browser = as_(house.agent)
    assert "No lead is shown" in message(browser.post("/desk/dial-shown/"))
    for _ in range(2):
        assert f"preview-{first.public_id}" in browser.post("/desk/next/").content.decode()
    assert calls_of(house) == []
    for _ in range(2):
        assert message(browser.post("/desk/skip/")) == ""
    assert factories.get_lead(first.pk).state == LeadState.WAITING
    assert f"preview-{second.public_id}" in browser.post("/desk/next/").content.decode()
    answer = browser.post("/desk/dial-shown/")
    assert attributes(answer)["state"] == "reserved"
    assert [call.lead_id for call in calls_of(house)] == [second.pk]


def test_ringing_and_its_end_are_shown(house: House, manual: Campaign, as_: As) -> None:
    factories.make_lead(manual)
    factories.make_session(manual, house.agent, state="paused")
    browser = as_(house.agent)
    browser.post("/desk/next/")
    [call] = calls_of(house)
    switch.tell(call.pk, Kind.PLACED)
    switch.tell(call.pk, Kind.RINGING)
    page = browser.get("/desk/")
    assert attributes(page)["call-state"] == "ringing"
    assert "Ringing" in page.content.decode()
    switch.hang_up(call.pk, cause=17)
    page = browser.get("/desk/")
    assert attributes(page) | {"state": "wrapup", "outcome": "busy", "call-state": "ended"} == attributes(page)
    assert "Busy" in page.content.decode()


def test_typed_numbers(house: House, manual: Campaign, as_: As) -> None:
    factories.make_session(manual, house.agent, state="paused")
    browser = as_(house.agent)
    for text in ("", "   ", "hello", "123", "+1 212", "'; DROP TABLE", "\r\nAction: Originate", "9" * 40):
        answer = browser.post("/desk/dial/", {"number": text})
        assert message(answer) != ""
        assert attributes(answer)["state"] == "paused"
    assert calls_of(house) == []
    answer = browser.post("/desk/dial/", {"number": "(212) 555-0177"})
    assert message(answer) == ""
    assert [call.phone for call in calls_of(house)] == ["+12125550177"]


def test_a_typed_number_puts_the_shown_lead_back(house: House, preview: Campaign, as_: As) -> None:
    lead = factories.make_lead(preview)
    factories.make_session(preview, house.agent, state="paused")
    browser = as_(house.agent)
    browser.post("/desk/next/")
    add_to_dnc(tenant_id=house.tenant.pk, number="+12125550178", source="test", by=None)
    assert "do-not-call" in message(browser.post("/desk/dial/", {"number": "212 555 0178"}))
    assert factories.get_lead(lead.pk).state == LeadState.RESERVED
    browser.post("/desk/dial/", {"number": "212 555 0177"})
    assert factories.get_lead(lead.pk).state == LeadState.WAITING


def test_paced_campaigns_dial_by_themselves(house: House, campaign: Campaign, as_: As) -> None:
    factories.make_session(campaign, house.agent)
    browser = as_(house.agent)
    for name in ("next", "dial-shown", "dial"):
        assert "dials by itself" in message(browser.post(f"/desk/{name}/", {"number": "2125550177"}))
    assert calls_of(house) == []


def test_no_caller_id_is_said(house: House, manual: Campaign, as_: As) -> None:
    Campaign.objects.for_tenant(house.tenant).filter(pk=manual.pk).update(caller_id="", status="stopped")
    factories.make_session(manual, house.agent, state="paused")
    answer = as_(house.agent).post("/desk/dial/", {"number": "2125550177"})
    assert "no caller id" in message(answer)
