"""A step of a conversation that was taken: what the switch must now do, where everybody belongs, and who is told."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from dialer.agents import services as agents
from dialer.agents.models import AgentSession
from dialer.calls.models import CallTask
from dialer.live import publish
from dialer.telephony.port import bridge_of, leg_of, party_of, table_of

from . import layout, terms
from .models import Conversation, Party
from .terms import Act, Role, Spot


@dataclass(frozen=True, slots=True)
class Place:
    """Where a channel belongs; no bridge: music on hold."""

    channel_id: str
    bridge_id: str = ""


@dataclass(frozen=True, slots=True)
class Stepped:
    """A step that was taken: the rows as stored, what the switch must now do, and where everybody belongs."""

    call: CallTask
    conversation: Conversation
    before: terms.Conversation
    after: terms.Conversation
    acts: tuple[Act, ...]
    places: tuple[Place, ...] = ()
    dropped: Party | None = None
    """Who is no longer part of it."""
    refused: str = ""


def stepped(call: CallTask, row: Conversation, was: terms.Conversation, acts: tuple[Act, ...]) -> Stepped:
    """The step that made the row as it is."""
    after = row.as_conversation()
    return Stepped(call, row, was, after, acts, places_of(call, row, after))


def places_of(call: CallTask, row: Conversation, now_is: terms.Conversation) -> tuple[Place, ...]:
    """Where each channel of a conversation belongs on the switch."""
    party = row.party
    channels = {Role.CUSTOMER: str(call.pk)}
    bridges = {Spot.MUSIC: "", Spot.TABLE: table_of(call.pk)}
    if call.session is not None:
        bridges[Spot.DESK] = bridge_of(call.session.public_id)
    if party is not None:
        channels[Role.PARTY] = leg_of(party.session.public_id) if party.session is not None else party_of(party.pk)
        if party.session is not None:
            bridges[Spot.THEIRS] = bridge_of(party.session.public_id)
    wanted = layout.layout(now_is)
    return tuple(
        Place(channels[role], bridges[spot]) for role, spot in wanted.items() if role in channels and spot in bridges
    )


def for_owner(call: CallTask, notice: str) -> str:
    """A notice in the language of the agent whose card shows it."""
    return (agents.in_words_of(call.session.user_id, notice) if call.session is not None else notice)[:300]


def desk_bridge(taken: Stepped) -> str:
    """The bridge of the call's owner; empty when nobody has it."""
    return bridge_of(taken.call.session.public_id) if taken.call.session is not None else ""


def announce(taken: Stepped, at: datetime) -> None:
    """Tell the screens of everybody in the conversation."""
    sessions = {taken.call.session_id, *(p.session_id for p in (taken.conversation.party, taken.dropped) if p)}
    rows = AgentSession.objects.across_tenants().filter(pk__in=[pk for pk in sessions if pk is not None])
    for user_id in rows.values_list("user_id", flat=True):
        publish.changed(agents.DESK, user_id, at)
