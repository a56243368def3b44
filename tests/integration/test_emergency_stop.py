"""Emergency stops on real PostgreSQL with a scripted switch: what rings ends, who answered stays, the rest waits."""

from __future__ import annotations

from dataclasses import replace

import pytest
from asgiref.sync import sync_to_async

from dialer.agents.services import NotNow
from dialer.calls import placing
from dialer.campaigns.models import Campaign, CampaignStatus
from dialer.campaigns.services import start
from dialer.core.models import AuditEntry
from dialer.floor import emergency
from dialer.floor.models import EmergencyStop
from dialer.people.models import Role
from dialer.telephony.models import SwitchCommand
from dialer.telephony.port import ChannelInfo, SwitchUnreachable
from tests import factories
from tests.scripted import ScriptedSwitch
from tests.switchboards import board, call_of, queue, until

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("connections_given_back")]


@pytest.fixture
def campaign(transactional_db: None) -> Campaign:
    """An active campaign with three leads due."""
    made = factories.make_campaign(factories.make_tenant())
    factories.make_leads(factories.make_list(made), 3)
    return made


def stop(campaign: Campaign) -> EmergencyStop:
    boss = factories.make_user(campaign.tenant, Role.SUPERVISOR)
    return emergency.stop(by=boss, campaigns=[campaign], what="it")


def command_of(made: EmergencyStop) -> SwitchCommand:
    return SwitchCommand.objects.for_tenant(made.tenant_id).get(pk=made.command_id)


def holding(switch: ScriptedSwitch, **states: str) -> None:
    """From now on the inventory shows these channels."""
    channels = tuple(ChannelInfo(name, state, ready=state == "UP") for name, state in states.items())  # type: ignore[arg-type]
    switch.held = replace(switch.held, channels=channels)


async def test_what_rings_ends_and_who_has_answered_is_served(campaign: Campaign) -> None:
    switch = ScriptedSwitch()
    async with board(switch):
        await switch.running.wait()
        ringing, dialing, person = await sync_to_async(queue)(campaign, 3)
        for call_id in (ringing, dialing, person):
            await switch.asked("place", call_id)
        switch.ringing(ringing)
        switch.ringing(person)
        switch.answered(person)
        await until(lambda: call_of(ringing).state == "ringing" and call_of(person).state == "answered")
        states = {str(ringing): "RINGING", str(dialing): "DIALING", str(person): "UP"}
        holding(switch, **states)
        made = await sync_to_async(stop)(campaign)

        for call_id in (ringing, dialing):
            await switch.asked("hang_up", call_id)
        looks = switch.looks
        await until(lambda: switch.looks > looks + 1)
        assert (await sync_to_async(command_of)(made)).status == "taken"  # the switch still holds them
        for call_id in (ringing, dialing):
            switch.ended(call_id)
        holding(switch, **{str(person): "UP"})
        await until(lambda: command_of(made).status == "done")
    result = (await sync_to_async(command_of)(made)).result
    assert result.startswith("Confirmed by the switch after ")
    assert result.endswith("no call rings. 2 were hung up, 1 go on.")
    assert switch.count("hang_up", person) == 0
    outcomes = await sync_to_async(lambda: [call_of(one).outcome for one in (ringing, dialing)])()
    assert outcomes == ["cancelled", "cancelled"]


async def test_what_was_queued_is_never_placed(campaign: Campaign) -> None:
    switch = ScriptedSwitch()
    [call_id] = await sync_to_async(queue)(campaign)
    made = await sync_to_async(stop)(campaign)
    async with board(switch):
        await until(lambda: command_of(made).status == "done")
        await until(lambda: call_of(call_id).outcome == "cancelled")
    assert switch.count("place") == 0


async def test_a_switch_that_does_not_answer_confirms_nothing(
    campaign: Campaign, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("asterisk.switchboard.stopping.PATIENCE_S", 0.3)
    switch = ScriptedSwitch()
    async with board(switch):
        await switch.running.wait()
        [call_id] = await sync_to_async(queue)(campaign)
        await switch.asked("place", call_id)
        holding(switch, **{str(call_id): "RINGING"})
        switch.fail["inventory"] = SwitchUnreachable("no answer")
        made = await sync_to_async(stop)(campaign)
        await until(lambda: command_of(made).status == "failed")
    assert "Not confirmed" in (await sync_to_async(command_of)(made)).result


def test_agents_dial_nothing_until_it_is_started_again(campaign: Campaign) -> None:
    session = factories.make_session(campaign, state="paused")
    stop(campaign)
    campaign.refresh_from_db()
    assert campaign.status == CampaignStatus.STOPPED
    with pytest.raises(NotNow, match="emergency stop"):
        placing.dial_number(session_id=session.pk, text="+12125550111")
    start(campaign=campaign)
    campaign.refresh_from_db()
    assert campaign.halted_at is None
    placing.dial_number(session_id=session.pk, text="+12125550111")


def test_it_is_in_the_audit_trail(campaign: Campaign) -> None:
    made = stop(campaign)
    entry = AuditEntry.objects.for_tenant(campaign.tenant).get(action="emergency.stop")
    assert (entry.actor_id, entry.subject) == (made.by_id, str(made.public_id))
    assert entry.data["campaigns"] == [str(campaign.public_id)]
