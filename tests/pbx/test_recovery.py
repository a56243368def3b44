"""The adapter loses Asterisk in every way and comes back; other users of the switch are left alone."""

from __future__ import annotations

import asyncio
import logging
import sqlite3
import uuid
from contextlib import closing
from dataclasses import replace

import aiohttp
import pytest

from asterisk.adapter import AsteriskSwitch
from asterisk.sandbox import Sandbox
from asterisk.sandbox.phone import Phone
from asterisk.settings import AsteriskSettings
from asterisk.watch import Watch
from dialer.telephony.events import ChannelEnded, ChannelReady, SwitchDown, SwitchUp
from dialer.telephony.port import PhoneAccount, Placement, SwitchRefused, SwitchUnreachable
from tests.pbx.watched import PERSON, SECRET, STEADY, Bench, number


async def test_the_event_connection_drops_and_comes_back(bench: Bench) -> None:
    call = await bench.call(number(PERSON))
    await bench.wait(ChannelReady, call)
    first = bench.events[0]
    seen = len(bench.events)
    bench.sandbox.cli("pbx", "ari shutdown websocket sessions")
    await bench.wait(SwitchDown, since=seen)
    up = await bench.wait(SwitchUp, since=seen)
    assert isinstance(first, SwitchUp)
    assert up.boot_id == first.boot_id
    inventory = await bench.switch.inventory()
    assert [(channel.channel_id, channel.state, channel.ready) for channel in inventory.channels] == [
        (call, "UP", True)
    ]
    await bench.switch.hang_up(call)
    assert (await bench.wait(ChannelEnded, call)).cause == 16


async def test_the_manager_connection_drops_and_recording_works_again(bench: Bench) -> None:
    call = await bench.call(number(PERSON, voice=STEADY))
    await bench.wait(ChannelReady, call)
    seen = len(bench.events)
    ami = bench.switch._ami
    assert ami._manager is not None
    ami._manager.protocol.transport.abort()
    await asyncio.sleep(0)
    async with asyncio.timeout(15):
        while True:
            try:
                await bench.switch.record(call, f"recovery/{call}.wav")
                break
            except SwitchUnreachable:
                await asyncio.sleep(0.05)
    assert not [event for event in bench.events[seen:] if isinstance(event, SwitchDown)]


async def test_asterisk_is_killed_with_calls_up(bench: Bench) -> None:
    async with bench.phone("a1") as phone:
        _, bridge = await bench.agent(phone, "a1")
        call = await bench.call(number(PERSON, voice=STEADY))
        await bench.wait(ChannelReady, call)
        await bench.switch.join(bridge, call)
        await phone.wait_hears(1000)
        await _registration_is_on_disk(bench, phone)
        before = bench.events[0]
        seen = len(bench.events)
        bench.sandbox.kill("pbx")
        await bench.wait(SwitchDown, since=seen)
        with pytest.raises(SwitchUnreachable):
            await bench.call(number(PERSON))
        await asyncio.to_thread(bench.sandbox.start, "pbx")
        up = await bench.wait(SwitchUp, since=seen)
        assert isinstance(before, SwitchUp)
        assert up.boot_id != before.boot_id
        inventory = await bench.switch.inventory()
        assert (inventory.channels, inventory.bridges) == ((), ())
        await bench.switch.provision([PhoneAccount(f"a{number}", SECRET, "Agent") for number in (1, 2, 3)])
        again = await bench.call(number(PERSON, voice=STEADY))
        await bench.wait(ChannelReady, again)
        with pytest.raises(SwitchRefused):  # nobody is put on the line to an agent whose line went with the switch
            await bench.switch.join(bridge, again, there=True)
        phone.come_back()
        _, bridge = await bench.agent(phone, "a1")  # its registration outlived the restart
        await bench.switch.join(bridge, again, there=True)
        await phone.wait_hears(1000)
        assert not [event for event in bench.of(call) if isinstance(event, ChannelEnded)]


async def _registration_is_on_disk(bench: Bench, phone: Phone) -> None:
    """AstDB is committed once a second: until then it may hold an earlier test's registration of the account."""
    database = bench.sandbox.state_dir / "pbx/lib/astdb.sqlite3"
    query = "SELECT count(*) FROM astdb WHERE key LIKE ? AND value LIKE ?"
    about = (f"/registrar/contact/{phone.name};%", f"%{phone.ip}:{phone.port}%")
    async with asyncio.timeout(15):
        while True:
            with closing(sqlite3.connect(f"file:{database}?mode=ro", uri=True)) as connection:
                if connection.execute(query, about).fetchone()[0]:
                    return
            await asyncio.sleep(0.05)


async def test_a_new_adapter_finds_what_an_old_one_left(bench: Bench) -> None:
    async with bench.phone("a1") as phone:
        leg, bridge = await bench.agent(phone, "a1")
        call = await bench.call(number(PERSON), screen=True)
        await bench.wait(ChannelReady, call)
        await bench.switch.join(bridge, call)
        heir = Bench(bench.sandbox, AsteriskSwitch(AsteriskSettings.from_env(bench.sandbox.env())))
        await bench.stop()
        heir.start()
        try:
            await heir.wait(SwitchUp)
            inventory = await heir.switch.inventory()
            found = {channel.channel_id: channel for channel in inventory.channels}
            assert found.keys() == {leg, call}
            assert (found[call].ready, found[call].verdict, found[call].bridge_id) == (True, "HUMAN", bridge)
            assert (found[leg].ready, found[leg].verdict, found[leg].bridge_id) == (True, "NONE", bridge)
            assert inventory.phones == {"a1"}
            await heir.switch.join(bridge, call)
            await heir.switch.hang_up(call)
            await heir.wait(ChannelEnded, call)
            await phone.hang_up()
            await heir.wait(ChannelEnded, leg)
            await heir.switch.remove_bridge(bridge)
        finally:
            await heir.stop()


