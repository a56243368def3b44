"""/leads/…/edit/: who gets in, writing fields, what the history says of it."""

from __future__ import annotations

from collections.abc import Callable

from django.test import Client

from dialer.campaigns.models import Campaign
from dialer.core.models import AuditEntry
from dialer.leads import bulk
from dialer.leads.models import Lead, LeadNumber
from dialer.people.models import User
from tests import factories

from .conftest import House

As = Callable[[User | None], Client]


def test_who_gets_in(house: House, campaign: Campaign, as_: As) -> None:
    lead = factories.make_lead(campaign, first_name="Ada")
    address = f"/leads/{lead.public_id}/edit/"
    for user, status in ((None, 302), (house.agent, 403), (house.manager, 403), (house.stranger, 404)):
        assert as_(user).get(address).status_code == status
        assert as_(user).post(address, {"first_name": "Eve"}).status_code == status
    assert factories.get_lead(lead.pk).first_name == "Ada"


def test_editing_says_what_and_who_and_never_the_values(house: House, campaign: Campaign, as_: As) -> None:
    lead = factories.make_lead(campaign, first_name="Ada", last_name="", phone="+12125550101", company="Kept")
    browser, address = as_(house.supervisor), f"/leads/{lead.public_id}/edit/"
    assert 'value="Ada"' in browser.get(address).content.decode()
    data = {"first_name": "Marguerite", "company": "Kept", "postal_code": "94110", "time_zone": "America/New_York"}
    browser.post(address, data)
    found = factories.get_lead(lead.pk)
    assert (found.first_name, found.company, found.postal_code, found.region) == (
        "Marguerite",
        "Kept",
        "94110",
        "US-CA",
    )
    assert set(found.time_zones) == {"America/New_York", "America/Los_Angeles"}
    entry = AuditEntry.objects.for_tenant(house.tenant).get(action="leads.edited")
    assert set(entry.data["fields"]) == {"first_name", "postal_code"}
    assert "Marguerite" not in str(entry.data)
    page = browser.get(f"/leads/{lead.public_id}/").content.decode()
    assert "First name, Postal code" in page or "Postal code, First name" in page
    assert house.supervisor.shown_name in page


def test_a_zone_that_is_named_stands_alone(house: House, campaign: Campaign, as_: As) -> None:
    lead = factories.make_lead(campaign, phone="+12125550101")
    data = {"postal_code": "94110", "time_zone": "America/Denver"}
    as_(house.supervisor).post(f"/leads/{lead.public_id}/edit/", data)
    assert factories.get_lead(lead.pk).time_zones == ["America/Denver"]
    answer = as_(house.supervisor).post(f"/leads/{lead.public_id}/edit/", {"time_zone": "Mars/Olympus"})
    assert (answer.status_code, "is not a time zone" in answer.content.decode()) == (422, True)


def test_changes_of_many_are_in_the_history(house: House, campaign: Campaign, as_: As) -> None:
    lead = factories.make_lead(campaign)
    rows = Lead.objects.for_tenant(house.tenant)
    made = bulk.change(campaign=campaign, rows=rows, action="done", target=None, by=house.supervisor)
    bulk.undo(made=made, by=house.supervisor)
    page = as_(house.supervisor).get(f"/leads/{lead.public_id}/").content.decode()
    assert "Do not call any more" in page
    assert "Undone: Do not call any more" in page


def test_other_numbers_are_added_and_taken_away(house: House, campaign: Campaign, as_: As) -> None:
    lead = factories.make_lead(campaign, phone="+12125550101")
    browser, at = as_(house.supervisor), f"/leads/{lead.public_id}/"
    assert browser.post(at + "numbers/", {"kind": "work", "number": "(312) 555-0142"}).status_code == 302
    added = lead.numbers.get()
    assert (added.phone, added.kind) == ("+13125550142", "work")
    for page in (at, at + "edit/"):
        assert "+1 312-555-0142" in browser.get(page).content.decode()
    for typed, words in (("12", "is not a telephone number"), ("212-555-0101", "is called already")):
        answer = browser.post(at + "numbers/", {"kind": "work", "number": typed})
        assert (answer.status_code, words in answer.content.decode()) == (422, True)
    assert browser.post(at + f"numbers/{added.pk}/remove/").status_code == 302
    assert browser.post(at + f"numbers/{added.pk}/remove/").status_code == 302
    assert not lead.numbers.exists()
    assert AuditEntry.objects.for_tenant(house.tenant).filter(action="leads.edited").count() == 2
    assert "Other numbers" in browser.get(at).content.decode()  # in the history


def test_who_may_change_other_numbers(house: House, campaign: Campaign, as_: As) -> None:
    lead = factories.make_lead(campaign)
    kept = LeadNumber.objects.create(tenant=house.tenant, lead=lead, phone="+13125550142", kind="work")
    for address in (f"/leads/{lead.public_id}/numbers/", f"/leads/{lead.public_id}/numbers/{kept.pk}/remove/"):
        for user, status in ((None, 302), (house.agent, 403), (house.manager, 403), (house.stranger, 404)):
            assert as_(user).post(address, {"kind": "home", "number": "212-555-0177"}).status_code == status
        assert as_(house.supervisor).get(address).status_code == 405
    assert lead.numbers.get() == kept
    other = factories.make_lead(campaign)
    assert as_(house.supervisor).post(f"/leads/{other.public_id}/numbers/{kept.pk}/remove/").status_code == 302
    assert lead.numbers.get() == kept
