"""/desk/ready/, /desk/pause/, /desk/phone/ and what the desk shows in each state."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import pytest
from django.test import Client
from pytest_django import DjangoAssertNumQueries

from dialer.agents.models import AgentSession, LegState
from dialer.agents.rules import AgentState
from dialer.campaigns.models import Campaign
from dialer.core import health
from dialer.core.clock import now
from dialer.core.models import Pulse
from dialer.desk.topic import render
from dialer.people.models import User
from dialer.telephony.models import CommandKind, SwitchCommand
from tests import factories, switch

from .conftest import House
from .pages import attributes, message

As = Callable[[User | None], Client]


def test_ready_needs_the_phone(house: House, campaign: Campaign, as_: As) -> None:
    factories.make_session(campaign, house.agent, state=AgentState.PAUSED, leg=LegState.CALLING)
    browser = as_(house.agent)
    answer = browser.post("/desk/ready/")
    assert "phone is not on the line" in message(answer)
    assert attributes(answer)["state"] == "paused"
    switch.phone_up(house.agent)
    for _ in range(2):
        answer = browser.post("/desk/ready/")
        assert attributes(answer)["state"] == "ready"
        assert message(answer) == ""


def test_pause_takes_a_code_of_the_tenant(house: House, campaign: Campaign, as_: As) -> None:
    factories.make_session(campaign, house.agent)
    browser = as_(house.agent)
    for wrong in ("", "NAP", "break", "SCREEN"):
        assert "pause codes shown" in message(browser.post("/desk/pause/", {"code": wrong}))
    answer = browser.post("/desk/pause/", {"code": "BREAK"})
    assert attributes(answer)["state"] == "paused"
    assert "Break" in answer.content.decode()


def test_pause_after_the_call_and_back(house: House, campaign: Campaign, as_: As) -> None:
    factories.make_session(campaign, house.agent)
    switch.connect(campaign, factories.make_lead(campaign))
    browser = as_(house.agent)
    answer = browser.post("/desk/pause/", {"code": "BREAK"})
    assert attributes(answer)["state"] == "in_call"
    assert 'id="do-unpause"' in answer.content.decode()
    answer = browser.post("/desk/ready/")
    assert 'id="do-unpause"' not in answer.content.decode()


def test_deeds_without_a_session_say_so(house: House, as_: As) -> None:
    for name in ("ready", "pause", "hang-up", "dispose", "next", "dial-shown", "skip", "dial", "phone"):
        answer = as_(house.agent).post(f"/desk/{name}/", {"code": "BREAK", "number": "2125550100"})
        assert message(answer) == "You are in no campaign. Join one first."


def test_the_phone_can_be_called_again(house: House, campaign: Campaign, as_: As) -> None:
    factories.make_session(campaign, house.agent, state=AgentState.PAUSED)
    browser = as_(house.agent)
    assert "on the line or being called" in message(browser.post("/desk/phone/"))
    switch.phone_lost(house.agent, notice="Your phone hung up.")
    page = browser.get("/desk/")
    assert 'id="do-phone"' in page.content.decode()
    assert "Your phone hung up." in page.content.decode()
    assert message(browser.post("/desk/phone/")) == ""
    kinds = SwitchCommand.objects.for_tenant(house.tenant).values_list("kind", flat=True)
    assert list(kinds) == [CommandKind.CALL_PHONE]


@pytest.mark.parametrize(
    ("kind", "endpoint", "words"),
    [
        ("sip", "6001", "registered as <code>6001</code>"),
        ("number", "+12125550100", 'Free <span class="tel">+1 212-555-0100</span>'),
        ("browser", "web-0a1b", "at the top of the page"),
    ],
)
def test_what_to_do_about_a_phone_that_is_off_the_line(
    house: House, campaign: Campaign, as_: As, kind: str, endpoint: str, words: str
) -> None:
    session = factories.make_session(campaign, house.agent, state=AgentState.PAUSED, leg="down", phone=kind)
    AgentSession.objects.for_tenant(house.tenant).filter(pk=session.pk).update(endpoint=endpoint)
    page = as_(house.agent).get("/desk/").content.decode()
    assert words in page
    assert "web-0a1b" not in page


def test_each_agent_sees_their_own_desk_only(house: House, campaign: Campaign, as_: As) -> None:
    factories.make_session(campaign, house.agent)
    call = switch.connect(campaign, factories.make_lead(campaign, first_name="Marguerite"))
    assert "Marguerite" in as_(house.agent).get("/desk/").content.decode()
    for other in (house.teammate, house.supervisor, house.stranger):
        page = as_(other).get("/desk/").content.decode()
        assert "Marguerite" not in page
        assert str(call.pk) not in page


def test_names_are_text_and_nothing_else(house: House, campaign: Campaign, as_: As) -> None:
    factories.make_session(campaign, house.agent)
    evil = "<img src=x onerror=alert(1)>\"'{{ 7*7 }}"
    switch.connect(campaign, factories.make_lead(campaign, first_name=evil, notes="</p><script>x</script>"))
    page = as_(house.agent).get("/desk/").content.decode()
    assert "<img src=x" not in page
    assert "<script>x" not in page
    assert "&lt;img src=x" in page
    assert "{{ 7*7 }}" in page


@pytest.mark.parametrize("state", ["offline", "ready", "in_call", "wrapup", "paused"])
def test_a_push_takes_three_queries_at_most(
    house: House, campaign: Campaign, django_assert_max_num_queries: DjangoAssertNumQueries, state: str
) -> None:
    if state != "offline":
        session = factories.make_session(campaign, house.agent, state="paused" if state == "paused" else "ready")
    if state in ("in_call", "wrapup"):
        call = switch.connect(campaign, factories.make_lead(campaign))
        if state == "wrapup":
            switch.hang_up(call.pk)
        assert AgentSession.objects.for_tenant(house.tenant).get(pk=session.pk).state == state
    with django_assert_max_num_queries(3):
        html = render(house.agent.pk, "2026-01-02T03:04:05+00:00")
    assert f'data-state="{state}"' in html
    assert 'data-at="2026-01-02T03:04:05+00:00"' in html


def pulse(*, up: bool, age_s: float = 0.0) -> None:
    """What the switchboard last said, and how long ago."""
    health.beat(name="switchboard here", kind=health.SWITCHBOARD, lag_ms=0.0, data={"switch_up": up})
    Pulse.objects.update(at=now() - timedelta(seconds=age_s))


@pytest.mark.parametrize(("up", "age_s", "down"), [(True, 1.0, False), (True, 60.0, True), (False, 1.0, True)])
def test_a_switch_that_is_gone_is_said(
    house: House, campaign: Campaign, as_: As, up: bool, age_s: float, down: bool
) -> None:
    browser = as_(house.agent)
    pulse(up=up, age_s=age_s)
    assert attributes(browser.get("/desk/"))["switch"] == ("down" if down else "up")
    factories.make_session(campaign, house.agent)
    switch.connect(campaign, factories.make_lead(campaign))
    answer = browser.get("/desk/")
    assert attributes(answer)["switch"] == ("down" if down else "up")
    page = answer.content.decode()
    assert ('id="switch-down"' in page) is down
    assert ("The telephone switch does not answer" in page) is down
    hang_up = page.split('id="do-hang-up"')[1].split(">")[0]
    assert ('disabled aria-describedby="switch-down"' in hang_up) is down
    found = browser.get("/desk/commands/", {"q": "hang"}).content.decode()
    assert ("do-hang-up" in found) is not down
