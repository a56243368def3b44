"""The floor in a real browser: it moves by itself, says when it is out of date, stops dialing, and is accessible."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable
from datetime import timedelta

import pytest
from playwright.sync_api import Browser, Page, expect

from dialer.calls.rules import Kind
from dialer.core.clock import now
from dialer.floor import alerts, counters, tv
from dialer.floor.models import Counter, SavedView
from tests import factories, switch

from .floor import Floor
from .site import Site
from .test_pages import LOOKS, check, look

OpenPage = Callable[..., Page]
SHOTS = os.environ.get("FLOOR_SHOTS", "")


def busy(floor: Floor) -> None:
    """Agents in several states, a call that rings, one that waits, one that was abandoned."""
    factories.make_session(floor.campaign, floor.agent)
    for number, state in enumerate(("ready", "paused", "ready")):
        user = factories.make_user(floor.tenant, first_name=("Ines", "Jo", "Kim")[number], team=floor.agent.team)
        factories.make_session(floor.campaign, user, state=state)
    calls = [factories.make_call(floor.campaign) for _ in range(3)]
    for call in calls:
        switch.tell(call.pk, Kind.PLACED)
        switch.tell(call.pk, Kind.RINGING)
    switch.tell(calls[1].pk, Kind.ANSWERED)
    switch.tell(calls[1].pk, Kind.READY, verdict="HUMAN")


def a_day(floor: Floor) -> None:
    """Counters and decisions of six hours, for the charts."""
    starts = counters.bucket_of(now(), timedelta(minutes=15)) - timedelta(hours=6)
    for n in range(24):
        at, busy = starts + n * timedelta(minutes=15), 20 + 3 * n - n * n // 10
        told = {
            "outcome:connected": busy,
            "outcome:abandoned": n % 5 == 0,
            "outcome:machine": busy // 2,
            "outcome:no_answer": busy + 7 * (n % 3),
            "outcome:failed": n % 4,
            "agent_ms:in_call": 60_000 * busy,
            "agent_ms:ready": 60_000 * (15 + 2 * (n % 6)),
        }
        rows = [
            Counter(tenant=floor.tenant, campaign=floor.campaign, bucket=at, name=one, n=k) for one, k in told.items()
        ]
        Counter.objects.bulk_create(rows)
        factories.make_decision(floor.campaign, at=at, level=1.2 + n / 20)


def shot(page: Page, name: str) -> None:
    """Keep a picture, when somebody wants to look (FLOOR_SHOTS names a folder)."""
    if SHOTS:
        page.screenshot(path=f"{SHOTS}/{name}.png", full_page=True)


def ringing(page: Page) -> object:
    """What the wallboard says of ringing calls."""
    return page.locator(".tile", has_text="Ringing").locator("dd")


@pytest.mark.parametrize(("scheme", "width"), LOOKS)
def test_every_page_is_accessible(floor: Floor, open_page: OpenPage, scheme: str, width: int) -> None:
    busy(floor)
    a_day(floor)
    view = factories.make_view(floor.supervisor, shared=True)
    session = floor.agent.sessions.get(ended_at=None)
    page = open_page(floor.supervisor, **look(scheme, width))
    page.set_default_navigation_timeout(30_000)  # the first page of all: the server has just started
    for name, address in (
        ("board", "/floor/"),
        ("campaign", f"/floor/campaign/{floor.campaign.public_id}/"),
        ("people", "/floor/agents/"),
        ("views", "/floor/views/"),
        ("view", f"/floor/views/{view.public_id}/"),
        ("agent", f"/floor/agents/{session.public_id}/"),
        ("stop", "/floor/stop/"),
        ("tv-links", "/floor/tv-links/"),
        ("tv", "/floor/tv/"),
    ):
        page.goto(address)
        shot(page, f"{name}-{scheme}")
        check(page)


def test_the_wallboard_moves_while_calls_run(floor: Floor, open_page: OpenPage) -> None:
    page = open_page(floor.supervisor)
    page.goto(f"/floor/campaign/{floor.campaign.public_id}/")
    expect(ringing(page)).to_have_text("0")  # type: ignore[arg-type]
    call = factories.make_call(floor.campaign)
    switch.tell(call.pk, Kind.PLACED)
    expect(ringing(page)).to_have_text("1")  # type: ignore[arg-type]
    switch.tell(call.pk, Kind.HUNG_UP, cause=19)
    expect(ringing(page)).to_have_text("0")  # type: ignore[arg-type]


def test_a_board_that_hears_nothing_says_so(floor: Floor, open_page: OpenPage, browser: Browser, site: Site) -> None:
    """In its reader's language; a TV too."""
    page = open_page(floor.supervisor)
    page.goto("/floor/")
    tv_page = browser.new_page(base_url=site.address, locale="es")
    tv_page.goto(f"/tv/{tv.token_of(factories.make_tv_link(floor.admin))}/")
    for one in (page, tv_page):
        expect(one.locator("#board")).not_to_have_attribute("data-rev", "0")
    os.kill(site.pid, signal.SIGSTOP)
    try:
        expect(page.locator("#trouble")).to_contain_text("Out of date", timeout=12_000)
        expect(tv_page.locator("#trouble")).to_contain_text("Atrasado", timeout=12_000)
    finally:
        os.kill(site.pid, signal.SIGCONT)
    for one in (page, tv_page):
        expect(one.locator("#trouble")).to_be_hidden()
    tv_page.context.close()


