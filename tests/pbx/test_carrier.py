"""The carrier does what `behaviour_of` says it will, and writes down every call that reached it."""

from __future__ import annotations

import asyncio
import os
import time
from collections import defaultdict
from pathlib import Path

import pytest

from asterisk.sandbox import Behaviour, Sandbox, behaviour_of, read_truth
from asterisk.sandbox.behaviour import KINDS, dialplan_table, table
from dialer.telephony.events import ChannelEnded, ChannelReady
from tests.pbx.watched import Bench, about

RING_TIMEOUT_S = 4
LATE_S = 2.0
"""How much later than it was to be something may happen on a machine with much to do."""
LONG = ("machine", "fax")
"""These talk for longer than a test should take."""
CAUSES = {"busy": 17, "congestion": 34, "invalid": 1, "no_answer": 19}


def _some_numbers(seed: int, sandbox: Sandbox) -> dict[str, Behaviour]:
    """Four numbers of each kind, from different area codes."""
    found: dict[str, list[str]] = defaultdict(list)
    for entry in range(1000):
        number = f"+1{212 + entry % 7}7{entry % 100:02d}5{entry:03d}"
        kind = behaviour_of(number, seed, sandbox.mix).kind
        if len(found[kind]) < 4:
            found[kind].append(number)
    assert set(found) == set(KINDS)
    return {number: behaviour_of(number, seed, sandbox.mix) for numbers in found.values() for number in numbers}


async def test_seeded_numbers_do_what_their_behaviour_says(bench: Bench) -> None:
    expected = _some_numbers(7, bench.sandbox)
    calls = {await bench.call(number, ring_timeout_s=RING_TIMEOUT_S): number for number in expected}
    for call, number in calls.items():
        if expected[number].kind in LONG:
            await bench.wait(ChannelReady, call)
            await bench.switch.hang_up(call)
    for call in calls:
        await bench.wait(ChannelEnded, call, timeout_s=25)
    truth = {number: await bench.truth(number) for number in expected}
    ended = {about(event): event for event in bench.events if isinstance(event, ChannelEnded)}
    for call, number in calls.items():
        behaviour, seen, told = expected[number], truth[number], ended[call]
        assert seen.behaviour == behaviour.kind, number
        assert told.cause == CAUSES.get(behaviour.kind, 16), (number, behaviour)
        if not behaviour.answers:
            assert seen.answered is None
            continue
        assert seen.answered is not None
        late = seen.answered - seen.arrived - behaviour.delay_s - behaviour.ring_s
        assert -0.2 < late < LATE_S, (number, behaviour)
        if behaviour.kind in LONG:
            continue
        assert -0.2 < seen.ended - seen.answered - behaviour.talk_s < LATE_S, (number, behaviour)
        assert seen.ended_by == "them"


async def test_every_invite_is_in_the_truth_also_in_a_burst(bench: Bench) -> None:
    before, processed = len(read_truth(bench.sandbox.truth_path)), _processed(bench.sandbox)
    numbers = [f"+1555{kind}000{500 + entry}" for entry in range(12) for kind in (2, 4, 5, 6, 7)]
    calls = await asyncio.gather(*(bench.call(number, caller_id="+18005550199") for number in numbers))
    await asyncio.gather(*(bench.switch.hang_up(call) for call in calls))  # some before the carrier answered at all
    for call in calls:
        await bench.wait(ChannelEnded, call)
    dialed = [channel for channel in calls if bench.of(channel)]
    assert len(dialed) == len(numbers)
    async with asyncio.timeout(20):
        while len(found := read_truth(bench.sandbox.truth_path)[before:]) < _processed(bench.sandbox) - processed:
            await asyncio.sleep(0.02)
    assert len(found) == _processed(bench.sandbox) - processed
    assert {call.number for call in found} <= set(numbers)
    assert all(call.caller_id == "+18005550199" for call in found)


