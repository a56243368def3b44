"""From Asterisk's events to the dialer's: pure functions.

What is malformed or of no interest becomes None, never an exception.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Mapping
from datetime import UTC, datetime
from hashlib import blake2b
from typing import Any, Literal, get_args
from uuid import UUID

from dialer.telephony.events import (
    ChannelAnswered,
    ChannelEnded,
    ChannelReady,
    ChannelRinging,
    IncomingCall,
    MessagePlayed,
    PhoneSeen,
    Remembered,
    Screening,
    SwitchEvent,
    TrunkSeen,
    Waits,
)
from dialer.telephony.port import ChannelInfo

VERDICTS: frozenset[str] = frozenset(get_args(Screening))
OWNER = "CORDBOARD"
"""The channel variable that says whose channel it is: it holds the application's name."""
CAMPAIGN = "CORDBOARD_CAMPAIGN"
SINCE = "CORDBOARD_SINCE"
"""The channel variable in which the dialplan writes since when somebody who answered waits, and the verdict."""
INBOUND = "inbound"
"""What the dialplan writes into CAMPAIGN, and gives to the application, of somebody who calls us."""
FROM_TRUNK = "cordboard-from-trunk"
"""The context in which the dialplan has somebody who calls us."""
LEFT = "left"
"""The extension where a call ends whose recorded message was played to its end."""
UNATTENDED = "unattended"
"""The extension where a person who answered hears the message because no dialer is there."""

_REACHABLE: dict[object, bool] = {"online": True, "offline": False, "Reachable": True, "Unreachable": False}
"""Words for an endpoint as a whole. A contact's "Removed" says nothing: the phone may have another."""


def from_ari(event: Mapping[str, Any], app: str, trunks: Collection[str]) -> SwitchEvent | None:
    """Translate one ARI event. `trunks`: the endpoints that are trunks; all others are phones."""
    at = ari_time(event.get("timestamp"))
    match event.get("type"):
        case "Dial":
            return _dial(event, at)
        case "StasisStart" if event.get("application") == app:
            return _ready(event, at)
        case "ChannelDestroyed":
            return _destroyed(event, at)
        case "PlaybackFinished":
            return _played(event, at)
        case "EndpointStateChange" | "PeerStatusChange":
            return _endpoint(event, at, trunks)
        case _:
            return None


def channel_of(event: Mapping[str, Any]) -> Mapping[str, Any]:
    """The channel that an ARI event is about; empty when it is about none.

    A Dial event is about the channel that is called.
    """
    channel = event.get("peer") if event.get("type") == "Dial" else event.get("channel")
    return channel if isinstance(channel, Mapping) else {}


def channel_id(channel: Mapping[str, Any]) -> str:
    """A channel's id in the dialer's terms, or an empty string."""
    value = native_id(channel)
    return incoming_id(value) if value and _variable(channel, CAMPAIGN) == INBOUND else value


def native_id(channel: Mapping[str, Any]) -> str:
    """A channel's id as Asterisk knows it, or an empty string."""
    value = channel.get("id")
    return value if isinstance(value, str) else ""


_UNIQUE_ID = re.compile(r"(?:[A-Za-z0-9_]{1,40}-)?([0-9]{1,11})\.[0-9]{1,12}")
"""Asterisk's own ids: the system's name if it has one, the second of the channel's making, a count."""


def incoming_id(native: str) -> str:
    """The id of a call to us, made of Asterisk's own id of its channel, which we cannot choose: always the same UUIDv7.

    Several switches of one dialer need a `systemname` each (asterisk.conf), or two of their channels may be one here.
    """
    found = _UNIQUE_ID.fullmatch(native)
    milliseconds = int(found[1]) * 1000 % (1 << 48) if found else 0
    noise = int.from_bytes(blake2b(native.encode("utf-8", "surrogatepass"), digest_size=10).digest(), "big")
    bits = (milliseconds << 80) | noise
    bits = (bits & ~(0xF << 76)) | (7 << 76)
    return str(UUID(int=(bits & ~(0x3 << 62)) | (2 << 62)))


def bridge_move(event: Mapping[str, Any]) -> tuple[str, str] | None:
    """Of a ChannelEnteredBridge or ChannelLeftBridge event, the channel's id and the bridge it is in now.

    The bridge is an empty string when it is in none; the answer is None for any other event.
    """
    bridge = event.get("bridge")
    moved = channel_id(channel_of(event))
    if (
        event.get("type") not in ("ChannelEnteredBridge", "ChannelLeftBridge")
        or not isinstance(bridge, Mapping)
        or not moved
    ):
        return None
    identity = bridge.get("id") if event["type"] == "ChannelEnteredBridge" else ""
    return (moved, identity) if isinstance(identity, str) else None


