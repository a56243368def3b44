"""/calls/<id>/ while the call lasts: its timeline says why and who, and moves by push; who may look."""

from __future__ import annotations

import re
from collections.abc import Callable
from uuid import uuid4

import pytest
from django.test import Client

from dialer.calls import placing
from dialer.calls.models import CallTask
from dialer.calls.rules import Kind
from dialer.campaigns.models import Campaign
from dialer.core.clock import now
from dialer.handling.models import Monitor
from dialer.live.threads import in_thread
from dialer.people.models import Role, User
from tests import factories, switch

from .conftest import House
from .test_socket import Opened, fresh_layer, open_screen  # noqa: F401

As = Callable[[User | None], Client]


def lines(html: str) -> list[str]:
    """The timeline: who and what of each line."""
    found = re.findall(r'tl-who">(.*?)</span>\s*<span class="tl-text">(.*?)</span>', html, re.DOTALL)
    return [f"{who}: {re.split('<', text)[0].strip()}" for who, text in found]


@pytest.mark.django_db
def test_it_says_why_it_was_dialed_and_who_had_it(house: House, campaign: Campaign, as_: As) -> None:
    factories.make_session(campaign, house.agent)
    factories.make_leads(factories.make_list(campaign), 1)
    placing.pace(campaign_id=campaign.pk)
    call = CallTask.objects.for_tenant(house.tenant).get()
    for kind in (Kind.PLACED, Kind.RINGING, Kind.ANSWERED, Kind.READY):
        switch.tell(call.pk, kind)
    told = lines(as_(house.supervisor).get(f"/calls/{call.pk}/").content.decode())
    assert re.fullmatch(r"Dialer: Pacing decided to dial: .*1 free.*", told[0])
    assert re.fullmatch(r"Gate: Allowed by \S+ .*America/New_York \d\d:\d\d.*", told[1])
    assert told[2] == "Dialer: The switch is asked to dial"
    assert told[-1] == f"Dialer: The agent who waited longest is reserved: {house.agent.shown_name}"


@pytest.mark.django_db
def test_it_says_which_supervisor_was_in_it(house: House, campaign: Campaign, as_: As) -> None:
    session = factories.make_session(campaign, house.agent)
    boss = factories.make_session(campaign, house.supervisor, state="paused")
    call = switch.connect(campaign, factories.make_lead(campaign))
    here = {"tenant": house.tenant, "watcher": boss, "watched": session, "asked_at": now(), "started_at": now()}
    Monitor.objects.create(mode="listen", ended_at=now(), **here)
    Monitor.objects.create(mode="barge", **here)
    switch.tell(call.pk, Kind.HUNG_UP, cause=16)
    factories.make_call(campaign)
    told = lines(as_(house.admin).get(f"/calls/{call.pk}/").content.decode())
    name = house.supervisor.shown_name
    supervisors = [one for one in told if one.startswith("Supervisor")]
    assert sorted(supervisors) == [
        f"Supervisor: Listening no more: {name}",
        f"Supervisor: Listening: {name}",
        f"Supervisor: Speaking with both: {name}",
    ]
    assert told.index(supervisors[0]) > next(n for n, one in enumerate(told) if "Connected with the agent" in one)
    assert "channel is gone" in told[-1]


@pytest.mark.django_db(transaction=True)
async def test_it_moves_by_itself(house: House, campaign: Campaign, open_screen: Opened) -> None:  # noqa: F811
    call = await in_thread(factories.make_call, campaign)
    screen = await open_screen(house.manager, path=f"/ws/board/call/?call={call.pk}")
    first = await screen.html()
    assert first.startswith('<div id="call"')
    assert call.phone[-4:] not in first, "managers see numbers masked"
    await in_thread(switch.tell, call.pk, Kind.PLACED)
    while "The switch is asked to dial" not in await screen.html():
        pass
    await in_thread(lambda: switch.tell(call.pk, Kind.HUNG_UP, cause=17))
    while "17: user busy" not in await screen.html():
        pass


@pytest.mark.django_db(transaction=True)
async def test_who_may_listen(house: House, campaign: Campaign, open_screen: Opened) -> None:  # noqa: F811
    await in_thread(factories.make_session, campaign, house.agent)
    call = await in_thread(lambda: switch.connect(campaign, factories.make_lead(campaign)))
    path = f"/ws/board/call/?call={call.pk}"
    assert call.phone[-4:] in await (await open_screen(house.agent, path=path)).html(), "their own"
    for user, code in ((None, 4401), (house.teammate, 4403), (house.stranger, 4404)):
        assert await (await open_screen(user, path=path)).closed_with() == code
    for wanted in (f"?call={uuid4()}", "?call=x", ""):
        assert await (await open_screen(house.admin, path=f"/ws/board/call/{wanted}")).closed_with() == 4404


@pytest.mark.django_db
def test_another_team_s_calls_do_not_exist(house: House, campaign: Campaign, as_: As) -> None:
    others = factories.make_team(house.tenant, "Others")
    boss = factories.make_user(house.tenant, Role.SUPERVISOR, team=others)
    factories.make_session(campaign, house.agent)
    theirs = switch.connect(campaign, factories.make_lead(campaign))
    nobodys = factories.make_call(campaign)
    client = as_(boss)
    assert client.get(f"/calls/{theirs.pk}/").status_code == 404
    assert client.get(f"/calls/{nobodys.pk}/").status_code == 200, "every team works in this campaign"
    listed = client.get("/calls/").content.decode()
    assert str(theirs.pk) not in listed
    assert str(nobodys.pk) in listed
    campaign.teams.add(house.team)
    assert client.get(f"/calls/{nobodys.pk}/").status_code == 404
    assert client.get(f"/campaigns/{campaign.public_id}/").status_code == 404
    assert campaign.name not in client.get("/campaigns/").content.decode()
    for deed in ("start", "stop", "method", "level", "lines"):
        assert client.post(f"/campaigns/{campaign.public_id}/{deed}/").status_code == 404
    assert client.get(f"/calls/pacing/{campaign.public_id}/").status_code == 404
    assert client.get(f"/campaigns/{campaign.public_id}/what-if/").status_code == 404
    for page in ("/calls/", "/agents/"):
        assert house.agent.shown_name not in client.get(page).content.decode()
