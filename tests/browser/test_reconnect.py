"""The desk when the way to the server, or Redis behind it, is lost: it says so, and comes back with the truth."""

from __future__ import annotations

from pathlib import Path

from playwright.sync_api import Browser, expect

from dialer.agents.rules import Event, Kind
from dialer.agents.services import apply
from dialer.core.clock import now
from tests import switch
from tests.integration.test_live_publish import Redis

from .floor import make_floor, open_as
from .site import serve


def test_redis_is_lost_and_found(transactional_db: None, browser: Browser, tmp_path: Path) -> None:
    redis = Redis(tmp_path)
    redis.start()
    try:
        with serve(REDIS_URL=f"redis://127.0.0.1:{redis.port}/0") as site:
            floor = make_floor()
            page = open_as(browser, site.address, floor.agent)
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
        with page.expect_websocket() as opened:
            page.goto("/desk/")
        opened.value.wait_for_event("framereceived")
        expect(page.locator("#trouble")).to_be_hidden()
    expect(page.locator("#trouble")).to_contain_text("Reconnecting")
    page.click(f"#join-{floor.campaign.public_id}")
    expect(page.locator("#trouble")).to_contain_text("cannot be reached")
    page.context.close()