def owner(channel: Mapping[str, Any]) -> str:
    """The application that a channel says it belongs to, or an empty string."""
    return _variable(channel, OWNER)


def _variable(channel: Mapping[str, Any], name: str) -> str:
    variables = channel.get("channelvars")
    value = variables.get(name) if isinstance(variables, Mapping) else None
    return value if isinstance(value, str) else ""


def dial_status(event: Mapping[str, Any]) -> tuple[str, str] | None:
    """Of a Dial event, the channel's id and its status word so far (RINGING, ANSWER, BUSY …); None otherwise."""
    status = event.get("dialstatus")
    called = channel_id(channel_of(event))
    if event.get("type") != "Dial" or not isinstance(status, str) or not status or not called:
        return None
    return called, status


def from_ami(headers: Mapping[str, str], trunks: Collection[str]) -> SwitchEvent | None:
    """Translate one AMI event: the second witness of hang-ups, and the state of phones and trunks."""
    at = epoch_time(headers.get("Timestamp"))
    match headers.get("Event"):
        case "Hangup" if headers.get("Uniqueid"):
            return ChannelEnded(
                headers["Uniqueid"],
                at,
                _cause(headers.get("Cause")),
                unattended=headers.get("Exten") == UNATTENDED,
                message_left=headers.get("Exten") == LEFT,
                answered=headers.get("ChannelStateDesc") == "Up",
                waits=_waits(_ami_variable(headers, SINCE)),
            )
        case "PeerStatus":
            technology, _, name = headers.get("Peer", "").partition("/")
            reachable = _REACHABLE.get(headers.get("PeerStatus", ""))
            return (
                _seen(name, reachable, at, trunks) if technology == "PJSIP" and name and reachable is not None else None
            )
        case _:
            return None


def remembered(messages: Iterable[Mapping[str, str]]) -> dict[str, Remembered]:
    """Of the answer to DBGetTree: the channels that were answered, and the verdict; what cannot be read is left out."""
    found: dict[str, Remembered] = {}
    for message in messages:
        name = message.get("Key", "").rpartition("/")[2]
        if message.get("Event") == "DBGetTreeResponse" and name:
            found[name] = _remembered(message.get("Val", ""))
    return found


def ami_owner(headers: Mapping[str, str]) -> str:
    """The application that an AMI event's channel says it belongs to, or an empty string."""
    return _ami_variable(headers, OWNER)


def _ami_variable(headers: Mapping[str, str], name: str) -> str:
    return headers.get(f"ChanVariable({name})", "")


def ari_time(text: object) -> datetime:
    """The time of an ARI event; now, when it gives none that can be read."""
    if isinstance(text, str):
        try:
            moment = datetime.fromisoformat(text)
        except ValueError:
            return datetime.now(UTC)
        if moment.tzinfo is not None:
            try:
                return moment.astimezone(UTC)
            except OverflowError:
                return datetime.now(UTC)
    return datetime.now(UTC)


def epoch_time(text: object) -> datetime:
    """The time of an AMI event (epoch seconds with a fraction); now, when it gives none that can be read."""
    return _epoch(text) or datetime.now(UTC)


def _epoch(text: object) -> datetime | None:
    try:
        return datetime.fromtimestamp(float(str(text)), UTC)
    except (ValueError, OverflowError, OSError):
        return None


def _waits(text: str) -> Waits | None:
    """What the dialplan wrote on the channel of somebody who answered: "VERDICT epoch seconds"."""
    word, _, seconds = text.partition(" ")
    since = _epoch(seconds)
    return None if since is None else Waits(_remembered(word), since)


def _remembered(word: str) -> Remembered:
    return "DETECTING" if word == "DETECTING" else _verdict(word)


def channel_info(channel: Mapping[str, Any], app: str, bridges: Mapping[str, str]) -> ChannelInfo | None:
    """A channel of `GET /channels` as the inventory tells it; None for one that is not the dialer's.

    `bridges`: bridge id by channel id.
    """
    identity = channel_id(channel)
    if not identity or is_the_dialplans(channel):
        return None
    dialplan = channel.get("dialplan")
    dialplan = dialplan if isinstance(dialplan, Mapping) else {}
    arguments = str(dialplan.get("app_data") or "").split(",")
    ready = dialplan.get("app_name") == "Stasis" and arguments[0] == app
    return ChannelInfo(
        channel_id=identity,
        state=_state(channel.get("state")),
        ready=ready,
        verdict=_verdict(arguments[2] if ready and len(arguments) > 2 else ""),
        bridge_id=bridges.get(native_id(channel), ""),
        incoming=_numbers(channel) if ready and _variable(channel, CAMPAIGN) == INBOUND else None,
        waits=_waits(_variable(channel, SINCE)),
    )


