"""The switchboard and conversations on real PostgreSQL with a scripted switch: failures, repeats, restarts."""

from __future__ import annotations

from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest
from asgiref.sync import sync_to_async

from dialer.agents.models import AgentSession
from dialer.agents.services import NotNow
from dialer.calls import placing
from dialer.calls.models import CallTask
from dialer.calls.snapshots import snapshot_of
from dialer.campaigns.models import Campaign, DialMethod
from dialer.compliance.models import GateVerdict
from dialer.compliance.services import add_to_dnc
from dialer.core.clock import now
from dialer.core.ids import new_id
from dialer.desk.selectors import desk_of
from dialer.desk.services import hang_up
from dialer.handling import asking
from dialer.handling.models import Conversation, HandlingSettings, Party
from dialer.handling.selectors import PARK_LIMIT
from dialer.handling.terms import Kind
from dialer.telephony import events, outbox
from dialer.telephony.models import CommandKind, SwitchCommand
from dialer.telephony.port import (
    ChannelInfo,
    Inventory,
    Placement,
    SwitchRefused,
    SwitchUnreachable,
    bridge_of,
    leg_of,
    party_of,
)
from tests import factories
from tests import switch as told
from tests.scripted import ScriptedSwitch
from tests.switchboards import board, until

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("connections_given_back")]

THIRD = "+12125550177"


@pytest.fixture
def campaign(transactional_db: None) -> Campaign:
    made = factories.make_campaign(factories.make_tenant())
    HandlingSettings.objects.create(tenant_id=made.tenant_id, campaign=made, may_pause_recording=True)
    return made


class Talk:
    """A connected call, its agent, and a switch that holds both."""

    def __init__(self, campaign: Campaign) -> None:
        self.session = factories.make_session(campaign)
        self.call = told.connect(campaign, factories.make_lead(campaign))
        self.switch = ScriptedSwitch()
        self.switch.hold_leg(self.session.public_id)
        self.place(bridge_of(self.session.public_id))

    def place(self, bridge: str) -> None:
        """What the inventory shows of the customer."""
        others = tuple(one for one in self.switch.held.channels if one.channel_id != str(self.call.pk))
        customer = ChannelInfo(str(self.call.pk), "UP", ready=True, bridge_id=bridge)
        self.switch.held = Inventory("boot-1", (*others, customer), self.switch.held.bridges)

    @property
    def row(self) -> Conversation:
        return Conversation.objects.across_tenants().select_related("party").get(pk=self.call.pk)

    def mode(self) -> str:
        row = Conversation.objects.across_tenants().filter(pk=self.call.pk).first()
        return row.mode if row is not None else "talk"

    def notice(self) -> str:
        row = Conversation.objects.across_tenants().filter(pk=self.call.pk).first()
        return row.notice if row is not None else ""

    def agent(self) -> AgentSession:
        return factories.get_session(self.session.pk)

    def ask(self, kind: Kind, key: str = "", **args: Any) -> None:
        found = Conversation.objects.across_tenants().filter(pk=self.call.pk).first()
        seen = found.version if found is not None else 0
        session = self.agent()
        asking.ask(session=session, call_id=self.call.pk, kind=kind, seen=seen, args=args, key=key)

    def ask_number(self, kind: Kind = Kind.CONSULT, number: str = THIRD) -> None:
        self.ask(kind, party=str(new_id()), label="Desk two", number=number)

    def ask_colleague(self, other: AgentSession, kind: Kind = Kind.CONSULT) -> None:
        self.ask(kind, party=str(new_id()), label="Ann", user_id=other.user_id)


@pytest.fixture
def talk(campaign: Campaign) -> Talk:
    return Talk(campaign)


async def go(function: Any, *args: Any, **kwargs: Any) -> Any:
    return await sync_to_async(function)(*args, **kwargs)


