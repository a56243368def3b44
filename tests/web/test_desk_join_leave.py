"""/desk/, /desk/join/ and /desk/leave/."""

from __future__ import annotations

from collections.abc import Callable
from uuid import uuid4

from django.test import Client

from dialer.agents.models import AgentSession
from dialer.campaigns.models import Campaign, CampaignStatus
from dialer.leads.models import LeadState
from dialer.people.models import User
from dialer.telephony.models import CommandKind, SwitchCommand
from tests import factories, switch

from .conftest import House
from .pages import attributes, message, sends_to_sign_in

As = Callable[[User | None], Client]


def sessions(user: User) -> int:
    return AgentSession.objects.for_tenant(user.tenant_id).filter(user=user, ended_at=None).count()


def test_joining_opens_a_session_and_calls_the_phone(house: House, campaign: Campaign, as_: As) -> None:
    browser = as_(house.agent)
    answer = browser.post("/desk/join/", {"campaign": str(campaign.public_id)})
    assert answer.status_code == 200
    shown = attributes(answer)
    assert shown["state"] == "paused"
    assert shown["campaign"] == str(campaign.public_id)
    assert shown["at"] == ""
    assert "phone is being called" in answer.content.decode()
    command = SwitchCommand.objects.for_tenant(house.tenant).get()
    assert command.kind == CommandKind.CALL_PHONE


def test_joining_twice_is_once(house: House, campaign: Campaign, as_: As) -> None:
    browser = as_(house.agent)
    for _ in range(2):
        answer = browser.post("/desk/join/", {"campaign": str(campaign.public_id)})
        assert message(answer) == ""
    assert sessions(house.agent) == 1
    assert SwitchCommand.objects.for_tenant(house.tenant).count() == 1


def test_a_second_campaign_is_refused(house: House, campaign: Campaign, manual: Campaign, as_: As) -> None:
    browser = as_(house.agent)
    browser.post("/desk/join/", {"campaign": str(campaign.public_id)})
    answer = browser.post("/desk/join/", {"campaign": str(manual.public_id)})
    assert "Leave it first" in message(answer)
    assert attributes(answer)["campaign"] == str(campaign.public_id)


def test_a_campaign_that_is_stopped_says_what_to_do(house: House, campaign: Campaign, as_: As) -> None:
    Campaign.objects.for_tenant(house.tenant).update(status=CampaignStatus.STOPPED)
    answer = as_(house.agent).post("/desk/join/", {"campaign": str(campaign.public_id)})
    assert "Ask your supervisor to start it" in message(answer)
    assert sessions(house.agent) == 0


def test_no_sip_phone_leaves_the_browser_and_a_telephone(house: House, campaign: Campaign, as_: As) -> None:
    User.objects.filter(pk=house.agent.pk).update(endpoint="")
    browser = as_(house.agent)
    assert "You have no SIP phone" in browser.get("/desk/").content.decode()
    answer = browser.post("/desk/join/", {"campaign": str(campaign.public_id), "phone": "sip"})
    assert "Ask an administrator" in message(answer)
    assert sessions(house.agent) == 0
    assert message(browser.post("/desk/join/", {"campaign": str(campaign.public_id)})) == ""
    assert switch.session_of(house.agent).phone == "browser"


def test_campaigns_of_other_teams_are_not_mine(house: House, campaign: Campaign, as_: As) -> None:
    campaign.teams.add(factories.make_team(house.tenant))
    browser = as_(house.agent)
    assert campaign.name not in browser.get("/desk/").content.decode()
    answer = browser.post("/desk/join/", {"campaign": str(campaign.public_id)})
    assert "another team's" in message(answer)
    campaign.teams.add(house.team)
    assert campaign.name in browser.get("/desk/").content.decode()
    assert message(browser.post("/desk/join/", {"campaign": str(campaign.public_id)})) == ""


def test_strangers_campaign_does_not_exist(house: House, campaign: Campaign, as_: As) -> None:
    assert as_(house.stranger).post("/desk/join/", {"campaign": str(campaign.public_id)}).status_code == 404
    assert as_(house.agent).post("/desk/join/", {"campaign": str(uuid4())}).status_code == 404


def test_nonsense_for_a_campaign(house: House, as_: As) -> None:
    for text in ("", "1", "' OR 1=1 --", "\x00"):
        answer = as_(house.agent).post("/desk/join/", {"campaign": text})
        assert message(answer) == "Choose a campaign."


def test_leaving_puts_a_shown_lead_back(house: House, preview: Campaign, as_: As) -> None:
    lead = factories.make_lead(preview)
    browser = as_(house.agent)
    browser.post("/desk/join/", {"campaign": str(preview.public_id)})
    switch.phone_up(house.agent)
    assert "preview-" + str(lead.public_id) in browser.post("/desk/next/").content.decode()
    assert factories.get_lead(lead.pk).state == LeadState.RESERVED
    answer = browser.post("/desk/leave/")
    assert attributes(answer)["state"] == "offline"
    assert factories.get_lead(lead.pk).state == LeadState.WAITING
    assert message(browser.post("/desk/leave/")) == ""


def test_leaving_during_a_call_is_refused(house: House, campaign: Campaign, as_: As) -> None:
    factories.make_session(campaign, house.agent)
    switch.connect(campaign, factories.make_lead(campaign))
    answer = as_(house.agent).post("/desk/leave/")
    assert message(answer) == "Finish the call first, then leave."
    assert sessions(house.agent) == 1


def test_what_ended_the_last_session_is_said(house: House, campaign: Campaign, as_: As) -> None:
    browser = as_(house.agent)
    browser.post("/desk/join/", {"campaign": str(campaign.public_id)})
    notice = "Your phone is not registered. Register it as “phone1”, then join again."
    from dialer.agents.rules import Event, Kind
    from dialer.agents.services import apply
    from dialer.core.clock import now

    apply(session_id=switch.session_of(house.agent).pk, event=Event(Kind.ENDED), at=now(), notice=notice)
    page = browser.get("/desk/")
    assert message(page) == notice


def test_the_phones_secret_is_shown_on_demand(house: House, as_: As) -> None:
    User.objects.filter(pk=house.agent.pk).update(endpoint_secret="hush-4711")
    browser = as_(house.agent)
    assert "hush-4711" not in browser.get("/desk/").content.decode()
    assert "hush-4711" in browser.get("/desk/phone-account/").content.decode()
    assert "hush-4711" not in as_(house.teammate).get("/desk/phone-account/").content.decode()


def test_nobody_is_sent_to_sign_in(db: None, client: Client) -> None:
    assert sends_to_sign_in(client.get("/desk/"))
    assert sends_to_sign_in(client.post("/desk/join/"))


def test_deeds_are_posts_with_a_token(house: House, as_: As) -> None:
    guarded = Client(enforce_csrf_checks=True)
    guarded.force_login(house.agent)
    names = ["join", "leave", "ready", "pause", "hang-up", "dispose", "next", "dial-shown", "skip", "dial", "phone"]
    for name in names:
        assert as_(house.agent).get(f"/desk/{name}/").status_code == 405
        assert guarded.post(f"/desk/{name}/").status_code == 403
