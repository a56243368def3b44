"""A channel that went with its switch: whatever is still being tried with it, its row does not outlive it."""

from __future__ import annotations

import pytest
from asgiref.sync import sync_to_async

from dialer.campaigns.models import Campaign
from dialer.telephony.port import SwitchRefused, SwitchUnreachable
from tests import factories
from tests.integration.test_switchboard import _call, _ready_agent, _session, board, until
from tests.scripted import ScriptedSwitch

pytestmark = pytest.mark.django_db(transaction=True)


async def test_a_call_that_cannot_be_bridged_is_not_tried_for_ever(campaign: Campaign) -> None:
    """The switch was restarted between claim and bridge: no event will ever say that the customer is gone."""
    session = await sync_to_async(_ready_agent)(campaign)
    switch = ScriptedSwitch(fail={"join": SwitchRefused("Channel not found")})
    switch.hold_leg(session.public_id)
    async with board(switch) as running:
        await switch.running.wait()
        call_id = await sync_to_async(lambda: factories.make_call(campaign, lead=factories.make_lead(campaign)).pk)()
        await switch.asked("place", call_id)
        switch.ready(call_id)
        await switch.asked("join", call_id)
        running._look.set()
        await until(lambda: _call(call_id).outcome == "lost")
        await until(lambda: _session(session).state == "ready")


async def test_a_switch_that_does_not_answer_is_asked_again_for_the_same_agent(campaign: Campaign) -> None:
    session = await sync_to_async(_ready_agent)(campaign)
    switch = ScriptedSwitch(fail={"join": SwitchUnreachable("no answer")})
    switch.hold_leg(session.public_id)
    async with board(switch):
        await switch.running.wait()
        call_id = await sync_to_async(lambda: factories.make_call(campaign, lead=factories.make_lead(campaign)).pk)()
        await switch.asked("place", call_id)
        switch.ready(call_id)
        await switch.asked("join", call_id, times=2)
        del switch.fail["join"]
        await until(lambda: _call(call_id).state == "connected")
    kinds = await sync_to_async(lambda: list(_call(call_id).events.values_list("kind", flat=True)))()
    assert kinds.count("claimed") == 1