async def test_hold_and_retrieve(talk: Talk) -> None:
    async with board(talk.switch):
        await talk.switch.running.wait()
        await go(talk.ask, Kind.HOLD)
        await talk.switch.asked("hold", talk.call.pk)
        await until(lambda: talk.row.held_since is not None)
        await go(talk.ask, Kind.RETRIEVE)
        joined = await talk.switch.asked("join", talk.call.pk)
        assert joined.rest == (bridge_of(talk.session.public_id),)
        await until(lambda: talk.row.held_since is None)
    assert talk.switch.count("unhold", talk.call.pk) >= 1
    assert (await go(lambda: talk.row)).held_ms > 0


async def test_a_form_sent_again_is_one_command(talk: Talk) -> None:
    async with board(talk.switch):
        await talk.switch.running.wait()
        args = {"session": talk.session, "call_id": talk.call.pk, "kind": Kind.HOLD, "seen": 0, "args": {}}
        await go(asking.ask, **args)
        await go(asking.ask, **args)
        await until(lambda: talk.mode() == "hold")
        await go(asking.ask, **args)  # late: the card shows something else by now
        with pytest.raises(NotNow, match="changed"):
            await go(asking.ask, **{**args, "kind": Kind.PARK})
        await until(lambda: SwitchCommand.objects.across_tenants().filter(kind="handle", status="done").exists())
    assert await go(SwitchCommand.objects.across_tenants().filter(kind="handle").count) == 1
    assert talk.switch.count("hold", talk.call.pk) == 1


async def test_a_refusal_of_the_switch_leaves_the_call_as_it_was(talk: Talk) -> None:
    talk.switch.fail["hold"] = SwitchRefused("no music")
    async with board(talk.switch):
        await talk.switch.running.wait()
        await go(talk.ask, Kind.HOLD)
        await until(lambda: SwitchCommand.objects.across_tenants().filter(kind="handle", status="failed").exists())
        row = await go(lambda: talk.row)
        assert (row.mode, row.held_since) == ("talk", None)
        assert "no music" in row.notice
        joined = await talk.switch.asked("join", talk.call.pk)
        assert joined.rest == (bridge_of(talk.session.public_id),)
    kinds = await go(lambda: list(talk.call.events.values_list("kind", flat=True)))
    assert kinds[-2:] == ["hold", "undone"]


async def test_a_number_that_must_not_be_dialed(talk: Talk) -> None:
    await go(add_to_dnc, tenant_id=talk.call.tenant_id, number=THIRD, source="test", by=None)
    async with board(talk.switch):
        await talk.switch.running.wait()
        await go(talk.ask_number)
        await until(lambda: "do-not-call" in talk.notice())
        assert await go(talk.mode) == "talk"
        assert talk.switch.count("place") == 0
        await go(talk.ask_number, number="+12125550188")  # another one instead
        placed = await talk.switch.asked("place")
        assert isinstance(placed.rest[0], Placement)
        assert placed.rest[0].number == "+12125550188"
    verdict = await go(GateVerdict.objects.for_tenant(talk.call.tenant_id).get, phone=THIRD)
    assert (verdict.allowed, verdict.rule) == (False, "dnc")
    assert not await go(Party.objects.across_tenants().filter(phone=THIRD).exists)


async def test_a_colleague_takes_over(talk: Talk, campaign: Campaign) -> None:
    other = await go(factories.make_session, campaign)
    talk.switch.hold_leg(other.public_id)
    async with board(talk.switch):
        await talk.switch.running.wait()
        await go(talk.ask_colleague, other)
        await until(lambda: factories.get_session(other.pk).state == "in_call")
        joined = await talk.switch.asked("join", leg_of(other.public_id))
        assert joined.rest == (bridge_of(talk.session.public_id),)
        await go(talk.ask, Kind.COMPLETE)
        await until(lambda: talk.agent().state == "wrapup")
        assert (await go(desk_of, talk.session.user_id)).call_word == "Handed on"
        await until(lambda: talk.mode() == "talk")
        after = await go(factories.get_session, other.pk)
        call = await go(factories.get_call, talk.call.pk)
        assert (after.state, after.guest, call.session_id, call.user_id) == (
            "in_call",
            False,
            other.pk,
            other.user_id,
        )
        assert talk.switch.requests[-1].name != "hang_up"
        joins = [r.rest[0] for r in talk.switch.requests if r.name == "join" and r.about == str(call.pk)]
        assert joins == [bridge_of(other.public_id)]
        talk.switch.ended(talk.call.pk)
        await until(lambda: factories.get_session(other.pk).state == "wrapup")
        await until(lambda: talk.mode() == "over")


