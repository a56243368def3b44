"""Promises whose agent is not there to keep them."""

from __future__ import annotations

from datetime import datetime

from django.db import transaction
from django.db.models import Exists, OuterRef

from dialer.agents.models import AgentSession
from dialer.leads.models import Callback, CallbackState, Lead, LeadState
from dialer.leads.rules import CALLBACK_GRACE


def hand_over(*, at: datetime) -> int:
    """Give callbacks that are overdue, and whose agent is not in their campaign, to anyone; returns how many.

    The customer was promised a call, not a voice. An agent who is there, on a break or in a call, keeps theirs.
    """
    there = AgentSession.objects.across_tenants().filter(
        user=OuterRef("promised_to"), campaign=OuterRef("campaign"), ended_at=None
    )
    late = Lead.objects.across_tenants().filter(
        ~Exists(there), promised_to__isnull=False, state=LeadState.WAITING, next_attempt_at__lt=at - CALLBACK_GRACE
    )
    with transaction.atomic():
        ids = list(late.select_for_update(skip_locked=True, no_key=True).order_by("pk").values_list("pk", flat=True))
        Lead.objects.across_tenants().filter(pk__in=ids).update(promised_to=None)
        Callback.objects.across_tenants().filter(lead__in=ids, state=CallbackState.OPEN).update(user=None)
    return len(ids)
