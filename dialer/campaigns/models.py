"""Campaigns and what they are made of: lists, dispositions, pause codes."""

from __future__ import annotations

from decimal import Decimal

from django.conf import settings
from django.contrib.postgres.fields import ArrayField
from django.core.validators import MaxValueValidator, MinValueValidator, RegexValidator
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from dialer.core.ids import new_id
from dialer.core.models import TenantScoped
from dialer.people.models import Team

MIN_RING_S = 15
"""Shortest ring before a call may be given up: 15 s or four rings, 16 CFR 310.4(b)(4)(ii)."""


class DispositionSet(TenantScoped):
    """The dispositions that a campaign's agents choose from."""

    name = models.CharField(max_length=80)

    class Meta(TenantScoped.Meta):
        constraints = [models.UniqueConstraint(fields=["tenant", "name"], name="disposition_set_name_once")]

    def __str__(self) -> str:
        return self.name


class Disposition(TenantScoped):
    """How an agent says that a call ended. `key` is the number key that chooses it."""

    disposition_set = models.ForeignKey(DispositionSet, on_delete=models.CASCADE, related_name="dispositions")
    code = models.CharField(max_length=16)
    label = models.CharField(max_length=60)
    key = models.PositiveSmallIntegerField(validators=[MinValueValidator(1), MaxValueValidator(9)])
    is_contact = models.BooleanField(default=True, help_text="The right person was spoken to.")
    is_conversion = models.BooleanField(default=False)
    is_dnc = models.BooleanField(default=False, help_text="The number goes on the do-not-call list at once.")
    is_final = models.BooleanField(default=True, help_text="The lead is not called again.")
    is_recycled = models.BooleanField(default=False, help_text="The lead is called again, as the campaign's rules say.")
    is_default = models.BooleanField(default=False, help_text="Used when wrap-up runs out.")
    needs_note = models.BooleanField(default=False, help_text="It cannot be chosen without a note.")
    needs_callback = models.BooleanField(default=False, help_text="It asks when to call back, in the customer's time.")
    is_machine = models.BooleanField(
        default=False, help_text="No person answered: the call does not count as a live answer."
    )

    class Meta(TenantScoped.Meta):
        ordering = ["key"]
        constraints = [
            models.CheckConstraint(
                condition=Q(is_recycled=False) | Q(is_final=False, is_dnc=False), name="disposition_ends_or_recycles"
            ),
            models.UniqueConstraint(fields=["disposition_set", "code"], name="disposition_code_once"),
            models.UniqueConstraint(fields=["disposition_set", "key"], name="disposition_key_once"),
            models.UniqueConstraint(
                fields=["disposition_set"], condition=Q(is_default=True), name="disposition_default_once"
            ),
        ]

    @property
    def asks(self) -> bool:
        """Whether the agent must give more than the choice itself."""
        return self.needs_note or self.needs_callback

    def __str__(self) -> str:
        return self.label


class PauseCode(TenantScoped):
    """Why an agent is not taking calls."""

    code = models.CharField(max_length=16, validators=[RegexValidator(r"^[A-Z0-9]+$", "Use capitals and digits.")])
    label = models.CharField(max_length=60)
    is_paid = models.BooleanField(default=True)
    position = models.PositiveSmallIntegerField(default=0)

    class Meta(TenantScoped.Meta):
        ordering = ["position", "label"]
        constraints = [models.UniqueConstraint(fields=["tenant", "code"], name="pause_code_once_per_tenant")]

    def __str__(self) -> str:
        return self.label


class CallerPool(TenantScoped):
    """Numbers of which each call shows one: near to the one called if wanted, in turn, within daily caps."""

    public_id = models.UUIDField(default=new_id, unique=True, editable=False)
    name = models.CharField(max_length=80)
    local_presence = models.BooleanField(default=True, help_text="A number of the called one's own area goes first.")

    class Meta(TenantScoped.Meta):
        ordering = ["name"]
        constraints = [models.UniqueConstraint(fields=["tenant", "name"], name="caller_pool_name_once")]

    def __str__(self) -> str:
        return self.name


