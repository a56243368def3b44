"""The simulated switch keeps the port's promises: order of events, one end per channel, typed refusals."""

from __future__ import annotations

import asyncio
import wave
from collections import Counter
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dialer.telephony.events import (
    ChannelAnswered,
    ChannelEnded,
    ChannelReady,
    ChannelRinging,
    MessagePlayed,
    PhoneSeen,
    SwitchDown,
    SwitchEvent,
    SwitchUp,
)
from dialer.telephony.port import PhoneAccount, Placement, Switch, SwitchRefused, SwitchUnreachable
from dialer.telephony.simulated import SimulatedSwitch
from dialer.telephony.simulated_people import Mix, far_end

SPEED = 500.0


class Heard:
    """Collects events and lets a test wait for one."""

    def __init__(self) -> None:
        self.events: list[SwitchEvent] = []
        self._new = asyncio.Event()

    def __call__(self, event: SwitchEvent) -> None:
        self.events.append(event)
        self._new.set()

    def of(self, channel_id: str) -> list[str]:
        return [type(event).__name__ for event in self.events if getattr(event, "channel_id", "") == channel_id]

    async def until(self, wanted: Callable[[SwitchEvent], bool]) -> SwitchEvent:
        async with asyncio.timeout(5):
            while True:
                for event in self.events:
                    if wanted(event):
                        return event
                await self.another()

    async def another(self) -> None:
        self._new.clear()
        await self._new.wait()

    async def ended(self, channel_id: str) -> ChannelEnded:
        event = await self.until(lambda e: isinstance(e, ChannelEnded) and e.channel_id == channel_id)
        assert isinstance(event, ChannelEnded)
        return event

    async def ready(self, channel_id: str) -> ChannelReady:
        event = await self.until(lambda e: isinstance(e, ChannelReady) and e.channel_id == channel_id)
        assert isinstance(event, ChannelReady)
        return event


@asynccontextmanager
async def listening(switch: SimulatedSwitch) -> AsyncIterator[Heard]:
    heard = Heard()
    running = asyncio.create_task(switch.run(heard))
    await heard.until(lambda event: isinstance(event, SwitchUp))
    try:
        yield heard
    finally:
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)


def only(kind: str) -> Mix:
    shares = dict.fromkeys(("person", "early_hangup", "machine", "no_answer", "busy", "congestion", "invalid"), 0.0)
    return Mix(**{**shares, kind: 1.0})


def call(call_id: str = "c1", *, number: str = "+12125550142", screen: bool = False, ring: int = 60) -> Placement:
    return Placement(call_id, number, "+12125550199", "carrier", ring, screen, "1")


def phone(endpoint: str) -> PhoneAccount:
    return PhoneAccount(endpoint, "secret", "Somebody")


def test_it_is_a_switch(tmp_path: Path) -> None:
    switch: Switch = SimulatedSwitch(recordings_dir=tmp_path)
    assert switch


@pytest.mark.parametrize(("kind", "cause"), [("invalid", 1), ("busy", 17), ("no_answer", 19), ("congestion", 34)])
async def test_calls_that_nobody_answers_end_with_their_cause(tmp_path: Path, kind: str, cause: int) -> None:
    switch = SimulatedSwitch(recordings_dir=tmp_path, mix=only(kind), speed=SPEED)
    async with listening(switch) as heard:
        await switch.place(call())
        assert (await heard.ended("c1")).cause == cause
        assert not {"ChannelAnswered", "ChannelReady"} & set(heard.of("c1"))
        assert (await switch.inventory()).channels == ()


async def test_a_person_answers_talks_and_hangs_up(tmp_path: Path) -> None:
    switch = SimulatedSwitch(recordings_dir=tmp_path, mix=only("person"), speed=SPEED)
    async with listening(switch) as heard:
        await switch.place(call())
        assert (await heard.ended("c1")).cause == 16
        assert heard.of("c1") == ["ChannelRinging", "ChannelAnswered", "ChannelReady", "ChannelEnded"]