def is_the_dialplans(channel: Mapping[str, Any]) -> bool:
    """Whether it is somebody who calls us and is on their way to the application, or told that no dialer is there.

    Calls of ours have the trunk's context, too, until they are answered.
    """
    dialplan = channel.get("dialplan")
    if not isinstance(dialplan, Mapping) or _variable(channel, CAMPAIGN) != INBOUND:
        return False
    return dialplan.get("context") == FROM_TRUNK and dialplan.get("app_name") != "Stasis"


def _numbers(channel: Mapping[str, Any]) -> tuple[str, str]:
    """What somebody who calls us dialed, and their number, as far as these can be numbers at all."""
    dialplan, caller = channel.get("dialplan"), channel.get("caller")
    dialed = dialplan.get("exten") if isinstance(dialplan, Mapping) else ""
    number = caller.get("number") if isinstance(caller, Mapping) else ""
    return tuple(text if isinstance(text, str) and _NUMBER.fullmatch(text) else "" for text in (dialed, number))  # type: ignore[return-value]


_NUMBER = re.compile(r"\+?[0-9]{1,20}")


def _state(word: object) -> Literal["DOWN", "DIALING", "RINGING", "UP"]:
    match word:
        case "Up":
            return "UP"
        case "Ringing" | "Ring":
            return "RINGING"
        case "Dialing":
            return "DIALING"
        case _:
            return "DOWN"


def _dial(event: Mapping[str, Any], at: datetime) -> SwitchEvent | None:
    found = dial_status(event)
    match found:
        case (called, "RINGING" | "PROGRESS"):  # early media is how some networks ring
            return ChannelRinging(called, at)
        case (called, "ANSWER"):
            return ChannelAnswered(called, at)
        case _:
            return None


def _ready(event: Mapping[str, Any], at: datetime) -> SwitchEvent | None:
    identity = channel_id(channel_of(event))
    arguments = event.get("args")
    words = [word for word in arguments if isinstance(word, str)] if isinstance(arguments, list) else []
    if not identity:
        return None
    if words[:1] == [INBOUND] and _variable(channel_of(event), CAMPAIGN) == INBOUND:
        return IncomingCall(identity, at, *_numbers(channel_of(event)))
    return ChannelReady(identity, at, _verdict(words[1] if len(words) > 1 else ""), words[2] if len(words) > 2 else "")


def _verdict(word: str) -> Screening:
    """A verdict word; one that is not known counts as not certain."""
    for known in get_args(Screening):
        if word == known:
            return known  # type: ignore[no-any-return]
    return "NOTSURE" if word else "NONE"


def _destroyed(event: Mapping[str, Any], at: datetime) -> SwitchEvent | None:
    channel = channel_of(event)
    dialplan = channel.get("dialplan")
    extension = dialplan.get("exten") if isinstance(dialplan, Mapping) else ""
    identity = channel_id(channel)
    if not identity:
        return None
    return ChannelEnded(
        identity,
        at,
        _cause(event.get("cause")),
        unattended=extension == UNATTENDED,
        message_left=extension == LEFT,
        answered=_state(channel.get("state")) == "UP",
        waits=_waits(_variable(channel, SINCE)),
    )


def _cause(value: object) -> int:
    text = str(value)
    return int(text) if text.isascii() and text.isdigit() and len(text) < 4 else 0


def _played(event: Mapping[str, Any], at: datetime) -> SwitchEvent | None:
    playback = event.get("playback")
    if not isinstance(playback, Mapping):
        return None
    identity, target = playback.get("id"), playback.get("target_uri")
    if not isinstance(identity, str) or not isinstance(target, str) or not target.startswith("channel:"):
        return None
    return MessagePlayed(target.removeprefix("channel:"), identity, at, cut_off=playback.get("state") == "failed")


def _endpoint(event: Mapping[str, Any], at: datetime, trunks: Collection[str]) -> SwitchEvent | None:
    endpoint = event.get("endpoint")
    if not isinstance(endpoint, Mapping) or endpoint.get("technology") != "PJSIP":
        return None
    name, state = endpoint.get("resource"), endpoint.get("state")
    reachable = _REACHABLE.get(state) if isinstance(state, str) else None
    if not isinstance(name, str) or not name or reachable is None:
        return None
    return _seen(name, reachable, at, trunks)


def _seen(name: str, reachable: bool, at: datetime, trunks: Collection[str]) -> SwitchEvent:
    return TrunkSeen(name, reachable, at) if name in trunks else PhoneSeen(name, reachable, at)
