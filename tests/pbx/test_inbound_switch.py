"""Calls to us as the adapter tells of them: channels whose ids Asterisk chooses have names of ours throughout."""

from __future__ import annotations

from uuid import UUID

from dialer.telephony.events import ChannelEnded, IncomingCall, MessagePlayed, SwitchUp
from tests.pbx.watched import Bench

OURS, THEIRS = "+16465550101", "+15552000777"


def dial(bench: Bench, number: str, *, says: str = "steady") -> None:
    """Somebody on the carrier dials us."""
    bench.sandbox.cli(
        "carrier", "channel", "originate", f"Local/{number}*{THEIRS}@calling/n", "extension", f"{says}@customer"
    )


async def test_a_call_to_us_is_told_answered_and_spoken_to(bench: Bench) -> None:
    dial(bench, OURS)
    came = await bench.wait(IncomingCall)
    assert (came.dialed, came.caller) == (OURS, THEIRS)
    assert UUID(came.channel_id).version == 7
    [held] = (await bench.switch.inventory()).channels
    assert (held.channel_id, held.state, held.ready, held.incoming) == (
        came.channel_id,
        "RINGING",
        True,
        (OURS, THEIRS),
    )
    await bench.switch.answer(came.channel_id)
    await bench.switch.answer(came.channel_id)
    await bench.switch.hold(came.channel_id)
    await bench.switch.unhold(came.channel_id)
    await bench.switch.play(came.channel_id, "closed", f"message-{came.channel_id}")
    played = await bench.wait(MessagePlayed, came.channel_id, timeout_s=20)
    assert not played.cut_off
    await bench.switch.hang_up(came.channel_id)
    assert (await bench.wait(ChannelEnded, came.channel_id)).cause == 16


async def test_it_is_connected_with_an_agent_and_known_again_after_the_connection_was_lost(bench: Bench) -> None:
    async with bench.phone("a1") as phone:
        _, bridge = await bench.agent(phone, "a1")
        dial(bench, OURS)
        came = await bench.wait(IncomingCall)
        await bench.switch.answer(came.channel_id)
        await bench.switch.join(bridge, came.channel_id)
        await phone.wait_hears(1000, timeout_s=8)
        seen = len(bench.events)
        bench.sandbox.cli("pbx", "ari shutdown websocket sessions")
        await bench.wait(SwitchUp, since=seen)
        held = {one.channel_id: one for one in (await bench.switch.inventory()).channels}
        assert (held[came.channel_id].bridge_id, held[came.channel_id].incoming) == (bridge, (OURS, THEIRS))
        await bench.switch.join(bridge, came.channel_id)  # which is no news to it
        await bench.switch.record(came.channel_id, f"inbound/{came.channel_id}.wav")
        await bench.switch.hang_up(came.channel_id)
        await bench.wait(ChannelEnded, came.channel_id)


async def test_a_call_that_is_refused_was_never_answered(bench: Bench) -> None:
    dial(bench, "+16465550999")
    came = await bench.wait(IncomingCall)
    await bench.switch.refuse(came.channel_id, 1)
    assert (await bench.wait(ChannelEnded, came.channel_id)).cause == 1