class CallerNumber(TenantScoped):
    """A number of a pool, and how often it was shown on the tenant's day `used_on`.

    The counter is raised in the transaction that creates the call, with the row locked.
    """

    pool = models.ForeignKey(CallerPool, on_delete=models.CASCADE, related_name="numbers")
    phone = models.CharField(max_length=16, help_text="E.164")
    prefixes = ArrayField(models.CharField(max_length=16), default=list, blank=True)
    daily_cap = models.PositiveIntegerField(default=0, validators=[MaxValueValidator(100_000)])
    is_active = models.BooleanField(default=True)
    used_on = models.DateField(null=True, editable=False)
    used = models.PositiveIntegerField(default=0, editable=False)
    turn = models.PositiveBigIntegerField(default=0, editable=False)

    class Meta(TenantScoped.Meta):
        ordering = ["phone"]
        constraints = [
            models.UniqueConstraint(fields=["tenant", "phone"], name="caller_number_once"),
            models.CheckConstraint(
                condition=Q(daily_cap=0) | Q(used__lte=models.F("daily_cap")), name="caller_number_within_its_cap"
            ),
        ]

    def __str__(self) -> str:
        return self.phone


class DialMethod(models.TextChoices):
    """Who decides when to dial, and how many lines per agent."""

    MANUAL = "manual", _("Manual")
    PREVIEW = "preview", _("Preview")
    PROGRESSIVE = "progressive", _("Progressive")
    RATIO = "ratio", _("Ratio")
    PREDICTIVE = "predictive", _("Predictive")
    BLENDED = "blended", _("Blended")


AHEAD = (DialMethod.PREDICTIVE, DialMethod.BLENDED)
"""Methods that dial ahead of agents, within the abandonment budget."""
PACED = (DialMethod.PROGRESSIVE, DialMethod.RATIO, *AHEAD)
"""Methods with which pacing decides when to dial, and not an agent."""
MAX_CAP = Decimal("3.00")
"""The highest abandonment cap that any rule known here allows, in percent of live answers."""


WEEKDAYS = (_("Mon"), _("Tue"), _("Wed"), _("Thu"), _("Fri"), _("Sat"), _("Sun"))


class CampaignStatus(models.TextChoices):
    """Whether a campaign dials."""

    STOPPED = "stopped", _("Stopped")
    ACTIVE = "active", _("Active")


class PreviewEnd(models.TextChoices):
    """What happens to a lead that an agent was shown for as long as the campaign allows."""

    SKIP = "skip", _("Skip it")
    DIAL = "dial", _("Dial it")


