"""A real Asterisk and the simulated carrier for the tests of this folder, started once."""

from __future__ import annotations

import asyncio
import hashlib
import os
import shutil
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
from pytest_django import DjangoDbBlocker

from asterisk.adapter import AsteriskSwitch
from asterisk.sandbox import Mix, Sandbox
from asterisk.settings import AsteriskSettings
from dialer.telephony.events import ChannelEnded, SwitchUp
from dialer.telephony.port import PhoneAccount
from tests.floor import Floor
from tests.pbx.watched import SECRET, Bench

FAST = Mix(ring_scale=0.1, talk_scale=0.1, fax=0.03)
"""Everybody is quick, so that the tests are."""
HOME = Path(__file__).resolve().parents[2] / ".cordboard"


@pytest.fixture(scope="session")
def sandbox() -> Iterator[Sandbox]:
    """Switches of our own (1.2 s), which the tests may kill without harm to those of `./run test`."""
    state = HOME / f"pbx-tests-{os.getpid()}"
    digest = hashlib.sha256(str(state).encode()).digest()
    box = Sandbox(state, HOME / "asterisk-tree", f"127.{251 + digest[0] % 4}.{digest[1]}", seed=7, mix=FAST)
    box.ensure_tree(print)
    try:
        box.start()
        yield box
    finally:
        box.stop()
        shutil.rmtree(state, ignore_errors=True)


@pytest.fixture
async def bench(sandbox: Sandbox) -> AsyncIterator[Bench]:
    """The adapter, up, with the accounts a1 to a3 provisioned. Everything that a test leaves on the switch is ended."""
    made = Bench(sandbox, AsteriskSwitch(AsteriskSettings.from_env(sandbox.env())))
    made.start()
    try:
        await made.wait(SwitchUp)
        await made.switch.provision([PhoneAccount(f"a{number}", SECRET, "Agent") for number in (1, 2, 3)])
        yield made
        if made.task is not None:
            await _clear(made)
    finally:
        await made.stop()
        left = [task for task in asyncio.all_tasks() if task is not asyncio.current_task()]
        assert not left, f"tasks left behind: {left}"


async def _clear(bench: Bench) -> None:
    """End what a test left on the switch."""
    inventory = await bench.switch.inventory()
    for channel in inventory.channels:
        await bench.switch.hang_up(channel.channel_id)
    for channel in inventory.channels:
        await bench.wait(ChannelEnded, channel.channel_id)
    for bridge in inventory.bridges:
        await bench.switch.remove_bridge(bridge)


@pytest.fixture(scope="session")
def spine() -> Iterator[Floor]:
    """The whole product on servers of its own, for the tests of calls from lead to disposition (about 8 s)."""
    made = Floor("spine")
    try:
        made.start_servers()
        made.start_product()
        yield made
    finally:
        made.close()


@pytest.fixture(scope="module")
def floor(spine: Floor, django_db_blocker: DjangoDbBlocker) -> Iterator[Floor]:
    """The same, with Django's models of this process standing on its database."""
    with django_db_blocker.unblock(), spine.pointed():
        yield spine
