"""The desk by keyboard alone and on a flaky line: the command bar, focus through pushes, the way to the server lost."""

from __future__ import annotations

import pytest
from playwright.sync_api import Page, Route, WebSocketRoute, expect

from dialer.agents.rules import Event, Kind
from dialer.agents.services import apply
from dialer.campaigns.models import Campaign, ScriptAnswer, ScriptPage
from dialer.core.clock import now
from dialer.leads.models import Lead, LeadNumber
from dialer.people.models import User
from tests import factories, switch

from .floor import Floor
from .phones import best_of
from .test_desk import OpenPage, desk_in, join, open_desk, pushed_again, take_call
from .test_pages import LOOKS, check, look

CONTROLS = """() => {
  window.controls = [...document.querySelectorAll("#desk :is(a[href], button, input, select, textarea, summary)")]
    .filter((one) => one.checkVisibility() && !one.disabled && one.type !== "hidden");
  return window.controls.length;
}"""
FOCUS = "(n) => { window.controls[n].focus(); return document.activeElement === window.controls[n]; }"
STILL = "(n) => document.activeElement === window.controls[n]"


def command(page: Page, words: str) -> None:
    """Open the bar, type, wait until the first option has the words, and do it."""
    page.keyboard.press("Control+k")
    expect(page.locator("#command")).to_be_visible()
    expect(page.locator("#command-text")).to_be_focused()
    page.keyboard.type(words)
    chosen = page.locator('#command-list [aria-selected="true"]')
    expect(chosen).to_contain_text(words)
    assert page.locator("#command-text").get_attribute("aria-activedescendant") == chosen.get_attribute("id")
    page.keyboard.press("Enter")
    expect(page.locator("#command")).to_be_hidden()


def test_a_call_by_the_command_bar_alone(floor: Floor, open_page: OpenPage) -> None:
    page = open_page(floor.agent)
    page.goto("/desk/")
    command(page, "Join Harbour")
    desk_in(page, "paused")
    switch.phone_up(floor.agent)
    expect(page.locator("#do-ready")).to_be_enabled()
    command(page, "Ready")
    desk_in(page, "ready")
    call = switch.connect(floor.campaign, floor.lead)
    desk_in(page, "in_call")
    command(page, "after this call: Lunch")
    expect(page.locator("#do-unpause")).to_contain_text("Then Lunch")
    switch.hang_up(call.pk)
    desk_in(page, "wrapup")
    command(page, "Sale")
    desk_in(page, "paused")
    stored = factories.get_call(call.pk)
    assert stored.disposition is not None
    assert stored.disposition.code == "SALE"
    command(page, "My calls today")
    expect(page.locator("#panel")).to_contain_text("Marguerite Delacroix")


def test_a_number_and_a_lead_are_dialed_from_the_bar(floor: Floor, open_page: OpenPage) -> None:
    page = open_page(floor.agent)
    join(page, floor, floor.manual)
    page.keyboard.press("Control+k")
    page.keyboard.type("theo")
    option = page.locator('#command-list [aria-selected="true"]')
    expect(option).to_contain_text("Theo Brandt")
    first = option.get_attribute("id")
    page.keyboard.press("ArrowDown")
    expect(option).not_to_have_id(str(first))
    page.keyboard.press("ArrowUp")
    expect(option).to_have_id(str(first))
    page.keyboard.press("Enter")
    desk_in(page, "reserved")
    expect(page.locator("#who-name")).to_have_text("Theo Brandt")


@pytest.mark.parametrize(("scheme", "width"), LOOKS)
def test_the_command_bar_is_accessible(floor: Floor, open_page: OpenPage, scheme: str, width: int) -> None:
    page = open_page(floor.agent, **look(scheme, width))
    join(page, floor)
    page.locator("#do-ready").focus()
    page.keyboard.press("Control+k")
    expect(page.locator('#command-list [aria-selected="true"]')).to_be_visible()
    check(page)
    page.keyboard.press("Escape")
    expect(page.locator("#do-ready")).to_be_focused()


def test_high_contrast_and_spanish_are_accessible(floor: Floor, open_page: OpenPage) -> None:
    User.objects.filter(pk=floor.agent.pk).update(language="es", contrast="more")
    page = open_page(floor.agent)
    page.goto("/desk/")
    check(page)
    page.click(f"#join-{floor.campaign.public_id}")
    desk_in(page, "paused")
    switch.phone_up(floor.agent)
    page.click("#do-ready:enabled")
    desk_in(page, "ready")
    switch.connect(floor.campaign, floor.lead)
    expect(page.locator("#do-hang-up")).to_contain_text("Colgar")
    check(page)


