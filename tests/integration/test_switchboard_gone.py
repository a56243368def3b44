"""A channel that went with its switch: whatever is still being tried with it, its row does not outlive it."""

from __future__ import annotations

from uuid import UUID

import pytest
from asgiref.sync import sync_to_async
from django.db import connections

from dialer.calls import services
from dialer.calls.rules import Event, Kind
from dialer.campaigns.models import Campaign
from dialer.core.clock import now
from dialer.telephony.port import Inventory, SwitchRefused, SwitchUnreachable
from tests import factories
from tests.scripted import ScriptedSwitch
from tests.switchboards import board, call_of, ready_agent, session_of, until

pytestmark = pytest.mark.django_db(transaction=True)


async def test_a_call_that_cannot_be_bridged_is_not_tried_for_ever(campaign: Campaign) -> None:
    """The switch was restarted between claim and bridge: no event will ever say that the customer is gone."""
    session = await sync_to_async(ready_agent)(campaign)
    switch = ScriptedSwitch(fail={"join": SwitchRefused("Channel not found")})
    switch.hold_leg(session.public_id)
    async with board(switch) as running:
        await switch.running.wait()
        call_id = await sync_to_async(lambda: factories.make_call(campaign, lead=factories.make_lead(campaign)).pk)()
        await switch.asked("place", call_id)
        switch.ready(call_id)
        await switch.asked("join", call_id)
        running._look.set()
        await until(lambda: call_of(call_id).outcome == "abandoned")  # they answered, and met nobody
        await until(lambda: session_of(session).state == "ready")


async def test_a_switch_that_does_not_answer_is_asked_again_for_the_same_agent(campaign: Campaign) -> None:
    session = await sync_to_async(ready_agent)(campaign)
    switch = ScriptedSwitch(fail={"join": SwitchUnreachable("no answer")})
    switch.hold_leg(session.public_id)
    async with board(switch):
        await switch.running.wait()
        call_id = await sync_to_async(lambda: factories.make_call(campaign, lead=factories.make_lead(campaign)).pk)()
        await switch.asked("place", call_id)
        switch.ready(call_id)
        await switch.asked("join", call_id, times=2)
        del switch.fail["join"]
        await until(lambda: call_of(call_id).state == "connected")
    kinds = await sync_to_async(lambda: list(call_of(call_id).events.values_list("kind", flat=True)))()
    assert kinds.count("claimed") == 1


async def test_who_was_answered_while_nobody_was_there_is_remembered_by_the_switch(campaign: Campaign) -> None:
    """The switch's memory makes an abandoned call of one that would be lost, and is cleared once the row says it."""

    def rings() -> UUID:
        call = factories.make_call(campaign, lead=factories.make_lead(campaign))
        services.begin_placing(call_id=call.pk)
        services.apply_event(call_id=call.pk, event=Event(Kind.RINGING), at=now())
        return call.pk

    call_id = await sync_to_async(rings)()
    switch = ScriptedSwitch()
    switch.held = Inventory("boot-1", answered={str(call_id): "NONE"})
    async with board(switch) as running:
        await until(lambda: call_of(call_id).outcome == "abandoned")
        running._look.set()
        await switch.asked("forget", "")
    assert any(one.rest == ((str(call_id),),) for one in switch.requests if one.name == "forget")
    call = await sync_to_async(call_of)(call_id)
    assert call.answered and call.answered_at is not None
    await sync_to_async(connections.close_all)()
