"""/floor/tv/, /floor/tv-links/ and /tv/<token>/: a wallboard without signing in, for as long as its link is good."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import pytest
from django.test import Client

from dialer.campaigns.models import Campaign
from dialer.core.clock import now
from dialer.core.models import AuditEntry
from dialer.floor import tv
from dialer.floor.models import TvLink
from dialer.live import shared
from dialer.live.threads import in_thread
from dialer.people.models import User
from tests import factories

from .conftest import House
from .pages import sends_to_sign_in
from .test_socket import Opened, fresh_layer, open_screen  # noqa: F401

As = Callable[[User | None], Client]
SOCKET = "/ws/board/tv/"


def address(link: TvLink) -> str:
    return f"/tv/{tv.token_of(link)}/"


@pytest.mark.django_db
def test_a_link_opens_without_signing_in_and_names_nobody(house: House, campaign: Campaign, as_: As) -> None:
    factories.make_session(campaign, house.agent)
    answer = as_(None).get(address(factories.make_tv_link(house.admin)))
    html = answer.content.decode()
    assert answer.status_code == 200
    assert campaign.name in html
    assert house.agent.shown_name not in html
    assert "no-store" in answer.headers["Cache-Control"]


@pytest.mark.django_db
def test_a_link_shows_the_campaigns_that_it_names(house: House, campaign: Campaign, as_: As) -> None:
    other = factories.make_campaign(house.tenant, name="Not on the wall", disposition_set=campaign.disposition_set)
    link = factories.make_tv_link(house.admin)
    assert other.name in as_(None).get(address(link)).content.decode()
    link.campaigns.set([campaign])
    assert other.name not in as_(None).get(address(link)).content.decode()


@pytest.mark.django_db
def test_links_that_are_not_good(house: House, as_: As) -> None:
    expired = factories.make_tv_link(house.admin, expires_at=now() - timedelta(seconds=1))
    revoked = factories.make_tv_link(house.admin, revoked_at=now())
    good = factories.make_tv_link(house.admin)
    for place in (address(expired), address(revoked), f"/tv/{good.public_id}/", address(good)[:-2] + "x/"):
        assert as_(None).get(place).status_code == 404
    User.objects.filter(pk=house.admin.pk).update(is_active=False)
    assert as_(None).get(address(good)).status_code == 404


@pytest.mark.django_db
def test_links_are_made_and_revoked(house: House, campaign: Campaign, as_: As) -> None:
    client = as_(house.supervisor)
    values = {"name": "Hall", "days": 2, "rotate_s": 20, "campaigns": [campaign.pk]}
    assert "/tv/" in client.post("/floor/tv-links/", values, follow=True).content.decode()
    link = TvLink.objects.for_tenant(house.tenant).get()
    assert link.team_id == house.supervisor.team_id
    assert list(link.campaigns.all()) == [campaign]
    client.post(f"/floor/tv-links/{link.public_id}/revoke/")
    assert tv.link_of(tv.token_of(link)) is None
    actions = AuditEntry.objects.for_tenant(house.tenant).order_by("seq").values_list("action", flat=True)
    assert list(actions) == ["tv.made", "tv.revoked"]


@pytest.mark.django_db
def test_whose_campaigns_may_be_chosen(house: House, as_: As) -> None:
    theirs = factories.make_campaign(house.stranger.tenant)
    values = {"name": "Hall", "days": 2, "rotate_s": 20, "campaigns": [theirs.pk]}
    assert "Select a valid choice" in as_(house.supervisor).post("/floor/tv-links/", values).content.decode()


@pytest.mark.django_db
def test_who_may(house: House, as_: As) -> None:
    link = factories.make_tv_link(house.admin)
    assert as_(house.agent).get("/floor/tv/").status_code == 403
    assert as_(house.manager).get("/floor/tv/").status_code == 200
    for user in (house.agent, house.manager):
        assert as_(user).get("/floor/tv-links/").status_code == 403
        assert as_(user).post(f"/floor/tv-links/{link.public_id}/revoke/").status_code == 403
    assert as_(house.stranger).post(f"/floor/tv-links/{link.public_id}/revoke/").status_code == 404
    assert sends_to_sign_in(as_(None).get("/floor/tv/"))
    assert tv.link_of(tv.token_of(link)) is not None


@pytest.mark.django_db(transaction=True)
async def test_a_revoked_link_s_screen_goes_dark(
    house: House,
    campaign: Campaign,
    open_screen: Opened,  # noqa: F811
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(shared, "LOOK_AGAIN_S", 0.1)
    link = await in_thread(factories.make_tv_link, house.admin)
    screen = await open_screen(None, path=f"{SOCKET}?link={tv.token_of(link)}")
    assert campaign.name in await screen.html()
    await in_thread(tv.revoke, by=house.admin, link=link)
    assert await screen.closed_with() == 4404


@pytest.mark.django_db(transaction=True)
async def test_who_may_not_look(house: House, open_screen: Opened) -> None:  # noqa: F811
    assert await (await open_screen(None, path=SOCKET)).closed_with() == 4401
    assert await (await open_screen(house.agent, path=SOCKET)).closed_with() == 4403
    assert await (await open_screen(None, path=f"{SOCKET}?link=nonsense")).closed_with() == 4404