async def test_a_screened_machine_is_told_after_detection(tmp_path: Path) -> None:
    switch = SimulatedSwitch(recordings_dir=tmp_path, mix=only("machine"), speed=SPEED)
    numbers = [f"+1212555{place:04d}" for place in range(40)]
    async with listening(switch) as heard:
        for number in numbers:
            await switch.place(call(number, number=number, screen=True))
        verdicts = Counter([(await heard.ready(number)).verdict for number in numbers])
    assert verdicts["MACHINE"] > 30
    assert verdicts == Counter(far_end(number, 1, only("machine")).verdict for number in numbers)


async def test_ring_limit_ends_the_call(tmp_path: Path) -> None:
    switch = SimulatedSwitch(recordings_dir=tmp_path, mix=only("no_answer"), speed=SPEED)
    async with listening(switch) as heard:
        await switch.place(call(ring=15))
        ended = await heard.ended("c1")
        assert (ended.cause, ended.dial_status) == (19, "NOANSWER")


async def test_the_same_id_twice_is_refused(tmp_path: Path) -> None:
    switch = SimulatedSwitch(recordings_dir=tmp_path, mix=only("person"))
    async with listening(switch) as heard:
        await switch.place(call())
        with pytest.raises(SwitchRefused):
            await switch.place(call())
        await switch.hang_up("c1")
        await switch.hang_up("c1")
        assert (await heard.ended("c1")).dial_status == "CANCEL"
        assert heard.of("c1").count("ChannelEnded") == 1


async def test_an_agents_phone_answers_or_is_refused(tmp_path: Path) -> None:
    switch = SimulatedSwitch(recordings_dir=tmp_path, speed=SPEED, registered={"7001"})
    async with listening(switch) as heard:
        with pytest.raises(SwitchRefused) as refusal:
            await switch.call_phone("leg-1", "7001", "Somebody", 20)
        assert refusal.value.cause == 20
        await switch.provision([phone("7001"), phone("7002")])
        assert [event.endpoint for event in heard.events if isinstance(event, PhoneSeen)] == ["7001"]
        with pytest.raises(SwitchRefused):
            await switch.call_phone("leg-2", "7002", "Somebody", 20)
        await switch.call_phone("leg-1", "7001", "Somebody", 20)
        assert (await heard.ready("leg-1")).verdict == "NONE"
        switch.lose_phone("7001")
        assert (await heard.ended("leg-1")).cause == 16
        assert (await switch.inventory()).phones == frozenset()
        switch.find_phone("7001")
        assert (await switch.inventory()).phones == {"7001"}


async def test_bridges(tmp_path: Path) -> None:
    switch = SimulatedSwitch(recordings_dir=tmp_path, speed=SPEED)
    async with listening(switch) as heard:
        with pytest.raises(SwitchRefused):
            await switch.join("desk-1", "leg-1")
        await switch.provision([phone("7001")])
        await switch.call_phone("leg-1", "7001", "Somebody", 20)
        await heard.ready("leg-1")
        await switch.join("desk-1", "leg-1")
        await switch.join("desk-1", "leg-1")
        [channel] = (await switch.inventory()).channels
        assert (channel.bridge_id, channel.ready, channel.state) == ("desk-1", True, "UP")
        await switch.leave("desk-2", "leg-1")
        await switch.leave("desk-1", "leg-1")
        await switch.join("desk-1", "leg-1")
        await switch.remove_bridge("desk-1")
        await switch.remove_bridge("desk-1")
        inventory = await switch.inventory()
        assert (inventory.bridges, inventory.channels[0].bridge_id) == ((), "")