async def test_a_colleague_who_is_busy_is_not_taken(talk: Talk, campaign: Campaign) -> None:
    other = await go(factories.make_session, campaign, state="paused")
    async with board(talk.switch):
        await talk.switch.running.wait()
        await go(talk.ask_colleague, other)
        await until(lambda: "cannot take it now" in talk.notice())
        assert await go(talk.mode) == "talk"
        assert not await go(Party.objects.across_tenants().exists)
        await go(AgentSession.objects.across_tenants().filter(pk=other.pk).update, state="ready", pause_code="")
        await go(talk.ask_colleague, other)  # the same again
        await until(lambda: factories.get_session(other.pk).call_id == talk.call.pk)


async def test_the_colleague_cannot_be_joined(talk: Talk, campaign: Campaign) -> None:
    """The switch refuses their leg: they are free again, and the customer is back with the agent."""
    other = await go(factories.make_session, campaign)
    talk.switch.hold_leg(other.public_id)

    def refuse(request: Any) -> None:
        talk.switch.fail.pop("join", None)
        if request.name == "join" and request.about == leg_of(other.public_id) and "once" not in seen:
            seen.add("once")
            talk.switch.fail["join"] = SwitchRefused("no such channel")

    seen: set[str] = set()
    talk.switch.on_request = refuse
    async with board(talk.switch):
        await talk.switch.running.wait()
        await go(talk.ask_colleague, other)
        await until(lambda: "no such channel" in talk.notice())
        await until(lambda: factories.get_session(other.pk).state == "ready")
        assert await go(talk.mode) == "talk"
        assert (await go(talk.agent)).state == "in_call"


async def test_a_warm_transfer_to_a_number(talk: Talk) -> None:
    async with board(talk.switch):
        await talk.switch.running.wait()
        await go(talk.ask_number)
        placed = await talk.switch.asked("place")
        party = (await go(lambda: talk.row)).party
        assert placed.about == party_of(party.pk)
        assert placed.rest[0].number == THIRD
        talk.switch.tell(events.ChannelRinging(party_of(party.pk), now()))
        await until(lambda: talk.row.party.state == "ringing")
        rung = await talk.switch.asked("ring", bridge_of(talk.session.public_id))
        assert rung.rest == (True,)
        talk.switch.tell(events.ChannelReady(party_of(party.pk), now()))
        quiet = await talk.switch.asked("ring", bridge_of(talk.session.public_id), times=2)
        assert quiet.rest == (False,)
        joined = await talk.switch.asked("join", party_of(party.pk))
        assert joined.rest == (bridge_of(talk.session.public_id),)
        await until(lambda: talk.row.party.state == "talking")
        await go(talk.ask, Kind.COMPLETE)
        await until(lambda: talk.mode() == "handed")
        assert (await go(talk.agent)).state == "wrapup"
        talk.switch.tell(events.ChannelEnded(party_of(party.pk), now(), 16))
        await talk.switch.asked("hang_up", talk.call.pk)
        talk.switch.ended(talk.call.pk)
        await until(lambda: talk.mode() == "over")
    call = await go(factories.get_call, talk.call.pk)
    assert (call.outcome, call.session_id) == ("connected", None)


