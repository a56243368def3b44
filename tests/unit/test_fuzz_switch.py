"""Anything that a switch may say over AMI or ARI: nothing breaks, and nothing is told of channels that are not ours.

The lines of FastAGI are tried in test_agi.py.
"""

from __future__ import annotations

import asyncio
import json
from typing import Any
from uuid import UUID, uuid4

from hypothesis import given, settings
from hypothesis import strategies as st

from asterisk import translate
from asterisk.ami import plain
from asterisk.ari import decode, message_of
from asterisk.switchboard.switchboard import Switchboard
from asterisk.watch import Watch
from dialer.telephony import events
from dialer.telephony.events import SwitchEvent
from tests.scripted import ScriptedSwitch

KINDS = (
    *("Dial", "StasisStart", "StasisEnd", "ChannelDestroyed", "ChannelEnteredBridge", "ChannelLeftBridge"),
    *("PlaybackFinished", "EndpointStateChange", "PeerStatusChange", "ApplicationReplaced", "", "Hangup"),
)
KEYS = (
    *("type", "timestamp", "application", "channel", "peer", "id", "dialstatus", "args", "cause", "bridge", "playback"),
    *(
        "target_uri",
        "state",
        "endpoint",
        "technology",
        "resource",
        "channelvars",
        "CORDBOARD",
        "CORDBOARD_SINCE",
        "dialplan",
        "exten",
    ),
)
leaves = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=12) | st.sampled_from(KINDS)
values = st.recursive(
    leaves, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(KEYS), inner, max_size=5)
)
messages = st.dictionaries(st.sampled_from(KEYS), values, max_size=10)
HEADERS = (
    "Event",
    "Uniqueid",
    "Cause",
    "Peer",
    "PeerStatus",
    "Timestamp",
    "Exten",
    "Key",
    "Val",
    "ChanVariable(CORDBOARD_SINCE)",
)
headers = st.dictionaries(
    st.sampled_from(HEADERS) | st.text(max_size=8),
    st.sampled_from(("Hangup", "PeerStatus", "DBGetTreeResponse", "PJSIP/", "Reachable", "nan", "1e400", "", "X -1e9"))
    | st.text(max_size=20),
    max_size=8,
)


@settings(max_examples=150)
@given(raw=st.lists(messages, max_size=6), said=st.lists(headers, max_size=6), kinds=st.sampled_from(KINDS))
def test_malformed_events_are_no_news(raw: list[dict[str, Any]], said: list[dict[str, str]], kinds: str) -> None:
    told: list[SwitchEvent] = []

    async def listen() -> None:
        watch = Watch("cordboard", {"carrier"}, told.append)
        watch.expect("ours")
        for event in raw:
            watch.on_ari(event)
            watch.on_ari({**event, "type": kinds})
        for event in said:
            watch.on_ami(event)
        watch.forget()

    asyncio.run(listen())
    for event in told:
        assert isinstance(event, (events.PhoneSeen, events.TrunkSeen)) or _names_one_of_ours(event, raw)


def _names_one_of_ours(event: SwitchEvent, raw: list[dict[str, Any]]) -> bool:
    """A channel is told of only when the message gave it to our application, or it was ours before."""
    name = getattr(event, "channel_id", "")
    return name == "ours" or any(name in json.dumps(one, default=str, ensure_ascii=False) for one in raw)


@settings(max_examples=100)
@given(text=st.text(max_size=60) | st.binary(max_size=60).map(lambda raw: raw.decode("latin-1")), said=headers)
def test_what_is_no_message_is_none(text: str, said: dict[str, str]) -> None:
    found = decode(text)
    assert found is None or isinstance(found, dict)
    assert isinstance(message_of(text), str)
    assert all(isinstance(value, str) for value in plain(said).values())
    assert isinstance(translate.remembered([said]), dict)


@settings(max_examples=100)
@given(name=st.text(max_size=50), known=st.booleans(), cause=st.integers(-5, 10**6))
def test_only_names_that_are_ids_reach_a_call(name: str, known: bool, cause: int) -> None:
    """What a channel is called decides alone whom an event is for; any other name moves nobody."""

    async def hear() -> list[UUID]:
        board = Switchboard(ScriptedSwitch(), "fuzz")
        reached: list[UUID] = []
        board._calls.tell = lambda call_id, event, at: reached.append(call_id)  # type: ignore[method-assign]
        board._legs.put = lambda session, message: None  # type: ignore[method-assign]
        board._handling.hear = lambda party, event: None  # type: ignore[method-assign]
        board._monitors.channel_ended = lambda monitor: None  # type: ignore[method-assign]
        channel = str(uuid4()) if known else name
        at = translate.epoch_time("0")
        board._hear(events.ChannelReady(channel, at))
        board._hear(events.ChannelEnded(channel, at, cause))
        board._hear(events.MessagePlayed(channel, name, at))  # some other sound: nobody is let go after it
        board._hear(events.MessagePlayed(channel, f"message-{channel}", at))
        board._store._threads.shutdown()
        return reached

    reached = asyncio.run(hear())
    assert len(reached) == (3 if known else 0) or _is_uuid(name)


def _is_uuid(name: str) -> bool:
    for prefix in ("", "leg-", "party-", "snoop-"):
        try:
            UUID(name.removeprefix(prefix))
        except ValueError:
            continue
        return True
    return False
