"""The switchboard on real PostgreSQL with a scripted switch: what it asks of the switch, and when."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from uuid import UUID, uuid4

import pytest
from asgiref.sync import sync_to_async
from django.db import transaction

from asterisk.switchboard import switchboard
from asterisk.switchboard.switchboard import Switchboard
from dialer.agents import services as agents
from dialer.agents.models import LegState
from dialer.agents.rules import CALLBACK_DUE
from dialer.agents.rules import Event as AgentEvent
from dialer.agents.rules import Kind as AgentKind
from dialer.calls import services
from dialer.calls.models import CallTask
from dialer.campaigns.models import Campaign
from dialer.core.clock import now
from dialer.leads import callbacks
from dialer.leads.models import Lead, LeadState
from dialer.telephony.events import MessagePlayed, SwitchDown, SwitchUp, Waits
from dialer.telephony.port import ChannelInfo, Inventory, SwitchRefused, SwitchUnreachable
from tests import factories
from tests.scripted import ScriptedSwitch, bridge_of, leg_of
from tests.switchboards import board, call_of, queue, ready_agent, session_of, until

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("connections_given_back")]


@pytest.fixture
def campaign(transactional_db: None) -> Campaign:
    """An active campaign with three leads due."""
    made = factories.make_campaign(factories.make_tenant())
    factories.make_leads(factories.make_list(made), 3)
    return made


async def test_a_recording_begins_with_what_the_law_of_the_place_wants_heard(campaign: Campaign) -> None:
    def in_california() -> None:
        Lead.objects.for_tenant(campaign.tenant_id).update(region="US-CA")

    await sync_to_async(in_california)()
    session = await sync_to_async(ready_agent)(campaign)
    switch = ScriptedSwitch()
    switch.hold_leg(session.public_id)
    async with board(switch):
        await switch.running.wait()
        [call_id] = await sync_to_async(queue)(campaign)
        await switch.asked("place", call_id)
        switch.ready(call_id)
        recorded = await switch.asked("record", call_id)
        call = await sync_to_async(call_of)(call_id)
        assert recorded.rest == (services.recording_path(call), "announce")
        switch.ended(call_id)
        await until(lambda: session_of(session).state == "wrapup")


async def test_a_call_from_queue_to_wrapup(campaign: Campaign) -> None:
    session = await sync_to_async(ready_agent)(campaign)
    switch = ScriptedSwitch()
    switch.hold_leg(session.public_id)
    states: list[str] = []

    async with board(switch):
        await switch.running.wait()
        [call_id] = await sync_to_async(queue)(campaign)
        placed = await switch.asked("place", call_id)
        states.append((await sync_to_async(call_of)(call_id)).state)
        assert placed.rest[0].number == (await sync_to_async(call_of)(call_id)).phone
        switch.ringing(call_id)
        switch.answered(call_id)
        switch.ready(call_id)
        joined = await switch.asked("join", call_id)
        assert joined.rest == (bridge_of(session.public_id),)
        recorded = await switch.asked("record", call_id)
        assert recorded.rest[1] == "none", "the law of New York asks for nothing"
        await until(lambda: session_of(session).state == "in_call")
        switch.ended(call_id)
        await until(lambda: session_of(session).state == "wrapup")
    call = await sync_to_async(call_of)(call_id)
    assert states == ["dialing"]
    assert (call.state, call.outcome, call.cause, call.hung_up_by) == ("ended", "connected", 16, "customer")
    assert call.placed_at <= call.ringing_at <= call.answered_at <= call.ready_at <= call.connected_at <= call.ended_at
    kinds = await sync_to_async(lambda: list(call.events.values_list("kind", flat=True)))()
    assert kinds == ["placed", "ringing", "answered", "ready", "claimed", "bridged", "hung_up"]


async def test_nobody_free_within_the_limit_plays_the_message(campaign: Campaign) -> None:
    switch = ScriptedSwitch()
    async with board(switch):
        await switch.running.wait()
        [call_id] = await sync_to_async(queue)(campaign)
        await switch.asked("place", call_id)
        switch.answered(call_id)
        switch.ready(call_id)
        request = await switch.asked("play", call_id)
        assert request.rest[0] == "safe-harbour"
        switch.tell(MessagePlayed(str(call_id), str(request.rest[1]), now()))
        await switch.asked("hang_up", call_id)
        switch.ended(call_id)
        await until(lambda: call_of(call_id).outcome == "abandoned")
    call = await sync_to_async(call_of)(call_id)
    waited = (await sync_to_async(lambda: call.events.get(kind="wait_expired"))()).at - call.answered_at
    assert timedelta(seconds=1.9) < waited < timedelta(seconds=3)
    lead = await sync_to_async(Lead.objects.across_tenants().get)(pk=call.lead_id)
    assert lead.state == LeadState.WAITING and lead.next_attempt_at > now() + timedelta(hours=71)


async def test_an_agent_who_becomes_free_gets_the_one_who_waits(campaign: Campaign) -> None:
    switch = ScriptedSwitch()
    async with board(switch):
        await switch.running.wait()
        [call_id] = await sync_to_async(queue)(campaign)
        await switch.asked("place", call_id)
        switch.ready(call_id)
        await until(lambda: call_of(call_id).state == "human")
        session = await sync_to_async(ready_agent)(campaign)
        switch.hold_leg(session.public_id)
        joined = await switch.asked("join", call_id)
        assert joined.rest == (bridge_of(session.public_id),)
        await until(lambda: call_of(call_id).state == "connected")
    assert switch.count("play") == 0


async def test_a_refusal_of_the_switch_ends_the_call(campaign: Campaign) -> None:
    switch = ScriptedSwitch(fail={"place": SwitchRefused("Allocation failed")})
    async with board(switch):
        await switch.running.wait()
        [call_id] = await sync_to_async(queue)(campaign)
        await until(lambda: call_of(call_id).outcome == "failed")


async def test_a_customer_who_is_gone_before_the_bridge_is_no_second_agents_call(campaign: Campaign) -> None:
    first = await sync_to_async(ready_agent)(campaign)
    second = await sync_to_async(ready_agent)(campaign)
    switch = ScriptedSwitch(fail={"join": SwitchRefused("Channel not found")})
    switch.on_request = lambda request: switch.ended(UUID(request.about)) if request.name == "join" else None
    async with board(switch):
        await switch.running.wait()
        [call_id] = await sync_to_async(queue)(campaign)
        await switch.asked("place", call_id)
        switch.answered(call_id)
        switch.ready(call_id)
        await until(lambda: call_of(call_id).state == "ended")
        await until(lambda: session_of(first).state == "ready")
    assert switch.count("join") == 1
    assert (await sync_to_async(call_of)(call_id)).outcome == "early_hangup"
    kinds = await sync_to_async(lambda: list(call_of(call_id).events.values_list("kind", flat=True)))()
    assert kinds.count("claimed") == 1
    assert (await sync_to_async(session_of)(second)).state == "ready"


async def test_a_call_that_the_switch_never_heard_of_is_lost_and_not_dialed_again(campaign: Campaign) -> None:
    switch = ScriptedSwitch(fail={"place": SwitchUnreachable("no answer")})
    async with board(switch) as running:
        await switch.running.wait()
        [call_id] = await sync_to_async(queue)(campaign)
        await switch.asked("place", call_id)
        running._look.set()
        await until(lambda: call_of(call_id).outcome == "lost")
    assert switch.count("place") == 1
    lead_id = (await sync_to_async(call_of)(call_id)).lead_id
    lead = await sync_to_async(Lead.objects.across_tenants().get)(pk=lead_id)
    assert lead.next_attempt_at > now() + timedelta(hours=1)


async def test_hang_up_is_a_command_and_asking_twice_ends_once(campaign: Campaign) -> None:
    session = await sync_to_async(ready_agent)(campaign)
    switch = ScriptedSwitch()
    switch.hold_leg(session.public_id)
    async with board(switch):
        await switch.running.wait()
        [call_id] = await sync_to_async(queue)(campaign)
        await switch.asked("place", call_id)
        switch.ready(call_id)
        await until(lambda: call_of(call_id).state == "connected")
        call = await sync_to_async(call_of)(call_id)
        for _ in range(2):
            await sync_to_async(services.ask_hang_up)(call=call, by="agent")
        await switch.asked("hang_up", call_id)
        switch.ended(call_id)
        switch.ended(call_id)
        await until(lambda: session_of(session).state == "wrapup")
    call = await sync_to_async(call_of)(call_id)
    assert (call.outcome, call.hung_up_by) == ("connected", "agent")


async def test_a_phone_that_is_not_registered_leaves_no_session(campaign: Campaign) -> None:
    user = await sync_to_async(factories.make_user)(campaign.tenant)
    switch = ScriptedSwitch(fail={"call_phone": SwitchRefused("Allocation failed")})
    async with board(switch):
        await switch.running.wait()
        session = await sync_to_async(agents.join)(user=user, campaign=campaign)
        await until(lambda: session_of(session).ended_at is not None)
    after = await sync_to_async(session_of)(session)
    assert after.state == "offline" and "not registered" in after.notice


async def test_a_leg_comes_up_and_is_lost(campaign: Campaign) -> None:
    user = await sync_to_async(factories.make_user)(campaign.tenant)
    switch = ScriptedSwitch()
    async with board(switch):
        await switch.running.wait()
        session = await sync_to_async(agents.join)(user=user, campaign=campaign)
        await switch.asked("call_phone", leg_of(session.public_id))
        switch.leg_ready(session.public_id)
        await until(lambda: session_of(session).leg == LegState.UP)
        await sync_to_async(agents.apply)(session_id=session.pk, event=AgentEvent(AgentKind.READY_ASKED), at=now())
        [call_id] = await sync_to_async(queue)(campaign)
        await switch.asked("place", call_id)
        switch.ready(call_id)
        await until(lambda: session_of(session).state == "in_call")
        switch.leg_ended(session.public_id)
        await switch.asked("hang_up", call_id)
        switch.ended(call_id)
        await until(lambda: session_of(session).state == "wrapup")
    after = await sync_to_async(session_of)(session)
    assert after.leg == LegState.DOWN and "phone" in after.notice.lower()
    assert (await sync_to_async(call_of)(call_id)).hung_up_by == "agent"


async def test_agents_lines_that_went_with_the_switch_are_known_to_be_gone_at_once(
    campaign: Campaign, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Or whoever answers next would be given to an agent who hears nothing."""
    monkeypatch.setattr(switchboard, "LOOK_AGAIN_S", 60.0)
    session = await sync_to_async(ready_agent)(campaign)
    switch = ScriptedSwitch()
    switch.hold_leg(session.public_id)
    async with board(switch):
        await switch.running.wait()
        await until(lambda: switch.looks > 0)
        switch.held = Inventory("boot-2")
        switch.tell(SwitchDown(now(), "killed"))
        switch.tell(SwitchUp(now(), "boot-2"))
        await until(lambda: session_of(session).leg == "down")
    assert (await sync_to_async(session_of)(session)).state == "paused"


