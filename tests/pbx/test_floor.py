"""Agents' phones, who hears whom, recordings, and text from outside, on the real Asterisk."""

from __future__ import annotations

import asyncio
import struct
import wave
from pathlib import Path

import pytest

from asterisk.sandbox.phone import PhoneError
from asterisk.sandbox.rtp import strength
from dialer.telephony.events import ChannelEnded, ChannelReady, PhoneSeen
from dialer.telephony.port import PhoneAccount, SwitchRefused
from tests.pbx.watched import PERSON, SECRET, STEADY, Bench, number

NASTY = "Ann \"O'Neil\"\r\nX-Evil: 1\n${SHELL(id)},<sip:evil@x>;a=1\\ '; DROP TABLE lead; -- ünï"


async def test_agent_and_customer_hear_each_other_and_the_recording_has_both(bench: Bench) -> None:
    async with bench.phone("a1", sends="tone", tone=440) as phone:
        _, bridge = await bench.agent(phone, "a1")
        call = await bench.call(number(PERSON, voice=STEADY))
        await bench.wait(ChannelReady, call)
        await bench.switch.join(bridge, call)
        await bench.switch.join(bridge, call)  # asked twice, nothing happens
        await bench.switch.record(call, "floor/both.wav")
        await bench.switch.record(call, "floor/both.wav")
        await phone.wait_hears(1000, not_tones=(440,))
        inventory = await bench.switch.inventory()
        assert {channel.bridge_id for channel in inventory.channels} == {bridge}
        await asyncio.sleep(1.0)  # a second of recording
        await bench.switch.hang_up(call)
        await bench.wait(ChannelEnded, call)
    samples = await _finished(Path(bench.sandbox.env()["ASTERISK_RECORDINGS_DIR"]) / "floor/both.wav")
    assert len(samples) > 7000
    middle = samples[len(samples) // 2 - 2000 : len(samples) // 2 + 2000]
    assert strength(middle, 1000) > 1000
    assert strength(middle, 440) > 1000


async def test_the_customer_hears_the_agent(bench: Bench) -> None:
    """An echo at the far end brings the agent's tone back."""
    async with bench.phone("a1", sends="tone", tone=440) as phone:
        _, bridge = await bench.agent(phone, "a1")
        call = await bench.call(number(PERSON, voice=901))
        await bench.wait(ChannelReady, call)
        await bench.switch.join(bridge, call)
        await phone.wait_hears(440)
        await bench.switch.leave(bridge, call)
        await bench.switch.leave(bridge, call)  # not being there is no error
        await _silent(phone)
        await bench.switch.join(bridge, call)
        await phone.wait_hears(440)


async def test_one_leg_serves_call_after_call(bench: Bench) -> None:
    async with bench.phone("a1") as phone:
        leg, bridge = await bench.agent(phone, "a1")
        for _ in range(3):
            call = await bench.call(number(PERSON, voice=STEADY))
            await bench.wait(ChannelReady, call)
            await bench.switch.join(bridge, call)
            await phone.wait_hears(1000)
            await bench.switch.hang_up(call)
            await bench.wait(ChannelEnded, call)
            await _silent(phone)
        assert phone.up.is_set()
        assert phone.calls == 1
        await phone.hang_up()
        assert (await bench.wait(ChannelEnded, leg)).cause in (0, 16)
        await bench.switch.remove_bridge(bridge)
        await bench.switch.remove_bridge(bridge)
        await bench.empties("bridges")


async def test_a_phone_that_is_not_registered_is_refused_at_once(bench: Bench) -> None:
    for name in ("a2", "nobody"):
        with pytest.raises(SwitchRefused, match="not registered") as refused:
            await bench.switch.call_phone(f"leg-{name}", name, "Agent", 10)
        assert refused.value.cause == 20
    assert (await bench.switch.inventory()).channels == ()


async def test_a_phone_that_declines(bench: Bench) -> None:
    async with bench.phone("a1", refuse=486):
        await bench.switch.call_phone("leg-declined", "a1", "Agent", 10)
        ended = await bench.wait(ChannelEnded, "leg-declined")
        assert (ended.cause, ended.dial_status) == (17, "BUSY")


async def test_a_phone_that_does_not_answer(bench: Bench) -> None:
    async with bench.phone("a1", answer_after_s=30) as phone:
        await bench.switch.call_phone("leg-late", "a1", "Agent", 1)
        ended = await bench.wait(ChannelEnded, "leg-late")
        assert (ended.cause, ended.dial_status) == (19, "RINGING")
        await phone.wait_ended()


async def test_a_phone_that_vanishes_is_noticed_by_its_silence(bench: Bench) -> None:
    phone = bench.phone("a1")
    await phone.start()
    await phone.register()
    leg, _ = await bench.agent(phone, "a1")
    began = asyncio.get_running_loop().time()
    phone.vanish()
    await bench.wait(ChannelEnded, leg, timeout_s=12)
    assert 4.0 < asyncio.get_running_loop().time() - began < 9.0
    phone.come_back()
    await phone.close()


async def test_phones_come_and_go(bench: Bench) -> None:
    assert (await bench.switch.inventory()).phones == frozenset()
    async with bench.phone("a1"):
        assert (await bench.wait(PhoneSeen, "a1")).reachable
        assert (await bench.switch.inventory()).phones == {"a1"}
        seen = len(bench.events)
        async with bench.phone("a1", host=11):  # the same account moves to another phone
            assert (await bench.switch.inventory()).phones == {"a1"}
    gone = await bench.wait(PhoneSeen, "a1", since=seen)
    assert not gone.reachable
    assert (await bench.switch.inventory()).phones == frozenset()


async def test_accounts_are_made_kept_and_removed(bench: Bench) -> None:
    with pytest.raises(PhoneError):
        async with bench.phone("new"):
            pass
    accounts = [PhoneAccount("a1", SECRET, "x"), PhoneAccount("new", SECRET, "x")]
    async with bench.phone("a1") as staying:
        await bench.switch.provision(accounts)
        await bench.switch.provision(accounts)
        assert (await bench.switch.inventory()).phones == {"a1"}
        leg, _ = await bench.agent(staying, "a1")
        async with bench.phone("new", host=11):
            assert (await bench.switch.inventory()).phones == {"a1", "new"}
        await bench.switch.hang_up(leg)
        await bench.wait(ChannelEnded, leg)
        seen = len(bench.events)
    assert not (await bench.wait(PhoneSeen, "a1", since=seen)).reachable
    assert "a1" not in (await bench.switch.inventory()).phones
    await bench.switch.provision([PhoneAccount("a1", "another secret", "x")])
    for name in ("a1", "new"):
        with pytest.raises(PhoneError):
            async with bench.phone(name):
                pass
    assert "carrier" in bench.sandbox.cli("pbx", "pjsip show endpoints")


@pytest.mark.parametrize("name", ["a/b", "a b", "a\r\nb", "", "${x}"])
async def test_an_account_that_asterisk_could_misread_is_refused(bench: Bench, name: str) -> None:
    with pytest.raises(SwitchRefused):
        await bench.switch.provision([PhoneAccount(name, SECRET, "x")])


async def test_an_account_of_somebody_else_is_left_alone(bench: Bench) -> None:
    with pytest.raises(SwitchRefused, match="not ours"):
        await bench.switch.provision([PhoneAccount("carrier", SECRET, "x")])


async def test_a_name_full_of_everything_arrives_as_a_name(bench: Bench) -> None:
    async with bench.phone("a1") as phone:
        await bench.switch.call_phone("leg-nasty", "a1", NASTY, 10)
        await bench.wait(ChannelReady, "leg-nasty")
        assert phone.invite is not None
        assert phone.invite.get("x-evil") == ""
        shown = phone.invite.get("from").split("<")[0].strip(' "')
        assert shown == "Ann O'Neil X-Evil: 1 ${SHELL(id)}, sip:evil@x ;a=1 '; DROP T"
        assert phone.invite.get("call-info").endswith("answer-after=0")


@pytest.mark.parametrize(
    "path", ["../x.wav", "/etc/x.wav", "a,b.wav", "a\r\nAction: x.wav", "a.sh", "x/../../y.wav", "|x.wav"]
)
async def test_a_recording_path_that_leads_elsewhere_is_refused(bench: Bench, path: str) -> None:
    with pytest.raises(SwitchRefused):
        await bench.switch.record("nosuch", path)


async def test_an_agents_phone_may_not_dial_by_itself(bench: Bench) -> None:
    async with bench.phone("a1", sends="tone", tone=440) as phone:
        for dialed in ("+15552000001", "15552000001", "agent", "100"):
            assert await phone.call(dialed) == 403
        await bench.empties("channels")
        assert await phone.call("*43") == 200
        await phone.wait_hears(440)
        await phone.hang_up()


async def _silent(phone: object) -> None:
    async with asyncio.timeout(10):
        while phone.ear.energy(0.2) > 50:  # type: ignore[attr-defined]
            await asyncio.sleep(0.05)


async def _finished(path: Path) -> list[int]:
    """The samples of a recording, once Asterisk has written its last: the header then agrees with the file's size."""
    async with asyncio.timeout(10):
        while (samples := _read(path)) is None:
            await asyncio.sleep(0.02)
    return samples


def _read(path: Path) -> list[int] | None:
    with wave.open(str(path)) as source:
        assert (source.getframerate(), source.getnchannels(), source.getsampwidth()) == (8000, 1, 2)
        data = source.readframes(source.getnframes())
    if len(data) + 44 != path.stat().st_size or len(data) < 14000:
        return None
    return list(struct.unpack(f"<{len(data) // 2}h", data))
