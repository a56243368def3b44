"""/campaigns/…/leads/: who gets in, searching, the file, changing many and undoing it."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import pytest
from django.test import Client
from pytest_django import DjangoAssertNumQueries

from dialer.campaigns.models import Campaign
from dialer.core.clock import now
from dialer.core.models import AuditEntry
from dialer.leads import bulk
from dialer.leads.models import BulkChange, Lead, LeadNumber
from dialer.people.models import Tenant, User
from tests import factories
from tests.importing import counts, imported

from .conftest import House
from .pages import message

As = Callable[[User | None], Client]


def at(campaign: Campaign, rest: str = "/") -> str:
    return f"/campaigns/{campaign.public_id}/leads{rest}"


def test_who_gets_in(house: House, campaign: Campaign, as_: As) -> None:
    made = BulkChange.objects.create(tenant=house.tenant, campaign=campaign, action="done", made_at=now())
    for user, status in ((None, 302), (house.agent, 403), (house.manager, 403), (house.stranger, 404)):
        for address in (at(campaign), at(campaign, ".csv")):
            assert as_(user).get(address).status_code == status
        for address in (at(campaign, "/change/"), f"/lead-changes/{made.public_id}/undo/"):
            assert as_(user).post(address).status_code == status
    assert as_(house.supervisor).get(at(campaign)).status_code == 200


@pytest.fixture
def people(campaign: Campaign) -> dict[str, Lead]:
    """Three leads, each on a list of its own."""
    made = {
        name: factories.make_lead(campaign, first_name=name, last_name="Byron", phone=f"+1212555020{place}")
        for place, name in enumerate(("Ada", "Bob", "Cleo"))
    }
    LeadNumber.objects.create(tenant=campaign.tenant, lead=made["Bob"], phone="+12125550299", kind="mobile")
    return made


def found(browser: Client, campaign: Campaign, **asked: str) -> set[str]:
    page = browser.get(at(campaign), asked).content.decode()
    return {name for name in ("Ada", "Bob", "Cleo") if f">{name} Byron<" in page}


def test_searching(house: House, campaign: Campaign, as_: As, people: dict[str, Lead]) -> None:
    browser = as_(house.supervisor)
    Lead.objects.for_tenant(house.tenant).filter(pk=people["Cleo"].pk).update(state="done")
    assert found(browser, campaign) == {"Ada", "Bob", "Cleo"}
    assert found(browser, campaign, q="(212) 555-0200") == {"Ada"}
    assert found(browser, campaign, q="212 555 0299") == {"Bob"}
    assert found(browser, campaign, q="byr ad") == {"Ada"}
    assert found(browser, campaign, state="done") == {"Cleo"}
    assert found(browser, campaign, list=str(people["Bob"].list.public_id)) == {"Bob"}
    for nonsense in ({"q": "%"}, {"q": "\0"}, {"state": "zzz"}, {"list": "x"}, {"after": "9" * 30}, {"q": "5" * 90}):
        assert browser.get(at(campaign), nonsense).status_code == 200
    other = factories.make_lead(factories.make_campaign(house.tenant), first_name="Bob", last_name="Byron")
    assert str(other.public_id) not in browser.get(at(campaign), {"q": "Bob"}).content.decode()


def test_conditions_narrow_the_search_the_file_and_the_change(
    house: House, campaign: Campaign, as_: As, people: dict[str, Lead]
) -> None:
    browser = as_(house.supervisor)
    Lead.objects.for_tenant(house.tenant).filter(pk=people["Cleo"].pk).update(attempts=3, company="Ship & Co")
    asked = {"field-0": "attempts", "op-0": "at_least", "value-0": "2"}
    assert found(browser, campaign, **asked) == {"Cleo"}
    assert found(browser, campaign, q="ada", **asked) == set()
    both = {**asked, "match": "any", "field-1": "first_name", "op-1": "is", "value-1": "bob"}
    assert found(browser, campaign, **both) == {"Bob", "Cleo"}
    page = browser.get(at(campaign), both).content.decode()
    assert 'name="value-1" value="bob"' in page, "the change of all asks the same"
    assert "value-1=bob" in page, "and so does the file"
    text = b"".join(browser.get(at(campaign, ".csv"), both)).decode("utf-8-sig")
    assert ("Bob" in text, "Cleo" in text, "Ada" in text) == (True, True, False)
    assert AuditEntry.objects.for_tenant(house.tenant).get(action="leads.exported").data == {
        "conditions": ["attempts at_least", "first_name is"]
    }
    wrong = browser.get(at(campaign), {**asked, "value-0": "many"})
    assert "“many” is no number" in wrong.content.decode()
    assert found(browser, campaign, **{**asked, "value-0": "many"}) == set()
    answer = browser.post(at(campaign, "/change/"), {**both, "action": "done"})
    assert "value-1=bob" in answer["Location"]
    states = {lead.first_name: lead.state for lead in Lead.objects.for_tenant(house.tenant)}
    assert states == {"Ada": "waiting", "Bob": "done", "Cleo": "done"}
    row = browser.get(f"/campaigns/{campaign.public_id}/filter/0/", {"field-0": "created_at"})
    assert row.status_code == 200


def test_pages_and_their_queries(
    house: House, campaign: Campaign, as_: As, django_assert_max_num_queries: DjangoAssertNumQueries
) -> None:
    factories.make_leads(factories.make_list(campaign), 60)
    browser = as_(house.supervisor)
    with django_assert_max_num_queries(12):
        page = browser.get(at(campaign)).content.decode()
    assert page.count('data-label="Lead"') == 50
    after = page.split("after=")[1].split('"')[0]
    assert browser.get(at(campaign), {"after": after}).content.decode().count('data-label="Lead"') == 10


def test_the_file_has_what_was_found_and_runs_nothing(
    house: House, campaign: Campaign, as_: As, people: dict[str, Lead]
) -> None:
    Lead.objects.for_tenant(house.tenant).filter(pk=people["Bob"].pk).update(company="=cmd|' /C calc'!A0")
    answer = as_(house.supervisor).get(at(campaign, ".csv"), {"q": "bob"})
    text = b"".join(answer).decode("utf-8-sig")
    header, line = text.splitlines()
    assert header.startswith("phone,first_name,last_name,company")
    assert line.startswith("+12125550201,Bob,Byron,'=cmd|' /C calc'!A0,")
    assert "+12125550299" in line
    assert AuditEntry.objects.for_tenant(house.tenant).filter(action="leads.exported").count() == 1
    again = imported(factories.make_campaign(house.tenant), text, scope="list")
    assert counts(again) == {"added": 1}
    lead = Lead.objects.for_tenant(house.tenant).get(campaign=again.campaign)
    assert (lead.company, lead.numbers.get().phone) == ("=cmd|' /C calc'!A0", "+12125550299")


def test_who_sees_no_numbers_gets_no_file(house: House, campaign: Campaign, as_: As, people: dict[str, Lead]) -> None:
    Tenant.objects.filter(pk=house.tenant.pk).update(numbers_hidden_from=["supervisor"])
    browser = as_(house.supervisor)
    assert browser.get(at(campaign, ".csv")).status_code == 403
    assert "555-0200" not in browser.get(at(campaign)).content.decode()
    assert as_(house.admin).get(at(campaign, ".csv")).status_code == 200


def test_a_long_file_comes_in_pieces(
    house: House, campaign: Campaign, as_: As, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("dialer.leads.export.PIECE", 7)
    leads = factories.make_leads(factories.make_list(campaign), 21)
    text = b"".join(as_(house.supervisor).get(at(campaign, ".csv"))).decode("utf-8-sig")
    assert [line.split(",")[0] for line in text.splitlines()[1:]] == [lead.phone for lead in leads]


def state(lead: Lead) -> tuple[str, str, int]:
    lead.refresh_from_db()
    return lead.state, lead.list.name, lead.priority


@pytest.mark.parametrize("action", ["again", "done", "move"])
def test_changing_many_and_undoing_it(
    house: House, campaign: Campaign, as_: As, people: dict[str, Lead], action: str
) -> None:
    browser = as_(house.supervisor)
    target = factories.make_list(campaign, name="Target", priority=9)
    later = now() + timedelta(days=3)
    rows = Lead.objects.for_tenant(house.tenant)
    rows.update(next_attempt_at=later)
    rows.filter(pk=people["Cleo"].pk).update(state="reserved")
    before = {name: state(lead) for name, lead in people.items()}
    answer = browser.post(at(campaign, "/change/"), {"q": "byron", "action": action, "target": str(target.public_id)})
    assert "2 leads were changed" in browser.get(answer["Location"]).content.decode()
    changed = {name: state(lead) for name, lead in people.items()}
    assert changed["Cleo"] == before["Cleo"]
    expected = {"again": "waiting", "done": "done", "move": "waiting"}[action]
    assert changed["Ada"][0] == expected
    assert (changed["Ada"][1:] == ("Target", 9)) == (action == "move")
    assert (people["Ada"].next_attempt_at < later) == (action == "again")
    made = BulkChange.objects.for_tenant(house.tenant).get()
    rows.filter(pk=people["Bob"].pk).update(attempts=1)  # called since
    bob = state(people["Bob"])
    answer = browser.post(f"/lead-changes/{made.public_id}/undo/")
    said = browser.get(answer["Location"]).content.decode()
    assert "1 lead is as it was. The others were called" in said
    assert state(people["Ada"]) == before["Ada"]
    assert people["Ada"].next_attempt_at == later
    assert state(people["Bob"]) == bob
    assert bulk.undo(made=made, by=house.supervisor) == 0


def test_a_promised_call_is_left(house: House, campaign: Campaign, people: dict[str, Lead]) -> None:
    rows = Lead.objects.for_tenant(house.tenant)
    rows.filter(pk=people["Ada"].pk).update(priority=20_000)
    made = bulk.change(campaign=campaign, rows=rows, action="done", target=None, by=house.supervisor)
    assert made.count == 2
    assert state(people["Ada"])[0] == "waiting"


def test_what_cannot_be_done(house: House, campaign: Campaign, as_: As, monkeypatch: pytest.MonkeyPatch) -> None:
    browser = as_(house.supervisor)
    foreign = factories.make_list(factories.make_campaign(house.tenant))
    factories.make_leads(factories.make_list(campaign), 3)
    for data in ({}, {"action": "erase"}, {"action": "move"}, {"action": "move", "target": str(foreign.public_id)}):
        answer = browser.post(at(campaign, "/change/"), data)
        assert "Choose what to do" in message(browser.get(answer["Location"]))
    monkeypatch.setattr(bulk, "MOST", 2)
    answer = browser.post(at(campaign, "/change/"), {"action": "done"})
    assert "more than 2 leads" in message(browser.get(answer["Location"]))
    assert not BulkChange.objects.for_tenant(house.tenant).exists()
    assert not Lead.objects.for_tenant(house.tenant).filter(state="done").exists()
    browser.post(at(campaign, "/change/"), {"action": "done", "state": "zzz"})
    assert not Lead.objects.for_tenant(house.tenant).filter(state="done").exists()
