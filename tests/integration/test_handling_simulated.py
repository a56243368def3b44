"""Call handling on the simulated switch: the same port, so the same conversations, without any Asterisk."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from asgiref.sync import sync_to_async
from django.db import transaction

from dialer.agents import services as agents
from dialer.agents.models import AgentSession
from dialer.agents.rules import Event as AgentEvent
from dialer.agents.rules import Kind as AgentKind
from dialer.calls import placing
from dialer.campaigns.models import Campaign
from dialer.compliance.services import asked_for, judge
from dialer.core.clock import now
from dialer.core.ids import new_id
from dialer.handling import asking
from dialer.handling.models import Conversation, Party
from dialer.handling.terms import Kind
from dialer.telephony.port import PhoneAccount, Switch, bridge_of, leg_of, party_of, table_of
from dialer.telephony.simulated import SimulatedSwitch
from dialer.telephony.simulated_people import Mix, far_end
from tests import factories
from tests.switchboards import board, until

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("connections_given_back")]

SPEED = 10.0
PEOPLE = Mix(person=1, early_hangup=0, machine=0, no_answer=0, busy=0, congestion=0, invalid=0)


def patient_people(how_many: int) -> list[str]:
    """Numbers of people who answer soon and talk for long."""
    found = []
    for index in range(2_000_000, 2_010_000):
        number = factories.number_of(index)
        person = far_end(number, 1, PEOPLE)
        if person.talk_s > 85 and person.delay_s + person.ring_s < 5:
            found.append(number)
        if len(found) == how_many:
            return found
    raise AssertionError("there are no such people")


async def go(function: Any, *args: Any, **kwargs: Any) -> Any:
    return await sync_to_async(function)(*args, **kwargs)


def come_to_work(campaign: Campaign) -> AgentSession:
    session = factories.make_session(campaign, state="paused", leg="calling")
    agents.apply(session_id=session.pk, event=AgentEvent(AgentKind.LEG_UP), at=now())
    return agents.apply(session_id=session.pk, event=AgentEvent(AgentKind.READY_ASKED), at=now())


def dial(campaign: Campaign, number: str) -> Any:
    lead = factories.make_lead(campaign, phone=number)
    with transaction.atomic():
        judged = judge(campaign=campaign, asked=[asked_for(lead)], at=now())
        [made] = placing.queue_calls(campaign=campaign, judged=judged, at=now())
    return made


async def legs_up(switch: SimulatedSwitch, *sessions: AgentSession) -> None:
    """The agents' phones are on the line, in their own bridges."""
    await switch.provision([PhoneAccount(session.endpoint, "secret", "Agent") for session in sessions])
    for session in sessions:
        await switch.call_phone(leg_of(session.public_id), session.endpoint, "Agent", 10)
        await until_up(switch, leg_of(session.public_id))
        await switch.join(bridge_of(session.public_id), leg_of(session.public_id))


async def until_up(switch: SimulatedSwitch, channel: str) -> None:
    await until(lambda: any(one.id == channel and one.state == "UP" for one in switch._channels.values()))


def where(switch: SimulatedSwitch, channel: str) -> str:
    """The bridge that a channel is in; music, or nothing."""
    found = switch._channels.get(channel)
    return "gone" if found is None else found.bridge or ("music" if found.music else "")


async def test_a_consultation_a_conference_and_a_hand_over(transactional_db: None, tmp_path: Path) -> None:
    campaign = await go(lambda: factories.make_campaign(factories.make_tenant()))
    customer, third = patient_people(2)
    first = await go(come_to_work, campaign)
    switch = SimulatedSwitch(recordings_dir=tmp_path, mix=PEOPLE, speed=SPEED)
    checked: Switch = switch
    assert checked
    async with board(checked):
        await legs_up(switch, first)
        call_id = await go(dial, campaign, customer)
        await until(lambda: factories.get_session(first.pk).state == "in_call")

        async def ask(kind: Kind, **args: Any) -> None:
            row = await go(Conversation.objects.across_tenants().filter(pk=call_id).first)
            session = await go(factories.get_session, first.pk)
            seen = row.version if row is not None else 0
            await go(asking.ask, session=session, call_id=call_id, kind=kind, seen=seen, args=args)

        def mode() -> str:
            return str(Conversation.objects.across_tenants().get(pk=call_id).mode)

        other = await go(come_to_work, campaign)
        await legs_up(switch, other)
        await ask(Kind.CONSULT, party=str(new_id()), label="Ann", user_id=other.user_id)
        await until(lambda: factories.get_session(other.pk).state == "in_call")
        assert where(switch, str(call_id)) == "music"
        assert where(switch, leg_of(other.public_id)) == bridge_of(first.public_id)
        await ask(Kind.CANCEL)
        await until(lambda: where(switch, leg_of(other.public_id)) == bridge_of(other.public_id))
        await until(lambda: where(switch, str(call_id)) == bridge_of(first.public_id))
        assert (await go(factories.get_session, other.pk)).state == "ready"

        await ask(Kind.CONSULT, party=str(new_id()), label="Desk two", number=third)
        await until(lambda: Party.objects.across_tenants().filter(phone=third, state="talking").exists())
        party = await go(Party.objects.across_tenants().get, phone=third)
        await until(lambda: where(switch, party_of(party.pk)) == bridge_of(first.public_id))
        await ask(Kind.CONFERENCE)
        await until(lambda: where(switch, str(call_id)) == bridge_of(first.public_id))
        await ask(Kind.COMPLETE)
        await until(lambda: mode() == "handed")
        assert {where(switch, party_of(party.pk)), where(switch, str(call_id))} == {table_of(call_id)}
        assert (await go(factories.get_session, first.pk)).state == "wrapup"
        switch.customer_hangs_up(party_of(party.pk))
        await until(lambda: factories.get_call(call_id).state == "ended")
        await until(lambda: mode() == "over")
        assert where(switch, str(call_id)) == "gone"
