"""Each behaviour of the carrier ends with the right events and causes, and the carrier's truth agrees."""

from __future__ import annotations

import asyncio

import pytest

from dialer.telephony.events import ChannelAnswered, ChannelEnded, ChannelReady, ChannelRinging, MessagePlayed
from dialer.telephony.port import SwitchRefused
from tests.pbx.watched import AT_ONCE, BUSY, CONGESTION, FAX, INVALID, MACHINE, NO_ANSWER, PERSON, Bench, number


@pytest.mark.parametrize(
    ("kind", "ring", "cause", "status", "behaviour"),
    [
        (BUSY, 0, 17, "BUSY", "busy"),
        (BUSY, 1, 17, "BUSY", "busy"),
        (CONGESTION, 0, 34, "CONGESTION", "congestion"),
        (INVALID, 0, 1, "NOANSWER", "invalid"),
        (INVALID, 1, 1, "NOANSWER", "invalid"),
    ],
)
async def test_refused_by_the_network(
    bench: Bench, kind: int, ring: int, cause: int, status: str, behaviour: str
) -> None:
    dialed = number(kind, ring=ring)
    call = await bench.call(dialed)
    ended = await bench.wait(ChannelEnded, call)
    assert (ended.cause, ended.dial_status, ended.answered) == (cause, status, False)
    assert not [event for event in bench.of(call) if isinstance(event, ChannelAnswered | ChannelReady)]
    truth = await bench.truth(dialed)
    assert (truth.behaviour, truth.cause, truth.ended_by, truth.answered) == (behaviour, cause, "them", None)
    assert truth.caller_id == "+18005550100"


async def test_ring_timeout_is_cause_19_with_ringing_as_the_last_word(bench: Bench) -> None:
    dialed = number(NO_ANSWER)
    call = await bench.call(dialed, ring_timeout_s=1)
    await bench.wait(ChannelRinging, call)
    ended = await bench.wait(ChannelEnded, call)
    assert (ended.cause, ended.dial_status, ended.answered) == (19, "RINGING", False)
    truth = await bench.truth(dialed)
    assert (truth.behaviour, truth.ended_by, truth.answered) == ("no_answer", "us", None)
    assert truth.ringing is not None
    assert 0.9 < truth.ended - truth.arrived < 4.0


async def test_the_network_gives_up_ringing(bench: Bench) -> None:
    dialed = number(NO_ANSWER, seconds=1)
    call = await bench.call(dialed)
    ended = await bench.wait(ChannelEnded, call)
    assert (ended.cause, ended.dial_status, ended.answered) == (19, "NOANSWER", False)
    assert (await bench.truth(dialed)).ended_by == "them"


async def test_cancelled_while_ringing_is_in_the_truth(bench: Bench) -> None:
    dialed = number(NO_ANSWER)
    call = await bench.call(dialed)
    await bench.wait(ChannelRinging, call)
    await bench.switch.hang_up(call)
    ended = await bench.wait(ChannelEnded, call)
    assert (ended.cause, ended.dial_status, ended.answered) == (16, "NOANSWER", False)
    truth = await bench.truth(dialed)
    assert (truth.ended_by, truth.answered, truth.cause) == ("us", None, 16)


async def test_cancelled_before_it_rings(bench: Bench) -> None:
    dialed = number(NO_ANSWER)
    call = await bench.call(dialed)
    await bench.switch.hang_up(call)
    await bench.wait(ChannelEnded, call)
    await bench.switch.hang_up(call)  # gone already: no error


async def test_a_person_answers_after_ringing(bench: Bench) -> None:
    dialed = number(PERSON, ring=1)
    call = await bench.call(dialed)
    ready = await bench.wait(ChannelReady, call)
    assert [type(event) for event in bench.of(call)] == [ChannelRinging, ChannelAnswered, ChannelReady]
    assert (ready.verdict, ready.detail) == ("NONE", "")
    await bench.switch.hang_up(call)
    ended = await bench.wait(ChannelEnded, call)
    assert (ended.cause, ended.dial_status, ended.answered) == (16, "ANSWER", True)
    truth = await bench.truth(dialed)
    answered = await bench.wait(ChannelAnswered, call)
    assert ended.waits is not None
    assert ended.waits.verdict == "NONE"
    assert abs((ended.waits.since - answered.at).total_seconds()) < 0.5
    assert truth.answered is not None
    assert abs(truth.answered - answered.at.timestamp()) < 1.0
    assert 0.9 < truth.answered - truth.arrived < 3.0
    assert truth.ended_by == "us"


