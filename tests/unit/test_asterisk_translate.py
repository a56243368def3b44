"""Events of Asterisk become the dialer's, and rubbish becomes nothing."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from asterisk import translate
from dialer.telephony.events import (
    ChannelAnswered,
    ChannelEnded,
    ChannelReady,
    ChannelRinging,
    MessagePlayed,
    PhoneSeen,
    TrunkSeen,
    Waits,
)

STAMP = "2026-11-23T00:45:30.322+0000"
AT = datetime(2026, 11, 23, 0, 45, 30, 322000, UTC)
TRUNKS = {"carrier"}
CHANNEL = {"id": "c1", "state": "Up", "channelvars": {"CORDBOARD": "cordboard", "CORDBOARD_CAMPAIGN": "7"}}


def ari(**event: Any) -> Any:
    return translate.from_ari({"timestamp": STAMP, **event}, "cordboard", TRUNKS)


@pytest.mark.parametrize(
    ("status", "expected"),
    [
        ("", None),
        ("RINGING", ChannelRinging("c1", AT)),
        ("PROGRESS", ChannelRinging("c1", AT)),
        ("ANSWER", ChannelAnswered("c1", AT)),
        ("BUSY", None),
    ],
)
def test_dial(status: str, expected: object) -> None:
    assert ari(type="Dial", dialstatus=status, peer=CHANNEL) == expected


@pytest.mark.parametrize(
    ("args", "verdict", "detail"),
    [
        (["customer", "NONE"], "NONE", ""),
        (["customer", "HUMAN", "HUMAN-1000-1000"], "HUMAN", "HUMAN-1000-1000"),
        (["customer", "MACHINE", "LONGGREETING-2000-2000"], "MACHINE", "LONGGREETING-2000-2000"),
        (["customer", "TOOLONG"], "NOTSURE", ""),
        (["customer", ""], "NONE", ""),
        (["agent", "NONE"], "NONE", ""),
        ([], "NONE", ""),
    ],
)
def test_ready(args: list[str], verdict: str, detail: str) -> None:
    event = ari(type="StasisStart", application="cordboard", args=args, channel=CHANNEL)
    assert event == ChannelReady("c1", AT, verdict, detail)  # type: ignore[arg-type]


def test_ready_of_another_application_is_not_ours() -> None:
    assert ari(type="StasisStart", application="other", args=["customer", "NONE"], channel=CHANNEL) is None


@pytest.mark.parametrize(("cause", "expected"), [(17, 17), ("17", 17), (None, 0), ("x", 0), (-1, 0), (99999, 0)])
def test_ended(cause: object, expected: int) -> None:
    told = ari(type="ChannelDestroyed", cause=cause, channel={**CHANNEL, "state": "Down"})
    assert told == ChannelEnded("c1", AT, expected)


@pytest.mark.parametrize(("state", "answered"), [("Up", True), ("Ringing", False), ("Down", False), (None, False)])
def test_ended_while_it_was_up(state: object, answered: bool) -> None:
    told = ari(type="ChannelDestroyed", cause=16, channel={**CHANNEL, "state": state})
    assert told == ChannelEnded("c1", AT, 16, answered=answered)


def test_played() -> None:
    playback = {"id": "p1", "target_uri": "channel:c1", "state": "done"}
    assert ari(type="PlaybackFinished", playback=playback) == MessagePlayed("c1", "p1", AT)
    assert ari(type="PlaybackFinished", playback={**playback, "target_uri": "bridge:b"}) is None


@pytest.mark.parametrize("kind", ["EndpointStateChange", "PeerStatusChange"])
def test_endpoints(kind: str) -> None:
    def endpoint(name: str, state: str, technology: str = "PJSIP") -> Any:
        return ari(type=kind, endpoint={"technology": technology, "resource": name, "state": state})

    assert endpoint("a1", "online") == PhoneSeen("a1", True, AT)
    assert endpoint("a1", "offline") == PhoneSeen("a1", False, AT)
    assert endpoint("carrier", "offline") == TrunkSeen("carrier", False, AT)
    assert endpoint("a1", "unknown") is None
    assert endpoint("a1", "online", "Local") is None


def test_ami_is_the_second_witness() -> None:
    headers = {"Event": "Hangup", "Uniqueid": "c1", "Cause": "17", "Timestamp": "1795394730.5"}
    at = datetime.fromtimestamp(1795394730.5, UTC)
    assert translate.from_ami(headers, TRUNKS) == ChannelEnded("c1", at, 17)
    up = {**headers, "ChannelState": "6", "ChannelStateDesc": "Up"}
    assert translate.from_ami(up, TRUNKS) == ChannelEnded("c1", at, 17, answered=True)
    waited = {**up, "ChanVariable(CORDBOARD_SINCE)": "HUMAN 1795394728.250"}
    waits = Waits("HUMAN", datetime.fromtimestamp(1795394728.25, UTC))
    assert translate.from_ami(waited, TRUNKS) == ChannelEnded("c1", at, 17, answered=True, waits=waits)
    assert translate.ami_owner({**headers, "ChanVariable(CORDBOARD)": "cordboard"}) == "cordboard"
    assert translate.ami_owner(headers) == ""
    peer = {"Event": "PeerStatus", "Peer": "PJSIP/a1", "PeerStatus": "Unreachable", "Timestamp": "1795394730.5"}
    assert translate.from_ami(peer, TRUNKS) == PhoneSeen("a1", False, at)
    assert translate.from_ami({"Event": "Newchannel"}, TRUNKS) is None


def test_a_channel_of_the_inventory() -> None:
    dialplan = {"app_name": "Stasis", "app_data": "cordboard,customer,HUMAN,HUMAN-1000-1000"}
    info = translate.channel_info({**CHANNEL, "dialplan": dialplan}, "cordboard", {"c1": "b1"})
    assert info is not None
    assert (info.state, info.ready, info.verdict, info.bridge_id) == ("UP", True, "HUMAN", "b1")
    ringing = translate.channel_info({**CHANNEL, "state": "Ringing"}, "cordboard", {})
    assert ringing is not None
    assert (ringing.state, ringing.ready, ringing.verdict) == ("RINGING", False, "NONE")
    other = translate.channel_info({**CHANNEL, "dialplan": {**dialplan, "app_data": "other,customer"}}, "cordboard", {})
    assert other is not None
    assert not other.ready


def test_who_calls_us_is_the_dialers_only_in_the_application() -> None:
    """On their way there, or being told that no dialer is there, the dialplan has them: they are not to be ended."""
    caller = {**CHANNEL, "channelvars": {translate.CAMPAIGN: translate.INBOUND}, "caller": {"number": "+15552000777"}}
    number = {"context": translate.FROM_TRUNK, "exten": "+16465550101"}
    where = {**number, "app_name": "Stasis", "app_data": "cordboard,inbound,NONE"}
    info = translate.channel_info({**caller, "dialplan": where}, "cordboard", {})
    assert info is not None
    assert (info.ready, info.incoming) == (True, ("+16465550101", "+15552000777"))
    for elsewhere in ({"app_name": "Playback", "app_data": "cordboard/all-busy"}, {"app_name": "Ringing"}, {}):
        assert translate.channel_info({**caller, "dialplan": {**number, **elsewhere}}, "cordboard", {}) is None
    ours = translate.channel_info({**CHANNEL, "dialplan": {**number, "app_name": "AppDial2"}}, "cordboard", {})
    assert ours is not None, "a call of ours that rings has the trunk's context as well"
    dropped = {"context": "cordboard-message", "exten": "wait", "app_name": "WaitForSilence"}
    left = translate.channel_info({**caller, "dialplan": dropped}, "cordboard", {})
    assert left is not None, "an agent had a message left: that is still the dialer's call"
    assert (left.ready, left.incoming) == (False, None)


@pytest.mark.parametrize("stamp", [None, "", "yesterday", 5, "0001-01-01T00:00:00+23:59", "2026-11-23T00:45:30"])
def test_a_time_that_cannot_be_read_is_now(stamp: object) -> None:
    assert abs((translate.ari_time(stamp) - datetime.now(UTC)).total_seconds()) < 5


json = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=8,
)
words = st.sampled_from(
    [
        "Dial",
        "StasisStart",
        "ChannelDestroyed",
        "PlaybackFinished",
        "EndpointStateChange",
        "PeerStatusChange",
        "ChannelEnteredBridge",
        "ChannelLeftBridge",
    ]
)
parts = st.sampled_from(
    ["timestamp", "peer", "channel", "args", "application", "cause", "playback", "endpoint", "bridge", "dialstatus"]
)


@given(event=st.dictionaries(parts, json), kind=words | json, inner=json)
def test_rubbish_is_nothing(event: dict[str, Any], kind: object, inner: object) -> None:
    for half_right in (event, {**event, "channel": {"id": inner, "channelvars": inner}, "endpoint": {"state": inner}}):
        whole = {**half_right, "type": kind}
        translate.from_ari(whole, "cordboard", TRUNKS)
        translate.dial_status(whole)
        translate.bridge_move(whole)
        translate.owner(translate.channel_of(whole))
        translate.channel_info(translate.channel_of(whole), "cordboard", {})


names = st.sampled_from(
    [
        *("Event", "Uniqueid", "Cause", "Timestamp", "Peer", "PeerStatus", "ChannelStateDesc"),
        *("ChanVariable(CORDBOARD)", "ChanVariable(CORDBOARD_SINCE)"),
    ]
)
values = st.sampled_from(["Hangup", "PeerStatus", "PJSIP/a", "Reachable", "Up", "HUMAN nan", "X 1e400"]) | st.text()


@given(headers=st.dictionaries(names, values))
def test_rubbish_headers_are_nothing(headers: dict[str, str]) -> None:
    translate.from_ami(headers, TRUNKS)
    translate.ami_owner(headers)
