"""What the dial gate reads and writes: lists, consents, stops, every verdict, the abandonment ledger."""

from __future__ import annotations

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from dialer.core.clock import now
from dialer.core.ids import new_id
from dialer.core.models import TenantScoped


class DncEntry(TenantScoped):
    """A number that this tenant (or one campaign of it) never dials, from the commit of this row on."""

    class Kind(models.TextChoices):
        """Why it is listed."""

        DNC = "dnc", _("Do not call")
        LITIGATOR = "litigator", _("Litigator")

    phone = models.CharField(max_length=16, help_text="E.164")
    campaign = models.ForeignKey(
        "campaigns.Campaign", null=True, on_delete=models.PROTECT, related_name="+", help_text="Empty: every campaign."
    )
    kind = models.CharField(max_length=9, choices=Kind.choices, default=Kind.DNC)
    source = models.CharField(max_length=40)
    added_by = models.ForeignKey(settings.AUTH_USER_MODEL, null=True, on_delete=models.SET_NULL, related_name="+")
    added_at = models.DateTimeField(auto_now_add=True)

    class Meta(TenantScoped.Meta):
        constraints = [
            models.UniqueConstraint(
                fields=["tenant", "phone"], condition=Q(campaign=None), name="dnc_number_once_per_tenant"
            ),
            models.UniqueConstraint(
                fields=["campaign", "phone"], condition=Q(campaign__isnull=False), name="dnc_number_once_per_campaign"
            ),
        ]
        indexes = [models.Index(fields=["tenant", "phone"], name="dnc_by_phone")]


class DncRemoval(TenantScoped):
    """A number that was on the do-not-call list and is not any more: the entry as it was, who took it off, and why.

    Never deleted. Calls of the time in between are judged by what was on the list then.
    """

    public_id = models.UUIDField(default=new_id, unique=True, editable=False)
    phone = models.CharField(max_length=16, help_text="E.164")
    campaign = models.ForeignKey("campaigns.Campaign", null=True, on_delete=models.PROTECT, related_name="+")
    kind = models.CharField(max_length=9, choices=DncEntry.Kind.choices)
    source = models.CharField(max_length=40)
    added_by = models.ForeignKey(settings.AUTH_USER_MODEL, null=True, on_delete=models.SET_NULL, related_name="+")
    added_at = models.DateTimeField()
    removed_by = models.ForeignKey(settings.AUTH_USER_MODEL, null=True, on_delete=models.SET_NULL, related_name="+")
    removed_at = models.DateTimeField()
    why = models.CharField(max_length=200)

    class Meta(TenantScoped.Meta):
        indexes = [models.Index(fields=["tenant", "phone"], name="dnc_removal_by_phone")]


class DncPattern(TenantScoped):
    """The first digits of numbers that are never dialed: a country, an area code, an exchange."""

    prefix = models.CharField(max_length=16, help_text="E.164, with its +.")
    campaign = models.ForeignKey("campaigns.Campaign", null=True, on_delete=models.PROTECT, related_name="+")
    note = models.CharField(max_length=200, blank=True)
    added_by = models.ForeignKey(settings.AUTH_USER_MODEL, null=True, on_delete=models.SET_NULL, related_name="+")
    added_at = models.DateTimeField()

    class Meta(TenantScoped.Meta):
        constraints = [
            models.UniqueConstraint(
                fields=["tenant", "prefix", "campaign"], nulls_distinct=False, name="dnc_pattern_once"
            ),
            models.CheckConstraint(condition=Q(prefix__regex=r"^\+[0-9]{1,15}$"), name="dnc_pattern_is_digits"),
        ]


class Consent(TenantScoped):
    """What somebody agreed to, or the business relationship that stands for it, with what proves it.

    Never deleted: one that was taken back stays, with when and how.
    """

    class Kind(models.TextChoices):
        """The values of laws.Level."""

        EXPRESS = "express", _("Express consent")
        WRITTEN = "written", _("Written consent")
        RELATIONSHIP = "relationship", _("Business relationship")

    public_id = models.UUIDField(default=new_id, unique=True, editable=False)
    phone = models.CharField(max_length=16, help_text="E.164")
    kind = models.CharField(max_length=12, choices=Kind.choices)
    source = models.CharField(max_length=120, help_text="Where it was given: a form, a call, a contract.")
    proof = models.CharField(max_length=500, blank=True, help_text="What proves it: an address, a file, a wording.")
    given_at = models.DateTimeField()
    expires_at = models.DateTimeField(null=True, blank=True)
    added_by = models.ForeignKey(settings.AUTH_USER_MODEL, null=True, on_delete=models.SET_NULL, related_name="+")
    added_at = models.DateTimeField()
    revoked_at = models.DateTimeField(null=True)
    revoked_how = models.CharField(max_length=200, blank=True)
    revoked_by = models.ForeignKey(settings.AUTH_USER_MODEL, null=True, on_delete=models.SET_NULL, related_name="+")

    class Meta(TenantScoped.Meta):
        indexes = [models.Index(fields=["tenant", "phone"], name="consent_by_phone")]

    @property
    def is_over(self) -> bool:
        """Whether its time has run out."""
        return self.expires_at is not None and self.expires_at <= now()


