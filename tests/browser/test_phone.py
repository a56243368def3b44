"""The browser phone: real Chromium, real Asterisk, sound measured both ways; agents' and a supervisor's."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest
from playwright.sync_api import Page, Playwright, expect
from pytest_django import DjangoDbBlocker

from asterisk.sandbox.rtp import strength
from dialer.agents.models import AgentSession
from dialer.calls.models import CallTask
from dialer.handling.models import Monitor
from dialer.people.models import Role
from tests import factories
from tests.floor import AGENT_TONE, Floor, until
from tests.hearing import record
from tests.pbx.test_handling import Scene

from .phones import agent_browser, hears, join, on_the_line, sign_in

VOICE, STEADY, BOSS_TONE = 440, 1000, 700
"""What the agent says, what the customer says, and what a supervisor says, in Hz."""


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


def ready(page: Page) -> None:
    page.keyboard.press("r")
    desk_in(page, "ready")


def desk_in(page: Page, state: str) -> None:
    expect(page.locator("#desk")).to_have_attribute("data-state", state, timeout=15_000)


def voiced(samples: list[int], hertz: int) -> float:
    """The share of whole fifths of a second in which a tone is clearly there."""
    parts = [samples[at : at + 1600] for at in range(0, len(samples) - 1600, 1600)]
    return sum(strength(part, hertz) > 300 for part in parts) / max(1, len(parts))


def call_in_talk(floor: Floor, page: Page, campaign: object) -> CallTask:
    number = floor.numbers.steady()
    floor.lead(campaign, number)  # type: ignore[arg-type]
    desk_in(page, "in_call")
    return floor.live(number, "connected")


def session_of(page: Page) -> AgentSession:
    public_id = page.locator("#desk").get_attribute("data-phone")
    found = AgentSession.objects.across_tenants().get(public_id=public_id)
    assert isinstance(found, AgentSession)
    return found


def test_heard_both_ways_and_a_reload_loses_nobody(floor: Floor, playwright_: Playwright, tmp_path: Path) -> None:
    campaign = factories.make_campaign(floor.tenant())
    user = factories.make_user(campaign.tenant)
    with agent_browser(playwright_, tmp_path, VOICE) as context:
        page = sign_in(context, floor.address, user)
        join(page, campaign)
        ready(page)
        call = call_in_talk(floor, page, campaign)
        channel = floor.carrier_channel(call.phone)
        heard = record(floor, channel, tmp_path)
        hears(page, STEADY)
        until(lambda: page.locator("#phone-level").evaluate("(meter) => meter.value") > 0.02, 15, "the meter moves")
        expect(page.locator("#phone-quality")).to_have_attribute("data-quality", "good", timeout=10_000)

        began = time.monotonic()
        page.reload()
        on_the_line(page)
        rejoined = time.monotonic() - began
        hears(page, STEADY)
        assert floor.carrier_channel(call.phone) == channel
        desk_in(page, "in_call")
        assert factories.get_call(call.pk).ended_at is None

        page.goto(f"{floor.address}/calls/{call.pk}/")  # any other page has the phone as well
        expect(page.locator("#phone-word")).to_have_text("On the line", timeout=15_000)
        hears(page, STEADY)
        page.goto(f"{floor.address}/desk/")
        on_the_line(page)
        hears(page, STEADY)
        assert floor.carrier_channel(call.phone) == channel
        page.keyboard.press("h")
        desk_in(page, "wrapup")
        page.keyboard.press("1")
        desk_in(page, "ready")
        page.click("#do-leave")
        desk_in(page, "offline")
        expect(page.locator("#phone")).to_be_hidden()
    samples = heard()
    assert voiced(samples, VOICE) > 0.25, "the customer heard the agent's tone, which comes and goes"
    assert rejoined < 3, f"{rejoined:.2f} s"
    ended = factories.get_call(call.pk)
    assert (ended.outcome, ended.hung_up_by, ended.user_id) == ("connected", "agent", user.pk)
    assert list(ended.events.filter(kind="agent_gone")) == []


def test_muted_the_customer_hears_nothing(floor: Floor, playwright_: Playwright, tmp_path: Path) -> None:
    campaign = factories.make_campaign(floor.tenant(), record_calls=False)  # or the switch says that it records
    user = factories.make_user(campaign.tenant)
    with agent_browser(playwright_, tmp_path, VOICE) as context:
        page = sign_in(context, floor.address, user)
        join(page, campaign)
        page.keyboard.press("v")
        expect(page.locator("#phone-word")).to_contain_text("Muted")
        ready(page)
        call = call_in_talk(floor, page, campaign)
        heard = record(floor, floor.carrier_channel(call.phone), tmp_path)
        hears(page, STEADY)
        page.wait_for_timeout(1500)  # a stretch of recording
        page.keyboard.press("h")
        desk_in(page, "wrapup")
        page.keyboard.press("1")
        desk_in(page, "ready")
        page.click("#do-leave")
        desk_in(page, "offline")
    assert voiced(heard(), VOICE) == 0


TRACKS = """
  window.tracks = [];
  const real = navigator.mediaDevices.getUserMedia.bind(navigator.mediaDevices);
  navigator.mediaDevices.getUserMedia = async (wanted) => {
    const stream = await real(wanted);
    window.tracks.push(...stream.getTracks());
    return stream;
  };
