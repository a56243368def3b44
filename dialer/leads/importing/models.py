"""Imports of leads: what was uploaded, what it means, how far it is, and which rows were not taken."""

from __future__ import annotations

from datetime import datetime, timedelta

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from dialer.campaigns.models import Campaign, LeadList
from dialer.core.ids import new_id
from dialer.core.models import TenantScoped


def no_cells() -> list[str]:
    """Nothing was read yet."""
    return []


class ImportState(models.TextChoices):
    """Where an import is: a draft until somebody confirms it."""

    DRAFT = "draft", _("Draft")
    WAITING = "waiting", _("Waiting")
    RUNNING = "running", _("Running")
    DONE = "done", _("Done")
    FAILED = "failed", _("Failed")
    CANCELLED = "cancelled", _("Cancelled")


OPEN = (ImportState.WAITING, ImportState.RUNNING)
DRAFT_KEPT_FOR = timedelta(hours=4)
"""How long an uploaded file waits for somebody to confirm it: it is full of people."""


class Scope(models.TextChoices):
    """Among which leads a number counts as a duplicate."""

    NONE = "none", _("Nowhere: take every row")
    LIST = "list", _("In this list")
    CAMPAIGN = "campaign", _("In this campaign")
    TENANT = "tenant", _("In any campaign")


class OnDuplicate(models.TextChoices):
    """What becomes of a row whose number is there already."""

    SKIP = "skip", _("Leave the row out")
    UPDATE = "update", _("Fill the row's fields into the lead that is there")
    MOVE = "move", _("Move the lead that is there into this list")


class Import(TenantScoped):
    """One file on its way into a list.

    `next_row` and the counts are written in the transaction of the rows they tell of, so an import that broke off goes
    on exactly there. `starts` counts who took it up: only the last one may write.
    """

    public_id = models.UUIDField(default=new_id, unique=True, editable=False)
    campaign = models.ForeignKey(Campaign, on_delete=models.CASCADE, related_name="imports")
    list = models.ForeignKey(LeadList, null=True, on_delete=models.SET_NULL, related_name="imports")
    list_name = models.CharField(max_length=80, blank=True)
    priority = models.SmallIntegerField(default=0)
    made_by = models.ForeignKey(settings.AUTH_USER_MODEL, null=True, on_delete=models.SET_NULL, related_name="+")
    file_name = models.CharField(max_length=200)
    size = models.BigIntegerField()
    kind = models.CharField(max_length=4)
    encoding = models.CharField(max_length=16, blank=True)
    delimiter = models.CharField(max_length=1, blank=True)
    header = models.JSONField(default=no_cells)
    sample = models.JSONField(default=no_cells)
    mapping = models.JSONField(default=dict, help_text="What the columns mean, by their place.")
    region = models.CharField(max_length=2, help_text="Where numbers without a country code are.")
    scope = models.CharField(max_length=8, choices=Scope.choices, default=Scope.CAMPAIGN)
    on_duplicate = models.CharField(max_length=6, choices=OnDuplicate.choices, default=OnDuplicate.SKIP)
    days = models.PositiveSmallIntegerField(default=0, help_text="Only leads added within so many days. 0: ever.")
    state = models.CharField(max_length=9, choices=ImportState.choices, default=ImportState.DRAFT)
    next_row = models.PositiveIntegerField(default=2)
    share = models.FloatField(default=0.0, help_text="How much of the file was read, 0 to 1.")
    added = models.PositiveIntegerField(default=0)
    updated = models.PositiveIntegerField(default=0)
    moved = models.PositiveIntegerField(default=0)
    skipped = models.PositiveIntegerField(default=0, help_text="Duplicates that were left out.")
    on_dnc = models.PositiveIntegerField(default=0)
    refused = models.PositiveIntegerField(default=0, help_text="Rows with something to mend.")
    problem = models.CharField(max_length=300, blank=True)
    starts = models.PositiveSmallIntegerField(default=0)
    asked_at = models.DateTimeField()
    began_at = models.DateTimeField(null=True, help_text="When the present run began, at row `began_row`.")
    began_row = models.PositiveIntegerField(default=2)
    beat_at = models.DateTimeField(null=True)
    ended_at = models.DateTimeField(null=True)

    class Meta(TenantScoped.Meta):
        ordering = ["-asked_at"]
        indexes = [models.Index(fields=["asked_at"], condition=Q(state__in=("waiting", "running")), name="import_open")]

    @property
    def is_open(self) -> bool:
        """Whether it is still waited for."""
        return self.state in OPEN

    @property
    def kept_until(self) -> datetime:
        """When a draft is thrown away, with its file."""
        return self.asked_at + DRAFT_KEPT_FOR

    @property
    def rows(self) -> int:
        """Rows that were dealt with, one way or the other."""
        return self.added + self.updated + self.moved + self.skipped + self.on_dnc + self.refused


class ImportProblem(TenantScoped):
    """A row that was not taken, with what to do about it; its cells make the file that can be mended."""

    of = models.ForeignKey(Import, on_delete=models.CASCADE, related_name="problems", db_index=False)
    row = models.PositiveIntegerField()
    message = models.CharField(max_length=500)
    cells = models.JSONField(default=list)

    class Meta(TenantScoped.Meta):
        constraints = [models.UniqueConstraint(fields=["of", "row"], name="import_problem_once_per_row")]


class ImportMapping(TenantScoped):
    """What the columns of one source mean, as it was last confirmed, by the columns' names."""

    signature = models.CharField(max_length=64, help_text="SHA-256 of the column names.")
    targets = models.JSONField(default=list)
    used_at = models.DateTimeField(auto_now=True)

    class Meta(TenantScoped.Meta):
        constraints = [models.UniqueConstraint(fields=["tenant", "signature"], name="import_mapping_once_per_source")]