async def test_a_message_ends_by_itself_or_with_the_channel(tmp_path: Path) -> None:
    switch = SimulatedSwitch(recordings_dir=tmp_path, speed=SPEED)
    async with listening(switch) as heard:
        await switch.provision([phone("7001")])
        await switch.call_phone("leg-1", "7001", "Somebody", 20)
        await heard.ready("leg-1")
        await switch.play("leg-1", "safe-harbour", "p1")
        await heard.until(lambda event: isinstance(event, MessagePlayed) and event.playback_id == "p1")
        await switch.play("leg-1", "safe-harbour", "p2")
        with pytest.raises(SwitchRefused):
            await switch.play("leg-1", "safe-harbour", "p2")
        await switch.hang_up("leg-1")
        assert heard.of("leg-1")[-2:] == ["MessagePlayed", "ChannelEnded"]


async def test_recordings_are_whole_wav_files_below_their_folder(tmp_path: Path) -> None:
    switch = SimulatedSwitch(recordings_dir=tmp_path / "recordings", speed=SPEED)
    async with listening(switch) as heard:
        await switch.provision([phone("7001")])
        await switch.call_phone("leg-1", "7001", "Somebody", 20)
        await heard.ready("leg-1")
        with pytest.raises(SwitchRefused):
            await switch.record("leg-1", "../outside.wav")
        await switch.record("leg-1", "demo/1.wav")
        await switch.record("leg-1", "demo/1.wav")
        switch.phone_hangs_up("7001")
    with wave.open(str(tmp_path / "recordings/demo/1.wav")) as file:
        assert (file.getframerate(), file.getnchannels(), file.getsampwidth()) == (8000, 1, 2)
        assert len(file.readframes(file.getnframes())) == 2 * file.getnframes()
    assert not (tmp_path / "outside.wav").exists()


async def test_a_dropped_connection_loses_events_not_calls(tmp_path: Path) -> None:
    switch = SimulatedSwitch(recordings_dir=tmp_path, mix=only("person"), speed=SPEED)
    async with listening(switch) as heard:
        await switch.place(call("gone"))
        switch.drop()
        with pytest.raises(SwitchUnreachable):
            await switch.place(call("c2"))
        with pytest.raises(SwitchUnreachable):
            await switch.inventory()
        before = len(heard.events)
        assert isinstance(heard.events[-1], SwitchDown)
        switch.customer_hangs_up("gone")
        assert len(heard.events) == before
        switch.restore()
        up = [event.boot_id for event in heard.events if isinstance(event, SwitchUp)]
        inventory = await switch.inventory()
        assert up == [inventory.boot_id] * 2
        assert inventory.channels == ()


async def test_a_reboot_leaves_nothing_and_says_so(tmp_path: Path) -> None:
    switch = SimulatedSwitch(recordings_dir=tmp_path, mix=only("person"))
    async with listening(switch) as heard:
        await switch.place(call())
        switch.reboot()
        first, second = [event.boot_id for event in heard.events if isinstance(event, SwitchUp)]
        assert first != second
        inventory = await switch.inventory()
        assert (inventory.channels, inventory.bridges, inventory.phones) == ((), (), frozenset())


async def test_calls_go_on_while_nobody_listens(tmp_path: Path) -> None:
    switch = SimulatedSwitch(recordings_dir=tmp_path, mix=only("person"))
    async with listening(switch):
        await switch.place(call())
    async with listening(switch):
        assert [channel.channel_id for channel in (await switch.inventory()).channels] == ["c1"]
        await switch.hang_up("c1")


numbers = st.integers(2_000_000_000, 9_999_999_999).map(lambda digits: f"+1{digits}")


@given(number=numbers, seed=st.integers(0, 1000))
def test_what_a_number_does_is_fixed_and_sane(number: str, seed: int) -> None:
    person = far_end(number, seed, Mix())
    assert person == far_end(number, seed, Mix())
    assert person.answers == (person.talk_s > 0)
    assert 0.2 <= person.delay_s <= 2.0
    assert person.ring_s >= 0
    assert person.verdict in ("HUMAN", "MACHINE", "NOTSURE")