async def test_what_was_begun_is_finished_on_the_switch_before_it_is_let_go(campaign: Campaign) -> None:
    """A switchboard that is ended as it connects somebody records them, too."""
    session = await sync_to_async(ready_agent)(campaign)
    switch = ScriptedSwitch()
    switch.hold_leg(session.public_id)
    async with board(switch):
        await switch.running.wait()
        [call_id] = await sync_to_async(queue)(campaign)
        await switch.asked("place", call_id)
        switch.ready(call_id)
        await switch.asked("join", call_id)
    assert switch.count("record", call_id) == 1
    assert (await sync_to_async(session_of)(session)).state == "in_call"


async def test_a_new_switchboard_catches_up_from_the_inventory(campaign: Campaign) -> None:
    """It died after the call was placed; meanwhile the customer answered, and a stranger's channel is there too."""
    session = await sync_to_async(ready_agent)(campaign)
    [call_id, gone] = await sync_to_async(queue)(campaign, 2)
    for one in (call_id, gone):
        await sync_to_async(services.begin_placing)(call_id=one)
    stranger = uuid4()
    legs = ChannelInfo(leg_of(session.public_id), "UP", ready=True, bridge_id=bridge_of(session.public_id))
    switch = ScriptedSwitch()
    switch.held = Inventory(
        "boot-1",
        (ChannelInfo(str(call_id), "UP", ready=True), ChannelInfo(str(stranger), "UP", ready=True), legs),
        (bridge_of(session.public_id), bridge_of(stranger)),
    )
    async with board(switch):
        joined = await switch.asked("join", call_id)
        assert joined.rest == (bridge_of(session.public_id),)
        await switch.asked("hang_up", stranger)
        await switch.asked("remove_bridge", bridge_of(stranger))
        await until(lambda: call_of(gone).outcome == "lost")
        await until(lambda: call_of(call_id).state == "connected")
    assert switch.count("hang_up", call_id) == 0
    assert switch.count("place") == 0


