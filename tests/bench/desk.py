"""`./run bench desk`: what an agent waits for, in a real Chromium with a browser phone on a real Asterisk.

`screen_pop_ms` is from the customer being in the agent's bridge to the call card painted by the browser.
`click_to_hangup_ms` is from the click on "Hang up" to the end of the customer's channel, by the switch's clock.
`click_to_command_ms` is the part of it until the command is written.
`reload_rejoin_ms` is from the reload of the page, with a customer on the line, to the phone being on the line again.
`page_weight_kb` is all that a first visit of the desk fetches, as it comes over the wire, the phone's library included.
`axe_violations` are those of every state of the desk, light and wide, dark and narrow.
All clocks are this machine's. Progress goes to stderr; the last line of stdout is JSON.
"""

from __future__ import annotations

import argparse
import json
import os
import tempfile
import time
from datetime import datetime
from pathlib import Path
from typing import Any

import django

from dialer.settings import use_environment

use_environment()
os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"] = "1"  # Playwright keeps an event loop in this thread
django.setup()

from axe_playwright_python.sync_playwright import Axe  # noqa: E402
from playwright.sync_api import BrowserContext, Page, expect, sync_playwright  # noqa: E402

from dialer.calls.models import CallTask  # noqa: E402
from dialer.campaigns.models import Campaign, DialMethod  # noqa: E402
from dialer.handling.models import HandlingSettings, MessageRecording, TransferPreset  # noqa: E402
from dialer.people.models import User  # noqa: E402
from dialer.telephony.models import CommandKind, SwitchCommand  # noqa: E402
from tests import factories  # noqa: E402
from tests.bench import _floor as floor  # noqa: E402
from tests.browser.phones import agent_browser, join, on_the_line, sign_in  # noqa: E402
from tests.floor import Numbers, until  # noqa: E402

say = floor.say
STATIC = Path(__file__).resolve().parents[2] / "static"
WATCH = """() => {
  window.seen = {};
  const painted = (name) => requestAnimationFrame(() => setTimeout(() => { window.seen[name] ??= Date.now(); }));
  const clicked = ({ target }) => { if (target.closest("#do-hang-up")) window.seen.click = Date.now(); };
  addEventListener("click", clicked, true);
  addEventListener("DOMContentLoaded", () => {
    new MutationObserver(() => {
      const { call, callState } = document.getElementById("desk").dataset;
      if (callState === "connected" && document.getElementById(`card-${call}`)) painted(call);
    }).observe(document.getElementById("screen"), { subtree: true, childList: true, attributes: true });
    new MutationObserver(() => { if (document.getElementById("phone").dataset.up) window.seen.up ??= Date.now(); })
      .observe(document.getElementById("phone"), { attributes: true });
  });
}"""
"""Notes, in the page, when a call's card was painted, when "Hang up" was clicked, and when the phone came up."""
TALK_MS = 400
"""A call lasts so long at least: what its card fetches by itself is there when the agent hangs up."""
LOOKS = (("light", 1280), ("dark", 360))
SETTLED = """() => {
  const fading = document.getAnimations().filter((one) => one.effect.getTiming().iterations !== Infinity);
  const late = new Promise((done) => setTimeout(done, 1000));
  return Promise.race([late, Promise.allSettled(fading.map((one) => one.finished))]);
}"""
"""Colours have faded to where they go. (In a tab behind another they never do.)"""


SEEN = """(name) => new Promise((done, failed) => {
  const stop = setTimeout(() => { clearInterval(look); failed(new Error(`${name} was not seen in time`)); }, 15000);
  const look = setInterval(() => {
    if (!window.seen[name]) return;
    clearInterval(look);
    clearTimeout(stop);
    done(window.seen[name]);
  }, 20);
})"""
"""When WATCH noted something of this name, once it has."""


def desk_in(page: Page, state: str) -> None:
    """Wait until the desk is in this state."""
    expect(page.locator("#desk")).to_have_attribute("data-state", state, timeout=30_000)


def milliseconds(moment: datetime) -> float:
    """Of a row's time, as Date.now() counts."""
    return moment.timestamp() * 1000


