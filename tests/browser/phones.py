"""Browsers as agents' phones: a Chromium each with a tone for a microphone, and what they play."""

from __future__ import annotations

import math
import struct
import time
import wave
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from playwright.sync_api import BrowserContext, Error, Page, Playwright, expect

from dialer.campaigns.models import Campaign
from dialer.people.models import User
from tests import factories

from .site import CHROMIUM

RATE = 48_000
HEARD = """([wanted, others, element]) => new Promise((done) => {
  const context = new AudioContext(), analyser = context.createAnalyser();
  analyser.fftSize = 8192;
  context.createMediaStreamSource(document.getElementById(element).srcObject).connect(analyser);
  const bins = new Float32Array(analyser.frequencyBinCount), width = context.sampleRate / analyser.fftSize;
  const level = (hz) => Math.max(...[-1, 0, 1].map((by) => bins[Math.round(hz / width) + by]));
  const began = performance.now();
  const look = setInterval(() => {
    analyser.getFloatFrequencyData(bins);
    const found = { wanted: level(wanted), others: Math.max(...others.map(level)) };
    if (found.wanted > -60 && found.wanted > found.others + 15 || performance.now() - began > 8000) {
      clearInterval(look);
      context.close();
      done(found);
    }
  }, 100);
})"""
"""How loud (dB) the page plays a tone, and the loudest of others: at once when it is clear, else after 8 s."""


def tone(path: Path, hertz: int, seconds: int = 4) -> Path:
    """Write a tone that comes and goes five times in a second, as speech does; a steady one is taken for noise."""
    frames = bytearray()
    for at in range(RATE * seconds):
        moment = at / RATE
        swell = max(0.0, math.sin(2 * math.pi * 2.5 * moment)) ** 0.5
        frames += struct.pack("<h", int(14_000 * swell * math.sin(2 * math.pi * hertz * moment)))
    with wave.open(str(path), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(RATE)
        file.writeframes(bytes(frames))
    return path


@contextmanager
def agent_browser(playwright: Playwright, folder: Path, hertz: int, **options: object) -> Iterator[BrowserContext]:
    """A Chromium whose microphone gives a tone."""
    voice = tone(folder / f"{hertz}.wav", hertz)
    context = playwright.chromium.launch_persistent_context(
        folder / f"profile-{hertz}",
        executable_path=CHROMIUM,
        permissions=["microphone"],
        args=[
            "--no-sandbox",
            "--use-fake-device-for-media-stream",
            "--use-fake-ui-for-media-stream",
            f"--use-file-for-fake-audio-capture={voice}",
            "--autoplay-policy=no-user-gesture-required",
        ],
        **options,  # type: ignore[arg-type]
    )
    try:
        yield context
    finally:
        with suppress(Error):  # one that a test killed is closed already
            context.close()


def sign_in(context: BrowserContext, address: str, user: User, leads_to: str = "**/desk/") -> Page:
    """The page that the user comes to by signing in (an agent's is the desk), in this browser."""
    page = context.new_page()
    page.set_default_timeout(15_000)
    page.goto(f"{address}/sign-in/")
    page.fill("[name=username]", user.username)
    page.fill("[name=password]", factories.PASSWORD)
    page.press("[name=password]", "Enter")
    page.wait_for_url(leads_to)
    return page


def join(page: Page, campaign: Campaign) -> None:
    """Join with the browser phone, and wait until it is on the line."""
    expect(page.locator("#phone-browser")).to_be_checked()
    page.click(f"#join-{campaign.public_id}")
    on_the_line(page)


def on_the_line(page: Page) -> None:
    """Wait until the page and the server say that the phone is on the line."""
    expect(page.locator("#phone-word")).to_have_text("On the line", timeout=15_000)
    expect(page.locator("#desk")).to_have_attribute("data-leg", "up", timeout=15_000)


def hears(page: Page, hertz: int, *others: int, element: str = "phone-audio") -> None:
    """The page plays this tone, and none of the others."""
    found = page.evaluate(HEARD, [hertz, list(others) or [hertz // 2, hertz * 3], element])
    assert found["wanted"] > -60, found
    assert found["wanted"] > found["others"] + 15, found


def best_of(deed: Callable[[], None], within_s: float, tries: int = 3) -> float:
    """The seconds that something takes, done again while it takes too long: a machine that is busy proves nothing."""
    took = []
    for _try in range(tries):
        began = time.monotonic()
        deed()
        took.append(time.monotonic() - began)
        if took[-1] < within_s:
            break
    return min(took)