def keeps_every_focus(page: Page, floor: Floor) -> int:
    """Focus each control in turn, push, and see that it has the focus still; how many there were."""
    count = int(page.evaluate(CONTROLS))
    lost = []
    for at in range(count):
        if page.evaluate(FOCUS, at):
            pushed_again(page, floor)
            if not page.evaluate(STILL, at):
                lost.append(page.evaluate("(n) => window.controls[n].outerHTML.slice(0, 120)", at))
    assert lost == []
    return count


def test_no_push_takes_the_focus_away(floor: Floor, open_page: OpenPage) -> None:
    page = open_page(floor.agent)
    open_desk(page)
    seen = keeps_every_focus(page, floor)
    call = take_call(page, floor)
    page.wait_for_selector(".lead-fields input")
    seen += keeps_every_focus(page, floor)
    switch.hang_up(call.pk)
    desk_in(page, "wrapup")
    seen += keeps_every_focus(page, floor)
    page.keyboard.press("Escape")
    page.click("#disposition-1")
    desk_in(page, "ready")
    seen += keeps_every_focus(page, floor)
    assert seen > 30


def test_what_is_loaded_aside_takes_no_focus_away(floor: Floor, open_page: OpenPage) -> None:
    """The day's figures come when they come: anew after each call, while somebody stands on their buttons."""
    page = open_page(floor.agent)
    asked: list[Route] = []
    page.route("**/desk/my-day/", lambda route: asked.append(route))  # answered when the test says so

    def answered(by: int) -> None:
        expect(page.locator("#my-day.htmx-request")).to_have_count(1)
        while len(asked) <= by:
            page.wait_for_timeout(20)
        with page.expect_response("**/desk/my-day/"):
            asked[by].continue_()
        expect(page.locator("#my-day.htmx-request")).to_have_count(0)

    open_desk(page)
    answered(0)  # the socket's opening asked for nothing that was on its way
    page.click(f"#join-{floor.campaign.public_id}")
    desk_in(page, "paused")
    answered(1)  # the campaign's goals
    switch.phone_up(floor.agent)
    page.click("#do-ready:enabled")
    desk_in(page, "ready")
    call = switch.connect(floor.campaign, floor.lead)
    desk_in(page, "in_call")
    switch.hang_up(call.pk)
    desk_in(page, "wrapup")
    page.keyboard.press("1")
    desk_in(page, "ready")
    button = page.locator("#my-callbacks")
    button.evaluate("(one) => { window.stood = one; one.focus(); }")
    answered(2)
    expect(page.locator(".recent-list li")).to_have_count(1)
    assert page.evaluate("document.activeElement === window.stood")
    assert len(asked) == 3


def test_an_answer_of_the_script_leaves_the_focus_there(floor: Floor, open_page: OpenPage) -> None:
    first, second = (
        ScriptPage.objects.create(tenant=floor.tenant, campaign=floor.campaign, title=title, body=title, position=at)
        for at, title in enumerate(("Opening", "Price"))
    )
    ScriptAnswer.objects.create(tenant=floor.tenant, page=first, label="Asks the price", leads_to=second)
    page = open_page(floor.agent)
    take_call(page, floor)
    answer = page.get_by_role("button", name="Asks the price")
    answer.focus()
    page.keyboard.press("Enter")
    expect(page.locator("#script-title")).to_contain_text("Price")
    expect(page.locator("#script")).to_be_focused()


def test_a_panel_has_the_focus_while_it_is_open(floor: Floor, open_page: OpenPage) -> None:
    page = open_page(floor.agent)
    open_desk(page)
    page.locator("#my-callbacks").focus()
    page.keyboard.press("Enter")
    expect(page.locator("#panel-title")).to_have_text("My callbacks")
    expect(page.locator("#panel")).to_be_focused()
    page.keyboard.press("Escape")
    expect(page.locator("#my-callbacks")).to_be_focused()
    page.locator("#my-calls").focus()
    page.keyboard.press("Enter")
    field = page.locator("#my-calls-q")
    expect(field).to_be_focused()
    page.keyboard.type("ada")
    expect(page.locator("#found")).to_contain_text("“ada”")
    page.keyboard.press("Escape")  # empties the field, as browsers do
    expect(field).to_have_value("")
    expect(field).to_be_focused()
    page.keyboard.press("Escape")
    expect(page.locator("#panel")).to_be_hidden()
    expect(page.locator("#my-calls")).to_be_focused()


def test_focus_is_never_nowhere(floor: Floor, open_page: OpenPage) -> None:
    """What had the focus is gone with a push, or was disabled by its own press: the screen has it then."""
    page = open_page(floor.agent)
    join(page, floor)
    page.locator("#do-ready").focus()
    page.keyboard.press("Enter")
    desk_in(page, "ready")
    expect(page.locator("#do-ready")).to_have_count(0)
    expect(page.locator("#desk")).to_be_focused()
    call = switch.connect(floor.campaign, floor.lead)
    desk_in(page, "in_call")
    page.locator("#do-hang-up").focus()
    with page.expect_response("**/desk/hang-up/"):
        page.keyboard.press("Enter")
    expect(page.locator("#do-hang-up")).to_be_focused()
    switch.hang_up(call.pk)
    desk_in(page, "wrapup")
    expect(page.locator("#desk")).to_be_focused()
    page.keyboard.press("1")
    desk_in(page, "ready")


