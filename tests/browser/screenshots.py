"""Pictures of the product, written on command:

    python -m tests.browser.screenshots [FOLDER]      (default: docs/img)

It needs DATABASE_URL, REDIS_URL and Chromium; everything shown is made in a database of its own, dropped after.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from pathlib import Path

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "dialer.settings.test")
os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"] = "1"

import django

django.setup()

from django.test.utils import setup_databases, teardown_databases
from playwright.sync_api import Page, sync_playwright

from dialer.agents.rules import Event as AgentEvent
from dialer.agents.rules import Kind as AgentKind
from dialer.agents.services import apply
from dialer.core.clock import now
from tests import switch
from tests.browser.floor import Floor, make_floor, open_as
from tests.browser.site import CHROMIUM, serve

WIDE = {"width": 1360, "height": 860}
NARROW = {"width": 360, "height": 780}


def call_up(page: Page, floor: Floor) -> None:
    """A call in hand."""
    join(page, floor)
    page.click("#do-ready")
    page.wait_for_selector("#desk[data-state=ready]")
    switch.connect(floor.campaign, floor.lead)
    page.wait_for_selector("#rec")


def join(page: Page, floor: Floor) -> None:
    """In the campaign, phone on the line."""
    page.goto("/desk/")
    page.click(f"#join-{floor.campaign.public_id}")
    page.wait_for_selector("#desk[data-state=paused]")
    switch.phone_up(floor.agent)
    page.wait_for_selector("#do-ready:enabled")


def ready(page: Page, floor: Floor) -> None:
    """Waiting."""
    join(page, floor)
    page.click("#do-ready")
    page.wait_for_selector("#desk[data-state=ready]")


def wrapup(page: Page, floor: Floor) -> None:
    """The call is over."""
    call_up(page, floor)
    call = switch.session_of(floor.agent).call_id
    assert call is not None
    switch.hang_up(call)
    page.wait_for_selector("#desk[data-state=wrapup]")


def offline(page: Page, floor: Floor) -> None:
    """In no campaign."""
    page.goto("/desk/")


def preview(page: Page, floor: Floor) -> None:
    """A lead is shown before it is dialed."""
    page.goto("/desk/")
    page.click(f"#join-{floor.preview.public_id}")
    page.wait_for_selector("#desk[data-state=paused]")
    switch.phone_up(floor.agent)
    page.click("#do-next:enabled")
    page.wait_for_selector("#do-dial-shown")


def close_desk(floor: Floor) -> None:
    """Back to no campaign, so that the next picture starts afresh."""
    from dialer.agents.models import AgentSession
    from dialer.calls import services as calls

    session = AgentSession.objects.for_tenant(floor.tenant).filter(user=floor.agent, ended_at=None).first()
    if session is None:
        return
    if session.call_id is not None and session.state != "wrapup":
        switch.hang_up(session.call_id)
    if session.call_id is not None:
        calls.dispose(session_id=session.pk, code="SALE", by=floor.agent)
    apply(session_id=session.pk, event=AgentEvent(AgentKind.LEAVE_ASKED), at=now())


DESKS: dict[str, Callable[[Page, Floor], None]] = {
    "desk": call_up,
    "desk-offline": offline,
    "desk-paused": join,
    "desk-ready": ready,
    "desk-wrapup": wrapup,
    "desk-preview": preview,
}


def shoot(folder: Path) -> None:
    """Write every picture: the desk's states, then the other pages, light and dark, wide and narrow."""
    folder.mkdir(parents=True, exist_ok=True)
    with serve() as site, sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        floor = make_floor()
        for scheme, size, mark in (("light", WIDE, ""), ("dark", WIDE, "-dark"), ("light", NARROW, "-narrow")):
            for name, arrange in DESKS.items():
                page = open_as(browser, site.address, floor.agent, color_scheme=scheme, viewport=size)
                arrange(page, floor)
                page.screenshot(path=str(folder / f"{name}{mark}.png"))
                page.context.close()
                close_desk(floor)
        pages = {
            "campaigns": (floor.admin, "/campaigns/"),
            "campaign": (floor.admin, f"/campaigns/{floor.campaign.public_id}/"),
            "campaign-form": (floor.admin, f"/campaigns/{floor.campaign.public_id}/edit/"),
            "leads": (floor.supervisor, f"/lists/{floor.leads.public_id}/"),
            "import": (floor.supervisor, f"/campaigns/{floor.campaign.public_id}/lists/new/"),
            "calls": (floor.supervisor, "/calls/"),
            "agents": (floor.manager, "/agents/"),
            "dnc": (floor.supervisor, "/dnc/?number=2125550100"),
            "users": (floor.admin, "/users/"),
            "user": (floor.admin, "/users/new/"),
            "dispositions": (floor.admin, f"/disposition-sets/{floor.campaign.disposition_set_id}/"),
        }
        for scheme, size, mark in (("light", WIDE, ""), ("dark", WIDE, "-dark"), ("light", NARROW, "-narrow")):
            for name, (user, address) in pages.items():
                page = open_as(browser, site.address, user, color_scheme=scheme, viewport=size)
                page.goto(address)
                page.screenshot(path=str(folder / f"{name}{mark}.png"), full_page=True)
                if name == "calls":
                    page.locator("td a").first.click()
                    page.screenshot(path=str(folder / f"call{mark}.png"), full_page=True)
                page.context.close()
            page = browser.new_page(base_url=site.address, color_scheme=scheme, viewport=size)
            page.goto("/sign-in/")
            page.screenshot(path=str(folder / f"sign-in{mark}.png"))
            page.close()
        browser.close()


def main() -> None:
    """Make a database, shoot, drop it."""
    folder = Path(sys.argv[1] if len(sys.argv) > 1 else "docs/img")
    made = setup_databases(verbosity=0, interactive=False)
    try:
        shoot(folder)
    finally:
        teardown_databases(made, verbosity=0)


if __name__ == "__main__":
    main()
