"""/campaigns/…/desk/, …/fields/…, …/script/…: what a campaign puts on its agents' desks."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from django.test import Client

from dialer.campaigns.models import Campaign, CustomField, Disposition, ScriptAnswer, ScriptPage
from dialer.people.models import User

from .conftest import House
from .pages import refused

As = Callable[[User | None], Client]


def at(campaign: Campaign, path: str) -> str:
    return f"/campaigns/{campaign.public_id}/{path}"


def test_only_admins(house: House, campaign: Campaign, as_: As) -> None:
    who = {name: as_(getattr(house, name)) for name in ("agent", "supervisor", "manager", "admin", "stranger")}
    answers = {"agent": 403, "supervisor": 403, "manager": 403, "admin": 200, "stranger": 404}
    for path in ("desk/", "fields/new/", "script/new/"):
        assert refused(who, at(campaign, path)) == answers
    assert refused(who, at(campaign, "script/preview/"), "post", body="x") == answers


def test_goals(house: House, campaign: Campaign, as_: As) -> None:
    goals: dict[str, object] = {"wrapup_extension_s": 45, "goal_calls": 30, "goal_talk_min": 120, "goal_conversions": 4}
    goals |= {"preview_s": 90, "preview_then": "dial"}
    assert as_(house.admin).post(at(campaign, "desk/"), goals).status_code == 302
    assert Campaign.objects.for_tenant(house.tenant).filter(pk=campaign.pk, **goals).exists()
    refusal = as_(house.admin).post(at(campaign, "desk/"), {**goals, "goal_talk_min": 5000})
    assert "field-error" in refusal.content.decode()


FIELD = {"label": "Berth", "name": "berth", "kind": "choice", "choices": "A\n\n B \nA", "position": 1}


def test_a_field_is_made_changed_and_removed(house: House, campaign: Campaign, as_: As) -> None:
    browser = as_(house.admin)
    assert browser.post(at(campaign, "fields/new/"), FIELD).status_code == 302
    made = CustomField.objects.for_tenant(house.tenant).get()
    assert (made.choices, made.required, made.campaign_id) == (["A", "B"], False, campaign.pk)
    again = browser.post(at(campaign, "fields/new/"), FIELD).content.decode()
    assert "There is a field called “berth” already" in again
    change = {**FIELD, "name": "other", "label": "Where", "kind": "text", "required": "on"}
    assert browser.post(at(campaign, f"fields/{made.pk}/"), change).status_code == 302
    made.refresh_from_db()
    assert (made.name, made.label, made.choices, made.required) == ("berth", "Where", [], True)
    assert "Where" in browser.get(at(campaign, "desk/")).content.decode()
    assert as_(house.stranger).post(at(campaign, f"fields/{made.pk}/delete/")).status_code == 404
    assert browser.post(at(campaign, f"fields/{made.pk}/delete/")).status_code == 302
    assert not CustomField.objects.for_tenant(house.tenant).exists()


@pytest.mark.parametrize(
    ("values", "words"),
    [
        ({"choices": " \n"}, "There is nothing to choose from"),
        ({"name": "Berth Length"}, "lower-case letters, digits and _"),
        ({"choices": "x" * 90}, "longer than 80"),
        ({"choices": "\n".join(str(n) for n in range(60))}, "50 are the most"),
    ],
)
def test_fields_that_are_refused(house: House, campaign: Campaign, as_: As, values: dict[str, str], words: str) -> None:
    assert words in as_(house.admin).post(at(campaign, "fields/new/"), {**FIELD, **values}).content.decode()
    assert not CustomField.objects.for_tenant(house.tenant).exists()


def test_a_script_is_written(house: House, campaign: Campaign, as_: As) -> None:
    browser = as_(house.admin)
    hello = {"title": "Hello", "position": 0, "body": "Good day {{lead.first_name}}"}
    assert browser.post(at(campaign, "script/new/"), hello).status_code == 302
    page = ScriptPage.objects.for_tenant(house.tenant).get()
    offer = {"title": "Offer", "position": 1, "body": "Renew?", "answer-0-label": "Back", "answer-0-leads_to": page.pk}
    assert browser.post(at(campaign, "script/new/"), offer).status_code == 302
    listed = browser.get(at(campaign, "desk/")).content.decode()
    assert "Back → Hello" in listed
    assert "no answer leads here" in listed
    second = ScriptPage.objects.for_tenant(house.tenant).get(title="Offer")
    yes = {**hello, "answer-0-label": "Yes", "answer-0-leads_to": second.pk}
    assert browser.post(at(campaign, f"script/{page.pk}/"), yes).status_code == 302
    assert "no answer leads here" not in browser.get(at(campaign, "desk/")).content.decode()
    assert browser.post(at(campaign, f"script/{page.pk}/"), hello).status_code == 302
    assert ScriptAnswer.objects.for_tenant(house.tenant).get().label == "Back"
    assert browser.post(at(campaign, f"script/{page.pk}/delete/")).status_code == 302
    assert not ScriptAnswer.objects.for_tenant(house.tenant).exists()


@pytest.mark.parametrize(
    ("values", "words"),
    [
        ({"body": "{{lead.frist_name}}"}, "There is no merge field “lead.frist_name”"),
        ({"body": "{{lead.name"}, "not closed"),
        ({"answer-0-label": "Yes"}, "Choose the page that “Yes” leads to"),
        ({"answer-0-label": "Yes", "answer-0-leads_to": "999999"}, "Select a valid choice"),
    ],
)
def test_script_pages_that_are_refused(
    house: House, campaign: Campaign, as_: As, values: dict[str, str], words: str
) -> None:
    page = {"title": "Hello", "position": 0, "body": "x", **values}
    assert words in as_(house.admin).post(at(campaign, "script/new/"), page).content.decode()
    assert not ScriptPage.objects.for_tenant(house.tenant).exists()


def test_the_preview(house: House, campaign: Campaign, as_: As) -> None:
    body = "Good day **{{lead.first_name}}** <script> {{nope}}"
    shown = as_(house.admin).post(at(campaign, "script/preview/"), {"body": body}).content.decode()
    assert "<strong>Ada</strong> &lt;script&gt;" in shown
    assert "no merge field “nope”" in shown


def test_a_disposition_that_calls_back_is_not_final(house: House, campaign: Campaign, as_: As) -> None:
    one = Disposition.objects.for_tenant(house.tenant).get(code="CALLBK")
    values = {"key": 2, "code": "CALLBK", "label": "Call back", "needs_callback": "on", "needs_note": "on"}
    wrong = as_(house.admin).post(f"/dispositions/{one.pk}/", {**values, "is_final": "on"}).content.decode()
    assert "called again" in wrong
    assert as_(house.admin).post(f"/dispositions/{one.pk}/", values).status_code == 302
    one.refresh_from_db()
    assert one.needs_callback
    assert one.needs_note
