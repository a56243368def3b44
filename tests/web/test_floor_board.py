"""/floor/ and /ws/board/wallboard/: who sees which board, what it shows, and that it moves by itself."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import timedelta

import pytest
from asgiref.sync import sync_to_async
from django.test import Client

from dialer.calls import services as calls
from dialer.calls.models import PacingState
from dialer.calls.rules import Kind
from dialer.campaigns.models import Campaign
from dialer.compliance.models import GateVerdict
from dialer.core.clock import now
from dialer.floor import reading, topic
from dialer.live import shared
from dialer.live.threads import in_thread
from dialer.people.models import User
from tests import factories, switch

from .conftest import House
from .pages import sends_to_sign_in
from .test_socket import Opened, fresh_layer, open_screen  # noqa: F401

As = Callable[[User | None], Client]
BOARD = "/ws/board/wallboard/"


def tile(html: str, name: str) -> str:
    """What a tile shows, as text."""
    found = re.search(rf"<dt>{name}[^<]*</dt><dd[^>]*>(.*?)</dd>", html, re.DOTALL)
    assert found, name
    return " ".join(re.sub(r"<[^>]+>", " ", found[1]).split())


@pytest.mark.django_db
def test_an_agent_is_refused(house: House, campaign: Campaign, as_: As) -> None:
    for address in ("/floor/", f"/floor/campaign/{campaign.public_id}/"):
        assert as_(house.agent).get(address).status_code == 403


@pytest.mark.django_db
def test_nobody_is_sent_to_sign_in(house: House, as_: As) -> None:
    assert sends_to_sign_in(as_(None).get("/floor/"))


@pytest.mark.django_db
def test_a_stranger_s_campaign_does_not_exist(house: House, campaign: Campaign, as_: As) -> None:
    assert as_(house.stranger).get(f"/floor/campaign/{campaign.public_id}/").status_code == 404
    assert campaign.name not in as_(house.stranger).get("/floor/").content.decode()


@pytest.mark.django_db
def test_readers_see_the_floor(house: House, campaign: Campaign, as_: As) -> None:
    session = factories.make_session(campaign, house.agent)
    for user in (house.supervisor, house.admin, house.manager):
        html = as_(user).get("/floor/").content.decode()
        assert campaign.name in html
        assert session.user.shown_name in html


@pytest.mark.django_db
def test_a_supervisor_s_team_limits_what_is_seen(house: House, campaign: Campaign, as_: As) -> None:
    theirs = factories.make_team(house.tenant, "Others")
    other = factories.make_user(house.tenant, first_name="Olga", team=theirs)
    closed = factories.make_campaign(house.tenant, name="Closed to us", disposition_set=campaign.disposition_set)
    closed.teams.add(theirs)
    factories.make_session(campaign, other)
    factories.make_session(campaign, house.agent)
    seen = as_(house.supervisor).get("/floor/").content.decode()
    assert "Olga" not in seen
    assert "Closed to us" not in seen
    assert house.agent.shown_name in seen
    assert as_(house.supervisor).get(f"/floor/campaign/{closed.public_id}/").status_code == 404
    whole = as_(house.admin).get("/floor/").content.decode()
    assert "Olga" in whole
    assert "Closed to us" in whole


@pytest.mark.django_db
def test_figures(house: House, campaign: Campaign, as_: As) -> None:
    session = factories.make_session(campaign, house.agent)
    ringing, abandoned, waiting = (factories.make_call(campaign) for _ in range(3))
    switch.connect(campaign, factories.make_lead(campaign))
    for call in (ringing, abandoned, waiting):
        switch.tell(call.pk, Kind.PLACED)
        switch.tell(call.pk, Kind.RINGING)
    for call in (abandoned, waiting):
        switch.tell(call.pk, Kind.ANSWERED)
        switch.tell(call.pk, Kind.READY)
    switch.tell(abandoned.pk, Kind.WAIT_EXPIRED)
    switch.tell(abandoned.pk, Kind.HUNG_UP, cause=16)
    html = as_(house.supervisor).get(f"/floor/campaign/{campaign.public_id}/").content.decode()
    assert tile(html, "Ringing") == "1"
    assert tile(html, "Waiting").startswith("1 longest 0:0")
    assert tile(html, "Talking") == "1"
    assert tile(html, "Answer rate") == "100 % of 1 dialed"
    assert tile(html, "Abandonment") == "33.33 % 1 of 3 live answers"
    assert tile(html, "Budget left") == "-1 over the cap"
    assert session.user.shown_name in html


@pytest.mark.django_db
def test_the_other_figures(house: House, campaign: Campaign, as_: As) -> None:
    """Averages, contact rate, conversions, why pacing dials as it does, leads left by list, refusals by reason."""
    reading.forget()
    began = now() - timedelta(seconds=90)
    session = factories.make_session(campaign, house.agent, since=began)
    factories.make_leads(factories.make_list(campaign, name="Spring"), 3)
    factories.make_leads(factories.make_list(campaign, name="Asleep", is_active=False), 2)
    for rule in ("dnc", "dnc", "calling_hours"):
        GateVerdict.objects.create(
            tenant=house.tenant, campaign=campaign, phone="+12125550100", allowed=False, rule=rule, pack="t", at=now()
        )
    PacingState.objects.create(
        tenant=house.tenant, campaign=campaign, decided_at=now(), level=1.35, reason="2 lines: one agent is free soon."
    )
    sold, missed = factories.make_lead(campaign), factories.make_call(campaign)
    call = switch.connect(campaign, sold)
    switch.tell(call.pk, Kind.HUNG_UP, cause=16)
    calls.dispose(session_id=session.pk, code="SALE")
    switch.tell(missed.pk, Kind.PLACED)
    switch.tell(missed.pk, Kind.HUNG_UP, cause=19)
    html = as_(house.supervisor).get(f"/floor/campaign/{campaign.public_id}/").content.decode()
    assert tile(html, "Contact rate") == "50 %"
    assert tile(html, "Conversions") == "1"
    assert re.fullmatch(r"0:0\d", tile(html, "Average talk"))
    assert re.fullmatch(r"0:0\d", tile(html, "Average wrap-up"))
    assert re.fullmatch(r"1:3\d", tile(html, "Average idle"))
    assert tile(html, "Occupancy") in ("0 %", "1 %", "2 %")
    text = " ".join(re.sub(r"<[^>]+>", " ", html[html.index('-more" class="board-more"') :]).split())
    for said in (
        "Pacing 1.35 lines per free agent 2 lines: one agent is free soon.",
        "Spring 3",
        "Asleep off 2",
        "On the do-not-call list 2 Outside calling hours 1",
    ):
        assert said in text
    assert f'data-since="{factories.get_session(session.pk).state_since.isoformat()}"' in html


@pytest.mark.django_db(transaction=True)
async def test_the_board_moves_by_itself(house: House, campaign: Campaign, open_screen: Opened) -> None:  # noqa: F811
    screen = await open_screen(house.supervisor, path=BOARD)
    assert tile(await screen.html(), "Ringing") == "0"
    call = await in_thread(factories.make_call, campaign)
    await in_thread(switch.tell, call.pk, Kind.PLACED)
    html = ""
    while not html or tile(html, "Ringing") != "1":
        html = await screen.html()


@pytest.mark.django_db(transaction=True)
async def test_a_board_is_rendered_once_for_all_its_viewers(
    house: House,
    campaign: Campaign,
    open_screen: Opened,  # noqa: F811
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    looks: list[int] = []
    read = reading.read_floor

    def counted(tenant_id: int) -> reading.Floor:
        looks.append(tenant_id)
        return read(tenant_id)

    monkeypatch.setattr(topic, "read_floor", counted)
    screens = [await open_screen(user, path=BOARD) for user in (house.admin, house.manager) * 5]
    shown = [await screen.html() for screen in screens]
    numbers = {re.search(r'data-rev="(\d+)"', html)[1] for html in shown}  # type: ignore[index]
    assert len(looks) < len(screens)
    assert len(numbers) <= len(looks)


@pytest.mark.django_db(transaction=True)
async def test_who_may_not_look(house: House, campaign: Campaign, open_screen: Opened) -> None:  # noqa: F811
    assert await (await open_screen(None, path=BOARD)).closed_with() == 4401
    assert await (await open_screen(house.agent, path=BOARD)).closed_with() == 4403
    of_campaign = f"{BOARD}?campaign={campaign.public_id}"
    assert await (await open_screen(house.stranger, path=of_campaign)).closed_with() == 4404
    assert await (await open_screen(house.admin, path=f"{BOARD}?campaign=x")).closed_with() == 4404
    assert await (await open_screen(house.admin, path="/ws/board/nothing/")).closed_with() == 4404


@pytest.mark.django_db(transaction=True)
async def test_a_stranger_s_board_shows_nothing_of_ours(
    house: House,
    campaign: Campaign,
    open_screen: Opened,  # noqa: F811
) -> None:
    screen = await open_screen(house.stranger, path=BOARD)
    assert campaign.name not in await screen.html()


@pytest.mark.django_db(transaction=True)
async def test_whoever_loses_the_role_is_shown_no_more(
    house: House,
    open_screen: Opened,  # noqa: F811
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(shared, "LOOK_AGAIN_S", 0.1)
    screen = await open_screen(house.supervisor, path=BOARD)
    await screen.html()
    await sync_to_async(User.objects.filter(pk=house.supervisor.pk).update)(role="agent")
    assert await screen.closed_with() == 4403
