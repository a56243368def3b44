"""The compliance screens: lists, patterns, official lists, stops by state, campaigns' rules."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import pytest
from django.test import Client

from dialer.campaigns.models import Campaign
from dialer.compliance import national
from dialer.compliance.models import CampaignTerms, DncEntry, DncPattern, StateStop
from dialer.compliance.services import add_pattern, stop_region
from dialer.core.clock import now
from dialer.core.models import AuditEntry
from dialer.people.models import User

from .conftest import House
from .pages import refused

As = Callable[[User | None], Client]


def text(client: Client, address: str) -> str:
    return client.get(address).content.decode()


@pytest.mark.parametrize("address", ["/dnc/", "/compliance/lists/", "/compliance/stops/", "/compliance/number/"])
def test_who_gets_in(house: House, as_: As, address: str) -> None:
    assert as_(None).get(address).status_code == 302
    lesser = {"agent": as_(house.agent), "manager": as_(house.manager)}
    assert refused(lesser, address) == {"agent": 403, "manager": 403}
    assert as_(house.supervisor).get(address).status_code == 200
    assert as_(house.admin).get(address).status_code == 200


def test_many_numbers_at_once(house: House, as_: As, campaign: Campaign) -> None:
    browser = as_(house.supervisor)
    values = {"numbers": "212-555-0142\n\n(212) 555 0143\n2125550142\n", "kind": "litigator", "campaign": campaign.pk}
    assert browser.post("/dnc/many/", values).status_code == 302
    rows = DncEntry.objects.for_tenant(house.tenant).order_by("phone")
    assert [(row.phone, row.kind, row.campaign) for row in rows] == [
        ("+12125550142", "litigator", campaign),
        ("+12125550143", "litigator", campaign),
    ]
    page = browser.post("/dnc/many/", {**values, "numbers": "2125550142\nhello"}).content.decode()
    assert "Line 2" in page
    assert rows.count() == 2
    assert as_(house.agent).post("/dnc/many/", values).status_code == 403


def test_a_stranger_s_campaign_cannot_be_chosen(house: House, as_: As, campaign: Campaign) -> None:
    values = {"numbers": "2125550142", "kind": "dnc", "campaign": campaign.pk}
    page = as_(house.stranger).post("/dnc/many/", values)
    assert page.status_code == 200
    assert not DncEntry.objects.across_tenants().exists()


def test_patterns(house: House, as_: As) -> None:
    browser = as_(house.admin)
    assert browser.post("/dnc/patterns/", {"digits": "900", "note": "premium"}).status_code == 302
    assert browser.post("/dnc/patterns/", {"digits": "+44 909"}).status_code == 302
    assert browser.post("/dnc/patterns/", {"digits": "x"}).status_code == 200
    rows = DncPattern.objects.for_tenant(house.tenant).order_by("prefix")
    assert [row.prefix for row in rows] == ["+1900", "+44909"]
    assert as_(house.supervisor).post("/dnc/patterns/", {"digits": "901"}).status_code == 403
    address = f"/dnc/patterns/{rows[0].pk}/remove/"
    assert as_(house.stranger).post(address).status_code == 404
    assert as_(house.supervisor).post(address).status_code == 403
    assert browser.post(address).status_code == 302
    assert [row.prefix for row in rows.all()] == ["+44909"]


def test_official_lists_with_their_age(house: House, as_: As, tmp_path: Path) -> None:
    browser = as_(house.supervisor)
    assert "Missing" in text(browser, "/compliance/lists/")
    file = tmp_path / "list.txt"
    file.write_text("2125550142\n")
    national.load(path=file, name="national-us", country_code=1, as_of=now() - timedelta(days=3))
    page = text(browser, "/compliance/lists/")
    assert "In use" in page
    assert "3 of 31 days" in page
    national.load(path=file, name="national-us", country_code=1, as_of=now() - timedelta(days=32))
    assert "Too old" in text(browser, "/compliance/lists/")


def test_stops_by_state(house: House, as_: As) -> None:
    browser = as_(house.supervisor)
    choices = text(browser, "/compliance/stops/")
    for words in ("California (US-CA)", "All of Canada (CA)"):  # which are two letters each
        assert words in choices
    assert browser.post("/compliance/stops/", {"region": "US-FL", "why": "storm"}).status_code == 302
    assert "Nothing is dialed in Florida (US-FL)" in text(browser, "/compliance/stops/")
    stop = StateStop.objects.for_tenant(house.tenant).get()
    assert (stop.region, stop.by) == ("US-FL", house.supervisor)
    assert browser.post("/compliance/stops/", {"region": "US-XX"}).status_code == 200
    address = f"/compliance/stops/{stop.pk}/lift/"
    assert as_(house.stranger).post(address).status_code == 404
    assert as_(house.agent).post(address).status_code == 403
    assert browser.post(address).status_code == 302
    stop.refresh_from_db()
    assert stop.lifted_by == house.supervisor
    deeds = AuditEntry.objects.for_tenant(house.tenant).filter(subject="US-FL").order_by("seq")
    assert [deed.action for deed in deeds] == ["region.stopped", "region.stop_lifted"]


def test_what_a_campaign_says_of_itself(house: House, as_: As, campaign: Campaign) -> None:
    address = f"/compliance/campaigns/{campaign.public_id}/"
    browser = as_(house.admin)
    assert "310.4" not in text(browser, address)
    values = {"purpose": "sales", "consent": "written", "attempts": 3, "reassigned_days": 45, "wireless_by_hand": "on"}
    assert browser.post(address, values).status_code == 302
    terms = CampaignTerms.objects.for_tenant(house.tenant).get(campaign=campaign)
    assert (terms.purpose, terms.consent, terms.attempts, terms.wireless_by_hand) == ("sales", "written", 3, True)
    assert "310.4" in text(browser, address)
    assert as_(house.supervisor).get(address).status_code == 403
    assert as_(house.stranger).get(address).status_code == 404
    campaign.terms.delete()
    assert 'value="sales" selected' in text(browser, address)


def test_what_others_have_is_not_shown(house: House, as_: As) -> None:
    add_pattern(tenant_id=house.tenant.pk, prefix="+1900", note="", by=house.admin)
    stop_region(tenant_id=house.tenant.pk, region="US-FL", why="storm", by=house.admin)
    assert "+1900" not in text(as_(house.stranger), "/dnc/")
    assert "storm" not in text(as_(house.stranger), "/compliance/stops/")
