"""What-if from the click to the picture: web, worker and the processes that play, all real."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator

import pytest
from django.conf import settings
from playwright.sync_api import Page, expect

from dialer.whatif.models import Simulation
from tests.history import make_history

from .floor import Floor
from .site import database_url
from .test_pages import LOOKS, check, look

OpenPage = Callable[..., Page]


@pytest.fixture
def worker(floor: Floor) -> Iterator[None]:
    """The consumer of the worker queue."""
    env = {
        **os.environ,
        "CORDBOARD_ENV": "test",
        "DJANGO_SETTINGS_MODULE": "dialer.settings.test",
        "DATABASE_URL": database_url(),
        "REDIS_URL": settings.REDIS_URL,
    }
    process = subprocess.Popen([sys.executable, "-m", "tasks.consume", "worker"], env=env, cwd=settings.BASE_DIR)
    yield
    process.send_signal(signal.SIGTERM)
    try:
        process.wait(timeout=20)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


def ask(page: Page, floor: Floor, **values: str) -> None:
    page.goto(f"/campaigns/{floor.campaign.public_id}/")
    page.get_by_role("link", name="What if").click()
    for label, value in values.items():
        page.get_by_label(label.replace("_", " ")).select_option(value)
    page.get_by_role("button", name="Simulate").click()


@pytest.mark.parametrize(("scheme", "width"), LOOKS)
def test_a_what_if_from_the_click_to_the_picture(
    floor: Floor, worker: None, open_page: OpenPage, scheme: str, width: int
) -> None:
    make_history(floor.campaign)
    page = open_page(floor.supervisor, **look(scheme, width))
    ask(page, floor, Dial_method="predictive")
    expect(page.locator("progress")).to_be_visible()
    check(page)
    expect(page.get_by_role("row", name=re.compile("Utilisation"))).to_be_visible(timeout=60_000)
    expect(page.locator("svg path.line.other")).to_have_count(2)
    assert page.url.count("?run=") == 1
    check(page)


def test_a_simulation_is_cancelled(floor: Floor, worker: None, open_page: OpenPage) -> None:
    page = open_page(floor.supervisor)
    ask(page, floor, Dial_method="predictive")
    page.get_by_role("button", name="Cancel").click()
    expect(page.get_by_text("It was cancelled.")).to_be_visible()
    assert Simulation.objects.for_tenant(floor.tenant).get().state == "cancelled"
