"""Leads: who may be called, and when next."""

from __future__ import annotations

from django.conf import settings
from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy as lazy

from dialer.campaigns.models import Campaign, LeadList
from dialer.core.ids import new_id
from dialer.core.models import TenantScoped


def no_zones() -> list[str]:
    """An empty list: nothing is known of where the number is."""
    return []


class LeadState(models.TextChoices):
    """Where a lead stands: only WAITING ones are chosen, at or after their next attempt's time."""

    WAITING = "waiting", lazy("Waiting")
    RESERVED = "reserved", lazy("Reserved")
    DONE = "done", lazy("Done")


class Lead(TenantScoped):
    """Somebody on a list. `time_zones` are all the zones where the number may be; the strictest decides.

    `next_attempt_at` says when, and `promised_to` who alone dials it then (a callback of one agent's own); nothing else
    does, so a callback has no time of its own that could differ.
    """

    # Keys whose rows another index finds have none of their own: with millions of leads each costs minutes of imports.
    # One constraint, `lead_in_its_list`, holds tenant, campaign and list together (migration 0009); each was checked by
    # itself before, which took a third of an insert and did not say that they belong to each other.
    tenant = models.ForeignKey(
        "people.Tenant", on_delete=models.PROTECT, related_name="+", db_index=False, db_constraint=False
    )
    public_id = models.UUIDField(default=new_id, unique=True, editable=False)
    campaign = models.ForeignKey(Campaign, on_delete=models.PROTECT, related_name="leads", db_constraint=False)
    list = models.ForeignKey(
        LeadList, on_delete=models.PROTECT, related_name="leads", db_index=False, db_constraint=False
    )
    first_name = models.CharField(max_length=120, blank=True)
    last_name = models.CharField(max_length=120, blank=True)
    company = models.CharField(max_length=120, blank=True)
    address = models.CharField(max_length=200, blank=True, db_default="")
    city = models.CharField(max_length=80, blank=True, db_default="")
    region = models.CharField(
        max_length=6, blank=True, db_default="", help_text="State or province (ISO 3166-2), as far as it was told."
    )
    postal_code = models.CharField(max_length=12, blank=True, db_default="")
    notes = models.TextField(blank=True)
    phone = models.CharField(max_length=16, help_text="E.164")
    time_zones = ArrayField(models.CharField(max_length=64), default=no_zones, blank=True)
    state = models.CharField(max_length=8, choices=LeadState.choices, default=LeadState.WAITING)
    # No index holds `state`: so reserving a lead changes its row in place and no index, which is most of what it costs.
    is_open = models.GeneratedField(
        expression=~Q(state="done"),  # type: ignore[arg-type]  # a Q is an expression; the stubs do not know
        output_field=models.BooleanField(),
        db_persist=True,
        help_text="It is not done.",
    )
    priority = models.SmallIntegerField(default=0)
    attempts = models.PositiveSmallIntegerField(default=0)
    next_attempt_at = models.DateTimeField()
    turn = models.PositiveSmallIntegerField(
        default=0, db_default=0, help_text="Which number is dialed next: 0 its own, then the others in order."
    )
    promised_to = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        null=True,
        blank=True,
        on_delete=models.SET_NULL,
        related_name="promised_leads",
        db_index=False,
    )
    custom = models.JSONField(
        default=dict, db_default={}, blank=True, help_text="The campaign's custom fields, by name."
    )
    last_outcome = models.CharField(max_length=16, blank=True)
    refused_rule = models.CharField(max_length=40, blank=True, help_text="The gate's last refusal, if it refused.")
    created_at = models.DateTimeField(auto_now_add=True)

    dialed = ""
    """Another of its numbers, for which it was reserved just now."""
    lane_turn = 0.0
    """Whose turn it was among the lists of its priority when it was reserved just now."""

    class Meta(TenantScoped.Meta):
        indexes = [
            models.Index(
                fields=["list", "-priority", "next_attempt_at", "id"],
                condition=Q(is_open=True, promised_to=None),
                name="lead_next",
            ),
            models.Index(
                fields=["promised_to", "next_attempt_at"], condition=Q(promised_to__isnull=False), name="lead_promised"
            ),
            models.Index(fields=["tenant", "phone"], name="lead_by_phone"),
            models.Index(fields=["list", "id"], include=["is_open"], name="lead_in_list"),
        ]

    @property
    def shown_name(self) -> str:
        """How the lead is called on screens."""
        return " ".join(part for part in (self.first_name, self.last_name) if part) or _("No name")