class Campaign(TenantScoped):
    """A set of lists dialed in one way by one group of agents."""

    public_id = models.UUIDField(default=new_id, unique=True, editable=False)
    name = models.CharField(max_length=80)
    status = models.CharField(max_length=8, choices=CampaignStatus.choices, default=CampaignStatus.STOPPED)
    halted_at = models.DateTimeField(
        null=True, editable=False, help_text="An emergency stop: until it is started again, agents dial nothing either."
    )
    dial_method = models.CharField(max_length=12, choices=DialMethod.choices, default=DialMethod.PROGRESSIVE)
    dial_level = models.DecimalField(
        max_digits=4,
        decimal_places=2,
        default=Decimal("1.00"),
        validators=[MinValueValidator(Decimal("1.00")), MaxValueValidator(Decimal("10.00"))],
        help_text="Lines per agent that is free; used by the ratio method.",
    )
    caller_id = models.CharField(max_length=16, blank=True, help_text="The number that the people called see (E.164).")
    caller_pool = models.ForeignKey(
        CallerPool, null=True, blank=True, on_delete=models.PROTECT, related_name="campaigns"
    )
    ring_timeout_s = models.PositiveSmallIntegerField(
        default=22, validators=[MinValueValidator(MIN_RING_S), MaxValueValidator(120)]
    )
    amd = models.BooleanField("answering machine detection", default=False)
    amd_unsure_to_agent = models.BooleanField(default=True, help_text="Unsure verdicts go to an agent.")
    connect_limit_ms = models.PositiveIntegerField(
        default=2000,
        validators=[MinValueValidator(200), MaxValueValidator(2000)],
        help_text="How long an answered person may wait for an agent before the safe-harbour message.",
    )
    record_calls = models.BooleanField(default=True)
    wrapup_s = models.PositiveSmallIntegerField(
        default=60, validators=[MaxValueValidator(3600)], help_text="0: wrap-up waits for the agent."
    )
    wrapup_extension_s = models.PositiveSmallIntegerField(
        default=30,
        validators=[MaxValueValidator(600)],
        help_text="What an agent may add to the wrap-up, once per call. 0: nothing.",
    )
    preview_s = models.PositiveSmallIntegerField(
        default=0,
        validators=[MaxValueValidator(3600)],
        help_text="How long a lead is shown before it is dialed or skipped by itself. 0: as long as the agent wants.",
    )
    preview_then = models.CharField(max_length=4, choices=PreviewEnd.choices, default=PreviewEnd.SKIP)
    goal_calls = models.PositiveSmallIntegerField(default=0, help_text="Conversations per agent and day. 0: no goal.")
    goal_talk_min = models.PositiveSmallIntegerField(
        default=0, validators=[MaxValueValidator(1440)], help_text="Minutes of talk per agent and day. 0: no goal."
    )
    goal_conversions = models.PositiveSmallIntegerField(
        default=0, help_text="Conversions per agent and day. 0: no goal."
    )
    max_attempts = models.PositiveSmallIntegerField(
        default=5,
        validators=[MinValueValidator(1), MaxValueValidator(50)],
        help_text="Attempts after which a lead is done, whatever came of the last one.",
    )
    max_lines = models.PositiveSmallIntegerField(default=100, validators=[MinValueValidator(1)])
    abandonment_cap = models.DecimalField(
        _("abandonment cap (percent)"),
        max_digits=4,
        decimal_places=2,
        default=MAX_CAP,
        validators=[MinValueValidator(Decimal("0.10")), MaxValueValidator(MAX_CAP)],
        help_text="Share of live answers that may find no agent in time, over the rule's window.",
    )
    seats = models.PositiveSmallIntegerField(
        default=0, validators=[MaxValueValidator(5000)], help_text="Agents planned for. 0: those signed in."
    )
    may_cancel = models.BooleanField(
        default=True, help_text="Calls that rang past the legal minimum may be given up when nobody will be free."
    )
    window_opens = models.PositiveSmallIntegerField(
        null=True,
        blank=True,
        validators=[MaxValueValidator(1439)],
        help_text="Minute of the lead's day. Empty: midnight.",
    )
    window_closes = models.PositiveSmallIntegerField(
        null=True, blank=True, validators=[MinValueValidator(1), MaxValueValidator(1440)]
    )
    window_days = ArrayField(
        models.PositiveSmallIntegerField(validators=[MaxValueValidator(6)]),
        default=list,
        blank=True,
        help_text="Weekdays of the lead on which it dials, Monday 0. None: all.",
    )
    lead_filter = models.JSONField(default=dict, blank=True, help_text="Which leads are dialed; leads/filters.py.")
    archived_at = models.DateTimeField(null=True, editable=False, help_text="Out of the way: kept, and never started.")
    priority = models.SmallIntegerField(default=0)
    trunk = models.CharField(
        max_length=40, blank=True, validators=[RegexValidator(r"^[A-Za-z0-9_-]*$")], help_text="Empty: the default."
    )
    disposition_set = models.ForeignKey(DispositionSet, on_delete=models.PROTECT, related_name="campaigns")
    teams = models.ManyToManyField(Team, blank=True, related_name="campaigns", help_text="None: every team.")

    class Meta(TenantScoped.Meta):
        ordering = ["name"]
        constraints = [
            models.UniqueConstraint(fields=["tenant", "name"], name="campaign_name_once_per_tenant"),
            models.CheckConstraint(condition=Q(ring_timeout_s__gte=MIN_RING_S), name="campaign_rings_long_enough"),
            models.CheckConstraint(condition=Q(connect_limit_ms__lte=2000), name="campaign_connects_in_time"),
            models.CheckConstraint(
                condition=~Q(status="active") | ~Q(caller_id=""), name="active_campaign_shows_a_number"
            ),
            models.CheckConstraint(condition=Q(abandonment_cap__lte=MAX_CAP), name="campaign_cap_is_lawful"),
            models.CheckConstraint(
                condition=Q(window_opens=None) | Q(window_closes=None) | Q(window_opens__lt=models.F("window_closes")),
                name="campaign_window_is_one",
            ),
            models.CheckConstraint(
                condition=Q(archived_at=None) | Q(status="stopped"), name="archived_campaign_is_stopped"
            ),
        ]

    def __str__(self) -> str:
        return self.name

    @property
    def window_words(self) -> str:
        """When it dials, on the clock of whoever is called."""
        opens, closes = self.window_opens or 0, self.window_closes or 1440
        days = ", ".join(str(WEEKDAYS[day]) for day in sorted(self.window_days)) or gettext("every day")
        hours = f"{opens // 60:02d}:{opens % 60:02d}–{closes // 60:02d}:{closes % 60:02d}"
        return f"{days}, {hours}"

    @property
    def paced(self) -> bool:
        """Whether pacing decides when to dial (and not an agent)."""
        return self.dial_method in PACED

    @property
    def ahead(self) -> bool:
        """Whether pacing dials ahead of agents, within the abandonment budget."""
        return self.dial_method in AHEAD


