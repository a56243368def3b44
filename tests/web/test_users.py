"""/users/ and /teams/: admins only."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from django.test import Client

from dialer.people.models import Team, User
from dialer.telephony.models import CommandKind, SwitchCommand
from tests import factories

from .conftest import House

As = Callable[[User | None], Client]


def data_of(**changes: Any) -> dict[str, Any]:
    data = {
        "username": "newbie",
        "password": "correct-horse-battery-9",
        "first_name": "New",
        "last_name": "Bie",
        "role": "agent",
        "endpoint": "desk-7",
        "is_active": "on",
    }
    return {**data, **changes}


def provisions(house: House) -> int:
    return SwitchCommand.objects.for_tenant(house.tenant).filter(kind=CommandKind.PROVISION).count()


def test_who_gets_in(house: House, as_: As) -> None:
    one = f"/users/{house.agent.public_id}/"
    for address in ("/users/", "/users/new/", one, f"{one}password/", "/teams/", f"/teams/{house.team.pk}/"):
        assert as_(None).get(address).status_code == 302
        for user in (house.agent, house.supervisor, house.manager):
            assert as_(user).get(address).status_code == 403
        assert as_(house.admin).get(address).status_code == 200
    for address in (one, f"{one}password/", f"/teams/{house.team.pk}/"):
        assert as_(house.stranger).get(address).status_code == 404
        assert as_(house.stranger).post(address, data_of()).status_code == 404
    assert as_(house.stranger).post(f"{one}new-secret/").status_code == 404
    assert house.agent.username not in as_(house.stranger).get("/users/").content.decode()


def test_making_an_agent_with_a_phone(house: House, as_: As) -> None:
    answer = as_(house.admin).post("/users/new/", data_of(team=house.team.pk))
    assert answer.status_code == 302
    made = User.objects.get(username="newbie")
    assert (made.tenant, made.team, made.role, made.endpoint) == (house.tenant, house.team, "agent", "desk-7")
    assert len(made.endpoint_secret) >= 20
    assert made.check_password("correct-horse-battery-9")
    assert provisions(house) == 1


def test_nobody_is_made_for_another_tenant(house: House, as_: As, stranger: Any) -> None:
    foreign = factories.make_team(stranger)
    assert as_(house.admin).post("/users/new/", data_of(team=foreign.pk)).status_code == 200
    as_(house.admin).post("/users/new/", data_of(tenant=stranger.pk))
    assert User.objects.get(username="newbie").tenant == house.tenant


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"password": "short"}, "too short"),
        ({"password": "password123"}, "too common"),
        ({"username": ""}, "required"),
        ({"username": "a b"}, "valid username"),
        ({"role": "god"}, "valid choice"),
        ({"endpoint": "Desk 7"}, "lower-case letters"),
        ({"endpoint": "../x"}, "lower-case letters"),
        ({"endpoint": "strangersphone"}, "strangersphone” is somebody"),
    ],
)
def test_bad_fields_are_named(house: House, as_: As, changes: dict[str, str], words: str) -> None:
    answer = as_(house.admin).post("/users/new/", data_of(**changes))
    assert answer.status_code == 200
    assert words in answer.content.decode()
    assert not User.objects.filter(username="newbie").exists()
    assert provisions(house) == 0


def test_changing_somebody(house: House, as_: As) -> None:
    address = f"/users/{house.agent.public_id}/"
    same = data_of(username=house.agent.username, endpoint=house.agent.endpoint, first_name="", last_name="")
    as_(house.admin).post(address, {**same, "role": "supervisor"})
    changed = User.objects.get(pk=house.agent.pk)
    assert (changed.role, changed.endpoint_secret) == ("supervisor", "secret")
    assert provisions(house) == 0
    as_(house.admin).post(address, {**same, "endpoint": "desk-8"})
    changed = User.objects.get(pk=house.agent.pk)
    assert changed.endpoint == "desk-8"
    assert changed.endpoint_secret not in ("", "secret")
    assert provisions(house) == 1
    as_(house.admin).post(address, {**same, "endpoint": ""})
    assert User.objects.get(pk=house.agent.pk).endpoint_secret == ""
    assert provisions(house) == 2


def test_admins_cannot_lock_themselves_out(house: House, as_: As) -> None:
    address = f"/users/{house.admin.public_id}/"
    own = data_of(username=house.admin.username, endpoint="", role="admin")
    for changes in ({"role": "agent"}, {"is_active": ""}):
        assert as_(house.admin).post(address, {**own, **changes}).status_code == 200
    kept = User.objects.get(pk=house.admin.pk)
    assert (kept.role, kept.is_active) == ("admin", True)


def test_a_new_password_signs_out(house: House, as_: As) -> None:
    theirs = as_(house.agent)
    assert theirs.get("/desk/").status_code == 200
    address = f"/users/{house.agent.public_id}/password/"
    assert as_(house.admin).post(address, {"password": "short"}).status_code == 200
    assert as_(house.admin).post(address, {"password": "another-horse-battery"}).status_code == 302
    assert User.objects.get(pk=house.agent.pk).check_password("another-horse-battery")
    assert theirs.get("/desk/").status_code == 302


def test_a_new_phone_secret(house: House, as_: As) -> None:
    as_(house.admin).post(f"/users/{house.agent.public_id}/new-secret/")
    assert User.objects.get(pk=house.agent.pk).endpoint_secret not in ("", "secret")
    assert provisions(house) == 1


def test_somebody_who_may_not_sign_in(house: House, as_: As) -> None:
    theirs = as_(house.agent)
    User.objects.filter(pk=house.agent.pk).update(is_active=False)
    assert theirs.get("/desk/").status_code == 302


def test_teams(house: House, as_: As) -> None:
    browser = as_(house.admin)
    assert browser.post("/teams/", {"name": "Night"}).status_code == 302
    assert "There is a team called “Night” already" in browser.post("/teams/", {"name": "Night"}).content.decode()
    browser.post(f"/teams/{house.team.pk}/", {"name": "Day"})
    assert {team.name for team in Team.objects.for_tenant(house.tenant)} == {"Night", "Day"}
