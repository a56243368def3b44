"""Reads of conversations: for the switchboard, and for the desk's panels."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from django.db.models import F, Q

from dialer.agents.models import AgentSession
from dialer.agents.rules import AgentState
from dialer.campaigns.models import Campaign
from dialer.core.models import TenantQuerySet, untied
from dialer.inbound.models import Queue
from dialer.people.models import User

from .models import Conversation, HandlingSettings, MessageRecording, Party, TransferPreset
from .terms import Mode, PartyState

_RELATED = ("call__session", "call__campaign", "party__session")


def conversation(call_id: UUID) -> Conversation | None:
    """The conversation of a call, with its call and party; None when nothing was done with the call."""
    row = Conversation.objects.across_tenants().select_related(*_RELATED).filter(pk=call_id).first()
    assert row is None or isinstance(row, Conversation)
    return row


def call_of_party(party: UUID) -> UUID | None:
    """The call that a third party belongs to."""
    found = Party.objects.across_tenants().filter(pk=party).values_list("call_id", flat=True).first()
    assert found is None or isinstance(found, UUID)
    return found


def open_conversations() -> list[Conversation]:
    """Every conversation that is not over, whether its call is or not."""
    found = list(Conversation.objects.across_tenants().exclude(mode=Mode.OVER).select_related(*_RELATED))
    for one in found:
        untied(one, "call")
    return found


PARK_LIMIT = timedelta(seconds=120)
"""How long a call may wait parked before it is given to whoever is ready in its campaign."""


def overdue_parked(at: datetime) -> list[UUID]:
    """Calls that have been parked for too long, or have waited for an agent of a queue in vain."""
    rows = Conversation.objects.across_tenants().filter(mode=Mode.PARKED, held_since__lt=at - PARK_LIMIT)
    in_vain = Q(call__queue_since__lt=at - F("call__queue__max_wait_s") * timedelta(seconds=1))
    rows = rows.filter(Q(call__queue_since=None) | in_vain)
    return list(rows.order_by("held_since").values_list("pk", flat=True))


def live_parties(ids: list[UUID]) -> set[UUID]:
    """Those of the third parties that are still to be on the line."""
    rows = Party.objects.across_tenants().filter(pk__in=ids).exclude(state=PartyState.GONE)
    return set(rows.values_list("pk", flat=True))


@dataclass(frozen=True, slots=True)
class Targets:
    """Where an agent may transfer a call to now."""

    presets: list[TransferPreset]
    agents: list[AgentSession]
    queues: list[Queue]
    typed: bool
    """Whether a number may be typed."""


def targets_of(campaign: Campaign, user: User) -> Targets:
    """The campaign's presets, the tenant's queues, and colleagues who are ready now in any of its campaigns."""
    ready = (
        AgentSession.objects.for_tenant(user.tenant_id)
        .filter(state=AgentState.READY, leg="up", ended_at=None)
        .exclude(user=user)
        .select_related("user", "campaign")
        .order_by("user__first_name", "user__last_name", "user__username")
    )
    presets = TransferPreset.objects.for_tenant(user.tenant_id).filter(campaign=campaign)
    allowed = HandlingSettings.objects.for_tenant(user.tenant_id).filter(pk=campaign.pk).first()
    return Targets(
        list(presets.select_related("agent", "to_campaign")),
        list(ready[:200]),
        list(Queue.objects.for_tenant(user.tenant_id)[:50]),
        typed=allowed is None or allowed.may_dial_out,
    )


def parked(user: User) -> TenantQuerySet:
    """The tenant's calls that are parked; those that wait in a queue come to an agent by themselves."""
    rows = Conversation.objects.for_tenant(user.tenant_id).filter(mode=Mode.PARKED, call__ended_at=None)
    rows = rows.filter(call__queue_since=None)
    return rows.select_related("call__lead", "call__campaign", "parked_by__user").order_by("held_since")


def messages_of(campaign: Campaign) -> list[MessageRecording]:
    """The recorded messages that a campaign's agents may leave."""
    return list(MessageRecording.objects.for_tenant(campaign.tenant_id).filter(campaign=campaign))
