"""Promises to call back: making, keeping, cancelling them. Each function joins its caller's transaction.

A callback has no time of its own: while it is open, `Lead.next_attempt_at` says when, `Lead.promised_to` who alone
dials it, and its priority puts it before all others. Closing it gives the lead back to its list.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from django.db.models import F, OuterRef, Subquery
from django.db.models.functions import Least

from dialer.campaigns.models import Campaign, LeadList
from dialer.core.models import TenantQuerySet
from dialer.core.numbers import zones_of_number
from dialer.people.models import User

from .models import Callback, CallbackState, Lead, LeadState
from .rules import CALLBACK_PRIORITY, CALLBACK_TRIES, callback_after

OWN_LIST = "Promised on calls"
"""The list of a campaign that takes people who were on none when they asked to be called back."""


@dataclass(frozen=True, slots=True)
class Promise:
    """What an agent promised: when (aware), in which zone that was said, whose call it is (None: anyone's)."""

    at: datetime
    zone: str
    user: User | None
    note: str = ""


class LeadBusy(Exception):
    """The lead is in somebody's hands at this moment, so its next call cannot be set."""


def make(*, lead_id: int, promise: Promise, by: User, at: datetime, call_id: UUID | None = None) -> Callback:
    """Promise a lead a call; an earlier open promise is replaced. Raises LeadBusy."""
    rows = Lead.objects.across_tenants()
    lead = rows.select_related("campaign").select_for_update(of=("self",), no_key=True).get(pk=lead_id)
    if lead.state == LeadState.RESERVED:
        raise LeadBusy
    _open_of(lead_id).update(state=CallbackState.REPLACED, closed_at=at)
    rows.filter(pk=lead_id).update(
        state=LeadState.WAITING,
        next_attempt_at=promise.at,
        promised_to=promise.user,
        priority=CALLBACK_PRIORITY,
        attempts=Least(F("attempts"), max(0, lead.campaign.max_attempts - CALLBACK_TRIES)),
        refused_rule="",
    )
    made = Callback.objects.create(
        tenant_id=lead.tenant_id,
        lead=lead,
        user=promise.user,
        made_by=by,
        made_on=call_id,
        promised_for=promise.at,
        zone=promise.zone,
        note=promise.note.replace("\0", "")[:500],
        made_at=at,
    )
    assert isinstance(made, Callback)
    return made


def cancel(*, callback: Callback, at: datetime) -> None:
    """Take a promise back; the lead is its list's again and due when it was. Raises LeadBusy; twice is once."""
    rows = Lead.objects.across_tenants().select_for_update(no_key=True)
    if rows.get(pk=callback.lead_id).state == LeadState.RESERVED:
        raise LeadBusy
    if _open_of(callback.lead_id).filter(pk=callback.pk).update(state=CallbackState.CANCELLED, closed_at=at):
        _release(callback.lead_id)


def after_attempt(*, lead_id: int, outcome: str, lead_done: bool, at: datetime) -> None:
    """Write what a finished attempt makes of the lead's open promise, if it has one. The lead is locked."""
    state = callback_after(outcome, lead_done)
    if state != CallbackState.OPEN and _open_of(lead_id).update(state=state, closed_at=at):
        _release(lead_id)


def close_failed(*, lead_id: int, at: datetime) -> None:
    """The lead is never called again: its open promise, if any, cannot be kept."""
    if _open_of(lead_id).update(state=CallbackState.FAILED, closed_at=at):
        _release(lead_id)


def lead_for(*, campaign: Campaign, phone: str, at: datetime) -> Lead:
    """A lead for somebody who was dialed by number, on the campaign's list for such people."""
    lead_list, _ = LeadList.objects.across_tenants().get_or_create(
        tenant_id=campaign.tenant_id, campaign=campaign, name=OWN_LIST
    )
    lead = Lead.objects.create(
        tenant_id=campaign.tenant_id,
        campaign=campaign,
        list=lead_list,
        phone=phone,
        time_zones=zones_of_number(phone),
        state=LeadState.DONE,
        next_attempt_at=at,
    )
    assert isinstance(lead, Lead)
    return lead


def _open_of(lead_id: int) -> TenantQuerySet:
    return Callback.objects.across_tenants().filter(lead=lead_id, state=CallbackState.OPEN)


def _release(lead_id: int) -> None:
    own = LeadList.objects.across_tenants().filter(pk=OuterRef("list_id")).values("priority")
    Lead.objects.across_tenants().filter(pk=lead_id).update(promised_to=None, priority=Subquery(own))
