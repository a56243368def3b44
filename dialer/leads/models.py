"""Leads: who may be called, and when next."""

from __future__ import annotations

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import Q

from dialer.campaigns.models import Campaign, LeadList
from dialer.core.ids import new_id
from dialer.core.models import TenantScoped


def no_zones() -> list[str]:
    """An empty list: nothing is known of where the number is."""
    return []


class LeadState(models.TextChoices):
    """Where a lead stands: only WAITING ones are chosen, at or after their next attempt's time."""

    WAITING = "waiting", "Waiting"
    RESERVED = "reserved", "Reserved"
    DONE = "done", "Done"


class Lead(TenantScoped):
    """Somebody on a list. `time_zones` are all the zones where the number may be; the strictest decides."""

    public_id = models.UUIDField(default=new_id, unique=True, editable=False)
    campaign = models.ForeignKey(Campaign, on_delete=models.PROTECT, related_name="leads")
    list = models.ForeignKey(LeadList, on_delete=models.PROTECT, related_name="leads")
    first_name = models.CharField(max_length=120, blank=True)
    last_name = models.CharField(max_length=120, blank=True)
    company = models.CharField(max_length=120, blank=True)
    notes = models.TextField(blank=True)
    phone = models.CharField(max_length=16, help_text="E.164")
    time_zones = ArrayField(models.CharField(max_length=64), default=no_zones, blank=True)
    state = models.CharField(max_length=8, choices=LeadState.choices, default=LeadState.WAITING)
    priority = models.SmallIntegerField(default=0)
    attempts = models.PositiveSmallIntegerField(default=0)
    next_attempt_at = models.DateTimeField()
    last_outcome = models.CharField(max_length=16, blank=True)
    refused_rule = models.CharField(max_length=40, blank=True, help_text="The gate's last refusal, if it refused.")
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta(TenantScoped.Meta):
        indexes = [
            models.Index(
                fields=["list", "-priority", "next_attempt_at", "id"],
                condition=Q(state="waiting"),
                name="lead_next",
            ),
            models.Index(fields=["tenant", "phone"], name="lead_by_phone"),
            models.Index(fields=["list", "state"], name="lead_by_list"),
        ]

    @property
    def shown_name(self) -> str:
        """How the lead is called on screens."""
        return " ".join(part for part in (self.first_name, self.last_name) if part) or "No name"
