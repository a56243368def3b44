"""What is learnt from Asterisk's events.

Which channels are ours, how their dialling went, where they are, and what is worth telling.
"""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import replace
from typing import Any

from dialer.telephony.events import (
    ChannelAnswered,
    ChannelEnded,
    ChannelReady,
    ChannelRinging,
    IncomingCall,
    MessagePlayed,
    PhoneSeen,
    SwitchEvent,
    TrunkSeen,
)

from . import translate
from .ami import Headers
from .ari import Event

WITNESS_DELAY_S = 0.5
"""How long AMI's word that a channel ended waits for ARI's, which says more."""
REMEMBERED_ENDS = 500
"""Channels and messages that are over whose last events may still come: twenty seconds of the busiest floor."""


class Watch:
    """Turns the raw events of both interfaces into the dialer's, leaving out other users' channels and what is no news.

    `trunks` is the adapter's own set, which grows.
    """

    def __init__(self, app: str, trunks: Collection[str], tell: Callable[[SwitchEvent], None]) -> None:
        self._app, self._trunks, self._tell = app, trunks, tell
        self._ours: set[str] = set()
        self._native: dict[str, str] = {}
        """Asterisk's own ids of the channels of people who call us."""
        self._entrances: dict[str, asyncio.Event] = {}
        self._dials: dict[str, str] = {}
        self._bridge_of: dict[str, str] = {}
        self._ended: OrderedDict[str, None] = OrderedDict()
        self._witnesses: dict[str, asyncio.TimerHandle] = {}
        self._reachable: dict[str, bool] = {}
        self._playing: set[str] = set()
        self._played: OrderedDict[str, None] = OrderedDict()

    def forget(self) -> None:
        """Events may have been missed: what was learnt from them is stale."""
        for known in (self._ours, self._dials, self._bridge_of, self._reachable, self._playing):
            known.clear()
        for handle in self._witnesses.values():
            handle.cancel()
        self._witnesses.clear()

    # What the adapter did or read itself

    def expect(self, channel_id: str) -> bool:
        """A channel of that id is about to be asked for; whether one was known already."""
        known = channel_id in self._ours
        self._ended.pop(channel_id, None)
        if (old := self._witnesses.pop(channel_id, None)) is not None:
            old.cancel()
        self._ours.add(channel_id)
        return known

    def expect_no_more(self, channel_id: str) -> None:
        """That channel was refused."""
        self._ours.discard(channel_id)

    def entrance(self, channel_id: str) -> asyncio.Event:
        """Set once a channel that is about to be asked for is in our hands; `leave_entrance` ends the wait."""
        return self._entrances.setdefault(channel_id, asyncio.Event())

    def leave_entrance(self, channel_id: str) -> None:
        """Nobody waits for that channel any more."""
        self._entrances.pop(channel_id, None)

    def claim(self, channel: Any) -> bool:
        """Whether a channel is ours; remembered by its id, because the first events of a channel do not say it yet."""
        identity = translate.channel_id(channel)
        if identity in self._ours:
            return True
        if not identity or translate.owner(channel) != self._app:
            return False
        if identity not in self._ended:
            self._ours.add(identity)
            self._learn_name(channel)
        return True

    def _learn_name(self, channel: Any) -> None:
        identity, native = translate.channel_id(channel), translate.native_id(channel)
        if identity != native:
            self._native[identity] = native

    def native(self, channel_id: str) -> str:
        """A channel's id as Asterisk knows it."""
        return self._native.get(channel_id, channel_id)

    def named(self, native: str) -> str:
        """The id of one of our channels in the dialer's terms, from Asterisk's own."""
        made = translate.incoming_id(native)
        return made if made in self._ours else native

    def learn_bridge(self, bridge_id: str, members: Iterable[str]) -> None:
        """These channels are in that bridge; an empty string: in none."""
        for member in members:
            self._place(self.named(member), bridge_id)

    def _place(self, identity: str, bridge_id: str) -> None:
        """A channel is in that bridge, or in none: which is also what is heard last of one that has ended."""
        if bridge_id:
            self._bridge_of[identity] = bridge_id
        else:
            self._bridge_of.pop(identity, None)

    def learn_endpoints(self, states: Mapping[str, bool]) -> None:
        """These endpoints are reachable, or not; only what differs later is news."""
        self._reachable.update(states)

    def bridge_of(self, channel_id: str) -> str:
        """The bridge that a channel is in, or an empty string."""
        return self._bridge_of.get(channel_id, "")

    def begin_playing(self, playback_id: str) -> bool:
        """Whether this message is not being played yet; from now on it is."""
        if playback_id in self._playing:
            return False
        self._playing.add(playback_id)
        self._played.pop(playback_id, None)
        return True

    def not_playing(self, playback_id: str) -> None:
        """That message could not be begun, or is over."""
        self._playing.discard(playback_id)

    # What Asterisk says

    def on_ari(self, raw: Event) -> None:
        """Take one event of ARI."""
        self.claim(translate.channel_of(raw))
        if (dialed := translate.dial_status(raw)) is not None and dialed[0] in self._ours:
            self._dials[dialed[0]] = dialed[1]
        if (moved := translate.bridge_move(raw)) is not None:
            self._place(*moved)
        event = self._of_ours(translate.from_ari(raw, self._app, self._trunks))
        match event:
            case PhoneSeen(endpoint=name) | TrunkSeen(trunk=name):
                self._saw(name, event)
            case ChannelReady(channel_id=identity):
                self._ours.add(identity)
                if (entrance := self._entrances.get(identity)) is not None:
                    entrance.set()
                self._tell(event)
            case IncomingCall(channel_id=identity):
                self._ours.add(identity)
                self._learn_name(translate.channel_of(raw))
                self._tell(event)
            case ChannelEnded(channel_id=identity) if identity in self._ours:
                self._end(event)
            case MessagePlayed(channel_id=identity, playback_id=playback):
                self._playing.discard(playback)
                # Asterisk says it twice when the channel was hung up.
                if identity in self._ours and playback not in self._played:
                    _remember(self._played, playback)
                    self._tell(event)
            case ChannelRinging(channel_id=identity) | ChannelAnswered(channel_id=identity) if identity in self._ours:
                self._tell(event)
            case _:
                return

    def on_ami(self, headers: Headers) -> None:
        """Take one event of AMI: the second witness."""
        event = self._of_ours(translate.from_ami(headers, self._trunks))
        match event:
            case PhoneSeen(endpoint=name) | TrunkSeen(trunk=name):
                self._saw(name, event)
            case ChannelEnded(channel_id=identity):
                ours = identity in self._ours or translate.ami_owner(headers) == self._app
                if ours and identity not in self._ended and identity not in self._witnesses:
                    self._ours.add(identity)
                    loop = asyncio.get_running_loop()
                    self._witnesses[identity] = loop.call_later(WITNESS_DELAY_S, self._end, event)
            case _:
                return

    def _of_ours(self, event: SwitchEvent | None) -> SwitchEvent | None:
        """The event with the name that its channel has here."""
        if isinstance(event, (ChannelEnded, MessagePlayed)) and event.channel_id not in self._ours:
            return replace(event, channel_id=self.named(event.channel_id))
        return event

    def _end(self, event: ChannelEnded) -> None:
        """Tell of an ended channel, with the last word of its dialling, and forget the channel."""
        identity = event.channel_id
        if (handle := self._witnesses.pop(identity, None)) is not None:
            handle.cancel()
        _remember(self._ended, identity)
        self._ours.discard(identity)
        self._native.pop(identity, None)
        self._bridge_of.pop(identity, None)
        self._tell(replace(event, dial_status=self._dials.pop(identity, "")))

    def _saw(self, name: str, event: PhoneSeen | TrunkSeen) -> None:
        """Tell of a phone or trunk whose state is news."""
        if self._reachable.get(name) is not event.reachable:
            self._reachable[name] = event.reachable
            self._tell(event)


def _remember(recent: OrderedDict[str, None], name: str) -> None:
    """Keep a name among the last REMEMBERED_ENDS."""
    recent[name] = None
    while len(recent) > REMEMBERED_ENDS:
        recent.popitem(last=False)
