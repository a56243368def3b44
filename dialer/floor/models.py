"""What the floor keeps: counters, messages to agents, TV links, saved views, thresholds and alerts, emergency stops."""

from __future__ import annotations

from django.conf import settings
from django.contrib.postgres.fields import ArrayField
from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from dialer.campaigns.models import Campaign
from dialer.core.ids import new_id
from dialer.core.models import TenantScoped
from dialer.people.models import Team

from .alert_words import retold

BUCKET_S = 300
"""Counters are kept per five minutes."""


class Tally(TenantScoped):
    """What one event adds to the counters; written by the database in the event's own transaction, and soon folded."""

    campaign = models.ForeignKey(
        Campaign, on_delete=models.CASCADE, related_name="+", db_index=False, db_constraint=False
    )
    at = models.DateTimeField()
    names = ArrayField(models.TextField())
    ns = ArrayField(models.BigIntegerField())

    class Meta(TenantScoped.Meta):
        pass


class Counter(TenantScoped):
    """How often (or for how many ms) something happened in a campaign in five minutes. `bucket` is their beginning."""

    campaign = models.ForeignKey(Campaign, on_delete=models.CASCADE, related_name="+")
    bucket = models.DateTimeField()
    name = models.CharField(max_length=60)
    n = models.BigIntegerField()

    class Meta(TenantScoped.Meta):
        constraints = [models.UniqueConstraint(fields=["campaign", "bucket", "name"], name="floor_counter_once")]
        indexes = [models.Index(fields=["tenant", "bucket"], name="floor_counter_by_time")]


class FloorMessage(TenantScoped):
    """What a supervisor told agents."""

    public_id = models.UUIDField(default=new_id, unique=True, editable=False)
    sender = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    to = models.CharField(max_length=120, help_text="Whom it was meant for, in words.")
    text = models.CharField(max_length=500)
    at = models.DateTimeField()

    class Meta(TenantScoped.Meta):
        pass


class MessageReceipt(TenantScoped):
    """One agent who got a message, and when they said that they had read it."""

    message = models.ForeignKey(FloorMessage, on_delete=models.CASCADE, related_name="receipts")
    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="+")
    seen_at = models.DateTimeField(null=True)

    class Meta(TenantScoped.Meta):
        constraints = [models.UniqueConstraint(fields=["message", "user"], name="floor_message_once_per_agent")]
        indexes = [models.Index(fields=["user"], condition=Q(seen_at=None), name="floor_message_unread")]


class TvLink(TenantScoped):
    """A read-only wallboard for a screen on the wall, opened by a signed address without signing in."""

    public_id = models.UUIDField(default=new_id, unique=True, editable=False)
    name = models.CharField(max_length=80)
    team = models.ForeignKey(Team, null=True, blank=True, on_delete=models.CASCADE, related_name="+")
    campaigns = models.ManyToManyField(Campaign, blank=True, related_name="+", help_text="None: all of them.")
    rotate_s = models.PositiveSmallIntegerField(
        _("seconds per campaign"), default=15, validators=[MinValueValidator(5), MaxValueValidator(300)]
    )
    made_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    made_at = models.DateTimeField()
    expires_at = models.DateTimeField()
    revoked_at = models.DateTimeField(null=True)

    class Meta(TenantScoped.Meta):
        pass


class SavedView(TenantScoped):
    """A look at a page of the floor, kept under a name by one person, and shown to their team if they say so."""

    class Page(models.TextChoices):
        """Which page it is of."""

        BOARD = "board", _("Wallboard")
        PEOPLE = "people", _("Agents and calls")

    public_id = models.UUIDField(default=new_id, unique=True, editable=False)
    owner = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="+")
    page = models.CharField(max_length=6, choices=Page.choices)
    name = models.CharField(max_length=40)
    query = models.CharField(max_length=300, blank=True, help_text="As looks.py writes it.")
    shared = models.BooleanField(_("share it with the team"), default=False)
    team = models.ForeignKey(
        Team,
        null=True,
        on_delete=models.CASCADE,
        related_name="+",
        help_text="Who sees it when it is shared: its owner's team at that time. None: all who see the floor.",
    )

    class Meta(TenantScoped.Meta):
        ordering = ["name", "pk"]
        constraints = [models.UniqueConstraint(fields=["owner", "page", "name"], name="floor_view_name_once")]


class Figure(models.TextChoices):
    """What a threshold can watch."""

    ABANDONMENT = "abandonment", _("Abandonment (%)")
    BUDGET_LEFT = "budget_left", _("Abandonments left in the budget")
    WAITING = "waiting", _("Customers waiting")
    LONGEST_WAIT = "longest_wait", _("Longest wait (s)")
    READY = "ready", _("Agents ready")
    PAUSED = "paused", _("Agents paused")
    LEADS_LEFT = "leads_left", _("Leads left")
    ANSWER_RATE = "answer_rate", _("Answer rate (%)")


class Threshold(TenantScoped):
    """When a figure is above (or below) a value for a while, somebody is told."""

    public_id = models.UUIDField(default=new_id, unique=True, editable=False)
    campaign = models.ForeignKey(Campaign, null=True, blank=True, on_delete=models.CASCADE, related_name="+")
    figure = models.CharField(max_length=16, choices=Figure.choices)
    above = models.BooleanField(_("when it is"), choices=[(True, _("above")), (False, _("below"))], default=True)
    value = models.FloatField()
    for_s = models.PositiveSmallIntegerField(_("for seconds"), default=10, validators=[MaxValueValidator(3600)])
    mail_to = models.EmailField(_("mail to"), blank=True)
    webhook = models.URLField(_("webhook"), blank=True)
    over_since = models.DateTimeField(null=True, editable=False)

    class Meta(TenantScoped.Meta):
        ordering = ["figure", "value"]


class Alert(TenantScoped):
    """A threshold that was crossed, from when to when, and what became of telling people."""

    public_id = models.UUIDField(default=new_id, unique=True, editable=False)
    threshold = models.ForeignKey(Threshold, on_delete=models.CASCADE, related_name="alerts")
    began_at = models.DateTimeField()
    ended_at = models.DateTimeField(null=True)
    value = models.FloatField(help_text="The figure when it began.")
    text = models.CharField(max_length=200)
    mailed = models.CharField(max_length=200, blank=True)
    hooked = models.CharField(max_length=200, blank=True)

    class Meta(TenantScoped.Meta):
        constraints = [
            models.UniqueConstraint(fields=["threshold"], condition=Q(ended_at=None), name="one_open_alert_each")
        ]

    def shown_text(self) -> str:
        """What it says, in the active language."""
        return retold(self.text)

    def shown_telling(self) -> str:
        """What became of telling people, in the active language."""
        return " ".join(retold(one) for one in (self.mailed, self.hooked) if one)


class EmergencyStop(TenantScoped):
    """Somebody stopped dialing at once; `command` is the switch's to carry out, and its result the confirmation."""

    public_id = models.UUIDField(default=new_id, unique=True, editable=False)
    by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    at = models.DateTimeField()
    what = models.CharField(max_length=120)
    command = models.OneToOneField("telephony.SwitchCommand", on_delete=models.PROTECT, related_name="+")

    class Meta(TenantScoped.Meta):
        indexes = [models.Index(fields=["tenant", "-at"], name="emergency_stop_by_time")]