async def test_whoever_answered_while_no_switchboard_listened_has_waited_all_the_same(campaign: Campaign) -> None:
    """No agent is free, and the two seconds are over when they are found: they hear the message at once."""
    [call_id] = await sync_to_async(queue)(campaign)
    await sync_to_async(services.begin_placing)(call_id=call_id)
    since = now()
    await sync_to_async(CallTask.objects.across_tenants().filter(pk=call_id).update)(placed_at=since)
    switch = ScriptedSwitch()
    channel = ChannelInfo(str(call_id), "UP", ready=True, waits=Waits("NONE", since))
    switch.held = Inventory("boot-1", (channel,), ())
    await until(lambda: now() > since + timedelta(seconds=2))
    async with board(switch):
        began = now()
        await switch.asked("play", call_id)
        assert now() - began < timedelta(seconds=1), "it is not two seconds from when they were found"
        assert (await sync_to_async(call_of)(call_id)).answered_at == since


async def test_the_second_switchboard_stands_by_and_takes_over(campaign: Campaign) -> None:
    first, second = ScriptedSwitch(), ScriptedSwitch()
    async with board(second) as _:
        await second.running.wait()
        async with asyncio.TaskGroup() as group:
            standby = Switchboard(first, "test")
            task = group.create_task(standby.run())
            [call_id] = await sync_to_async(queue)(campaign)
            await second.asked("place", call_id)
            assert not first.running.is_set()
            task.cancel()


