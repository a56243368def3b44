"""What people hear of being recorded, on the real Asterisk: measured at the phones of both who talk."""

from __future__ import annotations

import asyncio
import struct
import time
import uuid
import wave
from pathlib import Path

import pytest

from asterisk import translate
from asterisk.sandbox.phone import Phone
from dialer.telephony.events import ChannelEnded, ChannelReady
from dialer.telephony.port import RecordingNotice, SwitchRefused
from tests.hearing import energy
from tests.pbx.watched import Bench

AUDIBLE = 150
"""Root mean square on a scale of 16 bits; both phones send silence."""


async def _customer(bench: Bench, phone: Phone, bridge: str) -> str:
    """A second phone stands for the customer: what it hears is what a customer hears."""
    call = f"leg-{uuid.uuid4()}"
    await bench.switch.call_phone(call, phone.name, "Customer", 10)
    await bench.wait(ChannelReady, call)
    await bench.switch.join(bridge, call)
    return call


async def _hear(*phones: Phone, since: float, within_s: float = 10.0) -> None:
    """Wait until each phone has heard something after `since`: a beep may be over before anybody looks."""
    try:
        async with asyncio.timeout(within_s):
            while any(phone.ear.loudest(since) <= AUDIBLE for phone in phones):
                await asyncio.sleep(0.05)  # sound has no event
    except TimeoutError:
        heard = [(phone.name, phone.ear.packets, phone.ear.first_audio_at, phone.ear.loudest(0.0)) for phone in phones]
        raise AssertionError(f"not all heard it since {since}: name, packets, first sound, loudest: {heard}") from None


async def _hear_nothing(*phones: Phone, within_s: float = 10.0) -> None:
    async with asyncio.timeout(within_s):
        while any(phone.ear.energy(0.3) > AUDIBLE for phone in phones):
            await asyncio.sleep(0.05)


async def _finished(path: Path) -> list[int]:
    """The samples of a recording once its header tells of all of them."""
    async with asyncio.timeout(5):
        while True:
            with wave.open(str(path)) as file:
                data = file.readframes(file.getnframes())
            if data:  # the header tells of none until it is closed
                return list(struct.unpack(f"<{len(data) // 2}h", data))
            await asyncio.sleep(0.05)


@pytest.mark.parametrize("notice", ["announce", "beep"])
async def test_both_hear_it_and_it_is_on_the_recording(bench: Bench, notice: RecordingNotice) -> None:
    async with bench.phone("a1") as agent, bench.phone("a2", host=11) as customer:
        _, bridge = await bench.agent(agent, "a1")
        call = await _customer(bench, customer, bridge)
        asked = time.time()
        await bench.switch.record(call, f"notice/{notice}.wav", notice)
        await _hear(agent, customer, since=asked)
        await _hear_nothing(agent, customer)
        quiet = time.time()
        await bench.switch.record(call, f"notice/{notice}.wav", notice)  # asked again, it is not said again
        if notice == "beep":  # but a beep comes back for as long as it records
            await _hear(agent, customer, since=quiet, within_s=25)
        else:
            await asyncio.sleep(1.0)
            assert agent.ear.energy(0.9) < AUDIBLE
        await bench.switch.hang_up(call)
        await bench.wait(ChannelEnded, call)
    samples = await _finished(Path(bench.sandbox.env()["ASTERISK_RECORDINGS_DIR"]) / f"notice/{notice}.wav")
    pieces = [energy(samples[start : start + 1600]) for start in range(0, len(samples), 1600)]
    assert max(pieces) > AUDIBLE, pieces


async def test_both_hear_it_before_asterisk_has_told_of_the_bridge(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The answer to "join" and the event that tells of it come on two connections, in any order: played to the channel
    alone, the agent would not hear it."""
    monkeypatch.setattr(translate, "bridge_move", lambda raw: None)
    async with bench.phone("a1") as agent, bench.phone("a2", host=11) as customer:
        _, bridge = await bench.agent(agent, "a1")
        call = await _customer(bench, customer, bridge)
        asked = time.time()
        await bench.switch.record(call, "notice/at-once.wav", "announce")
        await _hear(agent, customer, since=asked)
        await bench.switch.hang_up(call)
        await bench.wait(ChannelEnded, call)


async def test_where_nothing_needs_to_be_said_nothing_is(bench: Bench) -> None:
    async with bench.phone("a1") as agent, bench.phone("a2", host=11) as customer:
        _, bridge = await bench.agent(agent, "a1")
        call = await _customer(bench, customer, bridge)
        await bench.switch.record(call, "notice/none.wav", "none")
        await asyncio.sleep(2.5)  # longer than it takes to begin any notice
        assert max(agent.ear.energy(2.4), customer.ear.energy(2.4)) < AUDIBLE
        await bench.switch.hang_up(call)
        await bench.wait(ChannelEnded, call)
    samples = await _finished(Path(bench.sandbox.env()["ASTERISK_RECORDINGS_DIR"]) / "notice/none.wav")
    assert len(samples) > 8000


async def test_nothing_is_recorded_when_it_cannot_be_said(bench: Bench) -> None:
    async with bench.phone("a1") as agent, bench.phone("a2", host=11) as customer:
        _, bridge = await bench.agent(agent, "a1")
        call = await _customer(bench, customer, bridge)
        await bench.switch.hang_up(call)
        await bench.wait(ChannelEnded, call)
        with pytest.raises(SwitchRefused):
            await bench.switch.record(call, "notice/gone.wav", "announce")
    assert not (Path(bench.sandbox.env()["ASTERISK_RECORDINGS_DIR"]) / "notice/gone.wav").exists()
