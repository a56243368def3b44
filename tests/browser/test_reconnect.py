"""The desk when the way to the server, or Redis behind it, is lost: it says so, and comes back with the truth."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from dialer.agents.rules import Event, Kind
from dialer.agents.services import apply
from dialer.core.clock import now
from tests import switch
from tests.integration.test_live_publish import Redis

from .floor import Floor, make_floor, open_as
from .line import Line, line_to
from .site import Site, serve
from .test_desk import join

MANY = 8
"""Failed sockets in a row after which a page asks first whether anybody is there."""
WATCHED = """(wanted) => {
  window.tries = 0;
  addEventListener("htmx:wsConnecting", () => { window.tries += 1; });
  window.shown = new Promise((done) => addEventListener("htmx:wsAfterMessage", () => {
    if (document.getElementById("desk").dataset.state === wanted) requestAnimationFrame(() => done(Date.now()));
  }));
}"""
"""Count from now on how often the page tries its socket, and note when the state that is to come was painted."""


def test_redis_is_lost_and_found(transactional_db: None, browser: Browser, tmp_path: Path) -> None:
    redis = Redis(tmp_path)
    redis.start()
    try:
        with serve(REDIS_URL=f"redis://127.0.0.1:{redis.port}/0") as site:
            floor = make_floor()
            page = open_as(browser, site.address, floor.agent)
            page.set_default_navigation_timeout(60_000)  # the process has to start first
            page.goto("/desk/")
            page.click(f"#join-{floor.campaign.public_id}")
            expect(page.locator("#desk")).to_have_attribute("data-state", "paused")
            expect(page.locator("#trouble")).to_be_hidden()
            redis.kill()
            expect(page.locator("#trouble")).to_contain_text("Reconnecting")
            switch.phone_up(floor.agent)  # told to nobody
            apply(session_id=switch.session_of(floor.agent).pk, event=Event(Kind.READY_ASKED), at=now())
            redis.start()
            expect(page.locator("#desk")).to_have_attribute("data-state", "ready", timeout=15_000)
            expect(page.locator("#trouble")).to_be_hidden()
            page.context.close()
    finally:
        redis.kill()


def test_a_web_process_that_stops_is_said(transactional_db: None, browser: Browser) -> None:
    with serve() as site:
        floor = make_floor()
        page = open_as(browser, site.address, floor.agent)
        page.set_default_navigation_timeout(60_000)  # the process has to start first
        with page.expect_websocket() as opened:
            page.goto("/desk/")
        opened.value.wait_for_event("framereceived")
        expect(page.locator("#trouble")).to_be_hidden()
    expect(page.locator("#trouble")).to_contain_text("Reconnecting")
    page.click(f"#join-{floor.campaign.public_id}")
    expect(page.locator("#trouble")).to_contain_text("cannot be reached")
    page.context.close()


def seconds_until_back(page: Page, line: Line, floor: Floor, lose: Callable[[], None], *, tries: int) -> float:
    """Lose the line and change the state; mend the line after some tries of the page; the seconds from there on."""
    agent = switch.session_of(floor.agent)
    asked, wanted = (Kind.PAUSE_ASKED, "paused") if agent.state == "ready" else (Kind.READY_ASKED, "ready")
    page.evaluate(WATCHED, wanted)
    lose()
    expect(page.locator("#trouble")).to_contain_text("Reconnecting")
    apply(session_id=agent.pk, event=Event(asked), at=now())
    if tries > MANY:  # asks first whether anybody is there
        for _time in range(3):
            with page.expect_request("**/healthz"):
                pass
    else:
        while page.evaluate("window.tries") < tries:
            page.wait_for_timeout(20)
    assert page.locator("#desk").get_attribute("data-state") != wanted
    mended = time.time()
    line.mend()
    shown = float(page.evaluate("window.shown")) / 1000
    expect(page.locator("#trouble")).to_be_hidden()
    return shown - mended


@pytest.mark.parametrize(("lost", "outages"), [("refuse", (2, 5, 9)), ("fall_silent", (1, 2, 1))])
def test_the_desk_shows_the_truth_within_two_seconds_of_the_lines_return(
    floor: Floor, site: Site, browser: Browser, lost: str, outages: tuple[int, ...]
) -> None:
    with line_to(site.address) as line:
        page = open_as(browser, line.address, floor.agent)
        join(page, floor)
        took = [seconds_until_back(page, line, floor, getattr(line, lost), tries=tries) for tries in outages]
        page.context.close()
    assert statistics.median(took) < 2, took  # a busy machine may spoil one
