"""Sign-in and the other pages in a real browser: accessibility by axe, light and dark, wide and narrow."""

from __future__ import annotations

import re
from collections.abc import Callable
from urllib.parse import quote

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page, expect

from dialer.calls.models import CallTask
from tests import factories, switch

from .floor import STICKING_OUT, Floor
from .pictures import import_steps
from .site import Site
from .test_desk import desk_in, join, take_call

OpenPage = Callable[..., Page]
SETTLED = """() => Promise.allSettled(document.getAnimations()
  .filter((one) => one.effect.getTiming().iterations !== Infinity).map((one) => one.finished))"""
LOOKS = [("light", 1360), ("dark", 360)]


def check(page: Page) -> None:
    """No violation that axe knows of, and nothing that sticks out sideways."""
    # Colours fade for a moment when a state changes; contrast is judged when they have settled.
    page.evaluate(SETTLED)
    found = Axe().run(page)
    assert found.violations_count == 0, found.generate_report()
    assert page.evaluate(STICKING_OUT) == []


def look(scheme: str, width: int) -> dict[str, object]:
    return {"color_scheme": scheme, "viewport": {"width": width, "height": 800}}


def test_signing_in_and_out(floor: Floor, browser: Browser, site: Site) -> None:
    page = browser.new_page(base_url=site.address)
    page.goto("/calls/")
    page.fill("#id_username", floor.agent.username)
    page.fill("#id_password", "wrong")
    page.keyboard.press("Enter")
    expect(page.get_by_role("alert")).to_contain_text("do not go together")
    check(page)
    page.fill("#id_password", factories.PASSWORD)
    page.keyboard.press("Enter")
    expect(page).to_have_url(f"{site.address}/calls/")
    page.locator(".top-end summary").click()
    page.get_by_role("button", name="Sign out").click()
    expect(page).to_have_url(f"{site.address}/sign-in/")
    page.context.close()


@pytest.mark.parametrize(("scheme", "width"), LOOKS)
def test_sign_in_is_accessible(browser: Browser, site: Site, scheme: str, width: int) -> None:
    page = browser.new_page(base_url=site.address, **look(scheme, width))  # type: ignore[arg-type]
    page.goto("/sign-in/")
    check(page)
    page.context.close()


@pytest.mark.parametrize(("scheme", "width"), LOOKS)
def test_the_desk_is_accessible_in_every_state(floor: Floor, open_page: OpenPage, scheme: str, width: int) -> None:
    page = open_page(floor.agent, **look(scheme, width))
    page.goto("/desk/")
    check(page)
    call = take_call(page, floor)
    check(page)
    switch.hang_up(call.pk)
    desk_in(page, "wrapup")
    check(page)
    page.keyboard.press("1")
    desk_in(page, "ready")
    check(page)
    page.keyboard.press("p")
    check(page)
    page.keyboard.press("1")
    desk_in(page, "paused")
    page.keyboard.press("?")
    check(page)
    page.keyboard.press("Escape")
    page.click("#do-leave")
    desk_in(page, "offline")
    join(page, floor, floor.preview)
    page.keyboard.press("n")
    expect(page.locator("#do-dial-shown")).to_be_visible()
    check(page)


@pytest.fixture
def one_call(floor: Floor) -> CallTask:
    """A call that is over, for the records."""
    factories.make_session(floor.campaign, floor.agent)
    call = switch.connect(floor.campaign, floor.lead)
    switch.hang_up(call.pk)
    return call


@pytest.mark.parametrize(("scheme", "width"), LOOKS)
def test_the_other_pages_are_accessible(
    floor: Floor, one_call: CallTask, open_page: OpenPage, scheme: str, width: int
) -> None:
    page = open_page(floor.admin, **look(scheme, width))
    campaign = f"/campaigns/{floor.campaign.public_id}/"
    for address in (
        *import_steps(floor).values(),
        "/campaigns/",
        campaign,
        f"{campaign}edit/",
        f"{campaign}lists/",
        f"{campaign}lists/new/",
        f"/lists/{floor.leads.public_id}/",
        f"/leads/{floor.lead.public_id}/",
        "/calls/",
        f"/calls/{one_call.pk}/",
        "/agents/",
        "/dnc/?number=abc",
        f"/compliance/number/?number={quote(one_call.phone)}&at=2026-01-01T10:00",
        "/compliance/lists/",
        "/compliance/stops/",
        f"/compliance/campaigns/{floor.campaign.public_id}/",
        "/privacy/",
        "/users/",
        f"/users/{floor.agent.public_id}/",
        "/teams/",
        f"/disposition-sets/{floor.campaign.disposition_set_id}/",
        "/pause-codes/",
        "/nowhere/",
    ):
        page.goto(address)
        check(page)


def test_the_theme_is_chosen_and_kept(floor: Floor, open_page: OpenPage) -> None:
    page = open_page(floor.manager, color_scheme="light")
    page.goto("/calls/")
    ground = "() => getComputedStyle(document.body).backgroundColor"
    light = page.evaluate(ground)
    button = page.locator("[data-theme-next]")
    button.click()
    assert page.evaluate(ground) == light
    with page.expect_response(lambda kept: "theme=dark" in (kept.request.post_data or "")):
        button.click()
    dark = page.evaluate(ground)
    assert dark != light
    page.reload()
    assert page.evaluate(ground) == dark
    button.click()
    assert page.evaluate(ground) == light


def test_the_menu_of_a_narrow_page(floor: Floor, open_page: OpenPage) -> None:
    page = open_page(floor.admin, viewport={"width": 360, "height": 700})
    page.goto("/campaigns/")
    page.get_by_label("Menu").click()
    page.get_by_role("link", name="Pause codes").click()
    expect(page.get_by_role("heading", name="Pause codes")).to_be_visible()
    check(page)


def test_a_campaign_that_cannot_start_says_what_to_do(floor: Floor, open_page: OpenPage) -> None:
    page = open_page(floor.supervisor)
    page.goto(f"/campaigns/{floor.campaign.public_id}/")
    page.get_by_role("button", name=re.compile("^Stop ")).click()
    expect(page.get_by_role("status").first).to_contain_text("is stopped")
    floor.leads.leads.update(state="done")
    page.get_by_role("button", name="Start").click()
    expect(page.get_by_role("alert")).to_contain_text("Add a list with leads")
    page.get_by_role("link", name="Add leads").click()
    page.get_by_label("Or paste the rows").fill("phone,first_name\n212 555 0101,Ada\nnonsense,Bob\n")
    page.get_by_role("button", name="Upload").click()
    page.get_by_label("Name of the new list").fill("New ones")
    page.get_by_role("button", name="Preview").click()
    expect(page.get_by_text("“nonsense”")).to_be_visible()
    expect(page.get_by_text("America/New_York").first).to_be_visible()
    page.get_by_role("button", name="Import").click()
    expect(page.get_by_text("Waiting for its turn")).to_be_visible()


def test_the_dry_run_counts_by_itself(floor: Floor, open_page: OpenPage) -> None:
    page = open_page(floor.supervisor)
    page.goto(f"/campaigns/{floor.campaign.public_id}/dry-run/")
    expect(page.get_by_text("Of these at this moment")).to_be_visible(timeout=20_000)
    expect(page.get_by_text("Counting…")).to_have_count(0)
    check(page)
