"""Every state of the desk is accessible: axe on each, from a narrow telephone in the dark to 4K."""

from __future__ import annotations

from datetime import timedelta

import pytest
from playwright.sync_api import Page, expect

from dialer.agents.models import AgentSession
from dialer.agents.rules import Event, Kind
from dialer.agents.services import DESK, apply
from dialer.calls.rules import Kind as CallKind
from dialer.campaigns.models import Campaign
from dialer.core import health
from dialer.core.clock import now
from dialer.handling.models import Conversation, HandlingSettings
from dialer.leads.models import Callback, Lead
from dialer.live import publish
from tests import switch

from .floor import Floor
from .test_desk import OpenPage, desk_in, join, take_call
from .test_handling import call_of, converse
from .test_pages import check

LOOKS = [("dark", 360, 740), ("light", 3840, 2160)]
NO_SWITCH = "The telephone switch cannot be reached. Try again in a moment; if it lasts, tell your supervisor."


def opened(open_page: OpenPage, floor: Floor, scheme: str, width: int, height: int) -> Page:
    return open_page(floor.agent, color_scheme=scheme, viewport={"width": width, "height": height})


def pushed(page: Page, floor: Floor) -> None:
    at = now()
    publish.changed(DESK, floor.agent.pk, at)
    expect(page.locator("#desk")).to_have_attribute("data-at", at.isoformat())


def check_without_switch(page: Page) -> None:
    """The switch goes and comes back; in between the desk says so, accessibly."""
    health.beat(name="switchboard here", kind=health.SWITCHBOARD, lag_ms=0.0, data={"switch_up": False})
    expect(page.locator("#switch-down")).to_contain_text("The telephone switch does not answer")
    check(page)
    health.gone("switchboard here")
    expect(page.locator("#switch-down")).to_have_count(0)


@pytest.mark.parametrize(("scheme", "width", "height"), LOOKS)
def test_without_a_call(floor: Floor, open_page: OpenPage, scheme: str, width: int, height: int) -> None:
    Campaign.objects.for_tenant(floor.tenant).filter(pk=floor.campaign.pk).update(status="stopped")
    page = opened(open_page, floor, scheme, width, height)
    page.goto("/desk/")
    check(page)
    page.click(f"#join-{floor.manual.public_id}")
    expect(page.locator("#leg")).to_contain_text("Calling the phone")
    check(page)
    switch.phone_up(floor.agent)
    expect(page.locator("#do-ready")).to_be_enabled()
    check_without_switch(page)
    switch.phone_lost(floor.agent, notice=NO_SWITCH)
    expect(page.locator("#notice")).to_contain_text("The telephone switch cannot be reached")
    check(page)
    with page.expect_response("**/desk/phone/"):
        page.click("#do-phone")
    switch.phone_up(floor.agent)
    expect(page.locator("#do-ready")).to_be_enabled()
    page.fill("#number", "12")
    page.press("#number", "Enter")
    expect(page.locator("#desk-message")).to_contain_text("is not a telephone number")
    check(page)
    session = switch.session_of(floor.agent)
    apply(session_id=session.pk, event=Event(Kind.LEG_AWAY), at=now())
    expect(page.locator("#desk")).to_have_attribute("data-leg", "away")
    check(page)
    page.context.set_offline(True)
    expect(page.locator("#trouble")).to_be_visible()
    check(page)
    page.context.set_offline(False)
    expect(page.locator("#trouble")).to_be_hidden()


