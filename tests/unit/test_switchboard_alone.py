"""People on the line while the database is away: the message in time, then let go; nothing while it is there."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from uuid import UUID, uuid4

import pytest

from asterisk.switchboard import alone as module
from asterisk.switchboard.alone import Alone
from dialer.calls.outcomes import Outcome
from dialer.calls.rules import Call, CallState, Event, Kind, advance
from dialer.telephony.port import SwitchUnreachable
from tests.scripted import ScriptedSwitch

HUMAN = Event(Kind.READY, verdict="HUMAN")
UNSCREENED = Event(Kind.READY)


class Database:
    """There, or not."""

    there = False

    def __call__(self) -> bool:
        return self.there


@pytest.fixture
def database(monkeypatch: pytest.MonkeyPatch) -> Database:
    monkeypatch.setattr(module, "GRACE_S", 0.01)
    monkeypatch.setattr(module, "LOOK_AGAIN_S", 0.01)
    monkeypatch.setattr(module, "CONNECT_LIMIT_MS", 20)
    return Database()


@pytest.fixture
async def make(database: Database) -> AsyncIterator[Callable[[ScriptedSwitch], Alone]]:
    made: list[Alone] = []

    def one(switch: ScriptedSwitch) -> Alone:
        async def play(call_id: UUID) -> None:
            await switch.play(str(call_id), "safe-harbour", "message")

        made.append(Alone(switch, database, play))
        return made[-1]

    yield one
    for alone in made:
        await alone.close()


async def test_a_person_hears_the_message_and_is_let_go(make: Callable[[ScriptedSwitch], Alone]) -> None:
    switch, call = ScriptedSwitch(), uuid4()
    alone = make(switch)
    alone.hear(call, UNSCREENED)
    await switch.asked("play", call)
    assert call in alone
    alone.hear(call, Event(Kind.MESSAGE_PLAYED))
    await switch.asked("hang_up", call)
    alone.forget(call)
    assert call not in alone


async def test_one_who_waits_for_an_agent_hears_it_too(make: Callable[[ScriptedSwitch], Alone]) -> None:
    switch, call = ScriptedSwitch(), uuid4()
    make(switch).hear(call, Event(Kind.WAIT_EXPIRED))
    await switch.asked("play", call)


async def test_a_machine_is_let_go_without_a_message(make: Callable[[ScriptedSwitch], Alone]) -> None:
    switch, call = ScriptedSwitch(), uuid4()
    make(switch).hear(call, Event(Kind.READY, verdict="MACHINE"))
    await switch.asked("hang_up", call)
    assert switch.count("play") == 0


async def test_a_message_that_cannot_be_played_lets_them_go(make: Callable[[ScriptedSwitch], Alone]) -> None:
    switch, call = ScriptedSwitch(fail={"play": SwitchUnreachable("away")}), uuid4()
    make(switch).hear(call, HUMAN)
    await switch.asked("hang_up", call)


async def test_nothing_is_done_for_what_is_recorded_in_time(
    make: Callable[[ScriptedSwitch], Alone], database: Database
) -> None:
    switch, recorded, slow = ScriptedSwitch(), uuid4(), uuid4()
    alone = make(switch)
    database.there = True
    alone.hear(slow, UNSCREENED)
    alone.hear(recorded, UNSCREENED)
    alone.recorded(recorded, UNSCREENED)
    await asyncio.sleep(0.1)  # that nothing happens has no event
    assert switch.requests == []
    database.there = False  # it was slow, and now it is gone
    await switch.asked("play", slow)
    assert switch.count("play", recorded) == 0


async def test_who_is_given_to_an_agent_hears_no_message_unless_that_fails(
    make: Callable[[ScriptedSwitch], Alone],
) -> None:
    """The join was asked for before the database went; that it went well cannot be written yet."""
    switch, talking, refused = ScriptedSwitch(), uuid4(), uuid4()
    alone = make(switch)
    for call in (talking, refused):
        alone.hear(call, UNSCREENED)
        alone.serve(call)
        alone.hear(call, Event(Kind.MESSAGE_PLAYED))
        alone.hear(call, Event(Kind.WAIT_EXPIRED))
    await asyncio.sleep(0.1)  # that nothing happens has no event
    assert switch.requests == []
    alone.let_down(refused)
    await switch.asked("play", refused)
    alone.let_down(refused)
    alone.forget(talking)
    assert switch.count("play") == 1 and talking not in alone


def test_the_row_says_what_was_done_meanwhile() -> None:
    call = Call(state=CallState.RINGING)
    call, effects = advance(call, Event(Kind.READY, unattended=True))
    assert (call.state, call.ending, effects) == (CallState.HUMAN, Outcome.ABANDONED, ())
    call, _ = advance(call, Event(Kind.HUNG_UP, cause=16))
    assert call.outcome is Outcome.ABANDONED


def test_who_was_served_by_the_dialplan_alone_counts_as_abandoned() -> None:
    call, _ = advance(Call(state=CallState.RINGING), Event(Kind.HUNG_UP, cause=16, unattended=True))
    assert (call.outcome, call.hung_up_by) == (Outcome.ABANDONED, "")