async def test_the_customer_hangs_up_while_it_rings(talk: Talk) -> None:
    async with board(talk.switch):
        await talk.switch.running.wait()
        await go(talk.ask_number)
        placed = await talk.switch.asked("place")
        talk.switch.ended(talk.call.pk)
        await talk.switch.asked("hang_up", placed.about)
        await until(lambda: talk.mode() == "over" and talk.agent().state == "wrapup")
    assert not await go(Party.objects.across_tenants().exclude(state="gone").exists)


async def consulting(talk: Talk) -> Party:
    """A third party who talks with the agent."""
    await go(talk.ask_number)
    await talk.switch.asked("place")
    party = (await go(lambda: talk.row)).party
    talk.switch.tell(events.ChannelReady(party_of(party.pk), now()))
    await until(lambda: talk.row.party.state == "talking" and talk.agent().beside)
    return party


async def test_the_customer_alone_is_hung_up_on(talk: Talk) -> None:
    async with board(talk.switch):
        await talk.switch.running.wait()
        party = await consulting(talk)
        await go(talk.ask, Kind.RELEASE)
        await talk.switch.asked("hang_up", talk.call.pk)
        talk.switch.ended(talk.call.pk)
        await until(lambda: talk.mode() == "aside")
        call = await go(factories.get_call, talk.call.pk)
        assert (call.outcome, call.hung_up_by) == ("connected", "agent")
        assert (await go(talk.agent)).state == "in_call"
        assert talk.switch.count("hang_up", party_of(party.pk)) == 0
        desk = await go(desk_of, talk.session.user_id)
        assert desk.offers == {"cancel", "dtmf"}
        await go(hang_up, user=desk.user)
        await talk.switch.asked("hang_up", party_of(party.pk))
        await until(lambda: talk.mode() == "over" and talk.agent().state == "wrapup")
        assert not (await go(talk.agent)).beside


async def test_a_customer_who_hangs_up_leaves_the_other_two_talking(talk: Talk) -> None:
    async with board(talk.switch):
        await talk.switch.running.wait()
        party = await consulting(talk)
        talk.switch.ended(talk.call.pk)
        await until(lambda: talk.mode() == "aside")
        assert (await go(talk.agent)).state == "in_call"
        talk.switch.tell(events.ChannelEnded(party_of(party.pk), now(), 16))
        await until(lambda: talk.mode() == "over" and talk.agent().state == "wrapup")
    assert (await go(factories.get_call, talk.call.pk)).hung_up_by == "customer"


async def test_hanging_up_ends_a_consultation_whole(talk: Talk) -> None:
    async with board(talk.switch):
        await talk.switch.running.wait()
        party = await consulting(talk)
        await go(hang_up, user=(await go(desk_of, talk.session.user_id)).user)
        await talk.switch.asked("hang_up", talk.call.pk)
        talk.switch.ended(talk.call.pk)
        await talk.switch.asked("hang_up", party_of(party.pk))
        await until(lambda: talk.mode() == "over" and talk.agent().state == "wrapup")


async def test_what_is_left_of_a_call_outlives_a_switchboard(talk: Talk) -> None:
    """The switchboard that comes back keeps the two together, and learns that the third party is gone."""
    async with board(talk.switch):
        await talk.switch.running.wait()
        party = await consulting(talk)
        talk.switch.ended(talk.call.pk)
        await until(lambda: talk.mode() == "aside")
    leg = ChannelInfo(leg_of(talk.session.public_id), "UP", ready=True, bridge_id=bridge_of(talk.session.public_id))
    there = ChannelInfo(party_of(party.pk), "UP", ready=True, bridge_id="")
    talk.switch.held = Inventory("boot-1", (leg, there), talk.switch.held.bridges)
    joined = talk.switch.count("join", party_of(party.pk))
    async with board(talk.switch):
        await talk.switch.asked("join", party_of(party.pk), times=joined + 1)
        assert talk.switch.count("hang_up", party_of(party.pk)) == 0
        assert await go(talk.mode) == "aside"
        talk.switch.held = Inventory("boot-1", (leg,), talk.switch.held.bridges)
        talk.switch.tell(events.SwitchUp(now(), "boot-1"))
        await until(lambda: talk.mode() == "over" and talk.agent().state == "wrapup")


