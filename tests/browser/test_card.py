"""The call card in a real browser: fields edited while pushes come, callbacks and notes by keyboard, own lists."""

from __future__ import annotations

import re
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from django.db import transaction
from playwright.sync_api import Page, expect

from dialer.calls.models import CallTask
from dialer.campaigns.models import CustomField, Disposition, FieldKind, ScriptAnswer, ScriptPage
from dialer.core.clock import now
from dialer.leads.models import Callback, Lead
from tests import factories, switch

from .floor import STICKING_OUT, Floor
from .test_desk import OpenPage, desk_in, pushed_again, take_call
from .test_pages import LOOKS, check, look


@pytest.fixture
def shop(floor: Floor) -> Floor:
    """The floor with a script, a custom field, and dispositions that ask."""
    Disposition.objects.for_tenant(floor.tenant).filter(code="CALLBK").update(needs_callback=True)
    Disposition.objects.for_tenant(floor.tenant).filter(code="NI").update(needs_note=True)
    own = {"tenant": floor.tenant, "campaign": floor.campaign}
    CustomField.objects.create(**own, name="berth", label="Berth length", kind=FieldKind.NUMBER)
    hello = ScriptPage.objects.create(
        **own, title="Hello", body="Good day {{lead.first_name|there}}, this is {{agent.first_name}}.\n\n**May I ask?**"
    )
    offer = ScriptPage.objects.create(**own, title="Offer", body="- two years\n- the same berth", position=1)
    ScriptAnswer.objects.create(tenant=floor.tenant, page=hello, label="Yes, go on", leads_to=offer)
    return floor


def field(page: Page, floor: Floor, name: str) -> str:
    return f'[id="lead-{floor.lead.pk}-{name}"]'


def test_a_field_is_edited_while_pushes_come(shop: Floor, open_page: OpenPage) -> None:
    page = open_page(shop.agent)
    take_call(page, shop)
    company = page.locator(field(page, shop, "company"))
    expect(company).to_have_value("Delacroix & Filles")
    company.fill("Delacroix")
    pushed_again(page, shop)
    expect(company).to_be_focused()
    page.keyboard.type(" et Fils")
    expect(company).to_have_value("Delacroix et Fils")
    page.keyboard.press("Tab")
    expect(page.locator("#desk .who-sub")).to_contain_text("Delacroix et Fils")
    assert factories.get_lead(shop.lead.pk).company == "Delacroix et Fils"
    berth = page.locator(field(page, shop, "custom.berth"))
    berth.focus()
    page.keyboard.type("long")
    with page.expect_response("**/custom.berth/"):
        page.keyboard.press("Enter")
    box = page.locator(".lead-field", has=berth)
    expect(box.locator(".field-error")).to_contain_text("number")
    pushed_again(page, shop)
    expect(box.locator(".field-error")).to_be_visible()
    expect(berth).to_have_value("long")
    berth.fill("12.50")
    page.keyboard.press("Tab")
    expect(box.locator(".field-said")).to_be_visible()
    expect(box.locator(".field-error")).to_have_count(0)
    assert factories.get_lead(shop.lead.pk).custom == {"berth": "12.5"}


def test_the_script_is_walked_and_stays_through_pushes(shop: Floor, open_page: OpenPage) -> None:
    page = open_page(shop.agent)
    take_call(page, shop)
    script = page.locator("#script")
    expect(script).to_contain_text("Good day Marguerite, this is Andy.")
    script.get_by_role("button", name="Yes, go on").click()
    expect(script.locator("li")).to_have_text(["two years", "the same berth"])
    pushed_again(page, shop)
    expect(script.locator("li")).to_have_count(2)
    script.get_by_role("button", name="From the start").click()
    expect(script).to_contain_text("May I ask?")


def test_a_callback_by_keyboard_alone(shop: Floor, open_page: OpenPage) -> None:
    page = open_page(shop.agent, locale="en-US")
    call = take_call(page, shop)
    switch.hang_up(call.pk)
    desk_in(page, "wrapup")
    page.keyboard.press("2")
    when = page.get_by_label("Call back at, on their clock")
    expect(when).to_be_focused()
    day = (now().astimezone(ZoneInfo("America/New_York")) + timedelta(days=3)).date()
    page.keyboard.type(f"{day:%m%d%Y}")
    page.keyboard.press("Tab")
    page.keyboard.type("0245PM")
    pushed_again(page, shop)
    expect(when).to_have_value(f"{day}T14:45")
    page.keyboard.press("Tab")  # Chromium's calendar button
    page.keyboard.press("Tab")
    expect(page.get_by_label("I do")).to_be_focused()
    page.keyboard.press("ArrowDown")
    expect(page.get_by_label("Anyone")).to_be_checked()
    page.keyboard.press("Enter")
    desk_in(page, "ready")
    made = Callback.objects.for_tenant(shop.tenant).get()
    assert made.user is None
    assert made.promised_for == datetime(day.year, day.month, day.day, 14, 45, tzinfo=ZoneInfo("America/New_York"))
    assert factories.get_lead(shop.lead.pk).next_attempt_at == made.promised_for


def test_a_note_that_is_needed_by_keyboard(shop: Floor, open_page: OpenPage) -> None:
    page = open_page(shop.agent)
    call = take_call(page, shop)
    switch.hang_up(call.pk)
    desk_in(page, "wrapup")
    page.keyboard.press("3")
    note = page.locator("#ask-note")
    expect(note).to_be_focused()
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    expect(page.locator(".ask .field-error")).to_contain_text("“Not interested” needs a note")
    desk_in(page, "wrapup")
    page.locator("#ask-note").focus()
    page.keyboard.type("has a berth elsewhere")
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    desk_in(page, "ready")
    assert factories.get_call(call.pk).note == "has a berth elsewhere"