class NumberNote(TenantScoped):
    """What is known of a number itself: wireless, by hand only, and whether it has another owner by now."""

    phone = models.CharField(max_length=16, help_text="E.164")
    wireless = models.BooleanField(default=False)
    by_hand_only = models.BooleanField(default=False)
    reassigned = models.CharField(
        max_length=7, blank=True, choices=[("yes", _("Yes")), ("no", _("No")), ("no_data", _("No data"))]
    )
    reassigned_at = models.DateTimeField(null=True, help_text="When the database of reassigned numbers was asked.")
    reassigned_since = models.DateField(null=True, help_text="The date that it was asked about.")
    legal_hold = models.BooleanField(default=False, help_text="Nothing of it is removed.")

    class Meta(TenantScoped.Meta):
        constraints = [models.UniqueConstraint(fields=["tenant", "phone"], name="number_note_once")]


EVIDENCE_DAYS = 5 * 366
"""Records of calls and refusals are kept for five years: 16 CFR 310.5."""


class Retention(TenantScoped):
    """For how many days a tenant keeps one kind of data; 0, or no row, keeps it."""

    class Kind(models.TextChoices):
        """What can be removed. Records of calls and their grounds cannot."""

        RECORDINGS = "recordings", _("Recordings")
        NOTES = "notes", _("Agents' notes")
        LEADS = "leads", _("Names and numbers of leads that are done")
        REFUSALS = "refusals", _("Decisions that refused a call")

    kind = models.CharField(max_length=10, choices=Kind.choices)
    days = models.PositiveIntegerField(default=0)

    class Meta(TenantScoped.Meta):
        constraints = [
            models.UniqueConstraint(fields=["tenant", "kind"], name="retention_once_per_kind"),
            models.CheckConstraint(
                condition=~Q(kind="refusals") | Q(days=0) | Q(days__gte=EVIDENCE_DAYS), name="evidence_is_kept"
            ),
        ]


class StateStop(TenantScoped):
    """An emergency stop of one state or country: nothing is dialed there until it is lifted."""

    region = models.CharField(max_length=6, help_text="US-FL, CA-ON, GB.")
    why = models.CharField(max_length=200, blank=True)
    by = models.ForeignKey(settings.AUTH_USER_MODEL, null=True, on_delete=models.SET_NULL, related_name="+")
    at = models.DateTimeField()
    lifted_at = models.DateTimeField(null=True)
    lifted_by = models.ForeignKey(settings.AUTH_USER_MODEL, null=True, on_delete=models.SET_NULL, related_name="+")

    class Meta(TenantScoped.Meta):
        constraints = [
            models.UniqueConstraint(
                fields=["tenant", "region"], condition=Q(lifted_at=None), name="one_open_stop_per_region"
            )
        ]


class CampaignTerms(TenantScoped):
    """What a campaign says of itself to the gate. One without such a row calls to sell."""

    class Purpose(models.TextChoices):
        """The values of laws.Purpose."""

        SALES = "sales", _("Sales")
        DEBT = "debt", _("Debt collection")
        SERVICE = "service", _("Service: nothing is sold, no debt is collected")

    campaign = models.OneToOneField("campaigns.Campaign", on_delete=models.CASCADE, related_name="terms")
    purpose = models.CharField(max_length=7, choices=Purpose.choices, default=Purpose.SALES)
    consent = models.CharField(
        max_length=7,
        blank=True,
        choices=[("", _("As the law asks")), ("express", _("Express consent")), ("written", _("Written consent"))],
        help_text=_("What everybody called must have agreed to, beside what the law asks for."),
    )
    attempts = models.PositiveSmallIntegerField(
        _("calls to a number in 24 hours"), default=0, help_text=_("0: as many as the law allows.")
    )
    wireless_by_hand = models.BooleanField(_("mobile numbers are dialed by hand only"), default=False)
    reassigned_days = models.PositiveSmallIntegerField(
        _("days for which a check for reassignment is good"),
        default=0,
        help_text=_("0: numbers are not checked for having another owner since the consent."),
    )

    class Meta(TenantScoped.Meta):
        pass


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
    pack = models.CharField(max_length=120, help_text="The rule packs and their versions.")
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
