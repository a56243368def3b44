"""/agents/: time in state."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from django.test import Client
from pytest_django import DjangoAssertNumQueries

from dialer.agents.models import AgentStateChange
from dialer.agents.selectors import time_in_state
from dialer.campaigns.models import Campaign
from dialer.people.models import User
from tests import factories

from .conftest import House

As = Callable[[User | None], Client]
ZONE = ZoneInfo("America/New_York")
DAY = date(2026, 3, 2)


@pytest.fixture
def worked(house: House, campaign: Campaign) -> None:
    """From an hour before midnight to half past ten of DAY, with a lunch that is a pause."""
    session = factories.make_session(campaign, house.agent, state="paused")
    AgentStateChange.objects.for_tenant(house.tenant).delete()
    moment = datetime(2026, 3, 1, 23, 0, tzinfo=ZONE)
    for state, code, minutes in (
        ("ready", "", 90),
        ("in_call", "", 300),
        ("wrapup", "", 60),
        ("paused", "BREAK", 30),
        ("paused", "LOGIN", 10),
        ("ready", "", 200),
    ):
        until = moment + timedelta(minutes=minutes)
        AgentStateChange.objects.create(
            tenant=house.tenant, session=session, state=state, pause_code=code, event="made", at=moment, until=until
        )
        moment = until


@pytest.mark.usefixtures("worked")
def test_states_are_clipped_to_the_day(house: House) -> None:
    [row] = time_in_state(tenant=house.tenant, day=DAY)
    spent = {part.name: part.spent for part in row.states}
    minutes = {name: length / timedelta(minutes=1) for name, length in spent.items()}
    assert minutes == {"ready": 230, "reserved": 0, "in_call": 300, "wrapup": 60, "paused": 40}
    assert row.total == timedelta(minutes=630)
    assert sum(part.share for part in row.states) == pytest.approx(1)
    assert [(part.label, part.spent) for part in row.pauses] == [
        ("Break", timedelta(minutes=30)),
        ("Signed in", timedelta(minutes=10)),
    ]
    [before] = time_in_state(tenant=house.tenant, day=DAY - timedelta(days=1))
    assert before.total == timedelta(minutes=60)
    assert time_in_state(tenant=house.tenant, day=DAY + timedelta(days=1)) == []


def test_the_current_state_counts_until_now(house: House, campaign: Campaign) -> None:
    from dialer.core.clock import now

    since = now() - timedelta(seconds=30)
    factories.make_session(campaign, house.agent, since=since)
    today = now().astimezone(ZoneInfo(house.tenant.time_zone))
    rows = time_in_state(tenant=house.tenant, day=today.date())
    midnight = today.replace(hour=0, minute=0, second=0, microsecond=0)
    [row] = rows
    expected = now() - max(since, midnight)
    assert abs(row.total - expected) < timedelta(seconds=5)


@pytest.mark.usefixtures("worked")
def test_who_sees_whom(house: House, as_: As, django_assert_max_num_queries: DjangoAssertNumQueries) -> None:
    at = f"/agents/?day={DAY.isoformat()}"
    assert as_(None).get(at).status_code == 302
    for user in (house.agent, house.supervisor, house.admin, house.manager):
        assert "3:50:00" in as_(user).get(at).content.decode()
    for user in (house.teammate, house.stranger):
        page = as_(user).get(at).content.decode()
        assert "3:50:00" not in page
    browser = as_(house.manager)
    with django_assert_max_num_queries(6):
        browser.get(at)


def test_nonsense_days(house: House, as_: As) -> None:
    for text in ("x", "2026-13-40", "9999-12-31", "0001-01-01"):
        assert as_(house.manager).get(f"/agents/?day={text}").status_code == 200
