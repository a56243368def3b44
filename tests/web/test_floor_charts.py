"""The charts of a wallboard: the day's calls, dial level and abandonment, occupancy; pushed when they change."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import timedelta

import pytest
from django.test import Client

from dialer.agents import services as agents
from dialer.agents.rules import Event, Kind
from dialer.campaigns.models import Campaign
from dialer.core.clock import now
from dialer.floor import counters, reading
from dialer.live import shared
from dialer.live.threads import in_thread
from dialer.people.models import User
from tests import factories, switch

from .conftest import House
from .test_socket import Opened, fresh_layer, open_screen  # noqa: F401

As = Callable[[User | None], Client]


@pytest.fixture(autouse=True)
def _afresh() -> None:
    """Nothing is remembered from another test."""
    reading.forget()


def end_calls(campaign: Campaign) -> None:
    """Two calls that nobody answered, one busy, and one conversation."""
    for cause in (19, 19, 17):
        call = factories.make_call(campaign)
        switch.tell(call.pk, switch.Kind.PLACED)
        switch.tell(call.pk, switch.Kind.HUNG_UP, cause=cause)
    talk = switch.connect(campaign, factories.make_lead(campaign))
    switch.tell(talk.pk, switch.Kind.HUNG_UP, cause=16)


def cells(html: str) -> list[str]:
    """The newest stretch of the charts in figures."""
    row = re.search(r'<tr id="stretch-\d+">(.*?)</tr>', html, re.DOTALL)
    assert row is not None
    return re.findall(r"<td[^>]*>([^<]*)</td>", row[1])


@pytest.mark.django_db
def test_the_day_in_pictures_and_in_figures(house: House, campaign: Campaign, as_: As) -> None:
    assert "begin with the first call" in as_(house.supervisor).get("/floor/").content.decode()
    reading.forget()
    session = factories.make_session(campaign, house.agent, since=now() - timedelta(seconds=30))
    end_calls(campaign)
    agents.apply(session_id=session.pk, event=Event(Kind.DISPOSED), at=now())
    for level in (1.0, 2.0):
        factories.make_decision(campaign, at=now(), level=level)
    counters.fold()
    html = as_(house.supervisor).get(f"/floor/campaign/{campaign.public_id}/").content.decode()
    assert "4 ended; each bar is 15 minutes." in html
    assert cells(html)[:7] == ["1", "0", "0", "3", "0", "1.50", "0.00 %"]
    assert html.count('role="img" aria-labelledby="chart-') == 4
    whole = as_(house.supervisor).get("/floor/").content.decode()
    assert "4 ended" in whole
    assert "Dial level" not in whole, "levels of several campaigns make no sum"


@pytest.mark.django_db
def test_other_teams_calls_are_not_drawn(house: House, campaign: Campaign, as_: As) -> None:
    campaign.teams.add(factories.make_team(house.tenant, "Others"))
    factories.make_session(campaign, house.agent)
    end_calls(campaign)
    assert "4 ended" in as_(house.admin).get("/floor/").content.decode()
    for user in (house.supervisor, house.stranger):
        assert "begin with the first call" in as_(user).get("/floor/").content.decode()


@pytest.mark.django_db(transaction=True)
async def test_charts_are_pushed_when_they_change_and_not_twice_a_second(
    house: House,
    campaign: Campaign,
    open_screen: Opened,  # noqa: F811
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(shared, "AGAIN_S", 0.0)
    screen = await open_screen(house.supervisor, path="/ws/board/wallboard/")
    first = [await screen.html() for _ in range(4)]
    assert sum('id="charts"' in html for html in first) == 1
    await in_thread(factories.make_session, campaign, house.agent)
    await in_thread(end_calls, campaign)
    await in_thread(reading.forget)
    while "4 ended" not in await screen.html():
        pass