"""
"""Keeps every microphone's track that the page was given, in their order."""


def test_a_headset_is_pulled_out_and_another_one_chosen_while_muted(
    floor: Floor, playwright_: Playwright, tmp_path: Path
) -> None:
    """The customer says back what the agent says: what the page plays went out by the leg."""
    campaign = factories.make_campaign(floor.tenant(), record_calls=False)
    user = factories.make_user(campaign.tenant)
    with agent_browser(playwright_, tmp_path, VOICE) as context:
        context.add_init_script(TRACKS)
        page = sign_in(context, floor.address, user)
        join(page, campaign)
        ready(page)
        number = floor.numbers.echo()
        floor.lead(campaign, number)
        desk_in(page, "in_call")
        hears(page, VOICE)

        page.evaluate("() => { const [first] = window.tracks; first.stop(); first.dispatchEvent(new Event('ended')); }")
        until(lambda: page.evaluate("window.tracks.length") == 2, 15, "another microphone is asked for")
        hears(page, VOICE)

        page.keyboard.press("v")
        expect(page.locator("#phone-word")).to_contain_text("Muted")
        page.click("#phone-sound > summary")
        expect(page.locator("#phone-mic option").first).to_be_attached()
        page.locator("#phone-mic").dispatch_event("change")
        until(lambda: page.evaluate("window.tracks.length") == 3, 15, "the chosen microphone is asked for")
        until(lambda: page.evaluate("window.tracks[1].readyState") == "ended", 15, "the one before is let go")
        assert page.evaluate("window.tracks[2].enabled") is False
        expect(page.locator("#phone-word")).to_contain_text("Muted")
        page.click("#phone-echo")
        expect(page.locator("#phone-echo")).to_have_text("End the echo test")
        until(lambda: page.evaluate("Boolean(document.getElementById('phone-echo-audio').srcObject)"), 15, "the echo")
        hears(page, VOICE, element="phone-echo-audio")
        assert page.evaluate("window.tracks[2].enabled") is False
        page.click("#phone-echo")
        expect(page.locator("#phone-echo")).to_have_text("Echo test")
        page.keyboard.press("Escape")
        page.keyboard.press("v")
        expect(page.locator("#phone-word")).to_have_text("On the line")
        hears(page, VOICE)
        page.keyboard.press("h")
        desk_in(page, "wrapup")
        page.keyboard.press("1")
        desk_in(page, "ready")
        page.click("#do-leave")
        desk_in(page, "offline")


