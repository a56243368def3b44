"""/campaigns/: list, one, form, start, stop, level."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from django.test import Client
from pytest_django import DjangoAssertNumQueries

from dialer.campaigns.models import Campaign, CampaignStatus, DialMethod, LeadList
from dialer.people.models import User
from tests import factories

from .conftest import House
from .pages import message, sends_to_sign_in

As = Callable[[User | None], Client]


def form_of(campaign: Campaign, **changes: Any) -> dict[str, Any]:
    data = {
        "name": campaign.name,
        "dial_method": campaign.dial_method,
        "caller_id": campaign.caller_id,
        "dial_level": campaign.dial_level,
        "disposition_set": campaign.disposition_set_id,
        "wrapup_s": campaign.wrapup_s,
        "ring_timeout_s": campaign.ring_timeout_s,
        "connect_limit_ms": campaign.connect_limit_ms,
        "max_attempts": campaign.max_attempts,
        "max_lines": campaign.max_lines,
        "abandonment_cap": campaign.abandonment_cap,
        "seats": campaign.seats,
        "priority": campaign.priority,
        "trunk": campaign.trunk,
        "record_calls": "on",
        "amd_unsure_to_agent": "on",
    }
    return {**data, **changes}


def fresh(campaign: Campaign) -> Campaign:
    found = Campaign.objects.for_tenant(campaign.tenant_id).get(pk=campaign.pk)
    assert isinstance(found, Campaign)
    return found


def test_who_gets_in(house: House, campaign: Campaign, as_: As) -> None:
    at = f"/campaigns/{campaign.public_id}/"
    for address in ("/campaigns/", at):
        assert sends_to_sign_in(as_(None).get(address))
        assert as_(house.agent).get(address).status_code == 403
        assert as_(house.manager).get(address).status_code == 403
        assert as_(house.supervisor).get(address).status_code == 200
    for address in (f"{at}edit/", "/campaigns/new/"):
        assert as_(house.supervisor).get(address).status_code == 403
        assert as_(house.admin).get(address).status_code == 200
    for part in ("", "edit/"):
        assert as_(house.stranger).get(at + part).status_code == 404
    for part in ("edit/", "start/", "stop/", "level/", "method/"):
        assert as_(house.stranger).post(at + part).status_code == 404
        assert as_(house.agent).post(at + part).status_code == 403
    for part in ("start/", "stop/", "level/", "method/"):
        assert as_(house.supervisor).get(at + part).status_code == 405
    assert campaign.name not in as_(house.stranger).get("/campaigns/").content.decode()
    assert fresh(campaign).status == CampaignStatus.ACTIVE


def test_the_list_shows_agents_and_leads(house: House, campaign: Campaign, as_: As) -> None:
    lead_list = factories.make_list(campaign)
    factories.make_leads(lead_list, 3)
    factories.make_leads(lead_list, 1, state="done")
    factories.make_leads(factories.make_list(campaign, is_active=False), 5)
    factories.make_session(campaign)
    factories.make_session(campaign)
    factories.make_session(campaign, state="paused")
    row = as_(house.supervisor).get("/campaigns/").content.decode()
    assert 'data-label="Leads left" class="end num">3<' in row
    assert 'aria-label="Ready"' in row
    assert "state-in_call" not in row


def test_the_list_takes_the_same_queries_for_many(
    house: House, as_: As, django_assert_max_num_queries: DjangoAssertNumQueries
) -> None:
    dispositions = factories.make_dispositions(house.tenant)
    for _ in range(12):
        factories.make_campaign(house.tenant, disposition_set=dispositions)
    browser = as_(house.admin)
    with django_assert_max_num_queries(8):
        assert browser.get("/campaigns/").status_code == 200


def test_making_one(house: House, campaign: Campaign, as_: As) -> None:
    data = form_of(campaign, name="Autumn", caller_id="(212) 555-0155", teams=[house.team.pk])
    answer = as_(house.admin).post("/campaigns/new/", data)
    made = Campaign.objects.for_tenant(house.tenant).get(name="Autumn")
    assert answer["Location"] == f"/campaigns/{made.public_id}/"
    assert made.caller_id == "+12125550155"
    assert made.status == CampaignStatus.STOPPED
    assert list(made.teams.all()) == [house.team]


@pytest.mark.parametrize(
    ("field", "value", "words"),
    [
        ("caller_id", "555", "“555” is not a telephone number"),
        ("caller_id", "hello", "“hello” is not a telephone number"),
        ("ring_timeout_s", "14", "greater than or equal to 15"),
        ("ring_timeout_s", "x", "whole number"),
        ("abandonment_cap", "3.01", "less than or equal to 3.00"),
        ("abandonment_cap", "0", "greater than or equal to 0.10"),
        ("seats", "-1", "greater than or equal to 0"),
        ("connect_limit_ms", "2001", "less than or equal to 2000"),
        ("dial_level", "0.5", "greater than or equal to 1"),
        ("dial_level", "11", "less than or equal to 10"),
        ("trunk", "a b;c", "valid value"),
        ("name", "", "required"),
        ("disposition_set", "999999", "not one of the available choices"),
    ],
)
def test_bad_fields_are_named(house: House, campaign: Campaign, as_: As, field: str, value: str, words: str) -> None:
    answer = as_(house.admin).post(f"/campaigns/{campaign.public_id}/edit/", form_of(campaign, **{field: value}))
    assert answer.status_code == 200
    page = answer.content.decode()
    assert f'id="id_{field}_error"' in page
    assert words in page
    assert fresh(campaign).name == campaign.name


def test_a_name_is_taken_once(house: House, campaign: Campaign, as_: As) -> None:
    answer = as_(house.admin).post("/campaigns/new/", form_of(campaign))
    assert f"There is a campaign called “{campaign.name}” already" in answer.content.decode()
    assert as_(house.admin).post(f"/campaigns/{campaign.public_id}/edit/", form_of(campaign)).status_code == 302


def test_other_tenants_dispositions_and_teams_are_no_choice(
    house: House, campaign: Campaign, as_: As, stranger: Any
) -> None:
    foreign = factories.make_dispositions(stranger)
    team = factories.make_team(stranger)
    for data in (form_of(campaign, disposition_set=foreign.pk), form_of(campaign, teams=[team.pk])):
        assert as_(house.admin).post(f"/campaigns/{campaign.public_id}/edit/", data).status_code == 200
    assert fresh(campaign).disposition_set_id == campaign.disposition_set_id


def test_an_active_campaign_keeps_its_caller_id(house: House, campaign: Campaign, as_: As) -> None:
    answer = as_(house.admin).post(f"/campaigns/{campaign.public_id}/edit/", form_of(campaign, caller_id=""))
    assert "Stop it first" in answer.content.decode()
    assert fresh(campaign).caller_id == campaign.caller_id


def test_saving_does_not_undo_a_stop(house: House, campaign: Campaign, as_: As) -> None:
    from dialer.campaigns.forms import CampaignForm

    opened = CampaignForm(form_of(campaign, wrapup_s="30"), instance=fresh(campaign), tenant=house.tenant)
    assert opened.is_valid()
    as_(house.supervisor).post(f"/campaigns/{campaign.public_id}/stop/")
    opened.save()
    assert fresh(campaign).status == CampaignStatus.STOPPED
    assert fresh(campaign).wrapup_s == 30


def startable(campaign: Campaign) -> LeadList:
    Campaign.objects.for_tenant(campaign.tenant_id).filter(pk=campaign.pk).update(status=CampaignStatus.STOPPED)
    lead_list = factories.make_list(campaign)
    factories.make_leads(lead_list, 1)
    return lead_list


def start(browser: Client, campaign: Campaign) -> str:
    answer = browser.post(f"/campaigns/{campaign.public_id}/start/", follow=True)
    return message(answer)


def test_start_and_stop(house: House, campaign: Campaign, as_: As) -> None:
    startable(campaign)
    browser = as_(house.supervisor)
    for _ in range(2):
        assert start(browser, campaign) == ""
        assert fresh(campaign).status == CampaignStatus.ACTIVE
    for _ in range(2):
        browser.post(f"/campaigns/{campaign.public_id}/stop/")
        assert fresh(campaign).status == CampaignStatus.STOPPED


def test_start_without_a_caller_id(house: House, campaign: Campaign, as_: As) -> None:
    startable(campaign)
    Campaign.objects.for_tenant(house.tenant).filter(pk=campaign.pk).update(caller_id="")
    assert "no caller id. Edit the campaign" in start(as_(house.supervisor), campaign)
    assert fresh(campaign).status == CampaignStatus.STOPPED


def test_start_without_leads(house: House, campaign: Campaign, as_: As) -> None:
    lead_list = startable(campaign)
    browser = as_(house.supervisor)
    lead_list.leads.update(state="done")
    assert "No lead on its active lists waits" in start(browser, campaign)
    LeadList.objects.for_tenant(house.tenant).update(is_active=False)
    assert "no active list" in start(browser, campaign)
    assert fresh(campaign).status == CampaignStatus.STOPPED


def test_start_without_dispositions(house: House, campaign: Campaign, as_: As) -> None:
    startable(campaign)
    campaign.disposition_set.dispositions.all().delete()
    assert "Add at least one disposition" in start(as_(house.supervisor), campaign)


def test_a_manual_campaign_needs_no_list(house: House, manual: Campaign, as_: As) -> None:
    Campaign.objects.for_tenant(house.tenant).filter(pk=manual.pk).update(status=CampaignStatus.STOPPED)
    assert start(as_(house.supervisor), manual) == ""


def test_level(house: House, campaign: Campaign, as_: As) -> None:
    browser = as_(house.supervisor)
    address = f"/campaigns/{campaign.public_id}/level/"
    browser.post(address, {"dial_level": "2.25"})
    assert str(fresh(campaign).dial_level) == "2.25"
    for wrong in ("", "0", "11", "many", "1e9"):
        assert "is no dial level" in message(browser.post(address, {"dial_level": wrong}, follow=True))
    assert str(fresh(campaign).dial_level) == "2.25"


def test_a_supervisor_changes_the_method_while_it_runs(house: House, campaign: Campaign, as_: As) -> None:
    browser = as_(house.supervisor)
    for method in DialMethod.values:
        answer = browser.post(f"/campaigns/{campaign.public_id}/method/", {"dial_method": method})
        assert answer["Location"] == f"/campaigns/{campaign.public_id}/"
        assert fresh(campaign).dial_method == method
    answer = browser.post(f"/campaigns/{campaign.public_id}/method/", {"dial_method": "telepathy"}, follow=True)
    assert "“telepathy” is no dial method" in message(answer)
    assert fresh(campaign).dial_method == DialMethod.values[-1]


def test_changing_the_method_undoes_nothing_else(house: House, campaign: Campaign, as_: As) -> None:
    """Two supervisors at once: what one sets, the other's page does not know and must not put back."""
    Campaign.objects.for_tenant(house.tenant).filter(pk=campaign.pk).update(status=CampaignStatus.STOPPED, seats=7)
    as_(house.supervisor).post(f"/campaigns/{campaign.public_id}/method/", {"dial_method": "predictive"})
    after = fresh(campaign)
    assert (after.dial_method, after.status, after.seats) == ("predictive", CampaignStatus.STOPPED, 7)
