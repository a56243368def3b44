"""Chromium and a live site for the browser tests."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from django.conf import settings
from django.db import connections
from playwright.sync_api import Browser, Page, Playwright, expect, sync_playwright

from dialer.people.models import User

from .floor import Floor, make_floor, open_as
from .site import CHROMIUM, Site, serve

# Playwright's synchronous API keeps an event loop in this thread; the ORM is still used by nobody else meanwhile.
os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"] = "1"


@pytest.fixture(scope="session")
def playwright_() -> Iterator[Playwright]:
    """Playwright itself, for tests that start browsers of their own."""
    if not Path(CHROMIUM).exists():
        pytest.fail(f"{CHROMIUM} is missing. Install Debian's chromium (apt-get install chromium), or set CHROMIUM.")
    expect.set_options(timeout=15_000)  # the machine may be busy with other things
    with sync_playwright() as playwright:
        yield playwright
        connections.close_all()  # those of Playwright's event loop, which nobody else would close


@pytest.fixture(scope="session")
def browser(playwright_: Playwright) -> Iterator[Browser]:
    """One Chromium for all tests."""
    launched = playwright_.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
    yield launched
    launched.close()


@pytest.fixture(scope="session")
def site(django_db_setup: None, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """One web process for all tests."""
    settings.RECORDINGS_DIR = tmp_path_factory.mktemp("recordings")
    with serve() as running:
        yield running


@pytest.fixture
def floor(transactional_db: None, site: Site) -> Floor:
    """The floor, fresh for each test."""
    return make_floor()


@pytest.fixture
def open_page(browser: Browser, site: Site) -> Iterator[Callable[..., Page]]:
    """Open pages as users; whatever was opened is closed, and no script may have failed."""
    pages: list[Page] = []
    failures: list[str] = []

    def opened(user: User, **options: object) -> Page:
        page = open_as(browser, site.address, user, **options)
        page.on("pageerror", lambda error: failures.append(str(error)))
        page.on("console", lambda line: failures.append(line.text) if "Content Security Policy" in line.text else None)
        pages.append(page)
        return page

    yield opened
    for page in pages:
        page.context.close()
    assert failures == []
