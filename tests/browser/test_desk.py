"""The agent desk in a real browser: pushes, typing, keys."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import timedelta

import pytest
from playwright.sync_api import Page, expect

from dialer.agents.models import AgentSession
from dialer.agents.services import DESK
from dialer.calls.models import CallTask
from dialer.calls.rules import Kind
from dialer.campaigns.models import Campaign
from dialer.core.clock import now
from dialer.live import publish
from tests import factories, switch

from .floor import STICKING_OUT, Floor
from .site import Site

OpenPage = Callable[..., Page]


def desk_in(page: Page, state: str) -> None:
    expect(page.locator("#desk")).to_have_attribute("data-state", state)


def open_desk(page: Page) -> None:
    """Open the desk and wait until its socket has brought the first push: from now on none is missed."""
    page.add_init_script("addEventListener('htmx:wsAfterMessage', () => document.body.setAttribute('data-pushed', ''))")
    page.goto("/desk/")
    page.wait_for_selector("body[data-pushed]")


def reload_desk(page: Page) -> None:
    """The same of a desk that is open already."""
    page.reload()
    page.wait_for_selector("body[data-pushed]")


def join(page: Page, floor: Floor, campaign: Campaign | None = None) -> None:
    open_desk(page)
    page.click(f"#join-{(campaign or floor.campaign).public_id}")
    desk_in(page, "paused")
    expect(page.locator("#leg")).to_contain_text("Calling the phone")
    switch.phone_up(floor.agent)
    expect(page.locator("#leg")).to_contain_text("On the line")


def take_call(page: Page, floor: Floor) -> CallTask:
    join(page, floor)
    page.keyboard.press("r")
    desk_in(page, "ready")
    call = switch.connect(floor.campaign, floor.lead)
    desk_in(page, "in_call")
    expect(page.locator("#rec")).to_be_visible()
    return call


def pushed_again(page: Page, floor: Floor) -> None:
    """Have the desk pushed once more, and wait until the page has it."""
    at = now()
    publish.changed(DESK, floor.agent.pk, at)
    expect(page.locator("#desk")).to_have_attribute("data-at", at.isoformat())


def test_a_shift_by_keyboard(floor: Floor, open_page: OpenPage) -> None:
    page = open_page(floor.agent)
    call = take_call(page, floor)
    expect(page.locator("#who-name")).to_have_text("Marguerite Delacroix")
    expect(page.locator("#desk-status")).to_contain_text("In call")
    page.keyboard.press("t")
    note = page.locator(f"#note-{call.pk}")
    expect(note).to_be_focused()
    page.keyboard.type("wants 2 years, r")
    pushed_again(page, floor)
    switch.hang_up(call.pk)
    desk_in(page, "wrapup")
    expect(note).to_be_focused()
    expect(note).to_have_value("wants 2 years, r")
    page.keyboard.type("eally 1")
    expect(note).to_have_value("wants 2 years, really 1")
    desk_in(page, "wrapup")
    page.keyboard.press("Escape")
    page.keyboard.press("1")
    desk_in(page, "ready")
    stored = factories.get_call(call.pk)
    assert stored.disposition is not None
    assert (stored.disposition.code, stored.note) == ("SALE", "wants 2 years, really 1")
    expect(page.locator(".recent-list li")).to_have_count(1)


def test_a_note_outlives_a_reload_and_goes_with_its_call(floor: Floor, open_page: OpenPage) -> None:
    page = open_page(floor.agent)
    call = take_call(page, floor)
    page.locator(f"#note-{call.pk}").fill("half a sentence")
    reload_desk(page)
    note = page.locator(f"#note-{call.pk}")
    expect(note).to_have_value("half a sentence")
    note.fill("half a sentence more")
    pushed_again(page, floor)
    switch.hang_up(call.pk)
    desk_in(page, "wrapup")
    page.click("#disposition-1")
    desk_in(page, "ready")
    assert factories.get_call(call.pk).note == "half a sentence more"
    pushed_again(page, floor)
    assert page.evaluate("sessionStorage.getItem('draft')") is None


def test_the_next_call_has_an_empty_note(floor: Floor, open_page: OpenPage) -> None:
    page = open_page(floor.agent)
    call = take_call(page, floor)
    page.locator(f"#note-{call.pk}").fill("of the first call")
    switch.hang_up(call.pk)
    desk_in(page, "wrapup")
    page.click("#disposition-3")
    desk_in(page, "ready")
    second = switch.connect(floor.campaign, factories.make_leads(floor.leads, 1, first_name="Next")[0])
    desk_in(page, "in_call")
    expect(page.locator(f"#note-{second.pk}")).to_have_value("")


def test_pause_by_code_and_pause_after_the_call(floor: Floor, open_page: OpenPage) -> None:
    page = open_page(floor.agent)
    call = take_call(page, floor)
    page.keyboard.press("p")
    expect(page.locator("#pause-LUNCH, #pause-BREAK, #pause-TRAINING")).to_have_count(3)
    pushed_again(page, floor)
    expect(page.locator("#pause-BREAK")).to_be_visible()  # a push does not close what is open
    page.keyboard.press("1")
    expect(page.locator("#do-unpause")).to_contain_text("Then Break")
    expect(page.locator("#pause-BREAK")).to_be_hidden()
    switch.hang_up(call.pk)
    desk_in(page, "wrapup")
    page.keyboard.press("9")
    desk_in(page, "paused")
    expect(page.locator("#state-word")).to_contain_text("Break")


def test_hang_up_asks_the_switch_once(floor: Floor, open_page: OpenPage) -> None:
    from dialer.telephony.models import SwitchCommand

    page = open_page(floor.agent)
    call = take_call(page, floor)
    with page.expect_response("**/desk/hang-up/"):
        page.keyboard.press("h")
    commands = SwitchCommand.objects.for_tenant(floor.tenant).filter(kind="hang_up")
    assert [command.target for command in commands] == [call.pk]


def test_preview_then_dial_then_no_answer(floor: Floor, open_page: OpenPage) -> None:
    page = open_page(floor.agent)
    join(page, floor, floor.preview)
    page.keyboard.press("n")
    expect(page.locator("#who-name")).to_have_text("Iris Vance")
    page.keyboard.press("s")
    expect(page.locator("#do-next")).to_be_visible()
    page.keyboard.press("n")
    expect(page.locator("#do-dial-shown")).to_be_visible()
    page.keyboard.press("d")
    desk_in(page, "reserved")
    call = switch.session_of(floor.agent).call_id
    assert call is not None
    switch.tell(call, Kind.PLACED)
    switch.tell(call, Kind.RINGING)
    expect(page.locator("#call-state")).to_contain_text("Ringing")
    switch.hang_up(call, cause=19)
    desk_in(page, "wrapup")
    expect(page.locator("#call-state")).to_contain_text("No answer")


def test_a_typed_number_survives_pushes_and_refusals_are_said(floor: Floor, open_page: OpenPage) -> None:
    page = open_page(floor.agent)
    join(page, floor, floor.manual)
    page.keyboard.press("/")
    number = page.locator("#number")
    expect(number).to_be_focused()
    page.keyboard.type("12")
    pushed_again(page, floor)
    expect(number).to_be_focused()
    page.keyboard.type("3")
    expect(number).to_have_value("123")
    page.keyboard.press("Enter")
    expect(page.get_by_role("alert")).to_contain_text("“123” is not a telephone number")
    pushed_again(page, floor)
    expect(page.get_by_role("alert")).to_contain_text("“123”")  # a push does not wipe an answer
    number.fill("212 555 0177")
    number.press("Enter")
    desk_in(page, "reserved")
    expect(page.get_by_role("alert")).to_have_count(0)


def test_shortcuts_are_listed_and_can_be_switched_off(floor: Floor, open_page: OpenPage) -> None:
    page = open_page(floor.agent)
    join(page, floor)
    page.keyboard.press("?")
    dialog = page.get_by_role("dialog")
    expect(dialog).to_be_visible()
    page.keyboard.press("r")  # nothing happens behind a dialog
    desk_in(page, "paused")
    with page.expect_response("**/preferences/**"):  # which a reload would cut off
        page.get_by_label("Single-key shortcuts are on").uncheck()
    page.keyboard.press("Escape")
    expect(dialog).to_be_hidden()
    reload_desk(page)
    page.keyboard.press("r")
    page.click("#do-pause")
    expect(page.locator("#pause-BREAK")).to_be_visible()
    desk_in(page, "paused")
    page.keyboard.press("Escape")
    page.click("#do-ready")
    desk_in(page, "ready")


def test_a_lost_phone_is_said(floor: Floor, open_page: OpenPage) -> None:
    page = open_page(floor.agent)
    join(page, floor)
    switch.phone_lost(floor.agent, notice="Your phone hung up. Press “Call my phone”.")
    expect(page.locator("#notice")).to_contain_text("Your phone hung up")
    expect(page.locator("#do-ready")).to_be_disabled()
    page.click("#do-phone")
    expect(page.locator("#leg")).to_contain_text("Calling the phone")


def test_an_overtaken_fragment_is_dropped(floor: Floor, open_page: OpenPage) -> None:
    page = open_page(floor.agent)
    join(page, floor)
    page.keyboard.press("r")
    desk_in(page, "ready")
    page.evaluate(
        """() => {
          const desk = document.querySelector("#desk");
          const old = desk.cloneNode(true);
          old.dataset.state = "paused";
          old.dataset.rev = String(Number(desk.dataset.rev) - 1);
          old.setAttribute("hx-swap-oob", "morph");
          old.querySelector("#desk-message").outerHTML =
            '<div id="desk-message" data-answer><p class="message" role="alert">late</p></div>';
          htmx.swap("#screen", old.outerHTML, { swapStyle: "none" });
        }"""
    )
    expect(page.get_by_role("alert")).to_have_text("late")
    desk_in(page, "ready")


def test_timers_tick_and_follow_the_servers_clock(floor: Floor, open_page: OpenPage) -> None:
    page = open_page(floor.agent)
    page.clock.install(time=now().timestamp() + 7200)  # this browser is two hours ahead
    join(page, floor)
    timer = page.locator("#state-timer")
    expect(timer).to_have_text(re.compile(r"^0:[0-3]\d$"))
    # (A clock that is wound forward here would have the page miss answers that the server had no time to give, and
    # every reconnection brings the server's clock back. So it is the state that is moved into the past.)
    AgentSession.objects.for_tenant(floor.tenant).update(state_since=now() - timedelta(seconds=58))
    pushed_again(page, floor)
    expect(timer).to_have_text(re.compile(r"^(0:5[89]|1:\d\d)$"))
    shown = str(timer.text_content())
    expect(timer).not_to_have_text(shown)  # with nothing pushed: it ticks
    expect(timer).to_have_text(re.compile(r"^1:\d\d$"))


def test_the_phone_account_is_shown_on_demand_and_stays(floor: Floor, open_page: OpenPage) -> None:
    page = open_page(floor.agent)
    page.goto("/desk/")
    expect(page.locator("#account")).not_to_contain_text("Secret")
    page.get_by_role("button", name="Show how to register it").click()
    expect(page.locator("#account")).to_contain_text("pbx.example")
    pushed_again(page, floor)
    expect(page.locator("#account")).to_contain_text("pbx.example")


@pytest.mark.parametrize("width", [360, 1360])
def test_nothing_sticks_out(floor: Floor, open_page: OpenPage, site: Site, width: int) -> None:
    page = open_page(floor.agent, viewport={"width": width, "height": 800})
    call = take_call(page, floor)
    assert page.evaluate(STICKING_OUT) == []
    switch.hang_up(call.pk)
    desk_in(page, "wrapup")
    assert page.evaluate(STICKING_OUT) == []
