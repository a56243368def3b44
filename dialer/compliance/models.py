"""What the dial gate reads and writes: the do-not-call list and every verdict."""

from __future__ import annotations

from django.conf import settings
from django.db import models

from dialer.core.models import TenantScoped


class DncEntry(TenantScoped):
    """A number that this tenant never dials, from the commit of this row on."""

    phone = models.CharField(max_length=16, help_text="E.164")
    source = models.CharField(max_length=40)
    added_by = models.ForeignKey(settings.AUTH_USER_MODEL, null=True, on_delete=models.SET_NULL, related_name="+")
    added_at = models.DateTimeField(auto_now_add=True)

    class Meta(TenantScoped.Meta):
        constraints = [models.UniqueConstraint(fields=["tenant", "phone"], name="dnc_number_once_per_tenant")]


class GateVerdict(TenantScoped):
    """One answer of the gate, kept as evidence: which rule of which pack, on what facts."""

    campaign = models.ForeignKey("campaigns.Campaign", on_delete=models.PROTECT, related_name="+")
    lead = models.ForeignKey("leads.Lead", null=True, on_delete=models.PROTECT, related_name="verdicts")
    phone = models.CharField(max_length=16)
    allowed = models.BooleanField()
    rule = models.CharField(max_length=40)
    pack = models.CharField(max_length=40, help_text="The rule pack and its version.")
    evidence = models.JSONField(default=dict)
    at = models.DateTimeField()

    class Meta(TenantScoped.Meta):
        indexes = [models.Index(fields=["tenant", "phone", "at"], name="verdict_by_phone")]
