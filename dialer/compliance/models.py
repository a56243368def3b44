"""What the dial gate reads and writes: the do-not-call list, every verdict, the abandonment ledger."""

from __future__ import annotations

from django.conf import settings
from django.db import models
from django.db.models import Q

from dialer.core.models import TenantScoped


class DncEntry(TenantScoped):
    """A number that this tenant never dials, from the commit of this row on."""

    phone = models.CharField(max_length=16, help_text="E.164")
    source = models.CharField(max_length=40)
    added_by = models.ForeignKey(settings.AUTH_USER_MODEL, null=True, on_delete=models.SET_NULL, related_name="+")
    added_at = models.DateTimeField(auto_now_add=True)

    class Meta(TenantScoped.Meta):
        constraints = [models.UniqueConstraint(fields=["tenant", "phone"], name="dnc_number_once_per_tenant")]


class NationalList(models.Model):
    """One loading of an official do-not-call list: what was loaded, when it was fetched, how many numbers.

    A licence to such a list is the installation's, so these rows belong to no tenant. The row of an older loading stays
    as evidence of what was checked against; its numbers are removed.
    """

    name = models.SlugField(max_length=40, help_text="Which list, e.g. national-us.")
    as_of = models.DateTimeField(help_text="When it was fetched from whoever keeps it: its age counts from here.")
    loaded_at = models.DateTimeField()
    numbers = models.PositiveBigIntegerField(default=0)
    file_name = models.CharField(max_length=200)
    sha256 = models.CharField(max_length=64)
    seconds = models.FloatField(default=0.0, help_text="What the loading took.")
    is_current = models.BooleanField(default=False)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["name"], condition=Q(is_current=True), name="national_list_current_once")
        ]


class NationalChunk(models.Model):
    """The numbers of a list that share all but their last 16 bits, in one row (see national.py).

    20 million numbers are some 50 MB so, and looking a batch of them up is one statement.
    """

    pk = models.CompositePrimaryKey("list_id", "high")
    list = models.ForeignKey(NationalList, on_delete=models.CASCADE, related_name="chunks", db_index=False)
    high = models.BigIntegerField()
    body = models.BinaryField()


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


class AbandonmentDay(TenantScoped):
    """One day of a campaign's abandonment ledger: changed in the transaction of the event that counts."""

    campaign = models.ForeignKey("campaigns.Campaign", on_delete=models.PROTECT, related_name="+")
    day = models.DateField(help_text="On the tenant's clock, when the call was decided.")
    answered = models.IntegerField(default=0)
    abandoned = models.IntegerField(default=0)

    class Meta(TenantScoped.Meta):
        # No check that the counters make sense: a ledger that drifted must be found, not stop calls.
        constraints = [models.UniqueConstraint(fields=["campaign", "day"], name="abandonment_day_once")]


class LedgerCheck(TenantScoped):
    """When a campaign's ledger was last held against its calls, and whether they agreed."""

    campaign = models.OneToOneField("campaigns.Campaign", on_delete=models.CASCADE, related_name="ledger_check")
    checked_at = models.DateTimeField()
    whole_at = models.DateTimeField(help_text="When the whole window was compared, and not only the last days.")
    agrees = models.BooleanField()
    drift = models.JSONField(default=dict, help_text="What differed last: by day, [ledger, calls].")
    drifted_at = models.DateTimeField(null=True)

    class Meta(TenantScoped.Meta):
        pass
