"""An agent's phone that is lost at the worst moment: the customer must not be left alone on the line."""

from __future__ import annotations

from typing import Any
from uuid import UUID

import pytest
from asgiref.sync import sync_to_async
from django.db import connections

from asterisk.switchboard import legs
from dialer.agents import services as agents
from dialer.agents.models import AgentSession
from dialer.agents.rules import AgentState
from dialer.agents.rules import Event as AgentEvent
from dialer.agents.rules import Kind as AgentKind
from dialer.calls import services
from dialer.calls.models import CallEvent, CallTask
from dialer.calls.rules import Event, Kind
from dialer.core.clock import now
from dialer.telephony.port import ChannelInfo, Inventory
from tests import switch as switch_tells
from tests.factories import get_session, make_call, make_campaign, make_lead, make_session, make_tenant
from tests.scripted import ScriptedSwitch
from tests.switchboards import board, until

pytestmark = pytest.mark.django_db(transaction=True)


def answered_call() -> tuple[AgentSession, CallTask]:
    """An agent who is ready, and a call that was answered."""
    campaign = make_campaign(make_tenant())
    session, call = make_session(campaign), make_call(campaign)
    services.begin_placing(call_id=call.pk)
    services.apply_event(call_id=call.pk, event=Event(Kind.ANSWERED), at=now())
    return session, call


def told(call_id: UUID) -> list[str]:
    return list(CallEvent.objects.across_tenants().filter(call_id=call_id).values_list("kind", flat=True))


async def test_a_phone_lost_just_before_the_switchboard_died() -> None:
    """The agent's row says that the leg is gone, but nobody told the call: the next switchboard does."""

    def lost() -> tuple[AgentSession, CallTask]:
        session, call = answered_call()
        for event in (Event(Kind.READY, verdict="HUMAN"), Event(Kind.BRIDGED, session=session.pk)):
            services.apply_event(call_id=call.pk, event=event, at=now())
        agents.apply(session_id=session.pk, event=AgentEvent(AgentKind.LEG_LOST), at=now(), notice="")
        return session, call

    session, call = await sync_to_async(lost)()
    switch = ScriptedSwitch()
    switch.held = Inventory("boot-1", (ChannelInfo(str(call.pk), "UP", ready=True),), ())
    async with board(switch):
        await switch.asked("hang_up", call.pk)
        switch.ended(call.pk)
        await until(lambda: get_session(session.pk).state == AgentState.WRAPUP)
    await sync_to_async(connections.close_all)()


async def test_a_phone_lost_while_its_agent_is_being_claimed(monkeypatch: pytest.MonkeyPatch) -> None:
    """The leg's end is heard, the session is read, and then a call claims the agent: that call is told."""
    session, call = await sync_to_async(answered_call)()
    read = legs.board.session_by_public_id

    def read_then_claim(public_id: UUID) -> AgentSession | None:
        found = read(public_id)
        services.apply_event(call_id=call.pk, event=Event(Kind.READY, verdict="HUMAN"), at=now())
        return found

    monkeypatch.setattr(legs.board, "session_by_public_id", read_then_claim)
    switch = ScriptedSwitch()
    switch.held = Inventory("boot-1", (ChannelInfo(str(call.pk), "UP"),), ())
    async with board(switch):
        await switch.running.wait()
        switch.leg_ended(session.public_id)
        await until(lambda: "agent_gone" in told(call.pk))
        # The first look may have put them together just before: then it is the customer who is let go.
        await until(lambda: get_session(session.pk).state == AgentState.PAUSED or switch.count("hang_up", call.pk) > 0)
    await sync_to_async(connections.close_all)()


async def test_one_session_that_cannot_be_helped_takes_no_other_along(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """Nor the switchboard, on which every call hangs."""

    def wrapping_up() -> tuple[AgentSession, AgentSession]:
        campaign = make_campaign(make_tenant(), wrapup_s=1)
        found = [make_session(campaign) for _ in range(2)]
        for _ in found:
            call = switch_tells.connect(campaign, make_lead(campaign))
            switch_tells.hang_up(call.pk)
        return found[0], found[1]

    broken, other = await sync_to_async(wrapping_up)()
    dispose = services.dispose

    def break_at_one(*, session_id: int, **values: Any) -> CallTask:
        if session_id == broken.pk:
            raise ValueError("a row that is not as it should be")
        return dispose(session_id=session_id, **values)

    monkeypatch.setattr(services, "dispose", break_at_one)
    switch = ScriptedSwitch()
    for session in (broken, other):
        switch.hold_leg(session.public_id)
    async with board(switch):
        await until(lambda: get_session(other.pk).state == AgentState.READY)
    assert f"session {broken.pk}: what was due was not done" in caplog.text
    assert (await sync_to_async(get_session)(broken.pk)).state == AgentState.WRAPUP
    await sync_to_async(connections.close_all)()
