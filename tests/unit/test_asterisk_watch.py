"""What the adapter tells: each end once, with the better witness; only our channels; only news."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from asterisk import watch as watch_module
from asterisk.asking import plain_name
from asterisk.watch import Watch
from dialer.telephony.events import ChannelEnded, MessagePlayed, SwitchEvent

OURS = {"channelvars": {"CORDBOARD": "cordboard"}}
STRANGE = {"channelvars": {"CORDBOARD": "other"}}


@pytest.fixture
def told() -> list[SwitchEvent]:
    return []


@pytest.fixture
def watch(told: list[SwitchEvent], monkeypatch: pytest.MonkeyPatch) -> Watch:
    monkeypatch.setattr(watch_module, "WITNESS_DELAY_S", 0.02)
    return Watch("cordboard", {"carrier"}, told.append)


def ari(kind: str, channel: str = "c1", variables: dict[str, Any] = OURS, **more: Any) -> dict[str, Any]:
    whose = "peer" if kind == "Dial" else "channel"
    return {"type": kind, whose: {"id": channel, **variables}, **more}


def hangup(channel: str = "c1", owner: str = "cordboard", cause: str = "16") -> dict[str, str]:
    return {"Event": "Hangup", "Uniqueid": channel, "Cause": cause, "ChanVariable(CORDBOARD)": owner}


async def test_an_end_that_both_tell_is_told_once(watch: Watch, told: list[SwitchEvent]) -> None:
    for ami_first in (True, False):
        told.clear()
        watch.expect("c1")
        watch.on_ari(ari("Dial", dialstatus="BUSY"))
        if ami_first:
            watch.on_ami(hangup(cause="17"))
        watch.on_ari(ari("ChannelDestroyed", cause=17))
        if not ami_first:
            watch.on_ami(hangup(cause="17"))
        await asyncio.sleep(0.05)
        assert [(e.cause, e.dial_status) for e in told if isinstance(e, ChannelEnded)] == [(17, "BUSY")]


async def test_an_end_that_only_the_second_witness_saw_is_told(watch: Watch, told: list[SwitchEvent]) -> None:
    watch.expect("c1")
    watch.on_ami(hangup())
    assert told == []
    await asyncio.sleep(0.05)
    assert [type(event) for event in told] == [ChannelEnded]


async def test_an_id_may_come_again_and_old_news_does_not_end_it(watch: Watch, told: list[SwitchEvent]) -> None:
    watch.expect("leg-1")
    watch.on_ari(ari("ChannelDestroyed", "leg-1", cause=16))
    watch.expect("leg-1")
    watch.on_ari(ari("ChannelDestroyed", "leg-1", cause=17))
    assert [event.cause for event in told if isinstance(event, ChannelEnded)] == [16, 17]


async def test_a_witness_of_an_earlier_channel_does_not_end_the_next_of_that_id(
    watch: Watch, told: list[SwitchEvent]
) -> None:
    watch.expect("leg-1")
    watch.on_ami(hangup("leg-1"))
    watch.expect("leg-1")
    await asyncio.sleep(0.05)
    assert told == []


async def test_other_peoples_channels_are_not_told(watch: Watch, told: list[SwitchEvent]) -> None:
    watch.on_ari(ari("Dial", "x", STRANGE, dialstatus="ANSWER"))
    watch.on_ari(ari("ChannelDestroyed", "x", STRANGE, cause=16))
    watch.on_ari(ari("ChannelDestroyed", "y", {}, cause=16))
    watch.on_ami(hangup("x", "other"))
    await asyncio.sleep(0.05)
    assert told == []


async def test_only_news_of_phones_is_told(watch: Watch, told: list[SwitchEvent]) -> None:
    def state(word: str) -> dict[str, Any]:
        endpoint = {"technology": "PJSIP", "resource": "a1", "state": word}
        return {"type": "EndpointStateChange", "endpoint": endpoint}

    watch.learn_endpoints({"a1": False})
    for word in ("offline", "online", "online", "offline", "offline"):
        watch.on_ari(state(word))
    assert len(told) == 2


async def test_a_message_ends_once(watch: Watch, told: list[SwitchEvent]) -> None:
    watch.expect("c1")
    assert watch.begin_playing("m1")
    assert not watch.begin_playing("m1")
    for _ in range(2):
        watch.on_ari({"type": "PlaybackFinished", "playback": {"id": "m1", "target_uri": "channel:c1"}})
    assert [type(event) for event in told] == [MessagePlayed]


async def test_where_channels_are(watch: Watch) -> None:
    watch.on_ari(ari("ChannelEnteredBridge", bridge={"id": "b1"}))
    assert watch.bridge_of("c1") == "b1"
    watch.on_ari(ari("ChannelLeftBridge", bridge={"id": "b1"}))
    assert watch.bridge_of("c1") == ""
    watch.learn_bridge("b2", ["c1"])
    watch.forget()
    assert watch.bridge_of("c1") == ""


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Ann", "Ann"),
        ("Ann\r\nX-Evil: 1", "Ann X-Evil: 1"),
        ('"Ann" <sip:x@y>', "Ann sip:x@y"),
        ("${SHELL(id)}, \\x", "${SHELL(id)}, x"),
        ("x" * 99, "x" * 60),
        ("\u202eevil\u2028", "evil"),
        ("", ""),
    ],
)
def test_a_display_name_is_plain(text: str, expected: str) -> None:
    assert plain_name(text) == expected


async def test_of_a_channel_that_is_gone_nothing_is_kept(watch: Watch, told: list[SwitchEvent]) -> None:
    """Its last events may come after its end; a process that kept a word of each would grow with every call."""

    def kept() -> int:
        return sum(len(getattr(watch, name)) for name in ("_ours", "_native", "_dials", "_bridge_of", "_playing"))

    incoming = {"channelvars": {"CORDBOARD": "cordboard", "CORDBOARD_CAMPAIGN": "inbound"}}
    for channel, variables in (("c1", OURS), ("1700000000.7", incoming)):
        watch.on_ari(ari("StasisStart", channel, variables, application="cordboard", args=["customer", "NONE"]))
        watch.on_ari(ari("ChannelEnteredBridge", channel, variables, bridge={"id": "b"}))
        assert watch.begin_playing("m1")
        assert kept()
        watch.on_ari(ari("ChannelDestroyed", channel, variables, cause=16))
        watch.on_ari(ari("ChannelLeftBridge", channel, variables, bridge={"id": "b"}))
        watch.on_ari({"type": "PlaybackFinished", "playback": {"id": "m1", "target_uri": f"channel:{channel}"}})
        watch.learn_bridge("", [channel])  # asked to leave as it went
        assert kept() == 0
    assert len([event for event in told if isinstance(event, ChannelEnded)]) == 2
    assert not [event for event in told if isinstance(event, MessagePlayed)]