class NumberKind(models.TextChoices):
    """Whose, or where, another number of a lead is."""

    MOBILE = "mobile", lazy("Mobile")
    HOME = "home", lazy("Home")
    WORK = "work", lazy("Work")
    OTHER = "other", lazy("Other")


class LeadNumber(TenantScoped):
    """Another number of a lead: dialed when its own led to nobody, or by an agent instead of it."""

    lead = models.ForeignKey(Lead, on_delete=models.CASCADE, related_name="numbers")
    phone = models.CharField(max_length=16, help_text="E.164")
    kind = models.CharField(max_length=6, choices=NumberKind.choices, default=NumberKind.OTHER)

    class Meta(TenantScoped.Meta):
        ordering = ["pk"]
        constraints = [models.UniqueConstraint(fields=["lead", "phone"], name="lead_number_once")]
        indexes = [models.Index(fields=["tenant", "phone"], name="other_number_by_phone")]


class CallbackState(models.TextChoices):
    """What became of a promise to call back."""

    OPEN = "open", lazy("Open")
    KEPT = "kept", lazy("Kept")
    FAILED = "failed", lazy("Not reached")
    CANCELLED = "cancelled", lazy("Cancelled")
    REPLACED = "replaced", lazy("Put off")


class Callback(TenantScoped):
    """A promise to call somebody back. While it is open, its time is its lead's `next_attempt_at`.

    `promised_for` is what was first said, kept as evidence; `user` whose it is (None: anyone's).
    """

    public_id = models.UUIDField(default=new_id, unique=True, editable=False)
    lead = models.ForeignKey(Lead, on_delete=models.PROTECT, related_name="callbacks")
    user = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.SET_NULL, related_name="callbacks"
    )
    made_by = models.ForeignKey(settings.AUTH_USER_MODEL, null=True, on_delete=models.SET_NULL, related_name="+")
    made_on = models.UUIDField(null=True, help_text="The call on which it was promised.")
    promised_for = models.DateTimeField()
    zone = models.CharField(max_length=64, help_text="The customer's zone, in which the time was said.")
    note = models.CharField(max_length=500, blank=True)
    state = models.CharField(max_length=9, choices=CallbackState.choices, default=CallbackState.OPEN)
    made_at = models.DateTimeField()
    closed_at = models.DateTimeField(null=True)

    class Meta(TenantScoped.Meta):
        constraints = [
            models.UniqueConstraint(fields=["lead"], condition=Q(state="open"), name="one_open_callback_per_lead"),
            models.CheckConstraint(
                condition=Q(state="open", closed_at=None) | (~Q(state="open") & Q(closed_at__isnull=False)),
                name="callback_closed_exactly_once",
            ),
        ]
        indexes = [models.Index(fields=["user"], condition=Q(state="open"), name="callback_open_of_user")]


class BulkChange(TenantScoped):
    """Something that was done to many leads at once, which can be undone for those that nothing happened to since."""

    public_id = models.UUIDField(default=new_id, unique=True, editable=False)
    campaign = models.ForeignKey(Campaign, on_delete=models.CASCADE, related_name="bulk_changes")
    made_by = models.ForeignKey(settings.AUTH_USER_MODEL, null=True, on_delete=models.SET_NULL, related_name="+")
    action = models.CharField(max_length=8)
    target = models.ForeignKey(LeadList, null=True, on_delete=models.SET_NULL, related_name="+")
    count = models.PositiveIntegerField(default=0)
    made_at = models.DateTimeField()
    undone_at = models.DateTimeField(null=True)

    class Meta(TenantScoped.Meta):
        ordering = ["-made_at"]


class BulkChangedLead(TenantScoped):
    """A lead as it was before a change of many, and how it was right after."""

    change = models.ForeignKey(BulkChange, on_delete=models.CASCADE, related_name="leads")
    lead = models.ForeignKey(Lead, on_delete=models.CASCADE, related_name="bulk_changes")
    list = models.ForeignKey(LeadList, on_delete=models.CASCADE, related_name="+")
    state = models.CharField(max_length=8)
    priority = models.SmallIntegerField()
    attempts = models.PositiveSmallIntegerField()
    next_attempt_at = models.DateTimeField()

    class Meta(TenantScoped.Meta):
        constraints = [models.UniqueConstraint(fields=["change", "lead"], name="bulk_changed_lead_once")]


from .importing.models import Import, ImportMapping, ImportProblem  # noqa: E402, F401