@pytest.mark.parametrize(("scheme", "width", "height"), LOOKS)
def test_with_a_call(floor: Floor, open_page: OpenPage, scheme: str, width: int, height: int) -> None:
    HandlingSettings.objects.create(tenant=floor.tenant, campaign=floor.campaign, may_pause_recording=True)
    Campaign.objects.for_tenant(floor.tenant).filter(pk=floor.campaign.pk).update(wrapup_s=600, wrapup_extension_s=60)
    floor.campaign.disposition_set.dispositions.filter(code="CALLBK").update(needs_callback=True, needs_note=True)
    page = opened(open_page, floor, scheme, width, height)
    call = take_call(page, floor)
    page.wait_for_selector(".lead-fields input")
    page.get_by_label("Another number").fill("12")
    page.get_by_role("button", name="Add", exact=True).click()
    expect(page.locator(".other-numbers [role=alert]")).to_contain_text("is not a telephone number")
    check(page)
    check_without_switch(page)
    for mode in ("alternate", "blind", "releasing", "aside"):
        converse(floor, mode, "Billing")
        if mode == "alternate":
            Conversation.objects.across_tenants().filter(pk=call.pk).update(paused=True, paused_since=now())
        pushed(page, floor)
        expect(page.locator("#talk-line")).to_be_visible()
        check(page)
    converse(floor, "talk")
    AgentSession.objects.for_tenant(floor.tenant).filter(user=floor.agent).update(guest=True)
    pushed(page, floor)
    expect(page.locator("#talk-line")).to_contain_text("A colleague asked you in")
    check(page)
    AgentSession.objects.for_tenant(floor.tenant).filter(user=floor.agent).update(guest=False)
    switch.hang_up(call.pk)
    desk_in(page, "wrapup")
    page.click("#disposition-2")
    page.locator("#ask-form .form-end button").click()
    expect(page.locator("#ask-form .field-error").first).to_be_visible()
    check(page)


@pytest.mark.parametrize(("scheme", "width", "height"), LOOKS)
def test_dialing_and_the_panels(floor: Floor, open_page: OpenPage, scheme: str, width: int, height: int) -> None:
    lead = Lead.objects.for_tenant(floor.tenant).filter(campaign=floor.manual).order_by("pk")[0]
    Lead.objects.for_tenant(floor.tenant).filter(pk=lead.pk).update(promised_to=floor.agent)
    Callback.objects.create(
        tenant=floor.tenant, lead=lead, user=floor.agent, made_by=floor.agent, zone="America/New_York",
        promised_for=now() - timedelta(hours=1), made_at=now() - timedelta(days=1), note="After lunch",
    )  # fmt: skip
    page = opened(open_page, floor, scheme, width, height)
    join(page, floor, floor.manual)
    page.fill("#number", "212 555 0177")
    page.press("#number", "Enter")
    desk_in(page, "reserved")
    call = call_of(floor)
    switch.tell(call.pk, CallKind.PLACED)
    switch.tell(call.pk, CallKind.RINGING)
    expect(page.locator("#call-state")).to_contain_text("Ringing")
    check(page)
    switch.hang_up(call.pk, cause=17)
    desk_in(page, "wrapup")
    page.keyboard.press("9")
    desk_in(page, "ready")
    for words, shown in (("My callbacks", lead.shown_name), ("My calls today", "212"), ("Parked calls", "No call")):
        page.keyboard.press("Control+k")
        page.locator("#command-text").fill(words)
        expect(page.locator('#command-list [aria-selected="true"]')).to_contain_text(words)
        page.keyboard.press("Enter")
        expect(page.locator("#panel-body")).to_contain_text(shown)
        check(page)
        page.keyboard.press("Escape")
    page.keyboard.press("?")
    expect(page.locator("#shortcuts")).to_be_visible()
    check(page)


def test_the_numbers_of_a_lead_by_keyboard(floor: Floor, open_page: OpenPage) -> None:
    page = open_page(floor.agent)
    take_call(page, floor)
    number = page.get_by_label("Another number")
    number.fill("(646) 555-0188")
    number.press("Enter")
    expect(page.locator(".other-numbers li")).to_contain_text("+1 646-555-0188")
    expect(number).to_be_focused()
    expect(number).to_have_value("")
    away = page.get_by_role("button", name="Take +1 646-555-0188 away")
    away.press("Enter")
    expect(page.locator(".other-numbers li")).to_have_count(0)
    expect(page.locator("#desk:focus, #desk :focus")).to_have_count(1)  # the part that the button was in
    pushed(page, floor)
    expect(page.locator(".other-numbers")).to_contain_text("Taken away")


def test_with_the_customer_gone_only_the_third_party_is_left(floor: Floor, open_page: OpenPage) -> None:
    page = open_page(floor.agent)
    take_call(page, floor)
    converse(floor, "aside", "Billing")
    pushed(page, floor)
    shown = page.eval_on_selector_all("#talk-keys button", "all => all.map((one) => one.id)")
    assert set(shown) == {"do-cancel", "do-keypad"}
    expect(page.locator("#talk-line")).to_contain_text("The customer is gone. You are talking with Billing.")
