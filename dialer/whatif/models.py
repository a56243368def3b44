"""Simulations that people asked for, with what came of them."""

from __future__ import annotations

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as lazy

from dialer.campaigns.models import Campaign
from dialer.core.ids import new_id
from dialer.core.models import TenantScoped

from .rules import Settings


class SimulationState(models.TextChoices):
    """Where a simulation is."""

    WAITING = "waiting", lazy("Waiting")
    RUNNING = "running", lazy("Running")
    DONE = "done", lazy("Done")
    FAILED = "failed", lazy("Failed")
    CANCELLED = "cancelled", lazy("Cancelled")


OPEN = (SimulationState.WAITING, SimulationState.RUNNING)


class Simulation(TenantScoped):
    """One question and its answer. A worker that plays it says so again and again (`beat_at`)."""

    public_id = models.UUIDField(default=new_id, unique=True, editable=False)
    campaign = models.ForeignKey(Campaign, on_delete=models.CASCADE, related_name="simulations")
    asked_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="simulations")
    tried = models.JSONField(help_text="The settings to try: whatif.rules.Settings.")
    stress = models.FloatField(null=True, help_text="What the answer rate is multiplied by half-way, if anything.")
    state = models.CharField(max_length=9, choices=SimulationState.choices, default=SimulationState.WAITING)
    progress = models.FloatField(default=0.0, help_text="0 to 1")
    result = models.JSONField(null=True)
    problem = models.CharField(max_length=200, blank=True)
    starts = models.PositiveSmallIntegerField(default=0, help_text="How often a worker began it.")
    asked_at = models.DateTimeField()
    beat_at = models.DateTimeField(null=True)
    ended_at = models.DateTimeField(null=True)

    class Meta(TenantScoped.Meta):
        ordering = ["-asked_at"]
        constraints = [
            models.UniqueConstraint(
                fields=["asked_by"], condition=Q(state__in=("waiting", "running")), name="one_open_simulation_per_user"
            )
        ]
        indexes = [
            models.Index(fields=["asked_at"], condition=Q(state__in=("waiting", "running")), name="simulation_open"),
            models.Index(fields=["campaign", "-asked_at"], name="simulation_of_campaign"),
        ]

    @property
    def is_open(self) -> bool:
        """Whether it is still waited for."""
        return self.state in OPEN

    @property
    def settings(self) -> Settings:
        """The settings to try."""
        return Settings.from_json(self.tried)
