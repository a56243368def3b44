"""The switchboard is taken away from a working agent: the desk says so in words, and comes back by itself."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

from django.db import transaction
from playwright.sync_api import Playwright, expect

from dialer.campaigns.models import DialMethod
from dialer.core.clock import now
from dialer.leads import callbacks
from tests import factories
from tests.floor import Floor

from .phones import agent_browser, join, sign_in
from .test_phone import VOICE, floor

__all__ = ["floor"]  # the fixture


def test_a_switchboard_that_goes_is_said_and_comes_back(floor: Floor, playwright_: Playwright, tmp_path: Path) -> None:
    campaign = factories.make_campaign(floor.tenant(), dial_method=DialMethod.MANUAL)
    user = factories.make_user(campaign.tenant)
    lead = factories.make_leads(factories.make_list(campaign), 1)[0]
    promise = callbacks.Promise(now() + timedelta(hours=1), "America/New_York", user)
    with transaction.atomic():
        callbacks.make(lead_id=lead.pk, promise=promise, by=user, at=now())
    with agent_browser(playwright_, tmp_path, VOICE) as context:
        page = sign_in(context, floor.address, user)
        join(page, campaign)
        page.fill("#number", "212 555 01")
        expect(page.locator("#do-next")).to_be_enabled()
        expect(page.locator("#switch-down")).to_have_count(0)
        dial_now = page.locator("#panel .callback-list button.primary")
        page.click("#my-callbacks")
        expect(dial_now).to_be_enabled()
        floor.processes.take_away("switchboard")
        try:
            expect(page.locator("#switch-down")).to_contain_text("The telephone switch does not answer", timeout=40_000)
            expect(page.locator("#desk-status")).to_contain_text("The telephone switch does not answer")
            expect(page.locator("#leg")).to_contain_text("Switch down")
            expect(page.locator("#idle")).to_contain_text("Waiting for the telephone switch")
            for off in ("#do-dial-last", "#dial-form button"):
                expect(page.locator(off)).to_be_disabled()
                expect(page.locator(off)).to_have_attribute("aria-describedby", "switch-down")
            expect(dial_now).to_be_disabled()  # in a panel that was open when it happened
            page.keyboard.press("Escape")
            page.click("#my-callbacks")
            expect(dial_now).to_have_attribute("aria-describedby", "switch-down")  # and in one that is opened now
            expect(dial_now).to_be_disabled()
            page.keyboard.press("Escape")
            expect(page.locator("#panel")).to_be_hidden()
            expect(page.locator("#do-leave")).to_be_enabled()
            page.press("#number", "Enter")  # its button is off
            expect(page.locator("#number")).to_have_value("212 555 01")
        finally:
            floor.processes.bring_back("switchboard", 30)
        expect(page.locator("#switch-down")).to_have_count(0, timeout=40_000)
        expect(page.locator("#do-next")).to_be_enabled(timeout=30_000)
        expect(page.locator("#number")).to_have_value("212 555 01")
        page.click("#my-callbacks")
        expect(dial_now).to_be_enabled()
        page.keyboard.press("Escape")
        page.click("#do-leave")
        expect(page.locator("#desk")).to_have_attribute("data-state", "offline")