class LeadList(TenantScoped):
    """A list of leads of one campaign."""

    public_id = models.UUIDField(default=new_id, unique=True, editable=False)
    campaign = models.ForeignKey(Campaign, on_delete=models.PROTECT, related_name="lists")
    name = models.CharField(max_length=80)
    is_active = models.BooleanField(default=True)
    priority = models.SmallIntegerField(default=0)
    mix = models.PositiveSmallIntegerField(
        default=0,
        validators=[MaxValueValidator(1000)],
        help_text="Its share among lists of one priority. 0: by when leads are due.",
    )
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta(TenantScoped.Meta):
        ordering = ["-priority", "name"]
        constraints = [
            models.UniqueConstraint(fields=["tenant", "campaign", "name"], name="list_name_once"),
            # What leads refer to: a list together with whose it is.
            models.UniqueConstraint(fields=["id", "campaign", "tenant"], name="list_of_its_campaign"),
        ]

    def __str__(self) -> str:
        return self.name


class FieldKind(models.TextChoices):
    """What may be written into a custom field."""

    TEXT = "text", _("Text")
    NUMBER = "number", _("Number")
    DATE = "date", _("Date")
    CHOICE = "choice", _("Choice")
    YESNO = "yesno", _("Yes or no")


class CustomField(TenantScoped):
    """Something that a campaign wants to know of its leads. Its value lies in `Lead.custom` under `name`."""

    campaign = models.ForeignKey(Campaign, on_delete=models.CASCADE, related_name="custom_fields")
    name = models.CharField(
        max_length=40,
        validators=[RegexValidator(r"^[a-z][a-z0-9_]*$", "Use lower-case letters, digits and _, e.g. berth_length.")],
    )
    label = models.CharField(max_length=60)
    kind = models.CharField(max_length=6, choices=FieldKind.choices, default=FieldKind.TEXT)
    choices = ArrayField(models.CharField(max_length=80), default=list, blank=True)
    required = models.BooleanField(default=False, help_text="It cannot be emptied again.")
    position = models.PositiveSmallIntegerField(default=0)

    class Meta(TenantScoped.Meta):
        ordering = ["position", "id"]
        constraints = [models.UniqueConstraint(fields=["campaign", "name"], name="custom_field_name_once")]

    def __str__(self) -> str:
        return self.label


class ScriptPage(TenantScoped):
    """A page of a campaign's script; the first by position is where a call begins. `campaigns.rules` renders it."""

    campaign = models.ForeignKey(Campaign, on_delete=models.CASCADE, related_name="script_pages")
    title = models.CharField(max_length=80)
    body = models.TextField(max_length=8000)
    position = models.PositiveSmallIntegerField(default=0)

    class Meta(TenantScoped.Meta):
        ordering = ["position", "id"]
        constraints = [models.UniqueConstraint(fields=["campaign", "title"], name="script_page_title_once")]

    def __str__(self) -> str:
        return self.title


class ScriptAnswer(TenantScoped):
    """What the customer may say on a page, and the page that it leads to."""

    page = models.ForeignKey(ScriptPage, on_delete=models.CASCADE, related_name="answers")
    label = models.CharField(max_length=80)
    leads_to = models.ForeignKey(ScriptPage, on_delete=models.CASCADE, related_name="+")
    position = models.PositiveSmallIntegerField(default=0)

    class Meta(TenantScoped.Meta):
        ordering = ["position", "id"]

    def __str__(self) -> str:
        return self.label


