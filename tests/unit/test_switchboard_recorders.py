"""Asking for recordings: once, again while the switch does not answer, and never for a call that is over."""

from __future__ import annotations

import asyncio
from uuid import uuid4

import pytest
from django.utils import timezone

from asterisk.switchboard import recorders as module
from asterisk.switchboard.recorders import RecordDesk
from asterisk.switchboard.store import Store
from dialer.calls.models import CallTask
from dialer.compliance.laws import Notice
from dialer.telephony.port import SwitchUnreachable
from tests.scripted import Request, ScriptedSwitch


@pytest.fixture(autouse=True)
def soon(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "UNWRITTEN_S", 0.01)
    monkeypatch.setattr(module, "AGAIN_S", 0.01)


@pytest.fixture
def call() -> CallTask:
    return CallTask(pk=uuid4(), tenant_id=1, record=True, queued_at=timezone.now(), verdict_row_id=7)


def desk(switch: ScriptedSwitch, call: CallTask) -> RecordDesk:
    """One that has placed the call, so that nothing is asked of the database."""
    made = RecordDesk(Store(1), switch)
    made.learn(call.pk, Notice.BEEP)
    return made


async def test_who_is_joined_is_recorded_once_whoever_asks(call: CallTask) -> None:
    switch = ScriptedSwitch()
    made = desk(switch, call)
    made.joined(call)
    assert (await switch.asked("record", call.pk)).rest[1] == "beep"
    made.record(call)
    await made.close(5)
    assert switch.count("record") == 1


async def test_a_switch_that_does_not_answer_is_asked_again(call: CallTask, caplog: pytest.LogCaptureFixture) -> None:
    switch = ScriptedSwitch(fail={"record": SwitchUnreachable("AMI: not connected")})
    made = desk(switch, call)
    made.record(call)
    await switch.asked("record", call.pk, times=3)
    switch.fail.clear()
    await switch.asked("record", call.pk, times=4)
    await made.close(5)
    assert caplog.text.count("not recorded yet (AMI: not connected)") == 1, "it is said once"


async def test_what_is_due_in_a_moment_is_asked_for_at_the_end(call: CallTask, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "UNWRITTEN_S", 60.0)
    switch = ScriptedSwitch()
    made = desk(switch, call)
    made.joined(call)
    await made.close(5)
    assert switch.count("record", call.pk) == 1


async def test_nothing_is_kept_of_a_call_that_ends_as_it_is_asked_for(call: CallTask) -> None:
    switch = ScriptedSwitch(fail={"record": SwitchUnreachable("gone")})
    made = desk(switch, call)
    over = asyncio.Event()

    def end(_: Request) -> None:
        made.forget(call.pk)
        over.set()

    switch.on_request = end
    made.record(call)
    await over.wait()
    await made.close(5)
    assert switch.count("record") == 1 and made._about == {}


async def test_a_call_that_is_not_to_be_recorded_is_not(call: CallTask) -> None:
    call.record = False
    switch = ScriptedSwitch()
    made = desk(switch, call)
    made.joined(call)
    made.record(call)
    await made.close(5)
    assert switch.requests == []