def test_more_time_once(shop: Floor, open_page: OpenPage) -> None:
    page = open_page(shop.agent)
    call = take_call(page, shop)
    switch.hang_up(call.pk)
    desk_in(page, "wrapup")
    before = page.locator("#wrapup-timer").get_attribute("data-until")
    page.keyboard.press("e")
    expect(page.locator("#do-extend")).to_have_count(0)
    after = page.locator("#wrapup-timer").get_attribute("data-until")
    assert before is not None
    assert after is not None
    assert datetime.fromisoformat(after) - datetime.fromisoformat(before) == timedelta(seconds=30)


def test_own_lists(shop: Floor, open_page: OpenPage) -> None:
    page = open_page(shop.agent)
    call = take_call(page, shop)
    switch.hang_up(call.pk)
    desk_in(page, "wrapup")
    page.keyboard.press("2")
    page.get_by_label("Call back at, on their clock").press("Enter")  # tomorrow at this hour, mine
    desk_in(page, "ready")
    expect(page.locator("#my-day .next-callbacks li")).to_have_count(1)
    page.get_by_role("button", name="Callbacks").click()
    panel = page.locator("#panel")
    expect(panel).to_contain_text("Marguerite Delacroix")
    pushed_again(page, shop)
    panel.get_by_role("button", name="Dial Marguerite Delacroix now").click()
    expect(panel).to_be_hidden()
    desk_in(page, "reserved")
    expect(page.locator("#who-name")).to_have_text("Marguerite Delacroix")
    assert CallTask.objects.for_tenant(shop.tenant).exclude(pk=call.pk).get().lead_id == shop.lead.pk
    page.get_by_role("button", name="Calls", exact=True).click()
    expect(panel.locator(".my-calls li")).to_have_count(1)
    panel.get_by_label("Search by name, company or number").fill("nobody")
    expect(panel.locator(".my-calls")).to_contain_text("No call of today matches “nobody”")


def test_a_callback_that_is_due_pops(shop: Floor, open_page: OpenPage) -> None:
    from dialer.calls import placing
    from dialer.leads import callbacks

    page = open_page(shop.agent)
    call = take_call(page, shop)
    switch.hang_up(call.pk)
    desk_in(page, "wrapup")
    page.keyboard.press("1")
    desk_in(page, "ready")
    promise = callbacks.Promise(now() + timedelta(hours=1), "America/New_York", shop.agent, "ask about the mast")
    with transaction.atomic():
        callbacks.make(lead_id=shop.lead.pk, promise=promise, by=shop.agent, at=now())
    Lead.objects.for_tenant(shop.tenant).filter(pk=shop.lead.pk).update(next_attempt_at=now())
    assert placing.show_callback(session_id=switch.session_of(shop.agent).pk)
    expect(page.locator(".call-state")).to_contain_text("Your callback is due")
    expect(page.locator(".more")).to_contain_text("ask about the mast")
    page.keyboard.press("d")
    desk_in(page, "reserved")


@pytest.mark.parametrize("width", [360, 1280])
def test_nothing_sticks_out(shop: Floor, open_page: OpenPage, width: int) -> None:
    page = open_page(shop.agent, viewport={"width": width, "height": 900})
    call = take_call(page, shop)
    expect(page.locator("#script")).to_be_visible()
    assert page.evaluate(STICKING_OUT) == []
    switch.hang_up(call.pk)
    desk_in(page, "wrapup")
    page.click("#disposition-2")
    expect(page.locator(".ask")).to_have_count(1)
    expect(page.locator(".ask")).to_be_visible()
    assert page.evaluate(STICKING_OUT) == []
    assert re.search(r"\d", page.locator("#my-day").inner_text())


@pytest.mark.parametrize(("scheme", "width"), LOOKS)
def test_the_card_and_the_lists_are_accessible(shop: Floor, open_page: OpenPage, scheme: str, width: int) -> None:
    page = open_page(shop.agent, **look(scheme, width))
    call = take_call(page, shop)
    page.locator(field(page, shop, "custom.berth")).fill("long")
    page.keyboard.press("Tab")
    expect(page.locator(".more .field-error")).to_be_visible()
    check(page)
    switch.hang_up(call.pk)
    desk_in(page, "wrapup")
    page.click("#disposition-2")
    expect(page.locator(".ask")).to_be_visible()
    check(page)
    page.get_by_label("Call back at, on their clock").press("Enter")
    desk_in(page, "ready")
    page.get_by_role("button", name="Callbacks").click()
    page.locator("#panel").get_by_role("button", name="Change").click()
    expect(page.locator("#panel .ask")).to_be_visible()
    check(page)


@pytest.mark.parametrize(("scheme", "width"), LOOKS)
def test_what_admins_write_is_accessible(shop: Floor, open_page: OpenPage, scheme: str, width: int) -> None:
    page = open_page(shop.admin, **look(scheme, width))
    page.goto(f"/campaigns/{shop.campaign.public_id}/desk/")
    check(page)
    page.get_by_role("link", name="Hello").click()
    page.wait_for_load_state()  # what is typed before the page's script runs has no preview yet
    page.locator("#id_body").fill("Good day {{lead.frist_name}}, **{{lead.company}}**")
    expect(page.locator("#script-preview .field-error")).to_contain_text("lead.frist_name")
    expect(page.locator("#script-preview strong")).to_have_text("Analytical Ltd")
    check(page)
    page.goto(f"/campaigns/{shop.campaign.public_id}/fields/new/")
    check(page)