async def test_nobody_knows_whether_it_rings(talk: Talk) -> None:
    """The switch gave no answer and has no channel: the next inventories say so, and the customer is back."""
    talk.switch.fail["place"] = SwitchUnreachable()
    async with board(talk.switch):
        await talk.switch.running.wait()
        await go(talk.ask_number, Kind.BLIND)
        await talk.switch.asked("place")
        talk.place("")
        talk.switch.tell(events.SwitchUp(now(), "boot-1"))
        await until(lambda: talk.mode() == "talk")
    assert "was not reached" in (await go(lambda: talk.row)).notice
    assert talk.switch.count("place") == 1


@pytest.mark.parametrize("kind", [Kind.HOLD, Kind.CONSULT])
async def test_a_restart_puts_everybody_where_they_belong(talk: Talk, campaign: Campaign, kind: Kind) -> None:
    other = await go(factories.make_session, campaign)
    talk.switch.hold_leg(other.public_id)
    async with board(talk.switch):
        await talk.switch.running.wait()
        if kind is Kind.HOLD:
            await go(talk.ask, Kind.HOLD)
        else:
            await go(talk.ask_colleague, other)
        await until(lambda: talk.mode() == kind.value)
        await until(lambda: SwitchCommand.objects.across_tenants().filter(status="done", kind="handle").exists())
    again = ScriptedSwitch()
    again.held = talk.switch.held
    async with board(again):
        await again.asked("hold", talk.call.pk)
        if kind is Kind.CONSULT:
            joined = await again.asked("join", leg_of(other.public_id))
            assert joined.rest == (bridge_of(talk.session.public_id),)
    assert again.count("hang_up") == 0
    assert (await go(factories.get_call, talk.call.pk)).state == "connected"


async def test_a_command_taken_before_a_crash_is_not_done_twice(talk: Talk) -> None:
    async with board(talk.switch):
        await talk.switch.running.wait()
        await go(talk.ask, Kind.HOLD)
        await until(lambda: talk.mode() == "hold")
        await until(lambda: SwitchCommand.objects.across_tenants().filter(status="done", kind="handle").exists())
    version = (await go(lambda: talk.row)).version
    await go(SwitchCommand.objects.across_tenants().filter(kind="handle").update, status="taken")
    again = ScriptedSwitch()
    again.held = talk.switch.held
    async with board(again):
        await until(lambda: SwitchCommand.objects.across_tenants().filter(status="done", kind="handle").exists())
    assert (await go(lambda: talk.row)).version == version


async def test_the_agents_phone_is_lost_in_a_conference(talk: Talk, campaign: Campaign) -> None:
    other = await go(factories.make_session, campaign)
    talk.switch.hold_leg(other.public_id)
    async with board(talk.switch):
        await talk.switch.running.wait()
        await go(talk.ask_colleague, other)
        await until(lambda: factories.get_session(other.pk).state == "in_call")
        await go(talk.ask, Kind.CONFERENCE)
        await until(lambda: talk.mode() == "conference")
        talk.switch.leg_ended(talk.session.public_id)
        await until(lambda: factories.get_call(talk.call.pk).session_id == other.pk)
        assert (await go(talk.agent)).state == "wrapup"
    assert talk.switch.count("hang_up", talk.call.pk) == 0


