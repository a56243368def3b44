"""A supervisor listens, whispers and barges with the phone in their browser; that browser is killed in each mode."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest
from playwright.sync_api import Playwright, expect
from pytest_django import DjangoDbBlocker

from dialer.agents.models import AgentSession
from dialer.handling.models import Monitor
from dialer.people.models import Role
from tests import factories
from tests.floor import AGENT_TONE, Floor, until
from tests.pbx.test_handling import CUSTOMER_TONE, Scene

from .phones import agent_browser, hears, join, on_the_line, sign_in

BOSS_TONE = 700


@pytest.fixture(scope="module")
def floor(playwright_: Playwright, django_db_blocker: DjangoDbBlocker) -> Iterator[Floor]:
    """The whole product on servers of its own, with Django's models of this process standing on its database."""
    made = Floor("bosses")
    try:
        made.start_servers()
        made.start_product()
        with django_db_blocker.unblock(), made.pointed():
            yield made
    finally:
        made.close()


def kill(profile: Path) -> None:
    """End every process of the Chromium that has this profile, at once and without a word to anybody."""
    ours = psutil.Process().children(recursive=True)
    for process in [one for one in ours if f"--user-data-dir={profile}" in " ".join(one.cmdline())]:
        os.kill(process.pid, signal.SIGKILL)


def test_the_agents_call_survives_the_supervisors_browser_killed_in_each_mode(
    floor: Floor, playwright_: Playwright, tmp_path: Path
) -> None:
    campaign = factories.make_campaign(floor.tenant(), wrapup_s=0)
    seat = floor.seat(campaign).ready()
    number = floor.numbers.steady()
    floor.lead(campaign, number)
    seat.until("in_call", within_s=15)
    agent = seat.user.sessions.get(ended_at=None)
    boss = factories.make_user(campaign.tenant, Role.SUPERVISOR)
    own = factories.make_campaign(campaign.tenant, disposition_set=campaign.disposition_set)
    scene = Scene(floor, campaign, seat, number, tmp_path)
    scene.agent_hears(CUSTOMER_TONE)
    for mode in ("listen", "whisper", "barge"):
        folder = tmp_path / mode
        folder.mkdir()
        with agent_browser(playwright_, folder, BOSS_TONE) as context:
            page = sign_in(context, floor.address, boss, "**/campaigns/")
            page.goto(f"{floor.address}/desk/")
            if mode == "listen":
                join(page, own)
            else:
                on_the_line(page)  # whose session outlives the browser
            page.goto(f"{floor.address}/floor/agents/{agent.public_id}/")
            expect(page.locator("#phone-word")).to_have_text("On the line", timeout=15_000)
            page.get_by_role("button", name=mode.capitalize(), exact=True).click()
            running = Monitor.objects.across_tenants().filter(
                watched=agent, mode=mode, started_at__isnull=False, ended_at=None
            )
            until(running.exists, 15, f"the supervisor's mode is {mode}")
            hears(page, CUSTOMER_TONE)
            if mode != "listen":
                scene.agent_hears(BOSS_TONE)
            kill(folder / f"profile-{BOSS_TONE}")
        assert scene.call.state == "connected"
        scene.agent_hears(CUSTOMER_TONE, not_tones=(BOSS_TONE,))
        scene.customer_hears_tone(AGENT_TONE)
        until(lambda: not Monitor.objects.across_tenants().filter(watched=agent, ended_at=None).exists(), 30, "it ends")
        assert scene.call.state == "connected"
    session = AgentSession.objects.across_tenants().get(user=boss, ended_at=None)
    assert session.state == "paused"
    ended = scene.end()
    assert (ended.outcome, ended.hung_up_by) == ("connected", "supervisor")
    seat.until("wrapup")
    seat.dispose(then="pause")
    seat.leave()