async def test_wrapup_runs_out_with_the_default_disposition(campaign: Campaign) -> None:
    session = await sync_to_async(ready_agent)(campaign)

    def hurry() -> None:
        type(campaign).objects.for_tenant(campaign.tenant).filter(pk=campaign.pk).update(wrapup_s=1)

    await sync_to_async(hurry)()
    switch = ScriptedSwitch()
    switch.hold_leg(session.public_id)
    async with board(switch):
        await switch.running.wait()
        [call_id] = await sync_to_async(queue)(campaign)
        await switch.asked("place", call_id)
        switch.ready(call_id)
        await until(lambda: session_of(session).state == "in_call")
        switch.ended(call_id)
        await until(lambda: session_of(session).state == "ready")
    call = await sync_to_async(
        lambda: CallTask.objects.across_tenants().select_related("disposition").get(pk=call_id)
    )()
    assert call.disposition is not None and call.disposition.is_default


async def test_a_callback_that_is_due_is_shown_to_its_agent(campaign: Campaign) -> None:
    session = await sync_to_async(ready_agent)(campaign)

    def promise() -> Lead:
        lead = factories.make_lead(campaign)
        said = callbacks.Promise(now() + timedelta(hours=1), "America/New_York", session.user)
        with transaction.atomic():
            callbacks.make(lead_id=lead.pk, promise=said, by=session.user, at=now())
        Lead.objects.for_tenant(campaign.tenant).filter(pk=lead.pk).update(next_attempt_at=now())
        return lead

    lead = await sync_to_async(promise)()
    switch = ScriptedSwitch()
    switch.hold_leg(session.public_id)
    async with board(switch):
        await switch.running.wait()
        await until(lambda: session_of(session).preview_lead_id == lead.pk)
    assert (await sync_to_async(session_of)(session)).pause_code == CALLBACK_DUE
    assert switch.count("place") == 0
