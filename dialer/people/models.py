"""Tenants, teams and the people in them."""

from __future__ import annotations

from django.conf import settings
from django.contrib.auth.models import AbstractUser
from django.contrib.postgres.fields import ArrayField
from django.core.validators import MaxValueValidator, RegexValidator
from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

from dialer.core.ids import new_id
from dialer.core.models import TenantScoped

zone_validator = RegexValidator(r"^[A-Za-z_]+(/[A-Za-z0-9_+\-]+)*$", "This is not a time zone, e.g. America/New_York.")


class Role(models.TextChoices):
    """What somebody may do. A manager reads reports; an admin may do all that a supervisor may."""

    AGENT = "agent", _("Agent")
    SUPERVISOR = "supervisor", _("Supervisor")
    ADMIN = "admin", _("Admin")
    MANAGER = "manager", _("Manager")


def managers() -> list[str]:
    """The roles that see no number whole unless the tenant says otherwise."""
    return [Role.MANAGER.value]


class Tenant(models.Model):
    """A customer of the installation: everything else belongs to exactly one."""

    public_id = models.UUIDField(default=new_id, unique=True, editable=False)
    name = models.CharField(max_length=120)
    slug = models.SlugField(unique=True)
    region = models.CharField(max_length=2, default="US", help_text="Country that numbers without + belong to.")
    time_zone = models.CharField(max_length=64, default="America/New_York", validators=[zone_validator])
    window_opens = models.PositiveSmallIntegerField(
        default=8 * 60, help_text="First minute of the customer's day at which calls are allowed."
    )
    window_closes = models.PositiveSmallIntegerField(
        default=21 * 60,
        validators=[MaxValueValidator(1440)],
        help_text="Minute of the customer's day from which calls are not allowed.",
    )
    numbers_hidden_from = ArrayField(
        models.CharField(max_length=10, choices=Role.choices),
        default=managers,
        blank=True,
        help_text="Roles that see only the last digits of people's numbers. Admins see them all.",
    )

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=Q(window_opens__lt=F("window_closes"), window_closes__lte=1440), name="tenant_window_is_one"
            )
        ]

    def __str__(self) -> str:
        return self.name


class Team(TenantScoped):
    """A group of agents under a supervisor."""

    name = models.CharField(max_length=80)

    class Meta(TenantScoped.Meta):
        constraints = [models.UniqueConstraint(fields=["tenant", "name"], name="team_name_once_per_tenant")]

    def __str__(self) -> str:
        return self.name


class Theme(models.TextChoices):
    """Light or dark."""

    SYSTEM = "", _("As the system says")
    LIGHT = "light", _("Light")
    DARK = "dark", _("Dark")


class Contrast(models.TextChoices):
    """How far colours stand apart."""

    SYSTEM = "", _("As the system says")
    MORE = "more", _("High contrast")


class User(AbstractUser):
    """Somebody who signs in. Users without a tenant run the installation and see no tenant's data."""

    public_id = models.UUIDField(default=new_id, unique=True, editable=False)
    tenant = models.ForeignKey(Tenant, null=True, blank=True, on_delete=models.PROTECT, related_name="users")
    team = models.ForeignKey(Team, null=True, blank=True, on_delete=models.SET_NULL, related_name="members")
    role = models.CharField(max_length=12, choices=Role.choices, default=Role.AGENT)
    endpoint = models.CharField(
        max_length=40,
        blank=True,
        validators=[RegexValidator(r"^[a-z0-9][a-z0-9_-]*$", "Use lower-case letters, digits, - and _ only.")],
        help_text="The SIP account of this person's phone.",
    )
    endpoint_secret = models.CharField(max_length=64, blank=True)
    language = models.CharField(
        max_length=8, blank=True, choices=settings.LANGUAGES, help_text="Empty: never chosen, the installation's own."
    )
    theme = models.CharField(max_length=8, blank=True, choices=Theme.choices)
    contrast = models.CharField(max_length=8, blank=True, choices=Contrast.choices)
    shortcuts_off = models.BooleanField(default=False)
    shortcuts = models.JSONField(
        default=dict, blank=True, help_text="The keys that this person gave to actions: {default key: own key}."
    )

    class Meta(AbstractUser.Meta):  # type: ignore[name-defined,misc]
        constraints = [
            models.UniqueConstraint(fields=["endpoint"], condition=~Q(endpoint=""), name="endpoint_belongs_to_one_user")
        ]

    @property
    def shown_name(self) -> str:
        """How this person is called on screens."""
        return self.get_full_name() or self.username

    @property
    def sees_numbers(self) -> bool:
        """Whether people's telephone numbers are shown whole to this person, by their role."""
        if self.tenant is None:
            return False
        return self.role == Role.ADMIN or self.role not in self.tenant.numbers_hidden_from