def test_a_line_that_breaks_is_said_and_nothing_is_lost(floor: Floor, open_page: OpenPage) -> None:
    page = open_page(floor.agent)
    call = take_call(page, floor)
    page.keyboard.press("t")
    page.keyboard.type("half a sen")
    page.context.set_offline(True)
    expect(page.locator("#trouble")).to_contain_text("Reconnecting", timeout=2000)
    page.keyboard.type("tence")
    desk_in(page, "in_call")
    switch.hang_up(call.pk)  # meanwhile
    page.context.set_offline(False)
    desk_in(page, "wrapup")
    expect(page.locator("#trouble")).to_be_hidden()
    note = page.locator(f"#note-{call.pk}")
    expect(note).to_be_focused()
    expect(note).to_have_value("half a sentence")
    page.keyboard.press("Escape")
    page.keyboard.press("1")
    desk_in(page, "ready")
    assert factories.get_call(call.pk).note == "half a sentence"

    def back_on_the_line() -> None:
        page.context.set_offline(True)
        expect(page.locator("#trouble")).to_be_visible()
        agent = switch.session_of(floor.agent)
        event = Kind.PAUSE_ASKED if agent.state == "ready" else Kind.READY_ASKED
        state = apply(session_id=agent.pk, event=Event(event), at=now()).state
        page.context.set_offline(False)
        desk_in(page, state)
        expect(page.locator("#trouble")).to_be_hidden()

    assert best_of(back_on_the_line, 2) < 2


def test_a_socket_that_closes_is_opened_again_at_once(floor: Floor, open_page: OpenPage) -> None:
    page = open_page(floor.agent)
    sockets: list[WebSocketRoute] = []

    def through(socket: WebSocketRoute) -> None:
        sockets.append(socket)
        socket.connect_to_server()

    page.route_web_socket("**/ws/desk/", through)
    join(page, floor)

    def closed_and_open() -> None:
        agent = switch.session_of(floor.agent)
        event = Kind.PAUSE_ASKED if agent.state == "ready" else Kind.READY_ASKED
        sockets[-1].close(code=1012, reason="restart")
        desk_in(page, apply(session_id=agent.pk, event=Event(event), at=now()).state)
        expect(page.locator("#trouble")).to_be_hidden()

    assert best_of(closed_and_open, 2) < 2
    assert len(sockets) > 1


def test_a_line_that_is_dead_without_a_word_is_found(floor: Floor, open_page: OpenPage) -> None:
    page = open_page(floor.agent)
    dead = False
    sockets = 0

    def through(socket: WebSocketRoute) -> None:
        nonlocal sockets
        sockets += 1
        server = socket.connect_to_server()
        socket.on_message(lambda message: None if dead else server.send(message))
        server.on_message(lambda message: None if dead else socket.send(message))

    page.route_web_socket("**/ws/desk/", through)
    join(page, floor)
    assert sockets == 1
    dead = True
    expect(page.locator("#trouble")).to_contain_text("Reconnecting", timeout=6000)
    dead = False
    expect(page.locator("#trouble")).to_be_hidden(timeout=4000)
    assert sockets > 1


@pytest.mark.parametrize(("scheme", "width"), LOOKS)
def test_preview_with_a_limit_and_other_numbers(floor: Floor, open_page: OpenPage, scheme: str, width: int) -> None:
    Campaign.objects.for_tenant(floor.tenant).filter(pk=floor.preview.pk).update(preview_s=300, preview_then="dial")
    lead = Lead.objects.for_tenant(floor.tenant).filter(campaign=floor.preview).order_by("pk")[0]
    LeadNumber.objects.create(tenant=floor.tenant, lead=lead, phone="+12125550177", kind="mobile")
    page = open_page(floor.agent, **look(scheme, width))
    join(page, floor, floor.preview)
    page.keyboard.press("n")
    expect(page.locator("#preview-countdown")).to_contain_text("Dialed in 4:5")
    other = page.get_by_role("button", name="Mobile +1 212-555-0177")
    expect(other).to_be_visible()
    check(page)
    page.context.set_offline(True)
    expect(page.locator("#trouble")).to_be_visible()
    check(page)
    page.context.set_offline(False)
    expect(page.locator("#trouble")).to_be_hidden()
    other.click()
    desk_in(page, "reserved")
    check(page)
    call = switch.session_of(floor.agent).call
    assert call is not None
    assert (call.phone, call.lead_id) == ("+12125550177", lead.pk)
