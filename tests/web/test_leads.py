"""Lists and leads: seeing them, switching lists."""

from __future__ import annotations

from collections.abc import Callable

from django.test import Client
from pytest_django import DjangoAssertNumQueries

from dialer.campaigns.models import Campaign, LeadList
from dialer.people.models import User
from tests import factories

from .conftest import House
from .pages import message

As = Callable[[User | None], Client]


def lists(house: House) -> int:
    return LeadList.objects.for_tenant(house.tenant).count()


def test_who_gets_in(house: House, campaign: Campaign, as_: As) -> None:
    lead = factories.make_lead(campaign, first_name="Marguerite")
    at = f"/campaigns/{campaign.public_id}/lists/"
    for address in (at, f"{at}new/", f"/lists/{lead.list.public_id}/", f"/leads/{lead.public_id}/"):
        assert as_(None).get(address).status_code == 302
        assert as_(house.agent).get(address).status_code == 403
        assert as_(house.manager).get(address).status_code == 403
        assert as_(house.supervisor).get(address).status_code == 200
        assert as_(house.stranger).get(address).status_code == 404
    assert as_(house.stranger).post(f"/lists/{lead.list.public_id}/active/").status_code == 404
    assert "Marguerite" in as_(house.supervisor).get(f"/leads/{lead.public_id}/").content.decode()
    assert lists(house) == 1


def test_switching_a_list(house: House, campaign: Campaign, as_: As) -> None:
    lead_list = factories.make_list(campaign)
    address = f"/lists/{lead_list.public_id}/active/"
    for value, active in (("0", False), ("0", False), ("1", True)):
        as_(house.supervisor).post(address, {"active": value})
        assert LeadList.objects.for_tenant(house.tenant).get().is_active is active


def test_lists_of_another_team_s_campaign_are_not_there(house: House, campaign: Campaign, as_: As) -> None:
    lead = factories.make_lead(campaign)
    campaign.teams.add(factories.make_team(house.tenant))
    toggle = f"/lists/{lead.list.public_id}/active/"
    for rest in (f"campaigns/{campaign.public_id}/lists/", f"lists/{lead.list.public_id}/", f"leads/{lead.public_id}/"):
        assert as_(house.supervisor).get(f"/{rest}").status_code == 404
        assert as_(house.admin).get(f"/{rest}").status_code == 200
    assert as_(house.supervisor).post(toggle, {"active": "0"}).status_code == 404
    assert LeadList.objects.for_tenant(house.tenant).get().is_active
    page = as_(house.admin).post(toggle, {"active": "0"}, follow=True).content.decode()
    assert "is no longer dialed" in page


def test_leads_are_paged(
    house: House, campaign: Campaign, as_: As, django_assert_max_num_queries: DjangoAssertNumQueries
) -> None:
    lead_list = factories.make_list(campaign)
    factories.make_leads(lead_list, 51)
    factories.make_leads(lead_list, 1, state="done", refused_rule="dnc", last_outcome="no_answer")
    browser = as_(house.supervisor)
    address = f"/lists/{lead_list.public_id}/"
    with django_assert_max_num_queries(7):
        page = browser.get(address).content.decode()
    assert page.count('data-label="Lead"') == 50
    after = page.split("after=")[1].split('"')[0]
    assert browser.get(f"{address}?after={after}").content.decode().count('data-label="Lead"') == 2
    done = browser.get(f"{address}?state=done").content.decode()
    assert "On the do-not-call list" in done
    assert "No answer" in done
    for nonsense in ("?after=x", "?after=-1", "?after=" + "9" * 30, "?state=zzz", "?after=%00"):
        assert browser.get(address + nonsense).status_code == 200


def test_a_lead_shows_its_calls_and_verdicts(house: House, campaign: Campaign, as_: As) -> None:
    lead = factories.make_lead(campaign)
    factories.make_call(campaign, lead=lead)
    page = as_(house.supervisor).get(f"/leads/{lead.public_id}/").content.decode()
    assert "Allowed" in page
    assert "Queued" in page
    assert message(as_(house.supervisor).get(f"/leads/{lead.public_id}/")) == ""
