"""Listening, whispering and barging on real PostgreSQL with a scripted switch."""

from __future__ import annotations

from typing import Any
from uuid import uuid4

import pytest
from asgiref.sync import sync_to_async

from dialer.agents import services as agents
from dialer.agents.models import AgentSession
from dialer.agents.rules import Event as AgentEvent
from dialer.agents.rules import Kind as AgentKind
from dialer.agents.services import NotNow
from dialer.campaigns.models import Campaign
from dialer.core.clock import now
from dialer.handling import monitoring
from dialer.handling.models import Monitor
from dialer.people.models import Role
from dialer.telephony import events
from dialer.telephony.models import SwitchCommand
from dialer.telephony.port import ChannelInfo, Inventory, SwitchRefused, bridge_of, leg_of, snoop_of
from tests import factories
from tests.scripted import ScriptedSwitch
from tests.switchboards import board, until

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("connections_given_back")]


@pytest.fixture
def campaign(transactional_db: None) -> Campaign:
    return factories.make_campaign(factories.make_tenant())


@pytest.fixture
def agent(campaign: Campaign) -> AgentSession:
    return factories.make_session(campaign)


@pytest.fixture
def boss(campaign: Campaign) -> AgentSession:
    user = factories.make_user(campaign.tenant, Role.SUPERVISOR, endpoint="boss1", endpoint_secret="x")
    return factories.make_session(campaign, user, state="paused")


@pytest.fixture
def switch(agent: AgentSession, boss: AgentSession) -> ScriptedSwitch:
    made = ScriptedSwitch()
    made.hold_leg(agent.public_id)
    made.hold_leg(boss.public_id)
    return made


async def go(function: Any, *args: Any, **kwargs: Any) -> Any:
    return await sync_to_async(function)(*args, **kwargs)


def rows() -> list[Monitor]:
    return list(Monitor.objects.across_tenants().order_by("asked_at"))


async def test_a_mode_and_another(switch: ScriptedSwitch, agent: AgentSession, boss: AgentSession) -> None:
    async with board(switch):
        await switch.running.wait()
        await go(monitoring.watch, watcher=boss, watched=agent, mode="listen")
        first = await switch.asked("snoop")
        assert first.rest == (leg_of(agent.public_id), "none")
        joined = await switch.asked("join", first.about)
        assert joined.rest == (bridge_of(boss.public_id),)
        await until(lambda: rows()[0].started_at is not None)
        await go(monitoring.watch, watcher=boss, watched=agent, mode="barge")
        second = await switch.asked("snoop", times=2)
        assert second.rest == (leg_of(agent.public_id), "both")
        await switch.asked("hang_up", first.about)
        names = [request.name for request in switch.requests if request.about in (first.about, second.about)]
        assert names == ["snoop", "join", "snoop", "join", "hang_up"], "there is no gap between the two"
        assert await go(monitoring.busy, boss)
        await go(monitoring.stop, watcher=boss)
        await switch.asked("hang_up", second.about)
    assert [(row.mode, row.ended_at is not None) for row in await go(rows)] == [("listen", True), ("barge", True)]


async def test_a_mode_that_fails_leaves_the_one_before(
    switch: ScriptedSwitch, agent: AgentSession, boss: AgentSession
) -> None:
    async with board(switch):
        await switch.running.wait()
        await go(monitoring.watch, watcher=boss, watched=agent, mode="listen")
        await until(lambda: [row.started_at is not None for row in rows()] == [True])
        switch.fail["snoop"] = SwitchRefused("no such channel")
        await go(monitoring.watch, watcher=boss, watched=agent, mode="whisper")
        await until(lambda: SwitchCommand.objects.across_tenants().filter(kind="monitor", status="failed").exists())
        found = await go(monitoring.current, boss)
        assert found.mode == "listen"
    assert (await go(rows))[1].notice == "no such channel"