def test_one_tab_has_the_phone_and_credentials_die_with_the_session(
    floor: Floor, playwright_: Playwright, tmp_path: Path
) -> None:
    campaign = factories.make_campaign(floor.tenant())
    user = factories.make_user(campaign.tenant)
    with agent_browser(playwright_, tmp_path, VOICE) as context:
        page = sign_in(context, floor.address, user)
        join(page, campaign)
        endpoint = session_of(page).endpoint
        assert endpoint in floor.cli("pbx", "pjsip", "show", "endpoints")

        second = context.new_page()
        second.goto(f"{floor.address}/desk/")
        expect(second.locator("#phone-word")).to_have_text("The phone is in another tab")
        second.click("#phone-take")
        on_the_line(second)
        expect(page.locator("#phone-word")).to_have_text("The phone is in another tab")
        second.close()  # the tab that waits takes over
        on_the_line(page)

        page.click("#phone-sound > summary")
        page.click("#phone-echo")
        expect(page.locator("#phone-echo")).to_have_text("End the echo test")
        page.click("#phone-echo")
        expect(page.locator("#phone-echo")).to_have_text("Echo test")
        page.keyboard.press("Escape")
        page.click("#do-leave")
        desk_in(page, "offline")
        until(lambda: endpoint not in floor.cli("pbx", "pjsip", "show", "endpoints"), 15, "the account is gone")
        assert session_of_user(user).phone_secret == ""


def session_of_user(user: object) -> AgentSession:
    found = AgentSession.objects.across_tenants().filter(user=user).latest("pk")
    assert isinstance(found, AgentSession)
    return found


def test_a_page_that_does_not_come_back_loses_the_call(floor: Floor, playwright_: Playwright, tmp_path: Path) -> None:
    campaign = factories.make_campaign(floor.tenant())
    user = factories.make_user(campaign.tenant)
    with agent_browser(playwright_, tmp_path, VOICE) as context:
        page = sign_in(context, floor.address, user)
        join(page, campaign)
        ready(page)
        call = call_in_talk(floor, page, campaign)
        page.close()
        until(lambda: session_of_user(user).leg == "away", 15, "the leg is missed")
        assert factories.get_call(call.pk).ended_at is None
        ended = floor.ended(call.phone, within_s=40)
    assert (ended.outcome, ended.hung_up_by) == ("connected", "agent")
    assert session_of_user(user).leg == "down"


def test_a_plain_telephone_is_the_phone_for_a_shift(floor: Floor, playwright_: Playwright, tmp_path: Path) -> None:
    campaign = factories.make_campaign(floor.tenant())
    user = factories.make_user(campaign.tenant)
    with agent_browser(playwright_, tmp_path, VOICE) as context:
        page = sign_in(context, floor.address, user)
        page.check("#phone-number")
        own = floor.numbers.echo()
        page.fill("#own-number", own)
        page.click(f"#join-{campaign.public_id}")
        expect(page.locator("#desk")).to_have_attribute("data-leg", "up", timeout=15_000)
        expect(page.locator("#phone")).to_be_hidden()
        ready(page)
        call = call_in_talk(floor, page, campaign)
        page.keyboard.press("h")
        desk_in(page, "wrapup")
        page.keyboard.press("1")
        desk_in(page, "ready")
        page.click("#do-leave")
        desk_in(page, "offline")
        assert factories.get_call(call.pk).outcome == "connected"
        assert floor.truth(own).ended_by == "us"


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
    scene.agent_hears(STEADY)
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
            hears(page, STEADY)
            if mode != "listen":
                scene.agent_hears(BOSS_TONE)
            kill(folder / f"profile-{BOSS_TONE}")
        assert scene.call.state == "connected"
        scene.agent_hears(STEADY, not_tones=(BOSS_TONE,))
        scene.customer_hears_tone(AGENT_TONE)
    until(lambda: not Monitor.objects.across_tenants().filter(watched=agent, ended_at=None).exists(), 40, "it ends")
    assert scene.call.state == "connected"
    session = AgentSession.objects.across_tenants().get(user=boss, ended_at=None)
    assert session.state == "paused"
    ended = scene.end()
    assert (ended.outcome, ended.hung_up_by) == ("connected", "supervisor")
    seat.until("wrapup")
    seat.dispose(then="pause")
    seat.leave()
