"""/floor/agents/ and /ws/board/people/: who sees whom, and what a supervisor's hands do."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest
from django.test import Client

from dialer.agents.models import AgentSession
from dialer.campaigns.models import Campaign
from dialer.core.clock import now
from dialer.core.models import AuditEntry
from dialer.floor import hands
from dialer.handling import monitoring
from dialer.live.threads import in_thread
from dialer.people.models import Role, User
from dialer.telephony.models import CommandKind, SwitchCommand
from tests import factories, switch

from .conftest import House
from .pages import sends_to_sign_in
from .test_socket import Opened, fresh_layer, open_screen  # noqa: F401

As = Callable[[User | None], Client]
SOCKET = "/ws/board/people/"


@pytest.fixture
def session(house: House, campaign: Campaign) -> AgentSession:
    """The agent, ready."""
    return factories.make_session(campaign, house.agent)


def address(session: AgentSession) -> str:
    return f"/floor/agents/{session.public_id}/"


def act(client: Client, session: AgentSession, deed: str, reason: str = "Fire drill") -> str:
    answer = client.post(address(session), {"deed": deed, "reason": reason}, headers={"HX-Request": "true"})
    assert answer.status_code == 200
    session.refresh_from_db()
    return answer.content.decode()


@pytest.mark.django_db
def test_the_list_is_filtered_and_sorted(house: House, campaign: Campaign, session: AgentSession, as_: As) -> None:
    factories.make_session(campaign, house.teammate, state="paused")
    client = as_(house.supervisor)

    def names(query: str) -> list[str]:
        return re.findall(
            r'hx-swap="innerHTML">([^<]+)</a></td>', client.get(f"/floor/agents/{query}").content.decode()
        )

    assert names("?sort=name") == sorted([house.agent.shown_name, house.teammate.shown_name], key=str.lower)
    assert names("?state=paused") == [house.teammate.shown_name]
    assert names("?state=wrapup") == []
    assert len(names("?campaign=nonsense&sort=nonsense")) == 2


@pytest.mark.django_db
@pytest.mark.parametrize("deed", ["pause", "sign-out", "ready"])
def test_agents_are_forced_and_told_why(house: House, session: AgentSession, as_: As, deed: str) -> None:
    if deed == "ready":
        AgentSession.objects.for_tenant(house.tenant).update(state="paused", pause_code="BREAK")
    html = act(as_(house.supervisor), session, deed)
    assert "Done." in html
    assert session.state == {"pause": "paused", "sign-out": "offline", "ready": "ready"}[deed]
    assert "Fire drill" in session.notice
    assert house.supervisor.shown_name in session.notice
    entry = AuditEntry.objects.for_tenant(house.tenant).get(action=f"agent.{deed}")
    assert (entry.actor_id, entry.subject) == (house.supervisor.pk, str(session.public_id))
    assert entry.data["reason"] == "Fire drill"


@pytest.mark.django_db
def test_whoever_left_in_wrap_up_can_be_signed_out(
    house: House, campaign: Campaign, session: AgentSession, as_: As
) -> None:
    """Where wrap-up has no end nobody else could ever end it: the default disposition is theirs."""
    Campaign.objects.for_tenant(house.tenant).update(wrapup_s=0)
    call = switch.connect(campaign, factories.make_lead(campaign))
    assert "Not now. " in act(as_(house.supervisor), session, "sign-out")
    assert session.state == "in_call"
    switch.hang_up(call.pk)
    assert "Done." in act(as_(house.supervisor), session, "sign-out")
    assert session.state == "offline"
    call = factories.get_call(call.pk)
    assert call.disposition is not None
    assert call.events.get(kind="disposed").data["by"] == "supervisor"
    page = as_(house.supervisor).get(f"/calls/{call.pk}/").content.decode()
    assert "a supervisor signed the agent out" in page


@pytest.mark.django_db
def test_whoever_listens_is_not_made_ready(house: House, campaign: Campaign, session: AgentSession, as_: As) -> None:
    other = factories.make_user(house.tenant, Role.SUPERVISOR, endpoint="boss2", endpoint_secret="x")
    listens = factories.make_session(campaign, other, state="paused")
    made = monitoring.begin(watcher=listens.public_id, watched=session.pk, mode="listen", at=now())
    assert not isinstance(made, str)
    assert "listening to an agent" in act(as_(house.admin), listens, "ready")
    assert listens.state == "paused"


@pytest.mark.django_db
def test_nothing_is_forced_without_a_reason(house: House, session: AgentSession, as_: As) -> None:
    assert "Say why" in act(as_(house.supervisor), session, "pause", " ")
    assert session.state == "ready"
    assert not AuditEntry.objects.for_tenant(house.tenant).exists()


@pytest.mark.django_db
def test_listening_wants_a_phone_then_asks_the_switch(
    house: House, campaign: Campaign, session: AgentSession, as_: As, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(hands, "SETTLED_WITHIN_S", 0.0)
    client = as_(house.supervisor)
    assert "Your phone is not on the line" in act(client, session, "listen")
    own = factories.make_session(campaign, house.supervisor, state="paused", leg="away")
    assert "Your phone is coming on the line" in act(client, session, "listen")  # its page has just been opened
    AgentSession.objects.for_tenant(house.tenant).filter(pk=own.pk).update(leg="up")
    for mode in ("listen", "whisper", "barge"):
        act(client, session, mode)
    asked = SwitchCommand.objects.for_tenant(house.tenant).filter(kind=CommandKind.MONITOR, target=own.public_id)
    assert [one.args["mode"] for one in asked.order_by("created_at")] == ["listen", "whisper", "barge"]
    actions = AuditEntry.objects.for_tenant(house.tenant).order_by("seq").values_list("action", flat=True)
    assert list(actions) == ["monitor.listen", "monitor.whisper", "monitor.barge"]
    assert "Listen to an agent first" in act(client, session, "take-over")


@pytest.mark.django_db
def test_the_answer_says_how_it_is_on_the_switch(
    house: House, campaign: Campaign, session: AgentSession, as_: As, monkeypatch: pytest.MonkeyPatch
) -> None:
    factories.make_session(campaign, house.supervisor, state="paused")

    def switch_does(*, watcher: AgentSession, watched: AgentSession, mode: str) -> None:
        made = monitoring.begin(watcher=watcher.public_id, watched=watched.pk, mode=mode, at=now())
        assert not isinstance(made, str)
        if mode == "barge":
            monitoring.failed(monitor=made, reason="no such channel", at=now())
        else:
            monitoring.begun(monitor=made, at=now())

    monkeypatch.setattr(monitoring, "watch", switch_does)
    client = as_(house.supervisor)
    assert f"Whispering: {house.agent.shown_name}" in act(client, session, "whisper")
    html = act(client, session, "barge")
    assert "no such channel" in html
    assert "about to speak with both" not in html
    assert f"Whispering: {house.agent.shown_name}" in html


@pytest.mark.django_db
def test_agents_are_refused_and_managers_only_look(house: House, session: AgentSession, as_: As) -> None:
    for place in ("/floor/agents/", address(session)):
        assert as_(house.agent).get(place).status_code == 403
        assert as_(house.manager).get(place).status_code == 200
    for user in (house.agent, house.manager):
        assert as_(user).post(address(session), {"deed": "pause", "reason": "x"}).status_code == 403
    session.refresh_from_db()
    assert session.state == "ready"


@pytest.mark.django_db
def test_strangers_and_other_teams_find_nobody(house: House, session: AgentSession, as_: As) -> None:
    others = factories.make_user(house.tenant, "supervisor", team=factories.make_team(house.tenant, "Others"))
    for user in (house.stranger, others):
        assert as_(user).get(address(session)).status_code == 404
        assert as_(user).post(address(session), {"deed": "pause", "reason": "x"}).status_code == 404
        assert house.agent.shown_name not in as_(user).get("/floor/agents/").content.decode()
    assert sends_to_sign_in(as_(None).get(address(session)))


@pytest.mark.django_db(transaction=True)
async def test_the_list_moves_by_itself(house: House, campaign: Campaign, open_screen: Opened) -> None:  # noqa: F811
    screen = await open_screen(house.supervisor, path=f"{SOCKET}?campaign={campaign.public_id}")
    assert "Nobody." in await screen.html()
    await in_thread(factories.make_session, campaign, house.agent)
    while house.agent.shown_name not in await screen.html():
        pass


@pytest.mark.django_db(transaction=True)
async def test_who_may_not_look(house: House, campaign: Campaign, open_screen: Opened) -> None:  # noqa: F811
    assert await (await open_screen(None, path=SOCKET)).closed_with() == 4401
    assert await (await open_screen(house.agent, path=SOCKET)).closed_with() == 4403
    await in_thread(factories.make_session, campaign, house.agent)
    screen = await open_screen(house.stranger, path=f"{SOCKET}?campaign={campaign.public_id}")
    assert house.agent.shown_name not in await screen.html()