def test_a_tv_needs_no_sign_in_and_takes_turns(floor: Floor, browser: Browser, site: Site) -> None:
    link = factories.make_tv_link(floor.admin, rotate_s=1)
    page = browser.new_page(base_url=site.address)
    page.goto(f"/tv/{tv.token_of(link)}/")
    shown = page.locator(".tv-panel:visible h1")
    expect(shown).to_have_count(1)
    expect(shown).to_have_text("All campaigns")
    expect(shown).to_have_text(floor.campaign.name)
    page.context.close()


def test_an_emergency_stop_from_any_page(floor: Floor, open_page: OpenPage) -> None:
    page = open_page(floor.supervisor)
    page.goto("/calls/")
    expect(page.locator("#halt")).to_be_hidden()
    page.get_by_role("button", name="Emergency stop").click()
    check(page)
    shot(page, "halt")
    page.get_by_role("button", name="Stop all campaigns now").click()
    expect(page.locator("#halt-told")).to_contain_text("stopped")
    floor.campaign.refresh_from_db()
    assert floor.campaign.halted_at is not None


def test_an_agent_s_panel(floor: Floor, open_page: OpenPage) -> None:
    session = factories.make_session(floor.campaign, floor.agent)
    page = open_page(floor.supervisor)
    page.goto("/floor/agents/")
    page.get_by_role("link", name=floor.agent.shown_name).click()
    page.get_by_label("Reason").fill("Team meeting")
    page.get_by_role("button", name="Pause", exact=True).click()
    expect(page.locator("#hand")).to_contain_text("Done.")
    check(page)
    shot(page, "hand")
    expect(page.locator(f"#agent-{floor.agent.pk}")).to_contain_text("Paused")
    session.refresh_from_db()
    assert (session.state, "Team meeting" in session.notice) == ("paused", True)


def test_the_charts_move_by_themselves(floor: Floor, open_page: OpenPage) -> None:
    page = open_page(floor.supervisor)
    page.goto(f"/floor/campaign/{floor.campaign.public_id}/")
    charts = page.locator("#charts")
    expect(charts).to_contain_text("begin with the first call")
    call = factories.make_call(floor.campaign)
    switch.tell(call.pk, Kind.PLACED)
    switch.tell(call.pk, Kind.HUNG_UP, cause=17)
    expect(charts).to_contain_text("1 ended", timeout=30_000)  # drawn anew every ten seconds
    page.locator("summary", has_text="The charts in figures").click()
    row = page.locator("#charts-figures tbody tr")
    expect(row.locator('[data-label="No answer or busy"]')).to_have_text("1")
    expect(page.get_by_role("img", name="Calls that ended, by outcome")).to_be_visible()


