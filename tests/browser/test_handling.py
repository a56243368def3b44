"""Call handling on the card: what is offered in each state, by pointer and keyboard, in both widths and colours."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from dialer.calls.models import CallTask
from dialer.compliance.models import GateVerdict
from dialer.core.clock import now
from dialer.handling.models import Conversation, HandlingSettings, Party, TransferPreset
from dialer.telephony.models import SwitchCommand
from tests import factories, switch
from tests.browser.floor import Floor
from tests.browser.pictures import call_up
from tests.browser.test_pages import check

Open = Callable[..., Page]
PICTURES = os.environ.get("HANDLING_PICTURES", "")


def picture(page: Page, name: str) -> None:
    """Keep what the page looks like, when somebody wants to see it."""
    if PICTURES:
        page.screenshot(path=Path(PICTURES) / f"{name}.png", caret="initial")


def call_of(floor: Floor) -> CallTask:
    call_id = switch.session_of(floor.agent).call_id
    assert call_id is not None
    return factories.get_call(call_id)


def converse(floor: Floor, mode: str, party: str = "", notice: str = "") -> None:
    """The conversation as the switchboard would have made it."""
    call = call_of(floor)
    made = None
    Conversation.objects.across_tenants().filter(call=call).update(party=None)
    Party.objects.across_tenants().filter(call=call).update(state="gone")
    if party:
        verdict = GateVerdict.objects.create(
            tenant=floor.tenant, campaign=floor.campaign, phone="+12125550166", allowed=True, rule="allowed",
            pack="basic/1", at=now(),
        )  # fmt: skip
        made = Party.objects.create(
            tenant=floor.tenant, call=call, label=party, phone="+12125550166", verdict_row=verdict,
            state="talking", asked_at=now(),
        )  # fmt: skip
    held = now() if mode in ("hold", "consult") else None
    Conversation.objects.across_tenants().update_or_create(
        call=call,
        defaults={
            "tenant": floor.tenant, "mode": mode, "party": made, "held_since": held, "version": 1,
            "may_pause": True, "notice": notice,
        },
    )  # fmt: skip


@pytest.mark.parametrize(("width", "scheme"), [(1280, "light"), (1280, "dark"), (360, "light")])
def test_the_card_in_every_state(floor: Floor, open_page: Open, width: int, scheme: str) -> None:
    HandlingSettings.objects.create(tenant=floor.tenant, campaign=floor.campaign, may_pause_recording=True)
    TransferPreset.objects.create(tenant=floor.tenant, campaign=floor.campaign, name="Billing", phone="+12125550166")
    factories.make_session(floor.preview, factories.make_user(floor.tenant, first_name="Bea", last_name="Marsh"))
    page = open_page(floor.agent, viewport={"width": width, "height": 860}, color_scheme=scheme)
    call_up(page, floor)
    for mode, party, notice, offered in (
        ("talk", "", "", {"hold", "transfer", "park", "keypad", "drop", "pause-recording"}),
        ("hold", "", "", {"retrieve", "transfer", "park", "drop", "pause-recording"}),
        (
            "consult",
            "Billing",
            "",
            {"toggle", "conference", "complete", "cancel", "release", "keypad", "pause-recording"},
        ),
        ("conference", "Billing", "", {"complete", "cancel", "release", "keypad", "pause-recording"}),
        ("talk", "", "Billing was not reached: busy. The customer is still with you.", None),
    ):
        if mode != "talk" or notice:
            converse(floor, mode, party, notice)
        page.reload()
        page.wait_for_selector("#talk-keys")
        if offered is not None:
            shown = page.eval_on_selector_all("#talk-keys button", "all => all.map((one) => one.id)")
            assert {one.removeprefix("do-") for one in shown} == offered
        check(page)
        picture(page, f"{mode}{'-notice' if notice else ''}-{width}-{scheme}")
    for key, name in (("x", "transfer"), ("k", "keypad"), ("m", "messages"), ("u", "pause")):
        page.keyboard.press(key)
        page.wait_for_selector("#panel[open] #panel-title")
        check(page)
        picture(page, f"panel-{name}-{width}-{scheme}")
        page.keyboard.press("Escape")
        page.wait_for_selector("#panel:not([open])", state="attached")
    page = open_page(floor.admin, viewport={"width": width, "height": 860}, color_scheme=scheme)
    page.goto(f"/campaigns/{floor.campaign.public_id}/handling/")
    check(page)
    picture(page, f"settings-{width}-{scheme}")


def test_a_key_right_after_a_panel_was_closed_is_heard(floor: Floor, open_page: Open) -> None:
    """The field of a closed dialog has the focus until the screen is drawn anew: here the key comes before that."""
    page = open_page(floor.agent)
    call_up(page, floor)
    page.reload()  # nothing had the focus before, which the dialog could give it back to
    page.wait_for_selector("#do-keypad")
    page.keyboard.press("k")
    expect(page.locator("#digits")).to_be_focused()
    page.evaluate("""() => {
      document.getElementById("panel").close();
      document.dispatchEvent(new KeyboardEvent("keydown", { key: "m", bubbles: true }));
    }""")
    expect(page.locator("#panel[open] #panel-title")).to_contain_text("message", ignore_case=True)


def test_a_double_click_is_once(floor: Floor, open_page: Open) -> None:
    page = open_page(floor.agent)
    call_up(page, floor)
    page.dblclick("#do-hold")
    expect(page.locator("#desk-message .message")).to_have_count(0)
    commands = SwitchCommand.objects.for_tenant(floor.tenant).filter(kind="handle")
    expect(page.locator(".htmx-request")).to_have_count(0)
    assert [command.args["kind"] for command in commands] == ["hold"]


def test_a_transfer_from_the_panel(floor: Floor, open_page: Open) -> None:
    preset = TransferPreset.objects.create(
        tenant=floor.tenant, campaign=floor.campaign, name="Billing", phone="+12125550166"
    )
    page = open_page(floor.agent)
    call_up(page, floor)
    page.keyboard.press("x")
    with page.expect_response("**/desk/transfer/"):
        page.get_by_role("button", name="Ask Billing first").click()
    [command] = SwitchCommand.objects.for_tenant(floor.tenant).filter(kind="handle")
    assert (command.args["kind"], command.args["number"]) == ("consult", preset.phone)
    expect(page.locator("#panel")).not_to_be_visible()
    page.keyboard.press("k")
    page.fill("#digits", "12#")
    with page.expect_response("**/desk/digits/"):
        page.keyboard.press("Enter")
    assert SwitchCommand.objects.for_tenant(floor.tenant).filter(args__digits="12#").exists()
    expect(page.locator("#panel")).not_to_be_visible()