async def test_the_agents_leg_ends_it(switch: ScriptedSwitch, agent: AgentSession, boss: AgentSession) -> None:
    async with board(switch):
        await switch.running.wait()
        await go(monitoring.watch, watcher=boss, watched=agent, mode="listen")
        asked = await switch.asked("snoop")
        await until(lambda: rows()[0].started_at is not None)
        switch.tell(events.ChannelEnded(asked.about, now(), 16))
        await until(lambda: monitoring.current(boss) is None)


async def test_the_supervisors_leg_ends_it(switch: ScriptedSwitch, agent: AgentSession, boss: AgentSession) -> None:
    async with board(switch):
        await switch.running.wait()
        await go(monitoring.watch, watcher=boss, watched=agent, mode="barge")
        asked = await switch.asked("snoop")
        await until(lambda: rows()[0].started_at is not None)
        switch.leg_ended(boss.public_id)
        await switch.asked("hang_up", asked.about)
        await until(lambda: monitoring.current(boss) is None)


async def test_whoever_signs_out_listens_no_more(
    switch: ScriptedSwitch, agent: AgentSession, boss: AgentSession
) -> None:
    async with board(switch):
        await switch.running.wait()
        await go(monitoring.watch, watcher=boss, watched=agent, mode="listen")
        asked = await switch.asked("snoop")
        await until(lambda: rows()[0].started_at is not None)
        await go(agents.apply, session_id=boss.pk, event=AgentEvent(AgentKind.LEAVE_ASKED), at=now())
        await switch.asked("hang_up", leg_of(boss.public_id))
        switch.leg_ended(boss.public_id)
        await switch.asked("hang_up", asked.about)
        await until(lambda: monitoring.current(boss) is None)


async def test_who_signed_out_while_nobody_heard_it_listens_no_more(
    switch: ScriptedSwitch, agent: AgentSession, boss: AgentSession
) -> None:
    """The next look at the switch finds the row and ends it; it puts nothing back."""
    made = await go(monitoring.begin, watcher=boss.public_id, watched=agent.pk, mode="listen", at=now())
    await go(monitoring.begun, monitor=made, at=now())
    await go(agents.apply, session_id=boss.pk, event=AgentEvent(AgentKind.LEAVE_ASKED), at=now())
    held = switch.held
    channel = ChannelInfo(snoop_of(made.pk), "UP", ready=True)
    switch.held = Inventory("boot-1", (*held.channels, channel), held.bridges)
    async with board(switch):
        await switch.asked("hang_up", snoop_of(made.pk))
        await until(lambda: monitoring.current(boss) is None)
    assert switch.count("join", snoop_of(made.pk)) == 0


async def test_a_channel_that_nobody_knows_is_ended(switch: ScriptedSwitch) -> None:
    stray = snoop_of(uuid4())
    held = switch.held
    switch.held = Inventory("boot-1", (*held.channels, ChannelInfo(stray, "UP", ready=True)), held.bridges)
    async with board(switch):
        await switch.asked("hang_up", stray)


async def test_who_may_not(campaign: Campaign, agent: AgentSession, boss: AgentSession) -> None:
    other = await go(factories.make_session, campaign)
    stranger = await go(lambda: factories.make_session(factories.make_campaign(factories.make_tenant())))
    ready = await go(
        lambda: factories.make_session(
            campaign, factories.make_user(campaign.tenant, Role.ADMIN, endpoint="adm", endpoint_secret="x")
        )
    )
    for watcher, watched, mode, word in (
        (other, agent, "listen", "Only supervisors"),
        (boss, stranger, "listen", "Only supervisors"),
        (boss, boss, "listen", "yourself"),
        (boss, agent, "shout", "Choose"),
        (ready, agent, "listen", "Pause first"),
    ):
        with pytest.raises(NotNow, match=word):
            await go(monitoring.watch, watcher=watcher, watched=watched, mode=mode)
    with pytest.raises(NotNow, match="Listen to an agent first"):
        await go(monitoring.take_over, watcher=boss)
