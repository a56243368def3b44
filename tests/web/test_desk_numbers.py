"""Other numbers of a lead, and the last number once more: /desk/dial/ and /desk/dial-last/."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from django.test import Client

from dialer.agents.models import AgentSession
from dialer.agents.rules import AgentState
from dialer.calls.models import CallTask
from dialer.campaigns.models import Campaign, DialMethod
from dialer.compliance.services import add_to_dnc
from dialer.leads.models import Lead, LeadNumber
from dialer.people.models import User
from tests import factories, switch
from tests.importing import counts, imported, messages

from .conftest import House
from .pages import attributes, message

As = Callable[[User | None], Client]
ROWS = """phone,first_name,mobile_phone,work_phone,home_phone
+12125550161,Iris,(917) 555-0162,+1 212 555 0161,
2125550163,Theo,,12,
"""


@pytest.fixture
def preview(house: House) -> Campaign:
    """A preview campaign with one lead, who has a mobile telephone too."""
    campaign = factories.make_campaign(house.tenant, name="Win-back", dial_method=DialMethod.PREVIEW)
    found = imported(campaign, ROWS, list_name="Left")
    assert counts(found) == {"added": 1, "refused": 1}
    assert "“12” is not a telephone number" in messages(found)[3]
    return campaign


def shown(campaign: Campaign, browser: Client, user: User) -> Lead:
    factories.make_session(campaign, user, state=AgentState.PAUSED)
    browser.post("/desk/next/")
    lead = AgentSession.objects.for_tenant(user.tenant_id).get(user=user).preview_lead
    assert isinstance(lead, Lead)
    return lead


def test_a_file_brings_other_numbers(preview: Campaign) -> None:
    kept = LeadNumber.objects.for_tenant(preview.tenant_id).values_list("kind", "phone")
    assert list(kept) == [("mobile", "+19175550162")]  # the lead's own number is not another one


def test_another_number_is_dialed_for_the_lead_shown(house: House, preview: Campaign, as_: As) -> None:
    browser = as_(house.agent)
    lead = shown(preview, browser, house.agent)
    card = browser.get(f"/desk/card/lead/{lead.public_id}/").content.decode()
    assert "Other numbers" in card
    assert "Mobile" in card
    assert "+19175550162" in card
    answer = browser.post("/desk/dial/", {"number": "+19175550162"})
    assert (message(answer), attributes(answer)["state"]) == ("", "reserved")
    call = CallTask.objects.for_tenant(house.tenant).get()
    assert (call.phone, call.lead_id) == ("+19175550162", lead.pk)


def test_a_refused_other_number_leaves_the_lead_shown(house: House, preview: Campaign, as_: As) -> None:
    browser = as_(house.agent)
    lead = shown(preview, browser, house.agent)
    add_to_dnc(tenant_id=house.tenant.pk, number="+19175550162", source="asked", by=None)
    answer = browser.post("/desk/dial/", {"number": "+19175550162"})
    assert "do-not-call" in message(answer)
    assert AgentSession.objects.for_tenant(house.tenant).get(user=house.agent).preview_lead_id == lead.pk
    assert browser.post("/desk/dial-shown/").status_code == 200
    assert CallTask.objects.for_tenant(house.tenant).get().phone == lead.phone


def test_the_last_number_once_more(house: House, preview: Campaign, as_: As) -> None:
    browser = as_(house.agent)
    lead = shown(preview, browser, house.agent)
    assert "not called anybody" in message(browser.post("/desk/dial-last/"))
    browser.post("/desk/dial-shown/")
    first = CallTask.objects.for_tenant(house.tenant).get()
    switch.hang_up(first.pk, cause=17)
    browser.post("/desk/dispose/", {"code": "NI", "call": str(first.pk)})
    answer = browser.post("/desk/dial-last/")
    assert (message(answer), attributes(answer)["state"]) == ("", "reserved")
    second = CallTask.objects.for_tenant(house.tenant).exclude(pk=first.pk).get()
    assert (second.phone, second.lead_id) == (lead.phone, lead.pk)


def numbers(lead: Lead) -> list[tuple[str, str]]:
    return list(LeadNumber.objects.for_tenant(lead.tenant_id).filter(lead=lead).values_list("kind", "phone"))


def test_a_number_is_added_and_taken_away_on_the_card(house: House, preview: Campaign, as_: As) -> None:
    browser = as_(house.agent)
    lead = shown(preview, browser, house.agent)
    address = f"/desk/leads/{lead.public_id}/numbers/"
    answer = browser.post(address, {"kind": "work", "number": "(646) 555-0188"}).content.decode()
    assert "Added" in answer
    assert "dial-number-" in answer  # and can be dialed at once
    assert numbers(lead) == [("mobile", "+19175550162"), ("work", "+16465550188")]
    added = LeadNumber.objects.for_tenant(lead.tenant_id).get(phone="+16465550188")
    browser.post(f"{address}{added.pk}/remove/")
    again = browser.post(f"{address}{added.pk}/remove/")
    assert again.status_code == 200
    assert numbers(lead) == [("mobile", "+19175550162")]


@pytest.mark.parametrize(
    ("kind", "number", "words"),
    [
        ("work", "12", "is not a telephone number"),
        ("work", "+1 917 555 0162", "on the card already"),
        ("work", "+1 212 555 0161", "called already"),
        ("work", "", "required"),
        ("boat", "+1 646 555 0188", "Select a valid choice"),
    ],
)
def test_what_is_wrong_with_a_number_is_said(
    house: House, preview: Campaign, as_: As, kind: str, number: str, words: str
) -> None:
    browser = as_(house.agent)
    lead = shown(preview, browser, house.agent)
    answer = browser.post(f"/desk/leads/{lead.public_id}/numbers/", {"kind": kind, "number": number})
    assert words in answer.content.decode()
    assert 'role="alert"' in answer.content.decode()
    assert len(numbers(lead)) == 1


def test_a_lead_has_so_many_numbers(house: House, preview: Campaign, as_: As) -> None:
    browser = as_(house.agent)
    lead = shown(preview, browser, house.agent)
    for last in range(10):
        answer = browser.post(
            f"/desk/leads/{lead.public_id}/numbers/", {"kind": "other", "number": f"+1646555020{last}"}
        )
    assert "Take one away first" in answer.content.decode()
    assert len(numbers(lead)) == 10


def test_other_numbers_are_of_who_has_the_lead_in_hand(house: House, preview: Campaign, as_: As) -> None:
    lead = shown(preview, as_(house.agent), house.agent)
    [kept] = LeadNumber.objects.for_tenant(lead.tenant_id).filter(lead=lead)
    address = f"/desk/leads/{lead.public_id}/numbers/"
    typed = {"kind": "work", "number": "+16465550188"}
    for user, status in ((house.teammate, 403), (house.stranger, 404)):
        assert as_(user).post(address, typed).status_code == status
        assert as_(user).post(f"{address}{kept.pk}/remove/").status_code == status
    elsewhere = factories.make_lead(factories.make_campaign(house.tenant))
    other = LeadNumber.objects.create(tenant=house.tenant, lead=elsewhere, phone="+16465550199")
    as_(house.agent).post(f"{address}{other.pk}/remove/")
    assert LeadNumber.objects.for_tenant(house.tenant).filter(pk=other.pk).exists()
    assert len(numbers(lead)) == 1


def test_where_pacing_dials_agents_do_not(house: House, campaign: Campaign, as_: As) -> None:
    factories.make_session(campaign, house.agent)
    assert "dials by itself" in message(as_(house.agent).post("/desk/dial-last/"))
