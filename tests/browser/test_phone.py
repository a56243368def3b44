"""The browser phone: real Chromium, real Asterisk, real sound."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Page, Playwright, expect
from pytest_django import DjangoDbBlocker

from asterisk.sandbox.rtp import strength
from dialer.agents.models import AgentSession
from tests import factories
from tests.floor import Floor, Numbers, until
from tests.hearing import record

from .phones import agent_browser, hears, join, on_the_line, sign_in

VOICE, STEADY = 440, 1000


@pytest.fixture(scope="module")
def floor(playwright_: Playwright, django_db_blocker: DjangoDbBlocker) -> Iterator[Floor]:
    """The whole product on servers of its own, with Django's models of this process standing on its database."""
    made = Floor("phones")
    try:
        made.start_servers()
        made.start_product()
        with django_db_blocker.unblock(), made.pointed():
            yield made
    finally:
        made.close()


def session_of(user: object) -> AgentSession:
    return AgentSession.objects.across_tenants().filter(user=user).latest("pk")


def ready(page: Page) -> None:
    page.keyboard.press("r")
    expect(page.locator("#desk")).to_have_attribute("data-state", "ready")


def test_a_call_heard_both_ways_across_a_reload(floor: Floor, playwright_: Playwright, tmp_path: Path) -> None:
    campaign = factories.make_campaign(floor.tenant())
    user = factories.make_user(campaign.tenant)
    with agent_browser(playwright_, tmp_path, VOICE) as context:
        page = sign_in(context, floor, user)
        page.on("console", lambda line: print("console:", line.text))
        join(page, campaign)
        ready(page)
        number = floor.numbers.steady()
        floor.lead(campaign, number)
        expect(page.locator("#desk")).to_have_attribute("data-state", "in_call")
        call = floor.live(number, "connected")
        channels = floor.cli("carrier", "core", "show", "channels", "concise").split("\n")
        channel = next(line.split("!")[0] for line in channels if line.startswith("PJSIP/dialer"))
        heard = record(floor, channel, tmp_path)
        hears(page, STEADY)
        began = time.monotonic()
        page.reload()
        on_the_line(page)
        rejoined = time.monotonic() - began
        print("rejoined after", rejoined)
        hears(page, STEADY)
        assert floor.live(number, "connected").pk == call.pk
        page.keyboard.press("h")
        expect(page.locator("#desk")).to_have_attribute("data-state", "wrapup")
    samples = heard()
    print([round(strength(samples[at : at + 4000], VOICE)) for at in range(0, len(samples), 4000)])
    assert rejoined < 3