async def test_the_colleagues_phone_is_lost(talk: Talk, campaign: Campaign) -> None:
    other = await go(factories.make_session, campaign)
    talk.switch.hold_leg(other.public_id)
    async with board(talk.switch):
        await talk.switch.running.wait()
        await go(talk.ask_colleague, other)
        await until(lambda: factories.get_session(other.pk).state == "in_call")
        talk.switch.leg_ended(other.public_id)
        await until(lambda: talk.mode() == "hold")
        after = await go(factories.get_session, other.pk)
        assert (after.state, after.pause_code, after.guest) == ("paused", "PHONE", False)


async def test_the_recording_is_paused_and_resumed(talk: Talk) -> None:
    async with board(talk.switch):
        await talk.switch.running.wait()
        await go(talk.ask, Kind.PAUSE_RECORDING, reason="Card number")
        muted = await talk.switch.asked("mute_recording", talk.call.pk)
        assert muted.rest == (True,)
        await until(lambda: talk.row.paused)
        await go(talk.ask, Kind.RESUME_RECORDING)
        await until(lambda: not talk.row.paused)
    event = await go(lambda: talk.call.events.get(kind="pause_recording"))
    assert (event.data["reason"], event.data["session"]) == ("Card number", talk.session.pk)


async def test_a_recording_that_cannot_be_paused_says_so(talk: Talk) -> None:
    talk.switch.fail["mute_recording"] = SwitchRefused("no recording")
    async with board(talk.switch):
        await talk.switch.running.wait()
        await go(talk.ask, Kind.PAUSE_RECORDING, reason="Card number")
        await until(lambda: "no recording" in talk.notice())
    assert not (await go(lambda: talk.row)).paused


async def test_a_message_is_left_and_the_agent_is_free(talk: Talk) -> None:
    async with board(talk.switch):
        await talk.switch.running.wait()
        await go(talk.ask, Kind.DROP, path="messages/1/hello.wav")
        asked = await talk.switch.asked("leave_message", talk.call.pk)
        assert asked.rest == ("messages/1/hello.wav",)
        await until(lambda: talk.agent().state == "ready")
        talk.switch.tell(events.ChannelEnded(str(talk.call.pk), now(), 16, message_left=True))
        await until(lambda: factories.get_call(talk.call.pk).outcome == "message_left")
    assert talk.switch.count("hang_up") == 0


async def test_a_parked_call_is_taken_by_another(talk: Talk, campaign: Campaign) -> None:
    other = await go(factories.make_session, campaign, state="paused")
    talk.switch.hold_leg(other.public_id)
    async with board(talk.switch):
        await talk.switch.running.wait()
        await go(talk.ask, Kind.PARK)
        await until(lambda: talk.mode() == "parked" and talk.agent().state == "wrapup")
        version = (await go(lambda: talk.row)).version
        taking = {"session": other, "call_id": talk.call.pk, "kind": Kind.UNPARK, "seen": version, "args": {}}
        await go(asking.ask, **taking)
        joined = await talk.switch.asked("join", talk.call.pk)
        assert joined.rest == (bridge_of(other.public_id),)
        await until(lambda: factories.get_session(other.pk).state == "in_call")
    assert (await go(factories.get_call, talk.call.pk)).user_id == other.user_id


async def test_a_call_that_is_parked_for_long_goes_to_whoever_is_ready(talk: Talk, campaign: Campaign) -> None:
    async with board(talk.switch):
        await talk.switch.running.wait()
        await go(talk.ask, Kind.PARK)
        await until(lambda: talk.mode() == "parked" and talk.agent().state == "wrapup")
        other = await go(factories.make_session, campaign)
        talk.switch.hold_leg(other.public_id)
        talk.place("")
        long_ago = now() - PARK_LIMIT - timedelta(seconds=1)
        await go(Conversation.objects.across_tenants().filter(pk=talk.call.pk).update, held_since=long_ago)
        await until(lambda: factories.get_session(other.pk).state == "in_call")
        joined = await talk.switch.asked("join", talk.call.pk)
        assert joined.rest == (bridge_of(other.public_id),)
        await until(lambda: talk.mode() == "talk")
    assert (await go(factories.get_call, talk.call.pk)).session_id == other.pk