async def test_without_an_application_the_person_hears_the_message(bench: Bench) -> None:
    """The dialer dies between placing a call and its answer."""
    dialed = number(PERSON, ring=4, voice=901)
    await bench.call(dialed)
    await bench.stop()
    async with asyncio.timeout(20):
        while "cordboard/safe-harbour" not in bench.sandbox.cli("pbx", "core show channels concise"):
            await asyncio.sleep(0.05)  # with nobody connected there is no event
    bench.sandbox.cli("pbx", "channel request hangup all")
    assert (await bench.truth(dialed)).answered is not None


async def test_the_word_of_a_hang_up_says_since_when_they_had_waited(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    """All else of the call went to a dialer that is frozen; AMI alone tells the new one of the end."""
    await bench.stop()
    monkeypatch.setattr(Watch, "on_ari", lambda self, raw: None)
    heir = Bench(bench.sandbox, AsteriskSwitch(AsteriskSettings.from_env(bench.sandbox.env())))
    heir.start()
    try:
        await heir.wait(SwitchUp)
        dialed = number(PERSON, seconds=1)
        call = await heir.call(dialed)
        ended = await heir.wait(ChannelEnded, call)
        truth = await heir.truth(dialed)
        assert ended.answered
        assert ended.waits is not None
        assert truth.answered is not None
        assert (ended.waits.verdict, ended.dial_status) == ("NONE", "")
        assert abs(ended.waits.since.timestamp() - truth.answered) < 0.5
    finally:
        await heir.stop()


async def test_a_second_dialer_takes_over(bench: Bench) -> None:
    rival = Bench(bench.sandbox, AsteriskSwitch(AsteriskSettings.from_env(bench.sandbox.env())))
    rival.start()
    try:
        await rival.wait(SwitchUp)
        down = await bench.wait(SwitchDown)
        assert "another" in down.reason
        call = await rival.call(number(PERSON))
        await rival.wait(ChannelReady, call)
        await rival.switch.hang_up(call)
        await rival.wait(ChannelEnded, call)
        assert bench.of(call) == []
    finally:
        await rival.stop()


async def test_other_users_channels_are_not_ours(bench: Bench, sandbox: Sandbox) -> None:
    """Another application calls over the same trunk."""
    settings = replace(AsteriskSettings.from_env(sandbox.env()), app="somebody-else")
    stranger = Bench(sandbox, AsteriskSwitch(settings))
    sandbox.cli("pbx", "dialplan", "set", "global", "CORDBOARD_APP", settings.app)  # or it finds no dialplan of its own
    stranger.start()
    try:
        await stranger.wait(SwitchUp)
        auth = aiohttp.encode_basic_auth(settings.ari_user, settings.ari_password)
        identity = str(uuid.uuid4())
        async with aiohttp.ClientSession(headers={"Authorization": auth}) as http:
            body = {"endpoint": f"PJSIP/{number(PERSON)}@carrier", "app": settings.app, "channelId": identity}
            async with http.post(f"{settings.ari_url}/channels", json=body) as answer:
                assert answer.status == 200
            await stranger.wait(ChannelReady, identity)
            assert (await bench.switch.inventory()).channels == ()
            async with http.delete(f"{settings.ari_url}/channels/{identity}") as answer:
                assert answer.status == 204
        await stranger.wait(ChannelEnded, identity)
        assert bench.of(identity) == []
    finally:
        sandbox.cli("pbx", "dialplan", "set", "global", "CORDBOARD_APP", "cordboard")
        await stranger.stop()


async def test_without_the_manager_calls_go_on_and_recording_is_unreachable(
    sandbox: Sandbox, caplog: pytest.LogCaptureFixture
) -> None:
    settings = replace(AsteriskSettings.from_env(sandbox.env()), ami_password="wrong")
    bench = Bench(sandbox, AsteriskSwitch(settings))
    bench.start()
    try:
        await bench.wait(SwitchUp)
        assert "recordings cannot be started" in caplog.text
        call = await bench.call(number(PERSON))
        await bench.wait(ChannelReady, call)
        with pytest.raises(SwitchUnreachable):
            await bench.switch.record(call, "x/y.wav")
        await bench.switch.hang_up(call)
        await bench.wait(ChannelEnded, call)
    finally:
        await bench.stop()


async def test_a_wrong_password_says_so_and_harms_nothing(sandbox: Sandbox, caplog: pytest.LogCaptureFixture) -> None:
    settings = replace(AsteriskSettings.from_env(sandbox.env()), ari_password="wrong", ami_password="wrong")
    switch = AsteriskSwitch(settings)
    events: list[object] = []
    with caplog.at_level(logging.WARNING):
        task = asyncio.create_task(switch.run(events.append))
        async with asyncio.timeout(15):
            while "ASTERISK_ARI_PASSWORD" not in caplog.text or "ASTERISK_AMI_PASSWORD" not in caplog.text:
                await asyncio.sleep(0.02)
        with pytest.raises(SwitchUnreachable):
            await switch.place(Placement("x", "+15552000001", "", "carrier", 10, False, "7"))
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
    assert events == []
    assert "wrong" not in caplog.text.replace("is wrong", "")
