"""The database breaks off in the instant in which it commits: what it could not tell any more is done all the same."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime
from uuid import UUID

import pytest
from asgiref.sync import sync_to_async
from django.db import OperationalError

from asterisk.switchboard import store
from dialer.calls import services
from dialer.calls.rules import Event, Kind
from dialer.campaigns.models import Campaign
from dialer.core.clock import now
from dialer.live import publish
from dialer.telephony import outbox
from dialer.telephony.events import MessagePlayed
from dialer.telephony.models import CommandKind, SwitchCommand
from dialer.telephony.port import ChannelInfo
from tests import factories
from tests.scripted import ScriptedSwitch, bridge_of
from tests.switchboards import board, call_of, queue, ready_agent, session_of, until

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("connections_given_back")]


@pytest.fixture
def campaign(transactional_db: None) -> Campaign:
    """An active campaign with a lead that is due."""
    made = factories.make_campaign(factories.make_tenant())
    factories.make_leads(factories.make_list(made), 1)
    return made


Apply = Callable[..., services.Applied | None]


class CutOff:
    """Stands in front of `apply_event`: the first answer about one kind of event is lost, after its commit."""

    def __init__(self, kind: Kind) -> None:
        self.kind, self.lost = kind, 0
        self._apply: Apply = services.apply_event

    def __call__(self, *, call_id: UUID, event: Event, at: datetime) -> services.Applied | None:
        applied = self._apply(call_id=call_id, event=event, at=at)
        if event.kind is self.kind and not self.lost:
            self.lost += 1
            raise OperationalError("server closed the connection unexpectedly")
        return applied


class Away:
    """Stands in front of every service: from the first event of a kind on there is no database until `back` is set."""

    def __init__(self, kind: Kind) -> None:
        self.kind, self.back, self.gone = kind, False, False
        self._call = store._guarded

    def __call__(self, service: Callable[..., object], args: tuple[object, ...], kwargs: dict[str, object]) -> object:
        self.gone = self.gone or any(isinstance(one, Event) and one.kind is self.kind for one in args)
        if self.gone and not self.back:
            raise OperationalError("connection refused")
        return self._call(service, args, kwargs)


def hold(switch: ScriptedSwitch, call_id: UUID) -> None:
    """The inventory shows the customer's channel, in no bridge."""
    channel = ChannelInfo(str(call_id), "UP", ready=True)
    switch.held = replace(switch.held, channels=(*switch.held.channels, channel))


async def test_an_agent_who_was_claimed_is_connected(campaign: Campaign, monkeypatch: pytest.MonkeyPatch) -> None:
    session = await sync_to_async(ready_agent)(campaign)
    switch, cut = ScriptedSwitch(), CutOff(Kind.READY)
    switch.hold_leg(session.public_id)
    monkeypatch.setattr(services, "apply_event", cut)
    async with board(switch):
        await switch.running.wait()
        [call_id] = await sync_to_async(queue)(campaign)
        await switch.asked("place", call_id)
        hold(switch, call_id)
        switch.ready(call_id)
        assert (await switch.asked("join", call_id)).rest == (bridge_of(session.public_id),)
        await until(lambda: session_of(session).state == "in_call")
    assert cut.lost == 1


async def test_a_desk_is_told_of_what_was_committed(campaign: Campaign, monkeypatch: pytest.MonkeyPatch) -> None:
    """Messages to screens go out when the commit has been heard of, and it was not."""
    session = await sync_to_async(ready_agent)(campaign)
    switch, cut = ScriptedSwitch(), CutOff(Kind.BRIDGED)
    switch.hold_leg(session.public_id)
    monkeypatch.setattr(services, "apply_event", cut)
    told: list[str] = []
    monkeypatch.setattr(publish._publisher, "send", lambda group, _: told.append(group) if cut.lost else None)
    async with board(switch):
        await switch.running.wait()
        [call_id] = await sync_to_async(queue)(campaign)
        await switch.asked("place", call_id)
        switch.ready(call_id)
        await until(lambda: f"desk.{session.user_id}" in told)
    assert (await sync_to_async(session_of)(session)).state == "in_call"


async def test_a_hang_up_that_was_taken_is_carried_out(campaign: Campaign, monkeypatch: pytest.MonkeyPatch) -> None:
    session = await sync_to_async(ready_agent)(campaign)
    switch = ScriptedSwitch()
    switch.hold_leg(session.public_id)
    lost: list[SwitchCommand] = []

    def take(
        *, by: UUID, limit: int = 50, real: Callable[..., list[SwitchCommand]] = outbox.take
    ) -> list[SwitchCommand]:
        taken = real(by=by, limit=limit)
        if not lost and any(one.kind == CommandKind.HANG_UP for one in taken):
            lost.extend(taken)
            raise OperationalError("server closed the connection unexpectedly")
        return taken

    monkeypatch.setattr(outbox, "take", take)
    async with board(switch):
        await switch.running.wait()
        [call_id] = await sync_to_async(queue)(campaign)
        await switch.asked("place", call_id)
        switch.ready(call_id)
        await until(lambda: session_of(session).state == "in_call")
        call = await sync_to_async(call_of)(call_id)
        await sync_to_async(services.ask_hang_up)(call=call, by="agent")
        await switch.asked("hang_up", call_id)
    assert len(lost) == 1


async def test_who_talks_already_is_not_told_that_nobody_is_there(
    campaign: Campaign, monkeypatch: pytest.MonkeyPatch
) -> None:
    """They waited a moment, the agent was joined, and the database went before that could be written."""
    switch, away = ScriptedSwitch(), Away(Kind.BRIDGED)
    monkeypatch.setattr(store, "_guarded", away)
    async with board(switch):
        await switch.running.wait()
        [call_id] = await sync_to_async(queue)(campaign)
        await switch.asked("place", call_id)
        switch.ready(call_id)
        await until(lambda: call_of(call_id).state == "human")
        session = await sync_to_async(ready_agent)(campaign)
        switch.hold_leg(session.public_id)
        await switch.asked("join", call_id)
        await switch.asked("record", call_id)  # it is a conversation, whatever can be written of it
        switch.tell(MessagePlayed(str(call_id), f"notice-{call_id}", now()))  # that it is recorded
        await asyncio.sleep(3.0)  # longer than anybody may wait; that nothing happens has no event
        away.back = True
        await until(lambda: session_of(session).state == "in_call")
        assert away.gone and switch.count("play") == switch.count("hang_up") == 0
        switch.ended(call_id)
        await until(lambda: _over(call_id))
    assert switch.count("record") == 1


def _over(call_id: UUID) -> bool:
    return call_of(call_id).state == "ended"
