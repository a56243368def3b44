"""Queues and the card of somebody who called, in a real browser: accessible, light and dark, wide and narrow."""

from __future__ import annotations

import pytest
from playwright.sync_api import expect

from dialer.calls import incoming, services
from dialer.core.clock import now
from dialer.core.ids import new_id
from tests import factories, switch

from .floor import Floor
from .test_desk import OpenPage, desk_in, join
from .test_pages import LOOKS, check, look


@pytest.mark.parametrize(("scheme", "width"), LOOKS)
def test_queues_are_accessible(floor: Floor, open_page: OpenPage, scheme: str, width: int) -> None:
    queue = factories.make_queue(floor.campaign, floor.manual, name="Harbour service", opens=540, closes=1050)
    factories.make_did(queue, "+16465550177")
    page = open_page(floor.admin, **look(scheme, width))
    page.goto("/queues/")
    expect(page.get_by_role("link", name="Harbour service")).to_be_visible()
    check(page)
    page.get_by_role("link", name="Harbour service").click()
    expect(page.get_by_label("Open from")).to_have_value("09:00")
    check(page)
    page.goto("/floor/")
    expect(page.get_by_role("heading", name="Queues")).to_be_visible()
    check(page)


@pytest.mark.parametrize(("scheme", "width"), LOOKS)
def test_the_card_of_a_caller_pops(floor: Floor, open_page: OpenPage, scheme: str, width: int) -> None:
    did = factories.make_did(factories.make_queue(floor.campaign, name="Harbour service"), "+16465550177")
    page = open_page(floor.agent, **look(scheme, width))
    join(page, floor)
    page.keyboard.press("r")
    desk_in(page, "ready")
    taken = incoming.take(call_id=new_id(), dialed=did.phone, caller=floor.lead.phone, at=now())
    assert taken is not None
    services.apply_event(call_id=taken.call.pk, event=taken.then, at=now())
    switch.bridge(taken.call.pk)
    desk_in(page, "in_call")
    expect(page.locator("#who-name")).to_contain_text("Marguerite Delacroix")
    expect(page.locator("#who-queue")).to_contain_text("queue Harbour service")
    expect(page.get_by_text("They called you")).to_be_visible()
    check(page)
    page.keyboard.press("x")
    transfer = page.get_by_role("button", name="Transfer to Harbour service")
    expect(transfer).to_be_visible()
    check(page)
