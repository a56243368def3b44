"""A campaign's history and undo, its copies, the archive, its filter: each with who may."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from django.test import Client

from dialer.campaigns.models import Campaign, CampaignChange, CustomField, RecycleRule, ScriptAnswer, ScriptPage
from dialer.core.models import AuditEntry
from dialer.people.models import User
from tests import factories

from .conftest import House
from .pages import message
from .test_campaigns import form_of, fresh

As = Callable[[User | None], Client]


def at(campaign: Campaign, rest: str) -> str:
    return f"/campaigns/{campaign.public_id}/{rest}"


@pytest.mark.parametrize("rest", ["copy/", "filter/"])
def test_pages_for_admins(house: House, campaign: Campaign, as_: As, rest: str) -> None:
    assert as_(None).get(at(campaign, rest)).status_code == 302
    assert as_(house.agent).get(at(campaign, rest)).status_code == 403
    assert as_(house.supervisor).get(at(campaign, rest)).status_code == 403
    assert as_(house.stranger).get(at(campaign, rest)).status_code == 404
    assert as_(house.admin).get(at(campaign, rest)).status_code == 200


def test_the_history_for_leaders_and_what_changes_it_for_admins(house: House, campaign: Campaign, as_: As) -> None:
    as_(house.admin).post(at(campaign, "edit/"), form_of(campaign, wrapup_s=33))
    assert as_(house.agent).get(at(campaign, "changes/")).status_code == 403
    assert as_(house.stranger).get(at(campaign, "changes/")).status_code == 404
    assert "33" in as_(house.supervisor).get(at(campaign, "changes/")).content.decode()
    for rest in ("changes/1/undo/", "archive/"):
        assert as_(house.supervisor).post(at(campaign, rest)).status_code == 403
        assert as_(house.stranger).post(at(campaign, rest)).status_code == 404
        assert as_(house.admin).get(at(campaign, rest)).status_code == 405
    assert as_(house.admin).post(at(campaign, "changes/9/undo/")).status_code == 404


def test_each_change_is_kept_and_undone_as_a_new_one(house: House, campaign: Campaign, as_: As) -> None:
    browser = as_(house.admin)
    browser.post(at(campaign, "edit/"), form_of(campaign, wrapup_s=33, teams=[house.team.pk]))
    as_(house.supervisor).post(at(campaign, "method/"), {"dial_method": "ratio"})
    browser.post(at(campaign, "edit/"), form_of(fresh(campaign), teams=[house.team.pk]))  # nothing new
    first, second = CampaignChange.objects.for_tenant(house.tenant).order_by("number")
    assert set(first.changed) == {"wrapup_s", "teams", "may_cancel"}  # the form's own default of the last is “no”
    assert (first.by, first.changed["teams"]["is"]) == (house.admin, house.team.name)
    assert second.changed["dial_method"] == {
        "before": "progressive", "after": "ratio", "was": "Progressive", "is": "Ratio"
    }  # fmt: skip
    answer = browser.post(at(campaign, "changes/1/undo/"), follow=True)
    assert "Change 1 is undone" in message(answer) or "Change 1 is undone" in answer.content.decode()
    now = fresh(campaign)
    assert (now.wrapup_s, list(now.teams.all()), now.dial_method) == (60, [], "ratio")
    third = CampaignChange.objects.for_tenant(house.tenant).get(number=3)
    assert third.undoes == first
    browser.post(at(campaign, "changes/3/undo/"))  # undoing the undoing
    assert (fresh(campaign).wrapup_s, fresh(campaign).teams.get()) == (33, house.team)
    assert AuditEntry.objects.for_tenant(house.tenant).filter(action="campaign.undone").count() == 2


def test_script_fields_and_calling_rules_are_kept_and_undone(house: House, campaign: Campaign, as_: As) -> None:
    browser = as_(house.admin)
    first = ScriptPage.objects.create(tenant=house.tenant, campaign=campaign, title="Hello", body="Good day")
    offer = ScriptPage.objects.create(tenant=house.tenant, campaign=campaign, title="Offer", body="Buy", position=1)
    ScriptAnswer.objects.create(tenant=house.tenant, page=first, label="Yes", leads_to=offer)
    browser.post(at(campaign, f"script/{offer.pk}/delete/"))
    browser.post(at(campaign, "fields/new/"), {"name": "boat", "label": "Boat", "kind": "text", "position": 0})
    terms = {"purpose": "debt", "consent": "", "attempts": 2, "reassigned_days": 0}
    browser.post(f"/compliance/campaigns/{campaign.public_id}/", terms)
    made = CampaignChange.objects.for_tenant(house.tenant).order_by("number")
    assert [sorted(one.changed) for one in made] == [["script"], ["fields"], ["terms"]]
    page = browser.get(at(campaign, "changes/")).content.decode()
    assert "Offer: Buy" in page
    assert "boat: Boat" in page
    assert "Debt collection" in page
    for number in (3, 2, 1):
        assert browser.post(at(campaign, f"changes/{number}/undo/")).status_code == 302
    pages = {page.title: page for page in ScriptPage.objects.for_tenant(house.tenant)}
    assert {title: page.body for title, page in pages.items()} == {"Hello": "Good day", "Offer": "Buy"}
    answer = ScriptAnswer.objects.for_tenant(house.tenant).get()
    assert (answer.page, answer.label, answer.leads_to) == (first, "Yes", pages["Offer"])
    assert not CustomField.objects.for_tenant(house.tenant).exists()
    campaign.terms.refresh_from_db()
    assert (campaign.terms.purpose, campaign.terms.attempts) == ("service", 0)


def test_recycle_rules_are_undone_too(house: House, campaign: Campaign, as_: As) -> None:
    from .test_recycling import sent

    browser = as_(house.admin)
    browser.post(f"/calls/recycling/{campaign.public_id}/", sent(campaign, **{"outcome-busy-delay_min": 10}))
    browser.post(f"/calls/recycling/{campaign.public_id}/", sent(campaign, **{"outcome-busy-delay_min": 20}))
    browser.post(at(campaign, "changes/2/undo/"))
    assert RecycleRule.objects.for_tenant(house.tenant).get().delay_min == 10
    browser.post(at(campaign, "changes/1/undo/"))
    assert not RecycleRule.objects.for_tenant(house.tenant).exists()


def test_what_is_not_possible_any_more_is_not_undone(house: House, campaign: Campaign, as_: As) -> None:
    browser = as_(house.admin)
    browser.post(at(campaign, "edit/"), form_of(campaign, name="Second"))
    factories.make_campaign(house.tenant, name=campaign.name, disposition_set=campaign.disposition_set)
    answer = browser.post(at(campaign, "changes/1/undo/"), follow=True)
    assert "cannot be undone" in message(answer)
    assert fresh(campaign).name == "Second"
    assert CampaignChange.objects.for_tenant(house.tenant).count() == 1


def test_a_copy_has_everything_but_leads(house: House, campaign: Campaign, as_: As) -> None:
    tenant = house.tenant
    factories.make_lead(campaign)
    campaign.teams.set([house.team])
    CustomField.objects.create(tenant=tenant, campaign=campaign, name="berth", label="Berth")
    pages = [ScriptPage.objects.create(tenant=tenant, campaign=campaign, title=one, body="x") for one in ("A", "B")]
    ScriptAnswer.objects.create(tenant=tenant, page=pages[0], label="Yes", leads_to=pages[1])
    RecycleRule.objects.create(tenant=tenant, campaign=campaign, outcome="busy", delay_min=5)
    browser = as_(house.admin)
    assert "already" in browser.post(at(campaign, "copy/"), {"name": campaign.name}).content.decode()
    browser.post(at(campaign, "copy/"), {"name": "Twin"})
    twin = Campaign.objects.for_tenant(tenant).get(name="Twin")
    assert (twin.status, twin.caller_id, twin.disposition_set) == (
        "stopped", campaign.caller_id, campaign.disposition_set
    )  # fmt: skip
    assert twin.public_id != campaign.public_id
    assert list(twin.teams.all()) == [house.team]
    assert twin.custom_fields.get().name == "berth"
    assert twin.recycle_rules.get().delay_min == 5
    answer = ScriptAnswer.objects.for_tenant(tenant).get(page__campaign=twin)
    assert (answer.page.title, answer.leads_to.title, answer.leads_to.campaign) == ("A", "B", twin)
    assert not twin.lists.exists()
    assert campaign.script_pages.count() == 2


def test_the_archive(house: House, campaign: Campaign, as_: As) -> None:
    browser = as_(house.admin)
    assert "in use" in message(browser.post(at(campaign, "archive/"), follow=True))
    browser.post(at(campaign, "stop/"))
    session = factories.make_session(campaign, house.agent, state="paused")
    assert "in use" in message(browser.post(at(campaign, "archive/"), follow=True))
    type(session).objects.for_tenant(house.tenant).update(
        ended_at=session.started_at, state="offline", pause_code="", leg="down"
    )
    browser.post(at(campaign, "archive/"))
    assert fresh(campaign).archived_at is not None
    assert campaign.name not in browser.get("/campaigns/").content.decode().split("archived")[-1]
    assert campaign.name in browser.get("/campaigns/?archived=1").content.decode()
    factories.make_lead(campaign)
    assert "It is archived" in message(browser.post(at(campaign, "start/"), follow=True))
    assert fresh(campaign).status == "stopped"
    browser.post(at(campaign, "archive/"), {"back": "1"})
    browser.post(at(campaign, "start/"))
    assert fresh(campaign).status == "active"


def test_the_filter_s_editor(house: House, campaign: Campaign, as_: As) -> None:
    where = factories.make_list(campaign)
    factories.make_leads(where, 2, company="Byron")
    factories.make_leads(where, 1)
    browser = as_(house.admin)
    data = {"match": "any", "field-0": "company", "op-0": "contains", "value-0": "byr", "field-3": "attempts",
            "op-3": "at_least", "value-3": "4"}  # fmt: skip
    counted = browser.post(at(campaign, "filter/count/"), data).content.decode()
    assert "2 / 3" in counted
    begun = {"field-1": "attempts", "field-2": "city", "op-2": "is", "value-2": ""}
    assert "2 / 3" in browser.post(at(campaign, "filter/count/"), {**data, **begun}).content.decode()
    assert not fresh(campaign).lead_filter
    browser.post(at(campaign, "filter/"), data)
    assert fresh(campaign).lead_filter == {
        "match": "any",
        "conditions": [
            {"field": "company", "op": "contains", "value": "byr"},
            {"field": "attempts", "op": "at_least", "value": "4"},
        ],
    }
    page = browser.get(at(campaign, "filter/")).content.decode()
    assert 'value="byr"' in page
    wrong = browser.post(at(campaign, "filter/"), {**data, "value-3": "many"}).content.decode()
    assert "“many” is no number" in wrong
    assert 'value="many"' in wrong
    row = browser.get(at(campaign, "filter/2/"), {"field-2": "created_at", "op-2": "contains"}).content.decode()
    assert 'type="date"' in row
    assert 'name="op-2"' in row
    browser.post(at(campaign, "filter/"), {"match": "all"})
    assert fresh(campaign).lead_filter == {}
    for rest in ("filter/count/", "filter/"):
        assert as_(house.stranger).post(at(campaign, rest), data).status_code == 404
        assert as_(house.supervisor).post(at(campaign, rest), data).status_code == 403
    assert as_(house.stranger).get(at(campaign, "filter/0/")).status_code == 404
