"""Holding the rows against what the switch has, after every (re)connection and every few seconds.

Two witnesses are not of one moment: a channel that just ended is gone from the inventory before its event is heard.
So a row is told that its channel is missing only when two looks in a row miss it, and behind all that was heard of it.
"""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Iterable
from uuid import UUID

from dialer.agents.models import AgentSession, LegState
from dialer.calls import board
from dialer.calls.models import CallTask
from dialer.calls.rules import CallState, Event, Kind, owed
from dialer.core.clock import now
from dialer.handling import monitoring
from dialer.handling import selectors as handling
from dialer.handling.models import Conversation
from dialer.handling.stepped import places_of
from dialer.telephony.port import (
    BRIDGE_PREFIX,
    LEG_PREFIX,
    PARTY_PREFIX,
    TABLE_PREFIX,
    ChannelInfo,
    Inventory,
    Switch,
    SwitchError,
    bridge_of,
    leg_of,
    party_of,
    snoop_of,
)

from .calls import CallDesk
from .handling import HandlingDesk, tables
from .legs import LegDesk, LegEnded, LegReady
from .monitoring import MonitorDesk
from .store import Store

log = logging.getLogger(__name__)

_BEFORE_ANSWER = (CallState.DIALING, CallState.RINGING)
_BEFORE_VERDICT = (*_BEFORE_ANSWER, CallState.ANSWERED, CallState.DETECTING)


LOOKS_IN_VAIN = 6
"""How many looks, a second apart, wait for a switch that cannot say whom it remembers as answered."""