def test_a_view_is_saved_and_opened_by_a_colleague(floor: Floor, open_page: OpenPage) -> None:
    busy(floor)
    page = open_page(floor.supervisor)
    page.goto("/floor/agents/")
    page.locator("select[name=state]").select_option("paused")
    expect(page.locator("#people-agents tbody tr")).to_have_count(1)
    page.locator("summary", has_text="Columns").click()
    page.get_by_role("checkbox", name="Phone").uncheck()
    page.get_by_role("button", name="Show these").click()
    expect(page.get_by_role("columnheader", name="Phone")).to_have_count(0)
    page.locator("summary", has_text="Save as a view").click()
    page.get_by_label("Name", exact=True).fill("On a break")
    page.get_by_role("checkbox", name="Share it").check()
    page.get_by_role("button", name="Save what is shown").click()
    expect(page.get_by_role("link", name="On a break")).to_have_attribute("aria-current", "page")
    assert (
        SavedView.objects.for_tenant(floor.tenant).get().query == "state=paused&columns=state.for.campaign.team.calls"
    )

    colleague = factories.make_user(floor.tenant, "supervisor", team=floor.supervisor.team)
    page = open_page(colleague)
    page.goto("/floor/agents/")
    page.get_by_role("link", name="On a break").click()
    rows = page.locator("#people-agents tbody tr")
    expect(rows).to_have_count(1)
    expect(page.get_by_role("columnheader", name="Phone")).to_have_count(0)
    user = factories.make_user(floor.tenant, first_name="Lea", team=floor.agent.team)
    factories.make_session(floor.campaign, user, state="paused")
    expect(rows).to_have_count(2)  # pushed, in the same look
    expect(page.get_by_role("columnheader", name="Phone")).to_have_count(0)


def test_an_agent_is_moved(floor: Floor, open_page: OpenPage) -> None:
    session = factories.make_session(floor.campaign, floor.agent)
    page = open_page(floor.supervisor)
    page.goto("/floor/agents/")
    page.get_by_role("link", name=floor.agent.shown_name).click()
    page.locator("#hand-campaign").select_option(label=floor.preview.name)
    page.get_by_label("Why they move").fill("They are short of hands")
    page.get_by_role("button", name="Move", exact=True).click()
    expect(page.locator("#hand")).to_contain_text("They are in “Win-back” now.")
    expect(page.locator(f"#agent-{floor.agent.pk}")).to_contain_text("Win-back")
    session.refresh_from_db()
    assert session.campaign_id == floor.preview.pk


def test_an_alert_shows_by_itself_and_ends(floor: Floor, open_page: OpenPage) -> None:
    factories.make_threshold(floor.campaign)
    page = open_page(floor.supervisor)
    page.goto("/floor/")
    told = page.locator("#board-told")
    expect(told).to_have_text("")
    call = factories.make_call(floor.campaign)
    for kind in (Kind.PLACED, Kind.RINGING, Kind.ANSWERED, Kind.READY):
        switch.tell(call.pk, kind)
    alerts.look()
    expect(told).to_contain_text("Customers waiting is 1, above 0.")
    check(page)
    switch.tell(call.pk, Kind.HUNG_UP, cause=16)
    alerts.look()
    expect(told).to_have_text("")


def test_a_live_call_is_watched_on_its_page(floor: Floor, open_page: OpenPage) -> None:
    factories.make_session(floor.campaign, floor.agent)
    call = factories.make_call(floor.campaign, lead=floor.lead)
    page = open_page(floor.supervisor)
    page.goto("/floor/agents/")
    page.get_by_role("link", name="Timeline").click()
    told = page.locator("#call-timeline li")
    expect(told).to_have_count(2)  # the decision and the gate
    for kind in (Kind.PLACED, Kind.RINGING):
        switch.tell(call.pk, kind)
    expect(told.last).to_contain_text("Ringing")
    check(page)
    shot(page, "call")
    for kind in (Kind.ANSWERED, Kind.READY):
        switch.tell(call.pk, kind)
    expect(told.last).to_contain_text(f"The agent who waited longest is reserved: {floor.agent.shown_name}")
    switch.tell(call.pk, Kind.HUNG_UP, cause=16)
    expect(page.locator("#call .tag").first).to_have_text("Early hangup")
    expect(page.locator("#facts ~ dl")).to_contain_text("16: normal clearing")


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_charts_in_high_contrast(floor: Floor, open_page: OpenPage, scheme: str) -> None:
    a_day(floor)
    page = open_page(floor.supervisor, color_scheme=scheme, contrast="more")
    page.goto(f"/floor/campaign/{floor.campaign.public_id}/")
    expect(page.locator("#charts svg.day-chart")).to_have_count(4)
    page.locator("summary", has_text="The charts in figures").click()
    check(page)
    shot(page, f"contrast-{scheme}")
    page.emulate_media(forced_colors="active")  # the parts of a bar keep their outlines (axe knows nothing of these)
    outlines = "(parts) => parts.map((part) => getComputedStyle(part).stroke)"
    strokes = page.locator("#chart-calls path").evaluate_all(outlines)
    assert len(strokes) == 5
    assert "none" not in strokes