def _processed(sandbox: Sandbox) -> int:
    """How many calls the carrier's Asterisk itself counts since its start."""
    text = sandbox.cli("carrier", "core show channels count")
    return next(int(line.split()[0]) for line in text.splitlines() if "processed" in line)


async def test_something_that_is_no_number_is_refused_and_written_down(bench: Bench) -> None:
    for dialed in ("911", "*72", "0049301234567"):
        call = await bench.call(dialed)
        assert (await bench.wait(ChannelEnded, call)).cause == 1
        assert (await bench.truth(dialed)).behaviour == "invalid"


def test_the_rendered_table_is_the_one_that_runs(sandbox: Sandbox) -> None:
    shown = sandbox.cli("carrier", "dialplan show table")
    assert "1000 extensions" in shown
    for entry in (0, 123, 999):
        line = dialplan_table(7, sandbox.mix).splitlines()[entry]
        assert line.split(",1,", 1)[1] in sandbox.cli("carrier", f"dialplan show {entry:03d}@table")
    assert len(table(7, sandbox.mix)) == 1000


def test_secrets_are_private_and_nothing_listens_outside(sandbox: Sandbox) -> None:
    for path in (sandbox.state_dir / "secrets.json", *(sandbox.state_dir / "pbx/etc").glob("*.conf")):
        assert path.stat().st_mode & 0o077 == 0, path
    own = {sandbox.pbx_ip, sandbox.carrier_ip}
    for name, pid in sandbox.pids().items():
        for address in _listening(pid):
            assert address in own or address == "0.0.0.0", (name, address)
        # pjproject's resolver holds unbound sockets; it is the only one that may.
        assert len([address for address in _listening(pid, "tcp") if address == "0.0.0.0"]) == 0
    environment = Path(f"/proc/{sandbox.pids()['pbx']}/cmdline").read_bytes()
    assert sandbox.env()["ASTERISK_ARI_PASSWORD"].encode() not in environment


def _listening(pid: int, *protocols: str) -> list[str]:
    """The local addresses of a process's IPv4 sockets."""
    inodes = set()
    for link in Path(f"/proc/{pid}/fd").iterdir():
        try:
            target = os.readlink(link)
        except OSError:
            continue
        if target.startswith("socket:["):
            inodes.add(target[8:-1])
    found = []
    for protocol in protocols or ("tcp", "udp"):
        for line in Path(f"/proc/{pid}/net/{protocol}").read_text().splitlines()[1:]:
            words = line.split()
            if words[9] in inodes:
                raw = bytes.fromhex(words[1].split(":")[0])[::-1]
                found.append(".".join(str(byte) for byte in raw))
    return found


def test_logs_are_quiet(sandbox: Sandbox) -> None:
    """The last test of this file: what the others did left no errors but those that they meant to cause."""
    meant = ("already in use", "Event source not found", "Playback failed", "Could not create dialog", "not registered")
    meant += ("Failed to create outgoing session", "failed to authenticate", "No matching endpoint", "stir_shaken")
    meant += ("Session already DISCONNECTED [reason=487",)  # a cancel crossed what the other side was saying
    for name in ("pbx", "carrier"):
        lines = (sandbox.state_dir / name / "log/messages").read_text().splitlines()
        loud = [line for line in lines if " ERROR[" in line and not any(text in line for text in meant)]
        assert loud == [], loud


@pytest.mark.parametrize("name", ["pbx", "carrier"])
def test_a_killed_switch_starts_again_at_once(sandbox: Sandbox, name: str) -> None:
    before = sandbox.pids()[name]
    sandbox.kill(name)
    assert name not in sandbox.pids()
    sandbox.start(name)
    assert sandbox.pids()[name] != before
    assert "fully booted" in sandbox.cli(name, "core waitfullybooted")
    until = time.monotonic() + 15
    while "Avail" not in sandbox.cli("pbx", "pjsip show contacts"):
        assert time.monotonic() < until, "the PBX does not find the carrier again"
        time.sleep(0.1)
