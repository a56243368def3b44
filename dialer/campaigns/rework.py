"""What a change of settings asks of the leads that are there already, millions perhaps: done in batches, by a job.

A row says what is to be done and how far it is; each batch is one transaction with the place to go on from, so that
whoever carries it out may end at any moment. A change that comes meanwhile begins it anew.
"""

from __future__ import annotations

from collections.abc import Iterable

from django.db import models
from django.db.models import Q

from dialer.core import jobs
from dialer.core.clock import now
from dialer.core.models import TenantScoped

from .models import Campaign, LeadList

JOB = "rework"
EVERY = "*"
"""The key that stands for every rule: what was changed concerns them all."""


class Rework(TenantScoped):
    """Leads of one list that take its new priority (`lead_list`), or of a campaign whose recycle rules were changed.

    `keys`: the rules that were changed, by the outcome's word or `#` and the disposition's key, or EVERY. `at_list`,
    `at_lead`: the last lead that was looked at; leads are gone through by their list and then in the order they were
    added.
    """

    campaign = models.ForeignKey(Campaign, on_delete=models.CASCADE, related_name="reworks")
    lead_list = models.ForeignKey(LeadList, null=True, on_delete=models.CASCADE, related_name="reworks")
    keys = models.JSONField(default=list)
    at_list = models.BigIntegerField(default=0)
    at_lead = models.BigIntegerField(default=0)
    looked = models.PositiveIntegerField(default=0)
    changed = models.PositiveIntegerField(default=0)
    ended = models.PositiveIntegerField(default=0, help_text="Leads that are not called any more.")
    asked_at = models.DateTimeField()
    done_at = models.DateTimeField(null=True)

    class Meta(TenantScoped.Meta):
        constraints = [
            models.UniqueConstraint(fields=["campaign"], condition=Q(lead_list=None), name="rework_once_per_campaign"),
            models.UniqueConstraint(fields=["lead_list"], name="rework_once_per_list"),
        ]
        indexes = [models.Index(fields=["asked_at"], condition=Q(done_at=None), name="rework_open")]


def replan(*, campaign: Campaign, keys: Iterable[str]) -> Rework:
    """Have the leads that rest by these rules of a campaign planned anew, in the transaction that changes the rules."""
    return _ask(campaign.tenant_id, campaign.pk, None, keys)


def reprioritise(*, lead_list: LeadList) -> Rework:
    """Have a list's leads take its priority, in the transaction that changes it."""
    return _ask(lead_list.tenant_id, lead_list.campaign_id, lead_list.pk, ())


def _ask(tenant_id: int, campaign_id: int, list_id: int | None, keys: Iterable[str]) -> Rework:
    """Begin it, or begin it anew. Whoever changes such settings holds the row of the campaign or list."""
    rows = Rework.objects.for_tenant(tenant_id).select_for_update(no_key=True)
    row = rows.filter(campaign=campaign_id, lead_list=list_id).first()
    row = row or Rework(tenant_id=tenant_id, campaign_id=campaign_id, lead_list_id=list_id, done_at=now())
    assert isinstance(row, Rework)
    row.keys = sorted({*keys, *(row.keys if row.done_at is None else ())})
    row.at_list = row.at_lead = row.looked = row.changed = row.ended = 0
    row.asked_at, row.done_at = now(), None
    row.save()
    jobs.ask(JOB)
    return row
