"""Pacing on the campaign's page: loaded on its own, moved by pushes, the same for everybody's eyes."""

from __future__ import annotations

import math
from collections.abc import Callable
from datetime import timedelta

import pytest
from playwright.sync_api import Page, expect

from dialer.agents.models import AgentSession
from dialer.calls import placing
from dialer.calls.models import PacingDecision
from dialer.campaigns.models import Campaign
from dialer.compliance.abandonment import Counts
from dialer.compliance.ledger import book, today_of
from dialer.core.clock import now
from tests import factories

from .floor import Floor
from .test_pages import LOOKS, check, look

OpenPage = Callable[..., Page]


def predictive(floor: Floor) -> Campaign:
    """A predictive campaign with an hour of decisions behind it."""
    campaign = floor.campaign
    Campaign.objects.for_tenant(floor.tenant).filter(pk=campaign.pk).update(dial_method="predictive", seats=12)
    campaign.refresh_from_db()
    for _ in range(3):
        factories.make_session(campaign)
    placing.pace(campaign_id=campaign.pk)  # which compares the ledger first
    today = today_of(floor.tenant, now())
    book(tenant_id=floor.tenant.pk, campaign_id=campaign.pk, day=today, change=Counts(1204, 27))
    row = PacingDecision.objects.for_tenant(floor.tenant).filter(campaign=campaign).first()
    assert row is not None
    for minutes in range(58, 2, -5):
        row.pk, row.at = None, now() - timedelta(minutes=minutes)
        wave = 3.0 + 1.5 * math.sin(minutes / 9)
        row.forecast = {"answers": wave, "free": 3.2}
        row.answers, row.freed, row.abandoned, row.risked = round(wave + minutes % 2 - 0.5), 3, 0, 0.4
        row.save()
    return campaign


@pytest.mark.parametrize(("scheme", "width"), LOOKS)
def test_the_reason_is_pushed_and_everything_is_accessible(
    floor: Floor, open_page: OpenPage, scheme: str, width: int
) -> None:
    campaign = predictive(floor)
    page = open_page(floor.supervisor, **look(scheme, width))
    page.goto(f"/campaigns/{campaign.public_id}/")
    expect(page.locator("#pacing-reason")).to_contain_text("within 8 s")
    expect(page.locator("#pacing-panel svg.chart polyline")).to_have_count(2)
    check(page)
    page.get_by_text("The last decisions").click()
    check(page)
    page.screenshot(path=f"/tmp/wiring-{scheme}.png", full_page=True)
    AgentSession.objects.for_tenant(floor.tenant).filter(campaign=campaign).update(state="paused")
    placing.pace(campaign_id=campaign.pk)
    expect(page.locator("#pacing-reason")).to_contain_text("No agent is")


def test_a_supervisor_changes_the_method_on_the_page(floor: Floor, open_page: OpenPage) -> None:
    page = open_page(floor.supervisor)
    page.goto(f"/campaigns/{floor.campaign.public_id}/")
    page.get_by_label("Dial method").select_option("blended")
    page.get_by_role("button", name="Set the method").click()
    expect(page.get_by_role("status").filter(has_text="Blended")).to_be_visible()
    expect(page.get_by_label("Dial method")).to_have_value("blended")