async def test_a_person_hangs_up_in_the_middle(bench: Bench) -> None:
    dialed = number(PERSON, seconds=1)
    call = await bench.call(dialed)
    await bench.wait(ChannelReady, call)
    ended = await bench.wait(ChannelEnded, call)
    assert ended.cause == 16
    truth = await bench.truth(dialed)
    assert truth.ended_by == "them"
    assert truth.answered is not None
    assert 0.9 < truth.ended - truth.answered < 3.0


async def test_a_person_hangs_up_at_once(bench: Bench) -> None:
    dialed = number(AT_ONCE)
    call = await bench.call(dialed)
    ended = await bench.wait(ChannelEnded, call)
    assert (ended.cause, ended.dial_status, ended.answered) == (16, "ANSWER", True)
    truth = await bench.truth(dialed)
    assert (truth.behaviour, truth.ended_by) == ("hangs_up_at_once", "them")
    assert truth.answered is not None
    assert truth.ended - truth.answered < 2.0


@pytest.mark.parametrize(
    ("kind", "voice", "verdict"), [(PERSON, 0, "HUMAN"), (MACHINE, 3, "MACHINE"), (FAX, 0, "MACHINE")]
)
async def test_screening(bench: Bench, kind: int, voice: int, verdict: str) -> None:
    call = await bench.call(number(kind, voice=voice), screen=True)
    answered = await bench.wait(ChannelAnswered, call)
    ready = await bench.wait(ChannelReady, call)
    assert ready.verdict == verdict
    assert ready.detail
    assert 1.0 < (ready.at - answered.at).total_seconds() < 7.5
    [channel] = [one for one in (await bench.switch.inventory()).channels if one.channel_id == call]
    assert channel.waits is not None
    assert channel.waits.verdict == verdict
    assert abs((channel.waits.since - ready.at).total_seconds()) < 0.5
    await bench.switch.hang_up(call)
    assert (await bench.wait(ChannelEnded, call)).waits == channel.waits


async def test_hung_up_during_screening(bench: Bench) -> None:
    call = await bench.call(number(AT_ONCE), screen=True)
    ended = await bench.wait(ChannelEnded, call)
    assert ended.cause == 16
    assert not [event for event in bench.of(call) if isinstance(event, ChannelReady)]


async def test_the_same_call_twice_is_refused_and_the_first_lives_on(bench: Bench) -> None:
    call = await bench.call(number(PERSON))
    await bench.wait(ChannelReady, call)
    with pytest.raises(SwitchRefused):
        await bench.call(number(PERSON), call_id=call)
    assert [channel.channel_id for channel in (await bench.switch.inventory()).channels] == [call]
    await bench.switch.hang_up(call)
    await bench.wait(ChannelEnded, call)


async def test_many_calls_at_once_each_end_once(bench: Bench) -> None:
    calls = await asyncio.gather(*(bench.call(number(kind)) for kind in (BUSY, CONGESTION, AT_ONCE, INVALID) * 5))
    for call in calls:
        await bench.wait(ChannelEnded, call)
    await asyncio.sleep(0.7)  # a second witness would come now
    for call in calls:
        assert len([event for event in bench.of(call) if isinstance(event, ChannelEnded)]) == 1


@pytest.mark.parametrize(
    "changes",
    [
        {"number": "+1555\r\nAction: Originate"},
        {"number": "100@carrier/sip:evil"},
        {"number": "1&PJSIP/a1"},
        {"number": "${EXTEN}"},
        {"number": ""},
        {"caller_id": '"x" <1>\r\nP-Evil: 1'},
        {"trunk": "carrier/../x"},
        {"trunk": "nosuch"},
        {"call_id": "a/b?c=d"},
    ],
)
async def test_what_is_no_number_never_leaves(bench: Bench, changes: dict[str, str]) -> None:
    with pytest.raises(SwitchRefused):
        await bench.call(**{"number": number(PERSON), **changes})
    assert (await bench.switch.inventory()).channels == ()


async def test_a_message_is_played_once_and_its_end_is_told(bench: Bench) -> None:
    call = await bench.call(number(PERSON, seconds=3))
    await bench.wait(ChannelReady, call)
    await bench.switch.play(call, "safe-harbour", f"message-{call}")
    await bench.switch.play(call, "safe-harbour", f"message-{call}")
    played = await bench.wait(MessagePlayed, call)
    assert played.playback_id == f"message-{call}"
    await bench.wait(ChannelEnded, call)
    assert len([event for event in bench.of(call) if isinstance(event, MessagePlayed)]) == 1
    with pytest.raises(SwitchRefused):
        await bench.switch.play(call, "safe-harbour", "message-2")
    with pytest.raises(SwitchRefused):
        await bench.switch.play(call, "../../etc/passwd", "message-3")
