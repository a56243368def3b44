"""Lists and leads: seeing them, making a list of a file or pasted rows."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from pytest_django import DjangoAssertNumQueries

from dialer.campaigns.models import Campaign, LeadList
from dialer.leads.imports import MAX_ROWS, BadFile, decode, parse
from dialer.leads.models import Lead
from dialer.people.models import User
from tests import factories

from .conftest import House
from .pages import message

As = Callable[[User | None], Client]

GOOD = "phone,first_name,last_name,company,notes,time_zone\n+1 212 555 0101,Ada,Byron,Analytical,likes tea,\n"


def make(browser: Client, campaign: Campaign, **data: object) -> object:
    return browser.post(f"/campaigns/{campaign.public_id}/lists/new/", {"name": "North", "priority": "3", **data})


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
    assert make(as_(house.stranger), campaign, pasted=GOOD).status_code == 404
    assert as_(house.stranger).post(f"/lists/{lead.list.public_id}/active/").status_code == 404
    assert "Marguerite" in as_(house.supervisor).get(f"/leads/{lead.public_id}/").content.decode()
    assert lists(house) == 1


def test_pasted_rows_become_a_list(house: House, campaign: Campaign, as_: As) -> None:
    answer = make(as_(house.supervisor), campaign, pasted=GOOD)
    assert "1 lead taken" in answer.content.decode()
    lead = Lead.objects.for_tenant(house.tenant).get()
    assert (lead.phone, lead.shown_name, lead.company, lead.notes) == (
        "+12125550101",
        "Ada Byron",
        "Analytical",
        "likes tea",
    )
    assert lead.time_zones == ["America/New_York"]
    assert (lead.list.name, lead.list.priority, lead.priority) == ("North", 3, 3)


def test_bad_rows_are_told_one_by_one(house: House, campaign: Campaign, as_: As) -> None:
    rows = GOOD + "555,Short\n\n2125550102,Fine\n2125550103,Zone,,,,Mars/Olympus\n,Nobody\n"
    page = make(as_(house.supervisor), campaign, pasted=rows).content.decode()
    assert "2 leads taken, 3 rows not" in page
    for row, words in ((3, "“555”"), (6, "Mars/Olympus"), (7, "is not a telephone number")):
        assert f'<td class="end num">{row}</td>' in page
        assert words in page
    assert Lead.objects.for_tenant(house.tenant).count() == 2


def test_a_list_without_leads_is_not_kept(house: House, campaign: Campaign, as_: As) -> None:
    browser = as_(house.supervisor)
    for data in ({}, {"pasted": "   "}, {"file": SimpleUploadedFile("a.csv", b"")}):
        page = make(browser, campaign, **data).content.decode()
        assert "list without leads is not kept" in page or "file is empty" in page
    page = make(browser, campaign, pasted="phone\n123\nabc\n").content.decode()
    assert "no row could be taken" in page
    assert "“abc”" in page
    assert lists(house) == 0


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("name,company\nAda,X\n", "No column is called “phone”"),
        ('phone\n"unclosed\n' + "x" * 200_000, "cannot be read as CSV"),
        ("\ufeff\n\n", "There is nothing in it"),
    ],
)
def test_what_is_no_list(house: House, campaign: Campaign, as_: As, text: str, words: str) -> None:
    assert words in make(as_(house.supervisor), campaign, pasted=text).content.decode()
    assert lists(house) == 0


def test_files_in_every_encoding(house: House, campaign: Campaign, as_: As) -> None:
    browser = as_(house.supervisor)
    text = "last_name;PHONE;First Name\r\nMüller;212 555 0104;José\r\n"
    for number, data in enumerate((text.encode(), text.encode("utf-8-sig"), text.encode("latin-1"))):
        page = make(browser, campaign, name=f"List {number}", file=SimpleUploadedFile("a.csv", data)).content.decode()
        assert "1 lead taken" in page
    names = {lead.shown_name for lead in Lead.objects.for_tenant(house.tenant)}
    assert names == {"José Müller"}
    page = make(browser, campaign, file=SimpleUploadedFile("a.xlsx", b"PK\x03\x04\x00\x00")).content.decode()
    assert "Save the sheet as CSV" in page
    both = make(browser, campaign, pasted=GOOD, file=SimpleUploadedFile("a.csv", GOOD.encode())).content.decode()
    assert "Give one of them" in both


def test_a_name_is_taken_once_in_a_campaign(house: House, campaign: Campaign, as_: As) -> None:
    make(as_(house.supervisor), campaign, pasted=GOOD)
    assert (
        "called “North” in this campaign already" in make(as_(house.supervisor), campaign, pasted=GOOD).content.decode()
    )
    assert lists(house) == 1


def test_hostile_cells_stay_data(house: House, campaign: Campaign, as_: As) -> None:
    evil = '"Robert\'); DROP TABLE leads_lead;--"'
    rows = f'phone,first_name,notes\n2125550105,{evil},"<script>x</script> ${{EVIL}}"\n'
    make(as_(house.supervisor), campaign, pasted=rows + '2125550106,"A\r\nAction: Originate",\n')
    first, second = Lead.objects.for_tenant(house.tenant).order_by("pk")
    assert first.first_name == "Robert'); DROP TABLE leads_lead;--"
    assert second.first_name == "A  Action: Originate"
    page = as_(house.supervisor).get(f"/leads/{first.public_id}/").content.decode()
    assert "<script>x" not in page


def test_parsing_by_itself() -> None:
    assert [(place, lead.phone) for place, lead in parse("Telephone\tsurname\n1\ta\n\n2\tb")] == [(2, "1"), (4, "2")]
    assert decode("José".encode("latin-1")) == "José"
    with pytest.raises(BadFile, match="more than 20,000"):
        parse("phone\n" + "1\n" * (MAX_ROWS + 1))


def test_switching_a_list(house: House, campaign: Campaign, as_: As) -> None:
    lead_list = factories.make_list(campaign)
    address = f"/lists/{lead_list.public_id}/active/"
    for value, active in (("0", False), ("0", False), ("1", True)):
        as_(house.supervisor).post(address, {"active": value})
        assert LeadList.objects.for_tenant(house.tenant).get().is_active is active


def test_leads_are_paged(
    house: House, campaign: Campaign, as_: As, django_assert_max_num_queries: DjangoAssertNumQueries
) -> None:
    lead_list = factories.make_list(campaign)
    factories.make_leads(lead_list, 51)
    factories.make_leads(lead_list, 1, state="done", refused_rule="dnc", last_outcome="no_answer")
    browser = as_(house.supervisor)
    address = f"/lists/{lead_list.public_id}/"
    with django_assert_max_num_queries(6):
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
