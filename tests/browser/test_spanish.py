"""The pages of those who lead, in Spanish on a telephone: nothing sticks out, and pushes speak Spanish, too."""

from __future__ import annotations

import os
import re
from urllib.parse import quote

from playwright.sync_api import expect

from dialer.people.models import User
from tests import factories, switch

from .floor import STICKING_OUT, Floor
from .test_floor import OpenPage, a_day, busy

SHOTS = os.environ.get("SPANISH_SHOTS", "")
ENGLISH = re.compile(r"\b(the|and|with|calls?|agents?|leads?|save|remove|when|why|stop|since|none)\b", re.IGNORECASE)
"""Words that no Spanish sentence has."""
OURS = """() => [...document.querySelectorAll("main :is(h1, h2, th, dt, label, button, a.button), nav a")]
  .map((one) => one.innerText)"""
NAMES = {"Harbour", "Win-back", "Front desk", "Berths", "Break", "Lunch", "Training"}


def test_leaders_pages_in_spanish(floor: Floor, open_page: OpenPage) -> None:
    busy(floor)
    a_day(floor)
    call = factories.make_call(floor.campaign)
    switch.tell(call.pk, switch.Kind.EXPIRED, reason="stopped")
    User.objects.filter(pk=floor.admin.pk).update(language="es")
    page = open_page(floor.admin, viewport={"width": 360, "height": 800})
    campaign = floor.campaign.public_id
    seen: dict[str, list[str]] = {}
    for address in (
        *("/floor/", f"/floor/campaign/{campaign}/", "/floor/agents/", "/floor/stop/", "/floor/tv-links/"),
        *("/floor/alerts/", "/floor/views/", f"/calls/{call.pk}/", f"/campaigns/{campaign}/lists/", "/dnc/"),
        *(f"/lists/{floor.leads.public_id}/", f"/leads/{floor.lead.public_id}/", f"/campaigns/{campaign}/what-if/"),
        *(f"/compliance/number/?number={quote(call.phone)}", "/compliance/lists/", "/compliance/stops/", "/privacy/"),
        *(f"/campaigns/{campaign}/dry-run/?counts=1", f"/compliance/campaigns/{campaign}/", "/floor/tv/"),
    ):
        page.goto(address)
        expect(page.locator("html")).to_have_attribute("lang", "es")
        if SHOTS:
            page.screenshot(path=f"{SHOTS}/{address.strip('/').replace('/', '-')[:40]}.png", full_page=True)
        assert page.evaluate(STICKING_OUT) == [], address
        words = [one for one in page.evaluate(OURS) if not any(name in one for name in NAMES)]
        if found := [one for one in words if ENGLISH.search(one)]:
            seen[address] = found
    assert seen == {}
    page.goto("/floor/")
    expect(page.locator("#board")).not_to_have_attribute("data-rev", "0")  # this one was pushed
    expect(page.locator("#board-as-of")).to_contain_text("Datos de las")