class RecycleRule(TenantScoped):
    """What a campaign does with leads whose attempt ended in one way: an outcome's word, or an agent's disposition.

    Only rules that differ from `leads.rules` are kept; the words of outcomes are those of `calls.outcomes.Outcome`.
    """

    campaign = models.ForeignKey(Campaign, on_delete=models.CASCADE, related_name="recycle_rules")
    outcome = models.CharField(max_length=16, blank=True)
    disposition = models.ForeignKey(Disposition, null=True, blank=True, on_delete=models.CASCADE, related_name="+")
    again = models.BooleanField(default=True)
    delay_min = models.PositiveIntegerField(
        default=60, validators=[MinValueValidator(1), MaxValueValidator(60 * 24 * 90)]
    )
    times = models.PositiveSmallIntegerField(default=0, help_text="How often at most. 0: as the campaign's attempts.")
    best_hour = models.BooleanField(default=False, help_text="At the hour at which most people answer.")

    class Meta(TenantScoped.Meta):
        constraints = [
            models.CheckConstraint(
                condition=Q(outcome="", disposition__isnull=False) | (~Q(outcome="") & Q(disposition=None)),
                name="recycle_rule_of_one_thing",
            ),
            models.UniqueConstraint(
                fields=["campaign", "outcome"], condition=~Q(outcome=""), name="recycle_rule_once_per_outcome"
            ),
            models.UniqueConstraint(fields=["campaign", "disposition"], name="recycle_rule_once_per_disposition"),
        ]


class AnswerHour(TenantScoped):
    """How many of a campaign's calls of the last weeks were answered by people, by the hour of the lead's day."""

    campaign = models.ForeignKey(Campaign, on_delete=models.CASCADE, related_name="answer_hours")
    hour = models.PositiveSmallIntegerField()
    placed = models.PositiveIntegerField()
    answered = models.PositiveIntegerField()

    class Meta(TenantScoped.Meta):
        constraints = [models.UniqueConstraint(fields=["campaign", "hour"], name="answer_hour_once")]


class CampaignChange(TenantScoped):
    """One change of a campaign's settings: who, when, and each setting before and after. Undoing makes a new one.

    `changed`: by the setting's name {"before", "after"} as stored, and "was", "is" in words.
    """

    campaign = models.ForeignKey(Campaign, on_delete=models.CASCADE, related_name="changes")
    number = models.PositiveIntegerField()
    at = models.DateTimeField()
    by = models.ForeignKey(settings.AUTH_USER_MODEL, null=True, on_delete=models.SET_NULL, related_name="+")
    by_name = models.CharField(max_length=150)
    changed = models.JSONField(default=dict)
    undoes = models.ForeignKey("self", null=True, on_delete=models.SET_NULL, related_name="undone_by")

    class Meta(TenantScoped.Meta):
        ordering = ["-number"]
        constraints = [models.UniqueConstraint(fields=["campaign", "number"], name="campaign_change_number_once")]


class CampaignDraft(TenantScoped):
    """A campaign that somebody is making step by step: what was typed, to be gone on with at any time."""

    public_id = models.UUIDField(default=new_id, unique=True, editable=False)
    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="+")
    data = models.JSONField(default=dict)
    step = models.PositiveSmallIntegerField(default=0, help_text="The furthest step that was reached.")
    saved_at = models.DateTimeField()

    class Meta(TenantScoped.Meta):
        ordering = ["-saved_at"]


class PacingFact(TenantScoped):
    """One thing that pacing has yet to learn from: written where it happens, taken away by the campaign's next tick.

    The columns are those of `pacing.Seen`. Only campaigns that dial ahead have any.
    """

    campaign = models.ForeignKey(Campaign, on_delete=models.CASCADE, related_name="+")
    kind = models.CharField(max_length=10)
    seconds = models.FloatField(default=0.0)
    lag = models.FloatField(default=0.0)
    stayed = models.BooleanField(default=True)
    talked = models.FloatField(null=True)
    at = models.DateTimeField()

    class Meta(TenantScoped.Meta):
        pass


from .rework import Rework  # noqa: E402, F401
