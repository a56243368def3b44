"""/floor/messages/: whom a supervisor can tell something, and that it is on their desks at once."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from django.test import Client

from dialer.campaigns.models import Campaign
from dialer.core.models import AuditEntry
from dialer.floor import told
from dialer.floor.models import FloorMessage, MessageReceipt
from dialer.floor.scope import scope_of
from dialer.live.threads import in_thread
from dialer.people.models import User
from tests import factories

from .conftest import House
from .test_socket import Opened, fresh_layer, open_screen  # noqa: F401

As = Callable[[User | None], Client]


def readers(house: House) -> set[int]:
    """Who got something."""
    return set(MessageReceipt.objects.for_tenant(house.tenant).values_list("user_id", flat=True))


@pytest.mark.django_db
def test_everybody_in_sight_a_team_or_one(house: House, campaign: Campaign, as_: As) -> None:
    others = factories.make_team(house.tenant, "Others")
    far = factories.make_user(house.tenant, team=others)
    session = factories.make_session(campaign, house.agent)
    for user in (house.teammate, far):
        factories.make_session(campaign, user)

    def told_to(client: Client, **to: object) -> set[int]:
        MessageReceipt.objects.for_tenant(house.tenant).delete()
        client.post("/floor/messages/", {"text": "Fire drill at ten", **to})
        return readers(house)

    assert told_to(as_(house.supervisor)) == {house.agent.pk, house.teammate.pk}
    assert told_to(as_(house.admin)) == {house.agent.pk, house.teammate.pk, far.pk}
    assert told_to(as_(house.admin), team=others.pk) == {far.pk}
    assert told_to(as_(house.supervisor), session=session.public_id) == {house.agent.pk}
    assert AuditEntry.objects.for_tenant(house.tenant).filter(action="message").count() == 4


@pytest.mark.django_db
def test_nothing_is_said_to_nobody(house: House, as_: As) -> None:
    answer = as_(house.supervisor).post("/floor/messages/", {"text": "Anybody?"}, follow=True)
    assert "Nobody of them is on the floor" in answer.content.decode()
    assert not FloorMessage.objects.for_tenant(house.tenant).exists()


@pytest.mark.django_db
def test_it_is_unread_until_it_was_read(house: House, campaign: Campaign, as_: As) -> None:
    factories.make_session(campaign, house.agent)
    as_(house.supervisor).post("/floor/messages/", {"text": "Fire <b>drill</b>"})
    message = FloorMessage.objects.for_tenant(house.tenant).get()
    place = f"/floor/messages/{message.public_id}/seen/"
    assert "Fire &lt;b&gt;drill" in as_(house.agent).get("/floor/messages/mine/").content.decode()
    assert as_(house.teammate).post(place).status_code == 404
    assert as_(house.stranger).post(place).status_code == 404
    assert as_(house.agent).post(place).status_code == 200
    assert "Fire" not in as_(house.agent).get("/floor/messages/mine/").content.decode()


@pytest.mark.django_db
def test_who_may(house: House, campaign: Campaign, as_: As) -> None:
    session = factories.make_session(campaign, house.agent)
    for user in (house.agent, house.manager):
        assert as_(user).post("/floor/messages/", {"text": "x"}).status_code == 403
    assert as_(house.stranger).post("/floor/messages/", {"text": "x", "session": session.public_id}).status_code == 404
    assert as_(house.stranger).post("/floor/messages/", {"text": "x", "team": house.team.pk}).status_code == 404
    assert readers(house) == set()


@pytest.mark.django_db(transaction=True)
async def test_it_is_on_the_desk_at_once(house: House, campaign: Campaign, open_screen: Opened) -> None:  # noqa: F811
    await in_thread(factories.make_session, campaign, house.agent)
    screen = await open_screen(house.agent)
    await screen.html()
    sessions = scope_of(house.supervisor).sessions()
    await in_thread(lambda: told.tell(by=house.supervisor, sessions=sessions, to="everybody", text="Fire drill"))
    assert "Fire drill" in await screen.html()