class Bench:
    """One agent, one browser, many calls."""

    def __init__(self, context: BrowserContext, user: User, campaign: Campaign) -> None:
        self.context, self.user, self.campaign = context, user, campaign
        self.numbers = Numbers()
        self.pops: list[float] = []
        self.ends: list[float] = []
        self.asked: list[float] = []
        self.violations: dict[str, list[str]] = {}
        self.page = sign_in(context, floor.address(), user)

    def check(self, state: str) -> None:
        """Ask axe about this state of the desk, in both looks."""
        say(f"axe: {state}")
        for scheme, width in LOOKS:
            self.page.emulate_media(color_scheme=scheme)  # type: ignore[arg-type]
            self.page.set_viewport_size({"width": width, "height": 800})
            self.page.evaluate(SETTLED)
            found = Axe().run(self.page)
            if found.violations_count:
                self.violations[f"{state} {scheme} {width}"] = [one["id"] for one in found.response["violations"]]
        self.page.emulate_media(color_scheme="light")
        self.page.set_viewport_size({"width": 1280, "height": 800})

    def open(self, key: str, dialog: str) -> None:
        """Open a dialog by its key, look at it, and close it."""
        self.page.keyboard.press(key)
        self.dialog(f"{key} {dialog}", dialog)

    def dialog(self, state: str, dialog: str) -> None:
        """Look at a dialog that is open once it has its content, and close it."""
        expect(self.page.locator(dialog)).to_be_visible()
        expect(self.page.locator(f"{dialog} :is(#panel-title, [role=option], dt)").first).to_be_visible()
        self.check(state)
        self.page.keyboard.press("Escape")
        expect(self.page.locator(dialog)).to_be_hidden()

    def call(self) -> CallTask:
        """Be put through to somebody who stays on the line."""
        number = self.numbers.of(Numbers.PERSON)
        factories.make_lead(self.campaign, phone=number)
        desk_in(self.page, "in_call")
        return until(lambda: self._live(number), 5, "the call is connected")

    def _live(self, number: str) -> CallTask | None:
        found = CallTask.objects.across_tenants().filter(phone=number, state="connected").first()
        assert found is None or isinstance(found, CallTask)
        return found

    def one_call(self) -> None:
        """A call from the bridge to the end of wrap-up."""
        call = self.call()
        painted = self.page.evaluate(SEEN, str(call.pk))
        assert call.connected_at is not None
        self.pops.append(painted - milliseconds(call.connected_at))
        self.page.wait_for_timeout(TALK_MS)
        self.page.click("#do-hang-up")
        desk_in(self.page, "wrapup")
        ended = factories.get_call(call.pk)
        assert ended.ended_at is not None
        click = self.page.evaluate("() => window.seen.click")
        self.ends.append(milliseconds(ended.ended_at) - click)
        command = (
            SwitchCommand.objects.across_tenants().filter(target=call.pk, kind=CommandKind.HANG_UP).latest("created_at")
        )
        self.asked.append(milliseconds(command.created_at) - click)
        self.dispose()

    def dispose(self) -> None:
        """Finish wrap-up, and be ready again."""
        self.page.locator(".disposition:not(.is-dnc)").first.click()
        desk_in(self.page, "ready")

    def rejoin(self) -> float:
        """Reload with a customer on the line; ms until the phone is up again."""
        began = time.time() * 1000
        self.page.reload(wait_until="commit")
        on_the_line(self.page)
        return float(self.page.evaluate(SEEN, "up")) - began


def weigh(context: BrowserContext, address: str) -> tuple[float, dict[str, float]]:
    """Kilobytes over the wire of a first visit of the desk, in all and by kind."""
    page = context.new_page()
    session = context.new_cdp_session(page)
    kinds: dict[str, str] = {}
    bytes_of: dict[str, float] = {}
    session.send("Network.enable")
    session.send("Network.setCacheDisabled", {"cacheDisabled": True})
    session.on("Network.responseReceived", lambda event: kinds.update({event["requestId"]: event["type"]}))

    def loaded(event: dict[str, Any]) -> None:
        kind = kinds.get(event["requestId"], "Other")
        bytes_of[kind] = bytes_of.get(kind, 0) + event["encodedDataLength"] / 1024

    session.on("Network.loadingFinished", loaded)
    page.goto(f"{address}/desk/")
    page.wait_for_load_state("networkidle")
    page.evaluate("""() => new Promise((done) => {
      const element = document.createElement("script");
      Object.assign(element, { src: document.getElementById("phone").dataset.jssip, onload: done });
      document.head.append(element);
    })""")
    page.wait_for_timeout(300)
    page.close()
    return sum(bytes_of.values()), {kind: round(size, 1) for kind, size in bytes_of.items()}


def handle(bench: Bench) -> None:
    """What is done with a call in hand, each state of it looked at."""
    page, line = bench.page, bench.page.locator("#talk-line")
    for key in "xkmu":
        bench.open(key, "#panel")
    page.keyboard.press("l")
    expect(line).to_contain_text("On hold")
    bench.check("on hold")
    page.keyboard.press("l")
    expect(line).to_have_count(0)
    page.keyboard.press("u")
    page.get_by_role("button", name="Card number").click()
    expect(page.locator("#paused-line")).to_be_visible()
    bench.check("recording paused")
    page.keyboard.press("u")
    expect(page.locator("#paused-line")).to_have_count(0)
    page.keyboard.press("x")
    page.get_by_role("button", name="Ask Office first").click()
    expect(line).to_contain_text("talking with you", timeout=30_000)
    bench.check("consultation")
    for key, words in (("w", "You are with the customer"), ("c", "Conference")):
        page.keyboard.press(key)
        expect(line).to_contain_text(words)
        bench.check(words)
    page.keyboard.press("b")
    expect(line).to_have_count(0)


