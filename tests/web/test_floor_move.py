"""/floor/agents/<id>/, deed move: agents change campaigns at once or after the call in hand, told why and audited."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from django.test import Client

from dialer.agents import services as agents
from dialer.agents.models import AgentSession, AgentStateChange
from dialer.agents.rules import Event, Kind
from dialer.calls import services as calls
from dialer.calls.snapshots import snapshot_of
from dialer.campaigns.models import Campaign, Disposition
from dialer.core.clock import now
from dialer.core.models import AuditEntry
from dialer.people.models import User
from tests import factories, switch

from .conftest import House

As = Callable[[User | None], Client]
pytestmark = pytest.mark.django_db


@pytest.fixture
def other(house: House, campaign: Campaign) -> Campaign:
    """A second campaign of the house."""
    return factories.make_campaign(house.tenant, name="Win-back", disposition_set=campaign.disposition_set)


@pytest.fixture
def session(house: House, campaign: Campaign) -> AgentSession:
    """The agent, ready."""
    return factories.make_session(campaign, house.agent)


def move(client: Client, session: AgentSession, to: Campaign, reason: str = "They are short of hands") -> str:
    """Move an agent; what the panel says."""
    answer = client.post(
        f"/floor/agents/{session.public_id}/",
        {"deed": "move", "campaign": str(to.public_id), "reason": reason},
        headers={"HX-Request": "true"},
    )
    assert answer.status_code == 200
    session.refresh_from_db()
    return answer.content.decode()


def test_whoever_is_free_moves_at_once(
    house: House, campaign: Campaign, other: Campaign, session: AgentSession, as_: As
) -> None:
    assert "They are in “Win-back” now." in move(as_(house.supervisor), session, other)
    assert (session.campaign_id, session.state, session.move_to_id) == (other.pk, "ready", None)
    assert "They are short of hands" in session.notice
    rows = AgentStateChange.objects.for_tenant(house.tenant).filter(session=session).order_by("at")
    assert [(row.campaign_id, row.state, row.until is None) for row in rows] == [
        (campaign.pk, "ready", False),
        (other.pk, "ready", True),
    ]
    entry = AuditEntry.objects.for_tenant(house.tenant).get(action="agent.move")
    assert entry.actor_id == house.supervisor.pk
    assert (entry.data["campaign"], entry.data["to"], entry.data["reason"]) == (
        *(campaign.pk, other.pk),
        "They are short of hands",
    )
    assert agents.claim(campaign_id=campaign.pk, call_id=factories.make_call(campaign).pk, at=now()) is None


def test_a_call_in_hand_is_wrapped_up_first(
    house: House, campaign: Campaign, other: Campaign, session: AgentSession, as_: As
) -> None:
    call = switch.connect(campaign, factories.make_lead(campaign))
    html = move(as_(house.supervisor), session, other)
    assert "when the call in hand is wrapped up" in html
    assert (session.campaign_id, session.state, session.move_to_id) == (campaign.pk, "in_call", other.pk)
    assert snapshot_of(campaign, now()).agents[0].state == "paused", "pacing does not count on them"
    assert "→ Win-back" in as_(house.supervisor).get("/floor/agents/").content.decode()
    switch.tell(call.pk, switch.Kind.HUNG_UP, cause=16)
    session.refresh_from_db()
    assert (session.campaign_id, session.state) == (campaign.pk, "wrapup")
    code = Disposition.objects.for_tenant(house.tenant).filter(disposition_set=campaign.disposition_set).first().code  # type: ignore[union-attr]
    calls.dispose(session_id=session.pk, code=code)
    session.refresh_from_db()
    assert (session.campaign_id, session.state, session.move_to_id) == (other.pk, "ready", None)
    last = AgentStateChange.objects.for_tenant(house.tenant).get(session=session, until=None)
    assert (last.campaign_id, last.state) == (other.pk, "ready")


def test_a_move_that_waits_is_taken_back(
    house: House, campaign: Campaign, other: Campaign, session: AgentSession, as_: As
) -> None:
    call = switch.connect(campaign, factories.make_lead(campaign))
    client = as_(house.supervisor)
    move(client, session, other)
    assert f"They stay in “{campaign.name}”." in move(client, session, campaign)
    assert session.move_to_id is None
    switch.tell(call.pk, switch.Kind.HUNG_UP, cause=16)
    session.refresh_from_db()
    assert session.campaign_id == campaign.pk


def test_whoever_signs_out_before_it_does_not_move(
    house: House, campaign: Campaign, other: Campaign, session: AgentSession
) -> None:
    switch.connect(campaign, factories.make_lead(campaign))
    agents.move(session_id=session.pk, campaign=other, at=now(), notice="")
    agents.apply(session_id=session.pk, event=Event(Kind.ENDED), at=now())
    session.refresh_from_db()
    assert (session.campaign_id, session.move_to_id, session.state) == (campaign.pk, None, "offline")


def test_a_lead_that_was_shown_goes_back(house: House, preview: Campaign, campaign: Campaign, as_: As) -> None:
    lead = factories.make_lead(preview)
    session = factories.make_session(preview, house.agent, state="paused", preview_lead=lead)
    move(as_(house.supervisor), session, campaign)
    assert (session.campaign_id, session.preview_lead_id) == (campaign.pk, None)
    assert factories.get_lead(lead.pk).state == "waiting"


def test_where_to(house: House, campaign: Campaign, session: AgentSession, as_: As) -> None:
    theirs = factories.make_campaign(house.tenant, name="Closed", disposition_set=campaign.disposition_set)
    theirs.teams.add(factories.make_team(house.tenant, "Others"))
    foreign = factories.make_campaign(house.stranger.tenant)
    for to in (theirs, foreign):
        assert "Choose one of the campaigns shown" in move(as_(house.supervisor), session, to)
    assert "Choose one of the campaigns shown" in move(as_(house.admin), session, theirs), "not of the agent's team"
    assert session.campaign_id == campaign.pk
    assert "Closed" not in as_(house.supervisor).get(f"/floor/agents/{session.public_id}/").content.decode()


def test_nobody_is_moved_without_a_reason(house: House, other: Campaign, session: AgentSession, as_: As) -> None:
    assert "Say why" in move(as_(house.supervisor), session, other, " ")
    assert session.campaign_id != other.pk
    assert not AuditEntry.objects.for_tenant(house.tenant).exists()


def move_many(client: Client, to: Campaign, *sessions: AgentSession, reason: str = "They are short of hands") -> str:
    """Move those ticked; what the page says then."""
    data = {"session": [str(one.public_id) for one in sessions], "campaign": str(to.public_id), "reason": reason}
    answer = client.post("/floor/agents/move/", data, follow=True)
    assert answer.status_code == 200
    for one in sessions:
        one.refresh_from_db()
    return answer.content.decode()


def test_several_move_together(
    house: House, campaign: Campaign, other: Campaign, session: AgentSession, as_: As
) -> None:
    switch.connect(campaign, factories.make_lead(campaign))  # to the one agent who is ready
    free = [factories.make_session(campaign, factories.make_user(house.tenant), state="paused") for _ in range(2)]
    html = move_many(as_(house.admin), other, session, *free)
    assert "2 agents are in “Win-back” now." in html
    assert "1 agent moves to “Win-back” when the call in hand is wrapped up." in html
    assert [(one.campaign_id, one.move_to_id) for one in (session, *free)] == [
        (campaign.pk, other.pk),
        (other.pk, None),
        (other.pk, None),
    ]
    assert AuditEntry.objects.for_tenant(house.tenant).filter(action="agent.move").count() == 3


def test_who_cannot_move_keeps_none_of_the_others(
    house: House, campaign: Campaign, other: Campaign, session: AgentSession, as_: As
) -> None:
    other.teams.add(house.team)
    outsider = factories.make_user(house.tenant, first_name="Otto", last_name="Outside")
    theirs = factories.make_session(campaign, outsider, state="paused")
    html = move_many(as_(house.admin), other, session, theirs)
    assert "1 agent is in “Win-back” now." in html
    assert "Otto Outside: their team does not work in “Win-back”." in html
    assert (session.campaign_id, theirs.campaign_id) == (other.pk, campaign.pk)


def test_moving_several_wants_agents_a_campaign_and_a_reason(
    house: House, campaign: Campaign, other: Campaign, session: AgentSession, as_: As
) -> None:
    client = as_(house.supervisor)
    assert "Tick the agents who are to move" in move_many(client, other)
    assert "Say why" in move_many(client, other, session, reason=" ")
    stranger = factories.make_session(factories.make_campaign(house.stranger.tenant), house.stranger)
    assert "Tick the agents who are to move" in move_many(client, other, stranger)
    assert "Tick the agents who are to move" in move_many(client, stranger.campaign, session)
    assert (session.campaign_id, stranger.campaign_id) == (campaign.pk, stranger.campaign.pk)