def test_the_mix_is_what_comes_out() -> None:
    got = Counter(far_end(f"+1212{place:07d}", 1, Mix()).kind for place in range(4000))
    assert 0.26 < got["person"] / 4000 < 0.34
    assert 0.29 < got["no_answer"] / 4000 < 0.37
    with pytest.raises(ValueError):
        Mix(person=-0.1)


ASKS = ["place", "screen", "hang_up", "join", "play", "drop", "restore"]
_ORDER = {ChannelRinging: 0, ChannelAnswered: 1, ChannelReady: 2, ChannelEnded: 3}


@settings(max_examples=20, deadline=None)
@given(
    asks=st.lists(
        st.tuples(
            st.sampled_from(["place", "screen", "hang_up", "join", "play", "drop", "restore"]), st.integers(0, 5)
        ),
        min_size=5,
        max_size=60,
    ),
    seed=st.integers(0, 1000),
)
def test_every_channels_events_come_in_order_and_it_ends_once(asks: list[tuple[str, int]], seed: int) -> None:
    async def scenario() -> None:
        switch = SimulatedSwitch(recordings_dir=Path("/nonexistent"), seed=seed, speed=20_000)
        heard = Heard()
        running = asyncio.create_task(switch.run(heard))
        placed = 0
        for ask, which in asks:
            name = f"c{which}"
            try:
                match ask:
                    case "place" | "screen":
                        number = f"+1212555{seed:04d}{placed}"[:12]
                        await switch.place(call(name, number=number, screen=ask == "screen"))
                        placed += 1
                    case "hang_up":
                        await switch.hang_up(name)
                    case "join":
                        await switch.join("desk-1", name)
                    case "play":
                        await switch.play(name, "safe-harbour", f"p{which}")
                    case "drop":
                        switch.drop()
                    case "restore":
                        switch.restore()
            except (SwitchRefused, SwitchUnreachable):
                pass
            await asyncio.sleep(0)
        switch.restore()
        async with asyncio.timeout(5):
            while (await switch.inventory()).channels:
                await heard.another()
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)
        check(heard.events)

    def check(events: list[SwitchEvent]) -> None:
        stage: dict[str, int] = {}
        for event in events:
            if type(event) in _ORDER:
                channel_id = event.channel_id  # type: ignore[union-attr]
                now = _ORDER[type(event)]
                before = stage.get(channel_id, -1)
                # Either further on than before, or the first of a new call with an id that was free again.
                assert now > before or before == 3 or not_told(events), (channel_id, before, now)
                stage[channel_id] = now

    def not_told(events: list[SwitchEvent]) -> bool:
        """A dropped connection may have swallowed an end."""
        return any(isinstance(event, SwitchDown) for event in events)

    asyncio.run(scenario())


async def test_hold_digits_listening_and_a_message(tmp_path: Path) -> None:
    switch = SimulatedSwitch(recordings_dir=tmp_path, mix=only("machine"), speed=SPEED)
    async with listening(switch) as heard:
        await switch.place(call())
        await heard.ready("c1")
        await switch.join("b1", "c1")
        await switch.hold("c1")
        [channel] = (await switch.inventory()).channels
        assert channel.bridge_id == ""
        await switch.unhold("c1")
        await switch.send_digits("c1", "12#")
        with pytest.raises(SwitchRefused, match="not recorded"):
            await switch.mute_recording("c1", True)
        await switch.snoop("s1", "c1", "none")
        await switch.snoop("s1", "c1", "none")
        assert {one.channel_id for one in (await switch.inventory()).channels} == {"c1", "s1"}
        await switch.leave_message("c1", "messages/hello.wav")
        assert (await heard.ended("c1")).message_left
        await heard.ended("s1")
        for refused in (switch.hold("c1"), switch.snoop("s2", "c1", "both"), switch.leave_message("c1", "x.wav")):
            with pytest.raises(SwitchRefused):
                await refused
