"""/floor/stop/: who may stop, what is answered, and that every page has it."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from django.test import Client

from dialer.campaigns.models import Campaign
from dialer.core.models import AuditEntry
from dialer.floor.models import EmergencyStop
from dialer.people.models import User
from tests import factories

from .conftest import House
from .pages import sends_to_sign_in

As = Callable[[User | None], Client]
pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _no_switch_is_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("dialer.floor.emergency.CONFIRMED_WITHIN_S", 0.0)


def halted(campaign: Campaign) -> bool:
    campaign.refresh_from_db()
    return campaign.halted_at is not None and campaign.status == "stopped"


def test_all(house: House, campaign: Campaign, as_: As) -> None:
    answer = as_(house.supervisor).post("/floor/stop/", follow=True)
    assert halted(campaign)
    assert "Emergency stop of all" in answer.content.decode() or "Emergency stop of the team" in answer.content.decode()
    assert "not confirmed it yet" in answer.content.decode()


def test_one(house: House, campaign: Campaign, as_: As) -> None:
    other = factories.make_campaign(house.tenant, disposition_set=campaign.disposition_set)
    answer = as_(house.supervisor).post(f"/floor/stop/{campaign.public_id}/", headers={"HX-Request": "true"})
    assert answer.status_code == 200
    assert campaign.name in answer.content.decode()
    assert halted(campaign)
    assert not halted(other)


@pytest.mark.parametrize("method", ["get", "post"])
def test_agents_and_managers_are_refused(house: House, campaign: Campaign, as_: As, method: str) -> None:
    for user in (house.agent, house.manager):
        for address in ("/floor/stop/", f"/floor/stop/{campaign.public_id}/"):
            assert getattr(as_(user), method)(address).status_code == 403
    assert not halted(campaign)


def test_nobody_is_sent_to_sign_in(as_: As) -> None:
    assert sends_to_sign_in(as_(None).post("/floor/stop/"))


def test_a_stranger_s_campaign_does_not_exist(house: House, campaign: Campaign, as_: As) -> None:
    assert as_(house.stranger).post(f"/floor/stop/{campaign.public_id}/").status_code == 404
    as_(house.stranger).post("/floor/stop/")
    assert not halted(campaign)
    assert EmergencyStop.objects.for_tenant(house.tenant).count() == 0


def test_a_supervisor_stops_what_the_team_works_in(house: House, campaign: Campaign, as_: As) -> None:
    closed = factories.make_campaign(house.tenant, disposition_set=campaign.disposition_set)
    closed.teams.add(factories.make_team(house.tenant, "Others"))
    assert as_(house.supervisor).post(f"/floor/stop/{closed.public_id}/").status_code == 404
    as_(house.supervisor).post("/floor/stop/")
    assert halted(campaign)
    assert not halted(closed)


@pytest.mark.parametrize("address", ["/desk/", "/calls/", "/agents/", "/dnc/", "/floor/"])
def test_every_page_has_it(house: House, campaign: Campaign, as_: As, address: str) -> None:
    assert 'popovertarget="halt"' in as_(house.supervisor).get(address).content.decode()
    assert 'popovertarget="halt"' not in as_(house.agent).get("/desk/").content.decode()


def test_starting_and_stopping_is_in_the_audit_trail(house: House, campaign: Campaign, as_: As) -> None:
    client = as_(house.supervisor)
    changes: list[tuple[str, dict[str, str]]] = [("stop", {}), ("start", {})]
    changes += [("method", {"dial_method": "ratio"}), ("level", {"dial_level": "2"})]
    for deed, values in changes:
        client.post(f"/campaigns/{campaign.public_id}/{deed}/", values)
    entries = AuditEntry.objects.for_tenant(house.tenant).order_by("seq")
    made = [(one.action, one.actor_id) for one in entries if one.subject == str(campaign.public_id)]
    assert made[0][0] == "campaign.stopped"
    assert {"campaign.method", "campaign.level"} <= {action for action, _ in made}
    assert {actor for _, actor in made} == {house.supervisor.pk}
