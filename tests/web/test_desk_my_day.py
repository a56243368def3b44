"""/desk/my-day/ and /desk/my-calls/ when a call went through two agents' hands."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import timedelta

from django.db import transaction
from django.db.models import F
from django.test import Client

from dialer.agents import services as agents
from dialer.agents.models import AgentStateChange
from dialer.agents.rules import Event, Kind
from dialer.calls.models import CallTask, Recording
from dialer.calls.rules import Kind as CallKind
from dialer.campaigns.models import Campaign
from dialer.core.clock import now
from dialer.people.models import User
from tests import factories, switch

from .conftest import House

As = Callable[[User | None], Client]


def handed_on(house: House, campaign: Campaign) -> CallTask:
    """The agent talked for seven minutes of twenty, then gave the call to their teammate, who sold something."""
    opener = factories.make_session(campaign, house.agent)
    call = switch.connect(campaign, factories.make_lead(campaign))
    closer = factories.make_session(campaign, house.teammate)
    with transaction.atomic():
        reserved = Event(Kind.RESERVED, call=call.pk, own=True)
        agents.apply_within(session_id=closer.pk, event=reserved, at=now(), guest=True)
    switch.tell(call.pk, CallKind.HANDED, session=closer.pk)
    switch.hang_up(call.pk)
    rows = CallTask.objects.for_tenant(house.tenant).filter(pk=call.pk)
    rows.update(ended_at=F("connected_at") + timedelta(minutes=20))
    parts = AgentStateChange.objects.for_tenant(house.tenant).filter(session=opener, state="in_call")
    parts.update(until=F("at") + timedelta(minutes=7))
    Recording.objects.for_tenant(house.tenant).filter(call=call).update(state="complete")
    return call


def test_a_call_that_was_handed_on_is_in_both_days(house: House, campaign: Campaign, as_: As) -> None:
    """Its outcome and its recording are those of who finished it; the talk is each one's own."""
    call = handed_on(house, campaign)
    for user, code in ((house.agent, "OTHER"), (house.teammate, "SALE")):
        as_(user).post("/desk/dispose/", {"code": code, "note": "", "call": str(call.pk)})
    for user, talk, conversions, finished in ((house.agent, "7:00", "0", False), (house.teammate, "20:00", "1", True)):
        browser = as_(user)
        day = browser.get("/desk/my-day/").content.decode()
        assert re.findall(r'<strong class="num">([^<]*)</strong>', day) == ["1", talk, conversions]
        assert f'id="recent-{call.pk}"' in day
        assert (f"/calls/{call.pk}/" in day) == finished
        calls = browser.get("/desk/my-calls/").content.decode()
        assert ("<audio" in calls) == finished
        assert ("Handed on" in calls) != finished
        found = browser.get("/desk/commands/", {"q": "byron"}).content.decode()
        assert (f"/calls/{call.pk}/" in found) == finished


def test_days_are_of_today(house: House, campaign: Campaign, as_: As) -> None:
    call = handed_on(house, campaign)
    CallTask.objects.for_tenant(house.tenant).filter(pk=call.pk).update(queued_at=now() - timedelta(days=2))
    for user in (house.agent, house.teammate):
        day = as_(user).get("/desk/my-day/").content.decode()
        assert re.findall(r'<strong class="num">([^<]*)</strong>', day) == ["0", "0:00", "0"]
        assert "recent-" not in day
