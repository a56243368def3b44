"""Queues in which callers wait for an agent, and the numbers (DIDs) that lead to them."""

from __future__ import annotations

from datetime import datetime
from zoneinfo import ZoneInfo

from django.contrib.postgres.fields import ArrayField
from django.core.validators import MaxValueValidator, MinValueValidator, RegexValidator
from django.db import models
from django.utils.translation import gettext_lazy as _

from dialer.campaigns.models import Campaign
from dialer.core.ids import new_id
from dialer.core.models import TenantScoped

from .rules import DAY_MIN, Hours


class Queue(TenantScoped):
    """Where callers wait: the agents of its campaigns serve it. The higher `priority` goes first."""

    public_id = models.UUIDField(default=new_id, unique=True, editable=False)
    name = models.CharField(_("name"), max_length=80)
    campaigns = models.ManyToManyField(
        Campaign,
        related_name="queues",
        verbose_name=_("served by the agents of"),
        help_text=_(
            "A call takes the script, the dispositions and the recording of the campaign that its agent is in."
        ),
    )
    priority = models.PositiveSmallIntegerField(
        _("priority"),
        default=5,
        validators=[MinValueValidator(1), MaxValueValidator(9)],
        help_text=_("1 to 9. Where agents serve several queues, callers of the higher number go first."),
    )
    max_wait_s = models.PositiveIntegerField(
        _("longest wait (s)"),
        default=300,
        validators=[MinValueValidator(5), MaxValueValidator(7200)],
        help_text=_("After that the caller hears that nobody is free, and the call ends: 5 to 7200."),
    )
    time_zone = models.CharField(_("time zone"), max_length=40)
    opens = models.PositiveSmallIntegerField(_("opens"), default=0)
    closes = models.PositiveSmallIntegerField(_("closes"), default=DAY_MIN)
    days = ArrayField(models.PositiveSmallIntegerField(), default=list, blank=True)
    music = models.CharField(
        _("hold music"),
        max_length=40,
        default="default",
        validators=[
            RegexValidator(r"^[A-Za-z0-9_-]+$", _("A class of music has letters, digits, _ and - only: type it so."))
        ],
        help_text=_("The name of a class of music that the switch has (musiconhold.conf)."),
    )

    class Meta(TenantScoped.Meta):
        ordering = ["name"]
        constraints = [models.UniqueConstraint(fields=["tenant", "name"], name="queue_name_once")]

    def __str__(self) -> str:
        return self.name

    @property
    def hours(self) -> Hours:
        """When it is open, as the rules see it."""
        return Hours(self.opens, self.closes, frozenset(self.days))

    def local(self, at: datetime) -> datetime:
        """A moment on its clock."""
        return at.astimezone(ZoneInfo(self.time_zone))


class Did(TenantScoped):
    """A number that people call, and the queue that it leads to. Of all tenants one has it."""

    phone = models.CharField(max_length=16, unique=True, help_text="E.164")
    queue = models.ForeignKey(Queue, on_delete=models.PROTECT, related_name="dids")

    class Meta(TenantScoped.Meta):
        ordering = ["phone"]

    def __str__(self) -> str:
        return self.phone
