"""/campaigns/drafts/: a campaign made step by step, left and gone on with."""

from __future__ import annotations

from collections.abc import Callable

from django.test import Client

from dialer.campaigns.models import Campaign, CampaignDraft
from dialer.core.models import AuditEntry
from dialer.people.models import Role, User
from tests import factories

from .conftest import House
from .pages import message

As = Callable[[User | None], Client]
FIRST = {"name": "Spring", "dial_method": "predictive", "dial_level": "1.00", "seats": "4"}
SECOND = {"caller_id": "(212) 555-0142", "ring_timeout_s": "22", "amd_unsure_to_agent": "on"}
FOURTH = {"max_attempts": "4", "max_lines": "50", "abandonment_cap": "2.5", "connect_limit_ms": "2000", "priority": "0",
          "window_opens": "09:00", "window_closes": "17:30", "window_days": ["0", "1"]}  # fmt: skip


def begun(house: House, browser: Client) -> CampaignDraft:
    browser.post("/campaigns/drafts/")
    draft = CampaignDraft.objects.for_tenant(house.tenant).first()
    assert isinstance(draft, CampaignDraft)
    return draft


def test_who_gets_in(house: House, as_: As) -> None:
    draft = begun(house, as_(house.admin))
    at = f"/campaigns/drafts/{draft.public_id}/0/"
    other = factories.make_user(house.tenant, Role.ADMIN)
    assert as_(None).get(at).status_code == 302
    assert as_(house.supervisor).get(at).status_code == 403
    assert as_(house.supervisor).post("/campaigns/drafts/").status_code == 403
    assert as_(other).get(at).status_code == 404  # each their own
    assert as_(house.stranger).get(at).status_code == 404
    assert as_(house.stranger).post(at, FIRST).status_code == 404
    assert as_(house.stranger).post(f"/campaigns/drafts/{draft.public_id}/drop/").status_code == 404
    assert as_(house.admin).get(at).status_code == 200
    assert as_(house.admin).get(f"/campaigns/drafts/{draft.public_id}/9/").status_code == 404


def test_step_by_step_left_and_resumed(house: House, campaign: Campaign, as_: As) -> None:
    browser = as_(house.admin)
    draft = begun(house, browser)
    at = f"/campaigns/drafts/{draft.public_id}/"
    assert browser.post(at + "0/", FIRST)["Location"] == at + "1/"
    left = browser.post(at + "1/", {**SECOND, "caller_id": "12", "leave": "1"}, follow=True)
    assert "The draft is kept" in left.content.decode()
    assert "Spring" in left.content.decode()
    # Another day, another browser: what was typed is there, wrong as it was.
    again = as_(house.admin)
    assert 'value="12"' in again.get(at + "1/").content.decode()
    wrong = again.post(at + "1/", {**SECOND, "caller_id": "12"})
    assert "is not a telephone number" in wrong.content.decode()
    assert again.post(at + "1/", SECOND)["Location"] == at + "2/"
    assert again.post(at + "2/", {"disposition_set": campaign.disposition_set_id, "wrapup_s": "30",
                                  "record_calls": "on", "teams": [house.team.pk]})["Location"] == at + "3/"  # fmt: skip
    assert again.post(at + "3/", FOURTH)["Location"] == at + "4/"
    over = again.get(at + "4/").content.decode()
    for words in ("Predictive", "+1 212-555-0142", "09:00", "Monday, Tuesday"):
        assert words in over, words
    again.post(at + "4/")
    made = Campaign.objects.for_tenant(house.tenant).get(name="Spring")
    assert (made.status, made.dial_method, made.caller_id, made.max_attempts) == (
        "stopped", "predictive", "+12125550142", 4
    )  # fmt: skip
    assert (made.amd, made.record_calls, made.may_cancel) == (False, True, False)
    assert list(made.teams.all()) == [house.team]
    assert not CampaignDraft.objects.for_tenant(house.tenant).exists()
    assert AuditEntry.objects.for_tenant(house.tenant).filter(action="campaign.made").count() == 1


def test_it_answers_while_it_is_filled_in(house: House, campaign: Campaign, as_: As) -> None:
    browser = as_(house.admin)
    draft = begun(house, browser)
    answer = browser.post(
        f"/campaigns/drafts/{draft.public_id}/0/",
        {**FIRST, "name": campaign.name, "seats": ""},
        headers={"HX-Request": "true"},
    ).content.decode()
    assert f"called “{campaign.name}” already" in answer
    assert "This field is required" not in answer  # what was not filled in yet is nobody's mistake
    assert "<html" not in answer
    draft.refresh_from_db()
    assert draft.data["name"] == [campaign.name]


def test_what_is_missing_leads_back_to_its_step(house: House, as_: As) -> None:
    browser = as_(house.admin)
    draft = begun(house, browser)
    browser.post(f"/campaigns/drafts/{draft.public_id}/0/", FIRST)
    answer = browser.get(f"/campaigns/drafts/{draft.public_id}/4/")
    assert answer["Location"] == f"/campaigns/drafts/{draft.public_id}/2/"  # no disposition set
    assert "still missing" in message(browser.get(answer["Location"]))
    browser.post(f"/campaigns/drafts/{draft.public_id}/drop/")
    assert not CampaignDraft.objects.for_tenant(house.tenant).exists()