def look_first(bench: Bench) -> None:
    """A campaign whose agents look before they dial."""
    page = bench.page
    page.click("#do-leave")
    desk_in(page, "offline")
    preview = factories.make_campaign(bench.campaign.tenant, dial_method=DialMethod.PREVIEW, preview_s=600)
    factories.make_lead(preview)
    page.reload()
    join(page, preview)
    bench.check("preview, nobody shown")
    page.keyboard.press("n")
    expect(page.locator("#do-dial-shown")).to_be_enabled()
    bench.check("preview")


def run(bench: Bench, calls: int, reloads: int) -> dict[str, Any]:
    """All of it."""
    page, campaign = bench.page, bench.campaign
    weight, parts = weigh(bench.context, floor.address())
    bench.check("offline")
    page.check("#phone-number")
    bench.check("offline, telephone")
    page.check("#phone-browser")
    page.evaluate(f"({WATCH})()")
    page.add_init_script(f"({WATCH})()")
    page.reload()
    join(page, campaign)
    bench.check("paused")
    for menu in ("#phone-sound", "#pause-menu"):
        page.click(f"{menu} > summary")
        bench.check(f"paused, {menu}")
        page.keyboard.press("Escape")
    other = bench.context.new_page()
    other.goto(f"{floor.address()}/desk/")
    expect(other.locator("#phone-take")).to_be_visible()
    bench.page = other
    bench.check("phone in another tab")
    bench.page = page
    other.close()
    page.bring_to_front()
    page.click("#do-ready")
    desk_in(page, "ready")
    bench.check("ready")
    for key, name in (("?", "#shortcuts"), ("Control+k", "#command")):
        bench.open(key, name)
    for button in ("#my-callbacks", "#my-calls", "#do-parked"):
        page.click(button)
        bench.dialog(f"ready, {button}", "#panel")
    bench.call()
    bench.check("in call")
    page.click("#phone-mute")
    bench.check("in call, muted")
    page.click("#phone-mute")
    handle(bench)
    say(f"reloading {reloads} times")
    rejoined = [bench.rejoin() for _ in range(reloads)]
    page.click("#do-hang-up")
    desk_in(page, "wrapup")
    bench.check("wrap-up")
    page.click("#dispositions .disposition:has-text('…')")
    expect(page.locator("#ask-form")).to_be_visible()
    bench.check("wrap-up, a time to call back")
    bench.dispose()
    say(f"{calls} calls")
    for _ in range(calls):
        bench.one_call()
    look_first(bench)
    return {
        "reload_rejoin_ms": floor.percentiles(rejoined),
        "click_to_hangup_ms": floor.percentiles(bench.ends),
        "click_to_command_ms": floor.percentiles(bench.asked),
        "screen_pop_ms": floor.percentiles(bench.pops),
        "page_weight_kb": round(weight, 1),
        "page_weight_parts_kb": parts,
        "axe_violations": sum(len(found) for found in bench.violations.values()),
        "axe_found": bench.violations,
        "js_own_kb": round(sum(file.stat().st_size for file in (STATIC / "js").rglob("*.js")) / 1024, 1),
    }


def main() -> int:
    """Run the bench; 0 when it could be run, whatever the figures."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--calls", type=int, default=60)
    parser.add_argument("--reloads", type=int, default=8)
    options = parser.parse_args()
    if "CARRIER_TRUTH" not in os.environ:
        say("This bench needs the sandbox's Asterisk and carrier (CARRIER_TRUTH is not set).")
        return 2
    tenant = factories.make_tenant()
    factories.make_pause_code(tenant)
    user = factories.make_user(tenant)
    campaign = factories.make_campaign(tenant, dial_method=DialMethod.PROGRESSIVE)
    campaign.disposition_set.dispositions.filter(code="CALLBK").update(needs_callback=True)
    own = {"tenant": tenant, "campaign": campaign}
    HandlingSettings.objects.create(**own, may_pause_recording=True)
    MessageRecording.objects.create(**own, name="Call us", path="messages/call-us.wav", duration_ms=4000)
    office = Numbers().steady()
    TransferPreset.objects.create(**own, name="Office", phone=office, time_zone="America/New_York")
    load = os.getloadavg()[0]
    with floor.product(), tempfile.TemporaryDirectory() as folder, sync_playwright() as playwright:
        viewport = {"width": 1280, "height": 800}
        with agent_browser(playwright, Path(folder), 440, viewport=viewport) as context:
            result = run(Bench(context, user, campaign), options.calls, options.reloads)
    result["load_before"], result["cores"] = load, os.cpu_count()
    print(json.dumps(result))
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
