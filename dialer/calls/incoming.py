"""Calls to us: from the number dialed to the row that waits in a queue."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from django.conf import settings
from django.db import IntegrityError, transaction

from dialer.campaigns.models import Campaign, DialMethod
from dialer.compliance.ledger import today_of
from dialer.core.numbers import NotANumber, parse_number
from dialer.inbound.models import Did
from dialer.inbound.rules import TurnedAway
from dialer.inbound.selectors import did_of
from dialer.leads.models import Lead, LeadNumber

from . import queueing
from .models import CallEvent, CallTask
from .rules import CallState, Event, Kind


@dataclass(frozen=True, slots=True)
class Taken:
    """A call to us that has its row, and what becomes of it once it is answered."""

    call: CallTask
    then: Event


def take(*, call_id: UUID, dialed: str, caller: str, at: datetime) -> Taken | None:
    """Make the row of a call to us, or find it again when it was made before; None: the number is nobody's here.

    `dialed` and `caller` are as the trunk said them, so anything may be in them.
    """
    call = CallTask.objects.across_tenants().select_related("queue").filter(pk=call_id).first()
    if call is None:
        did = did_of(dialed)
        campaign = _campaign_of(did) if did is not None else None
        if did is None or campaign is None:
            return None
        call = _make(call_id, did, campaign, _number(caller, did), at)
    assert isinstance(call, CallTask)
    return Taken(call, _then(call, at))


def _then(call: CallTask, at: datetime) -> Event:
    if call.queue is None:  # it was removed this very moment
        return Event(Kind.TURNED_AWAY, reason=TurnedAway.CLOSED)
    away = queueing.turned_away(call.queue, at)
    return Event(Kind.READY) if away is None else Event(Kind.TURNED_AWAY, reason=away.value)


def _campaign_of(did: Did) -> Campaign | None:
    """The campaign that a call belongs to until an agent takes it: one where somebody works, if there is one."""
    campaigns = did.queue.campaigns.order_by("pk")
    staffed = campaigns.filter(sessions__ended_at=None, sessions__isnull=False)
    return staffed.first() or campaigns.first()


def _number(caller: str, did: Did) -> str:
    """The caller's number; empty when it is withheld or no number."""
    try:
        return parse_number(caller, did.tenant.region)
    except NotANumber:
        return ""


def _make(call_id: UUID, did: Did, campaign: Campaign, phone: str, at: datetime) -> CallTask:
    values = {
        "id": call_id,
        "tenant_id": did.tenant_id,
        "campaign": campaign,
        "inbound": True,
        "queue": did.queue,
        "queue_since": at,
        "phone": phone,
        "caller_id": did.phone,
        "trunk": settings.TRUNK,
        "ring_timeout_s": 0,
        "connect_limit_ms": did.queue.max_wait_s * 1000,
        "record": campaign.record_calls,
        "dial_method": DialMethod(campaign.dial_method),
        "day": today_of(did.tenant, at),
        "state": CallState.ANSWERED,
        "answered_at": at,
        "queued_at": at,
        "deadline": at,
        "last_seq": 1,
    }
    for lead in (*_leads_of(did, phone), None):
        try:
            with transaction.atomic():
                call = CallTask.objects.create(lead=lead, **values)
                CallEvent.objects.create(
                    tenant_id=did.tenant_id, call=call, seq=1, kind="incoming", state=call.state, data={}, at=at
                )
        except IntegrityError as error:
            if getattr(getattr(error.__cause__, "diag", None), "constraint_name", "") != "one_live_call_per_lead":
                raise
            continue  # another call of theirs is live: ours to them, or a second from the same line
        assert isinstance(call, CallTask)
        return call
    raise AssertionError("a call without a lead collides with none")


def _leads_of(did: Did, phone: str) -> Iterable[Lead]:
    """Who it may be, by number: the latest lead of a campaign that serves the queue first, then of any other."""
    if not phone:
        return
    serving = set(did.queue.campaigns.values_list("pk", flat=True))
    rows = Lead.objects.for_tenant(did.tenant_id)
    other = LeadNumber.objects.for_tenant(did.tenant_id).filter(phone=phone).values_list("lead_id", flat=True)[:20]
    found = {lead.pk: lead for lead in (*rows.filter(phone=phone)[:20], *rows.filter(pk__in=list(other)))}
    best = sorted(found.values(), key=lambda lead: (lead.campaign_id in serving, lead.pk), reverse=True)
    yield from best[:1]