class Reconciler:
    """Compares and repairs. `look` may be called at any time; looks do not overlap."""

    def __init__(
        self,
        store: Store,
        switch: Switch,
        calls: CallDesk,
        legs: LegDesk,
        conversations: HandlingDesk,
        monitors: MonitorDesk,
    ) -> None:
        self._store = store
        self._switch = switch
        self._calls = calls
        self._legs = legs
        self._conversations = conversations
        self._monitors = monitors
        self._missed: set[str] = set()
        self._in_vain: dict[str, int] = {}
        self._boot_id = ""
        self.switch_is_new = False
        """The last look was the first at a switch that has been restarted: the next need not wait."""
        self._restarted = False
        """What is missing went with the switch itself, which has been restarted since."""
        self._strange: set[str] = set()
        self._unsettled: set[UUID] = set()
        """Calls of which something was being done when all were to be settled: they are at the next look."""

    async def look(self, *, settle: bool) -> bool:
        """Compare once; `settle`: also ask again for what the switch may never have been asked (after a gap).

        Returns whether anything is suspected, so that a second look soon is worth it.
        """
        inventory = await self._switch.inventory()
        calls = await self._store.run(board.placed_calls)
        sessions = await self._store.run(board.open_sessions)
        talks = await self._store.run(handling.open_conversations)
        for session in sessions:
            self._calls.learn_bridge(session.pk, bridge_of(session.public_id))
        self._calls.forget_bridges({session.pk for session in sessions})
        channels = {channel.channel_id: channel for channel in inventory.channels}
        self.switch_is_new = self._boot_id not in ("", inventory.boot_id)
        self._restarted = self.switch_is_new or (self._restarted and bool(self._missed))
        self._boot_id = inventory.boot_id
        missed = self._look_at_calls(calls, channels, sessions, inventory, settle)
        missed |= self._look_at_legs(sessions, channels, _visits(talks))
        suspected = self._conversations.look(talks, channels, settle=settle)
        listening = await self._store.run(monitoring.open_monitors)
        suspected |= self._monitors.look(listening, channels)
        await self._forget_answered(inventory, channels)
        await self._end_strangers(inventory, sessions, tables(talks), {snoop_of(one.pk) for one in listening})
        self._missed = missed
        return bool(missed or self._strange or suspected or self._unsettled)

    # --- rows without channels, and rows that are behind their channels ---

    def _look_at_calls(
        self,
        calls: list[CallTask],
        channels: dict[str, ChannelInfo],
        sessions: list[AgentSession],
        inventory: Inventory,
        settle: bool,
    ) -> set[str]:
        missed = set()
        bridges = {session.pk: bridge_of(session.public_id) for session in sessions}
        unsettled, self._unsettled = self._unsettled, set()
        for call in calls:
            channel = channels.get(str(call.pk))
            busy = self._calls.busy(call.pk)
            if channel is not None:
                due = settle or call.pk in unsettled
                if not busy:
                    self._catch_up(call, channel, bridges.get(call.session_id or 0, ""), due)
                elif due:
                    self._unsettled.add(call.pk)
            elif busy and call.state == CallState.DIALING:
                continue  # it is being placed; all others had a channel, whatever is still being tried with it
            elif str(call.pk) in self._missed and self._can_conclude(call, inventory):
                log.warning("call %s: the switch has no channel for it", call.pk)
                verdict = (inventory.answered or {}).get(str(call.pk))
                event = Event(
                    Kind.MISSING, verdict=verdict or "NONE", answered=verdict is not None, cut_off=self._restarted
                )
                self._calls.tell(call.pk, event, now())
            else:
                missed.add(str(call.pk))
        self._in_vain = {name: looks for name, looks in self._in_vain.items() if name in missed}
        return missed

    def _can_conclude(self, call: CallTask, inventory: Inventory) -> bool:
        """Whether it is known if a missing call was answered: by us, or by the switch, which is waited for a little."""
        if call.answered or inventory.answered is not None:
            return True
        name = str(call.pk)
        self._in_vain[name] = self._in_vain.get(name, 0) + 1
        return self._in_vain[name] > LOOKS_IN_VAIN

    def _catch_up(self, call: CallTask, channel: ChannelInfo, bridge: str, settle: bool) -> None:
        """Tell a call what its channel shows and its row does not; then what the switch still owes it."""
        moment = now()
        since = channel.waits.since if channel.waits else moment  # whoever waited unseen has waited all the same
        if channel.state == "RINGING" and call.state == CallState.DIALING:
            self._calls.tell(call.pk, Event(Kind.RINGING), moment)
        if channel.state == "UP" and call.state in _BEFORE_ANSWER:
            self._calls.tell(call.pk, Event(Kind.ANSWERED), since)
        if call.inbound and call.state == CallState.ANSWERED:
            if channel.incoming is not None:
                self._calls.arrive(call.pk, *channel.incoming, moment)
        elif channel.ready and call.state in _BEFORE_VERDICT:
            self._calls.tell(call.pk, Event(Kind.READY, verdict=channel.verdict), since)
        elif call.state == CallState.HUMAN and bridge and channel.bridge_id == bridge:
            self._calls.tell(call.pk, Event(Kind.BRIDGED, session=call.session_id), moment)
        elif settle and (effects := owed(call.as_call())):
            self._calls.settle(call.pk, effects)

    # --- agents' legs ---

    def _look_at_legs(
        self, sessions: list[AgentSession], channels: dict[str, ChannelInfo], visits: dict[str, str]
    ) -> set[str]:
        """`visits`: legs that are elsewhere than in their own bridge, asked in by a colleague, and where."""
        missed = set()
        for session in sessions:
            leg = leg_of(session.public_id)
            channel = channels.get(leg)
            if self._legs.busy(session.public_id):
                continue
            if channel is None:
                if session.leg == LegState.DOWN:
                    if session.call_id is not None:
                        # Lost just before a switchboard went away: its call may not have been told.
                        self._conversations.leg_lost(session.call_id, session.pk, now())
                    continue
                if session.leg == LegState.AWAY:
                    continue
                if leg in self._missed:
                    self._legs.put(session.public_id, LegEnded(now(), None))
                else:
                    missed.add(leg)
            elif channel.ready and (
                session.leg != LegState.UP
                or channel.bridge_id
                not in (bridge_of(session.public_id), visits.get(leg, bridge_of(session.public_id)))
            ):
                self._legs.put(session.public_id, LegReady(now()))
        return missed

    # --- what the switch remembers of calls that are over ---

    async def _forget_answered(self, inventory: Inventory, channels: dict[str, ChannelInfo]) -> None:
        """Let the switch forget answered calls whose rows have ended: by then they say it themselves."""
        over = {name: uuid for name in inventory.answered or () if name not in channels and (uuid := _uuid(name))}
        if over:
            live = await self._store.run(board.live_ids, list(over.values()))
            known = [name for name, uuid in over.items() if uuid not in live]
            if known:
                await self._try(self._switch.forget(known))

    # --- channels and bridges without rows ---

    async def _end_strangers(
        self, inventory: Inventory, sessions: list[AgentSession], tables: set[str], snoops: set[str]
    ) -> None:
        ours = {leg_of(session.public_id) for session in sessions}
        bridges = {bridge_of(session.public_id) for session in sessions} | tables
        channels = {channel.channel_id: channel for channel in inventory.channels}
        ids = {name: _uuid(name) for name in channels}
        live = await self._store.run(board.live_ids, [uuid for uuid in ids.values() if uuid is not None])
        parties = await self._live_parties(ids)
        strange = set()
        for name, uuid in ids.items():
            known = name in ours or name in parties or name in snoops or uuid in live
            if not known:
                strange.add(name)
                incoming = channels[name].incoming
                if uuid is not None and incoming is not None and name not in self._strange:
                    if not self._calls.busy(uuid):  # they came while nobody heard it
                        self._calls.arrive(uuid, *incoming, now())
                elif name in self._strange:
                    log.warning("channel %s has no row; ending it", name)
                    await self._try(self._switch.hang_up(name))
        for bridge in inventory.bridges:
            if bridge.startswith((BRIDGE_PREFIX, TABLE_PREFIX)) and bridge not in bridges:
                strange.add(bridge)
                if bridge in self._strange:
                    await self._try(self._switch.remove_bridge(bridge))
        self._strange = strange

    async def _live_parties(self, names: Iterable[str]) -> set[str]:
        """The channels of third parties that are to be on the line."""
        asked = [name for name in names if name.startswith(PARTY_PREFIX)]
        ids = [uuid for name in asked if (uuid := _uuid(name.removeprefix(PARTY_PREFIX))) is not None]
        live = await self._store.run(handling.live_parties, ids) if ids else set()
        return {party_of(party) for party in live}

    @staticmethod
    async def _try(request: Awaitable[None]) -> None:
        try:
            await request
        except SwitchError as error:
            log.warning("a repair was not carried out (%s)", error)


def _visits(talks: list[Conversation]) -> dict[str, str]:
    """Where the legs of colleagues who were asked in belong."""
    return {
        place.channel_id: place.bridge_id
        for talk in talks
        if talk.call.ended_at is None or talk.mode == "aside"
        for place in places_of(talk.call, talk, talk.as_conversation())
        if place.channel_id.startswith(LEG_PREFIX)
    }


def _uuid(text: str) -> UUID | None:
    try:
        return UUID(text)
    except ValueError:
        return None