async def test_pacing_does_not_count_a_parked_call(talk: Talk, campaign: Campaign) -> None:
    async with board(talk.switch):
        await talk.switch.running.wait()
        await go(talk.ask, Kind.PARK)
        await until(lambda: talk.mode() == "parked")
    [seen] = (await go(snapshot_of, campaign, now())).calls
    assert seen.taken


async def test_a_command_that_came_too_late_is_said_on_the_card(talk: Talk) -> None:
    await go(talk.ask, Kind.HOLD)
    late = now() - timedelta(seconds=1)
    await go(SwitchCommand.objects.across_tenants().filter(kind="handle").update, deadline=late)
    async with board(talk.switch):
        await until(lambda: "in time" in talk.notice())
        assert await go(talk.mode) == "talk"
        assert talk.switch.count("hold") == 0
        await go(talk.ask, Kind.HOLD)  # as the card says: try again
        await talk.switch.asked("hold", talk.call.pk)


async def test_a_guests_phone_that_comes_back_goes_where_it_was(talk: Talk, campaign: Campaign) -> None:
    other = await go(factories.make_session, campaign)
    talk.switch.hold_leg(other.public_id)
    async with board(talk.switch):
        await talk.switch.running.wait()
        await go(talk.ask_colleague, other)
        await until(lambda: factories.get_session(other.pk).state == "in_call")
        talk.switch.leg_ready(other.public_id)  # another leg of the same session, after a reload
        await until(lambda: talk.switch.requests[-1].rest == (bridge_of(talk.session.public_id),))
        assert talk.switch.requests[-1].about == leg_of(other.public_id)


async def test_a_strange_party_is_ended(talk: Talk) -> None:
    stray = party_of(uuid4())
    async with board(talk.switch):
        await talk.switch.running.wait()
        held = talk.switch.held
        talk.switch.held = Inventory("boot-1", (*held.channels, ChannelInfo(stray, "UP", ready=True)), held.bridges)
        talk.switch.tell(events.SwitchUp(now(), "boot-1"))
        await talk.switch.asked("hang_up", stray)
    assert talk.switch.count("hang_up") == 1


async def test_a_command_of_an_agent_who_has_the_call_no_more(talk: Talk, campaign: Campaign) -> None:
    other = await go(factories.make_session, campaign, state="paused")
    async with board(talk.switch):
        await talk.switch.running.wait()
        await go(
            outbox.send,
            tenant_id=talk.call.tenant_id,
            kind=CommandKind.HANDLE,
            target=talk.call.pk,
            args={"kind": "hold", "session": other.pk, "seen": 0},
        )
        await until(lambda: SwitchCommand.objects.across_tenants().filter(kind="handle", status="failed").exists())
    assert await go(talk.mode) == "talk"
    assert isinstance(await go(CallTask.objects.across_tenants().get, pk=talk.call.pk), CallTask)


async def test_an_agent_who_dials_hears_ringing(campaign: Campaign) -> None:
    manual = await go(factories.make_campaign, campaign.tenant, dial_method=DialMethod.MANUAL)
    session = await go(factories.make_session, manual, state="paused")
    switch = ScriptedSwitch()
    switch.hold_leg(session.public_id)
    async with board(switch):
        await switch.running.wait()
        await go(placing.dial_number, session_id=session.pk, text=THIRD)
        call = UUID((await switch.asked("place")).about)
        switch.ringing(call)
        await until(lambda: factories.get_call(call).state == "ringing")
        switch.answered(call)
        switch.ready(call)
        await switch.asked("join", call)
    names = [(one.name, *one.rest) for one in switch.requests if one.name in ("ring", "join", "place")]
    desk = bridge_of(session.public_id)
    assert [one[:2] for one in names if one[0] != "place"] == [
        ("ring", True),
        ("ring", False),
        ("join", desk),
    ]
