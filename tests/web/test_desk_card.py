"""/desk/card/…, its script pages, and /desk/leads/…: one field at a time."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from pytest_django import DjangoAssertNumQueries

from dialer.calls.models import CallTask
from dialer.campaigns.models import Campaign, CustomField, FieldKind, ScriptAnswer, ScriptPage
from dialer.compliance.laws import Level
from dialer.compliance.models import GateVerdict
from dialer.compliance.services import add_consent, add_to_dnc, revoke_consents
from dialer.core.clock import now
from dialer.leads.models import Lead
from dialer.people.models import User
from tests import factories, switch
from tests.importing import imported, messages

from .conftest import House
from .pages import refused

As = Callable[[User | None], Client]


@pytest.fixture
def lead(house: House, campaign: Campaign) -> Lead:
    return factories.make_lead(campaign, custom={"berth": "12.5"}, company="Analytical <Ltd>", notes="rings twice")


@pytest.fixture
def call(house: House, campaign: Campaign, lead: Lead) -> CallTask:
    """The agent talks with the lead."""
    factories.make_session(campaign, house.agent)
    return switch.connect(campaign, lead)


def own_field(campaign: Campaign, name: str, kind: str = FieldKind.TEXT, **values: object) -> CustomField:
    made = CustomField.objects.create(
        tenant_id=campaign.tenant_id, campaign=campaign, name=name, label=name.capitalize(), kind=kind, **values
    )
    assert isinstance(made, CustomField)
    return made


def save(client: Client, lead: Lead, name: str, value: str) -> str:
    answer = client.post(f"/desk/leads/{lead.public_id}/{name}/", {name: value})
    assert answer.status_code == 200
    return answer.content.decode()


def test_the_card_says_who_and_why(house: House, campaign: Campaign, lead: Lead, call: CallTask, as_: As) -> None:
    own_field(campaign, "berth", FieldKind.NUMBER)
    page = as_(house.agent).get(f"/desk/card/call/{call.pk}/").content.decode()
    for text in (campaign.name, lead.list.name, "Analytical &lt;Ltd&gt;", "rings twice", 'value="12.5"', "Berth"):
        assert text in page
    assert "Not on the do-not-call list" in page
    assert "This is the first." in page
    add_to_dnc(tenant_id=house.tenant.pk, number=lead.phone, source="test", by=None)
    assert "badge-bad" in as_(house.agent).get(f"/desk/card/call/{call.pk}/").content.decode()


def test_the_agent_is_told_where_a_recording_must_be_said(house: House, lead: Lead, call: CallTask, as_: As) -> None:
    words = "The call is recorded"
    address = f"/desk/card/call/{call.pk}/"
    assert words not in as_(house.agent).get(address).content.decode()
    GateVerdict.objects.for_tenant(house.tenant).filter(pk=call.verdict_row_id).update(
        evidence={"recording": "announce"}
    )
    assert words in as_(house.agent).get(address).content.decode()


def test_whose_card_it_is(house: House, lead: Lead, call: CallTask, as_: As) -> None:
    who = {name: as_(getattr(house, name)) for name in ("agent", "teammate", "stranger")}
    answers = {"agent": 200, "teammate": 403, "stranger": 404}
    assert refused(who, f"/desk/card/call/{call.pk}/") == answers
    assert refused(who, f"/desk/card/lead/{lead.public_id}/") == answers
    assert refused(who, f"/desk/leads/{lead.public_id}/company/", "post", company="X") == answers
    assert as_(None).get(f"/desk/card/call/{call.pk}/").status_code == 302
    assert as_(house.agent).get(f"/desk/leads/{lead.public_id}/company/").status_code == 405


def test_a_typed_number_has_a_card(house: House, manual: Campaign, as_: As) -> None:
    factories.make_session(manual, house.agent, state="paused")
    browser = as_(house.agent)
    browser.post("/desk/dial/", {"number": "212 555 0177"})
    call = CallTask.objects.for_tenant(house.tenant).get()
    page = browser.get(f"/desk/card/call/{call.pk}/").content.decode()
    assert manual.name in page
    assert "lead-fields" not in page


def test_a_preview_has_its_card(house: House, preview: Campaign, as_: As) -> None:
    lead = factories.make_lead(preview)
    factories.make_session(preview, house.agent, state="paused")
    browser = as_(house.agent)
    assert browser.get(f"/desk/card/lead/{lead.public_id}/").status_code == 403
    browser.post("/desk/next/")
    assert "Ada" in browser.get(f"/desk/card/lead/{lead.public_id}/").content.decode()


def test_a_preview_says_what_was_agreed_to(house: House, preview: Campaign, as_: As) -> None:
    lead = factories.make_lead(preview)
    factories.make_session(preview, house.agent, state="paused")
    browser = as_(house.agent)
    browser.post("/desk/next/")
    address = f"/desk/card/lead/{lead.public_id}/"
    assert "No consent on record" in browser.get(address).content.decode()
    given: dict[str, Any] = {"tenant_id": house.tenant.pk, "number": lead.phone, "source": "a form", "proof": ""}
    long_ago = {"given_at": now() - timedelta(days=9), "by": None}
    add_consent(**given, kind=Level.WRITTEN, expires_at=now() - timedelta(days=1), **long_ago)
    assert "No consent on record" in browser.get(address).content.decode()
    add_consent(**given, kind=Level.RELATIONSHIP, expires_at=None, **long_ago)
    assert "Business relationship" in browser.get(address).content.decode()
    add_consent(**given, kind=Level.EXPRESS, expires_at=now() + timedelta(days=1), **long_ago)
    assert "Express consent" in browser.get(address).content.decode()
    revoke_consents(tenant_id=house.tenant.pk, number=lead.phone, how="told us", by=None)
    assert "No consent on record" in browser.get(address).content.decode()


def test_the_last_calls_are_shown(house: House, campaign: Campaign, lead: Lead, call: CallTask, as_: As) -> None:
    switch.hang_up(call.pk)
    browser = as_(house.agent)
    browser.post("/desk/dispose/", {"code": "OTHER", "note": "asked for Ada", "call": str(call.pk)})
    second = switch.connect(campaign, lead)
    page = browser.get(f"/desk/card/call/{second.pk}/").content.decode()
    assert "asked for Ada" in page
    assert house.agent.shown_name in page


@pytest.mark.parametrize(
    ("name", "typed", "stored"),
    [
        ("first_name", " Grace ", "Grace"),
        ("company", "", ""),
        ("notes", "line one\r\nline two\x07", "line one\nline two"),
    ],
)
def test_fixed_fields(house: House, lead: Lead, call: CallTask, as_: As, name: str, typed: str, stored: str) -> None:
    assert "Saved" in save(as_(house.agent), lead, name, typed)
    assert getattr(factories.get_lead(lead.pk), name).replace("\r\n", "\n") == stored


def test_the_time_zone(house: House, lead: Lead, call: CallTask, as_: As) -> None:
    browser = as_(house.agent)
    assert "“Mars/Base” is not a time zone" in save(browser, lead, "time_zone", "Mars/Base")
    save(browser, lead, "time_zone", "America/Denver")
    assert factories.get_lead(lead.pk).time_zones == ["America/Denver"]
    save(browser, lead, "time_zone", "")
    assert factories.get_lead(lead.pk).time_zones == ["America/New_York"]


@pytest.mark.parametrize(
    ("kind", "typed", "stored"),
    [
        (FieldKind.TEXT, "north quay", "north quay"),
        (FieldKind.NUMBER, "012.50", "12.5"),
        (FieldKind.NUMBER, "100", "100"),
        (FieldKind.DATE, "2026-12-24", "2026-12-24"),
        (FieldKind.CHOICE, "B", "B"),
        (FieldKind.YESNO, "no", False),
        (FieldKind.YESNO, "yes", True),
        (FieldKind.TEXT, "", None),
    ],
)
def test_custom_fields(
    house: House, campaign: Campaign, lead: Lead, call: CallTask, as_: As, kind: str, typed: str, stored: object
) -> None:
    own_field(campaign, "one", kind, choices=["A", "B"])
    assert "Saved" in save(as_(house.agent), lead, "custom.one", typed)
    custom = factories.get_lead(lead.pk).custom
    assert custom.get("one") == stored
    assert custom["berth"] == "12.5"


@pytest.mark.parametrize("typed", ["9,25", "9.25"])
def test_a_decimal_comma_where_the_language_has_it(
    house: House, campaign: Campaign, lead: Lead, call: CallTask, as_: As, typed: str
) -> None:
    own_field(campaign, "berth", FieldKind.NUMBER)
    type(house.agent).objects.filter(pk=house.agent.pk).update(language="es")
    house.agent.refresh_from_db()
    save(as_(house.agent), lead, "custom.berth", typed)
    assert factories.get_lead(lead.pk).custom["berth"] == "9.25"


@pytest.mark.parametrize(
    ("kind", "typed"),
    [(FieldKind.NUMBER, "ten"), (FieldKind.DATE, "yesterday"), (FieldKind.CHOICE, "C"), (FieldKind.TEXT, "")],
)
def test_what_a_custom_field_refuses(
    house: House, campaign: Campaign, lead: Lead, call: CallTask, as_: As, kind: str, typed: str
) -> None:
    own_field(campaign, "berth", kind, choices=["A", "B"], required=True)
    page = save(as_(house.agent), lead, "custom.berth", typed)
    assert "field-error" in page
    assert 'aria-invalid="true"' in page
    assert factories.get_lead(lead.pk).custom == {"berth": "12.5"}


def test_custom_fields_come_with_a_file(house: House, campaign: Campaign) -> None:
    own_field(campaign, "berth", FieldKind.NUMBER)
    own_field(campaign, "winter", FieldKind.YESNO)
    rows = "phone,berth,winter,other\n2125550101,12.50,Y,x\n2125550102,,,\n2125550103,long,no,\n"
    found = imported(campaign, rows, scope="none")
    assert "Berth “long”" in messages(found)[4]
    taken = Lead.objects.for_tenant(house.tenant).filter(list=found.list).order_by("phone")
    assert [one.custom for one in taken] == [{"berth": "12.5", "winter": True}, {}]


def test_no_such_field(house: House, campaign: Campaign, lead: Lead, call: CallTask, as_: As) -> None:
    other = factories.make_campaign(house.tenant)
    own_field(other, "secret")
    for name in ("phone", "state", "custom.secret", "custom.", "__class__"):
        assert as_(house.agent).post(f"/desk/leads/{lead.public_id}/{name}/", {name: "x"}).status_code == 404


def test_a_lead_stays_mine_for_a_while_after_the_call(house: House, lead: Lead, call: CallTask, as_: As) -> None:
    switch.hang_up(call.pk)
    browser = as_(house.agent)
    browser.post("/desk/dispose/", {"code": "SALE", "call": str(call.pk)})
    save(browser, lead, "company", "late")
    assert factories.get_lead(lead.pk).company == "late"
    CallTask.objects.for_tenant(house.tenant).update(queued_at=now() - timedelta(hours=13))
    assert browser.post(f"/desk/leads/{lead.public_id}/company/", {"company": "x"}).status_code == 403


def test_the_script_with_its_branches(house: House, campaign: Campaign, lead: Lead, call: CallTask, as_: As) -> None:
    def page(title: str, body: str, position: int) -> ScriptPage:
        made = ScriptPage.objects.create(
            tenant=house.tenant, campaign=campaign, title=title, body=body, position=position
        )
        assert isinstance(made, ScriptPage)
        return made

    start = page("Hello", "Good day {{lead.first_name|there}}, of {{lead.company}}? <b>{{lead.custom.berth}}</b>", 0)
    offer = page("Offer", "Renew **now**.", 1)
    ScriptAnswer.objects.create(tenant=house.tenant, page=start, label="Yes", leads_to=offer)
    browser = as_(house.agent)
    shown = browser.get(f"/desk/card/call/{call.pk}/").content.decode()
    assert "<p>Good day Ada, of Analytical &lt;Ltd&gt;? &lt;b&gt;12.5&lt;/b&gt;</p>" in shown
    address = f"/desk/card/call/{call.pk}/script/{offer.pk}/"
    assert address in shown
    following = browser.get(address).content.decode()
    assert "<strong>now</strong>" in following
    assert f"/script/{start.pk}/" in following
    foreign = factories.make_campaign(house.tenant)
    elsewhere = ScriptPage.objects.create(tenant=house.tenant, campaign=foreign, title="x", body="x")
    assert browser.get(f"/desk/card/call/{call.pk}/script/{elsewhere.pk}/").status_code == 404
    who = {name: as_(getattr(house, name)) for name in ("teammate", "stranger")}
    assert refused(who, address) == {"teammate": 403, "stranger": 404}


def test_the_card_s_reads_are_few(
    house: House,
    campaign: Campaign,
    lead: Lead,
    call: CallTask,
    as_: As,
    django_assert_max_num_queries: DjangoAssertNumQueries,
) -> None:
    own_field(campaign, "one")
    browser = as_(house.agent)
    browser.get("/desk/")
    with django_assert_max_num_queries(10):
        browser.get(f"/desk/card/call/{call.pk}/")
    with django_assert_max_num_queries(8):
        browser.get("/desk/my-day/")
