"""What agents do with connected calls: the conversation of each, its third parties, and what campaigns offer for it."""

from __future__ import annotations

from datetime import datetime, timedelta

from django.core.validators import RegexValidator
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from dialer.agents.models import AgentSession
from dialer.calls.models import CallTask
from dialer.campaigns.models import Campaign
from dialer.compliance.models import GateVerdict
from dialer.core.ids import new_id
from dialer.core.models import TenantScoped

from . import terms
from .terms import Mode, PartyState

MODES = [(mode.value, mode.name.capitalize()) for mode in Mode]
PARTY_STATES = [
    (PartyState.CALLING.value, _("Calling")),
    (PartyState.RINGING.value, _("Ringing")),
    (PartyState.TALKING.value, _("Talking")),
    (PartyState.GONE.value, _("Gone")),
]


class Party(TenantScoped):
    """A third party of a call: a number that was dialed (its channel is `party-<id>`), or a colleague's leg."""

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    call = models.ForeignKey(CallTask, on_delete=models.PROTECT, related_name="parties")
    session = models.ForeignKey(AgentSession, null=True, on_delete=models.PROTECT, related_name="+")
    label = models.CharField(max_length=120)
    phone = models.CharField(max_length=16, blank=True, help_text="E.164; empty for a colleague.")
    verdict_row = models.OneToOneField(GateVerdict, null=True, on_delete=models.PROTECT, related_name="party")
    caller_id = models.CharField(max_length=16, blank=True)
    trunk = models.CharField(max_length=40, blank=True)
    ring_timeout_s = models.PositiveSmallIntegerField(default=30)
    state = models.CharField(max_length=8, choices=PARTY_STATES, default=PartyState.CALLING)
    cause = models.PositiveSmallIntegerField(null=True, help_text="Q.850 hang-up cause")
    took_over = models.BooleanField(default=False, help_text="The call became theirs.")
    asked_at = models.DateTimeField()
    answered_at = models.DateTimeField(null=True)
    ended_at = models.DateTimeField(null=True)

    class Meta(TenantScoped.Meta):
        constraints = [
            models.UniqueConstraint(fields=["call"], condition=~Q(state="gone"), name="one_live_party_per_call"),
            models.UniqueConstraint(
                fields=["session"],
                condition=~Q(state="gone") & Q(session__isnull=False),
                name="one_live_part_per_agent",
            ),
            models.CheckConstraint(
                condition=Q(session__isnull=False, phone="")
                | (Q(session=None, verdict_row__isnull=False) & ~Q(phone="")),
                name="party_is_colleague_or_allowed_number",
            ),
        ]


class Conversation(TenantScoped):
    """The conversation of a connected call; made by the first thing that is done with it."""

    call = models.OneToOneField(CallTask, primary_key=True, on_delete=models.PROTECT, related_name="conversation")
    mode = models.CharField(max_length=10, choices=MODES, default=Mode.TALK)
    party = models.ForeignKey(Party, null=True, on_delete=models.PROTECT, related_name="+")
    may_pause = models.BooleanField(default=False)
    paused = models.BooleanField("recording paused", default=False)
    paused_since = models.DateTimeField(null=True)
    paused_ms = models.PositiveIntegerField(default=0)
    held_since = models.DateTimeField(null=True)
    held_ms = models.PositiveIntegerField(default=0, help_text="Time that the customer heard music, so far.")
    parked_by = models.ForeignKey(AgentSession, null=True, on_delete=models.PROTECT, related_name="+")
    message = models.CharField(max_length=200, blank=True, help_text="The recorded message that is left; its path.")
    version = models.PositiveIntegerField(default=0)
    """Counts changes: what was asked for on sight of an older one is not done."""
    last_command = models.UUIDField(null=True)
    notice = models.CharField(max_length=300, blank=True, help_text="What went wrong last, for the agent to read.")

    class Meta(TenantScoped.Meta):
        indexes = [models.Index(fields=["call"], condition=~Q(mode="over"), name="conversation_open")]

    def as_conversation(self) -> terms.Conversation:
        """The row as the lifecycle sees it; its call and party must be loaded or loadable."""
        party = self.party
        return terms.Conversation(
            mode=Mode(self.mode),
            party=PartyState(party.state) if party is not None else None,
            colleague=party is not None and party.session_id is not None,
            recorded=self.call.record,
            may_pause=self.may_pause,
            paused=self.paused,
        )

    @property
    def held(self) -> bool:
        """Whether the customer hears music."""
        return self.held_since is not None

    def held_time(self, at: datetime | None = None) -> timedelta:
        """How long the customer heard music in all, up to `at` if they still do."""
        so_far = timedelta(milliseconds=self.held_ms)
        return so_far + (at - self.held_since if at is not None and self.held_since is not None else timedelta())

    @property
    def paused_time(self) -> timedelta:
        """How long the recording was paused in all."""
        return timedelta(milliseconds=self.paused_ms)


class Target(models.TextChoices):
    """Where a transfer preset leads."""

    NUMBER = "number", _("A number")
    AGENT = "agent", _("An agent")
    CAMPAIGN = "campaign", _("Whoever is ready in a campaign")


class TransferPreset(TenantScoped):
    """A place where a campaign's agents often transfer calls to."""

    public_id = models.UUIDField(default=new_id, unique=True, editable=False)
    campaign = models.ForeignKey(Campaign, on_delete=models.CASCADE, related_name="transfer_presets")
    name = models.CharField(max_length=60)
    target = models.CharField(max_length=8, choices=Target.choices, default=Target.NUMBER)
    phone = models.CharField(max_length=16, blank=True, validators=[RegexValidator(r"^\+[0-9]{6,15}$")])
    time_zone = models.CharField(
        max_length=40, blank=True, help_text="Where the number is, if it does not say so itself (toll-free numbers)."
    )
    agent = models.ForeignKey("people.User", null=True, blank=True, on_delete=models.CASCADE, related_name="+")
    to_campaign = models.ForeignKey(Campaign, null=True, blank=True, on_delete=models.CASCADE, related_name="+")
    position = models.PositiveSmallIntegerField(default=0)

    class Meta(TenantScoped.Meta):
        ordering = ["position", "name"]
        constraints = [
            models.UniqueConstraint(fields=["campaign", "name"], name="transfer_preset_name_once"),
            models.CheckConstraint(
                condition=(Q(target="number", agent=None, to_campaign=None) & ~Q(phone=""))
                | Q(target="agent", phone="", agent__isnull=False, to_campaign=None)
                | Q(target="campaign", phone="", agent=None, to_campaign__isnull=False),
                name="transfer_preset_leads_somewhere",
            ),
        ]

    def __str__(self) -> str:
        return self.name


class HandlingSettings(TenantScoped):
    """What a campaign allows its agents to do with calls; one without a row has the defaults."""

    campaign = models.OneToOneField(Campaign, primary_key=True, on_delete=models.CASCADE, related_name="handling")
    may_pause_recording = models.BooleanField("agents may pause recordings", default=False)
    may_dial_out = models.BooleanField("agents may transfer to typed numbers", default=True)

    class Meta(TenantScoped.Meta):
        pass


class MessageRecording(TenantScoped):
    """A recorded message that agents leave on answering machines. `path` is below the recordings folder."""

    public_id = models.UUIDField(default=new_id, unique=True, editable=False)
    campaign = models.ForeignKey(Campaign, on_delete=models.CASCADE, related_name="messages")
    name = models.CharField(max_length=60)
    path = models.CharField(max_length=200)
    duration_ms = models.PositiveIntegerField()

    class Meta(TenantScoped.Meta):
        ordering = ["name"]
        constraints = [models.UniqueConstraint(fields=["campaign", "name"], name="message_name_once")]

    def __str__(self) -> str:
        return self.name

    @property
    def seconds(self) -> float:
        """How long it is."""
        return self.duration_ms / 1000


class MonitorMode(models.TextChoices):
    """How a supervisor is in an agent's conversations."""

    LISTEN = "listen", _("Listening")  # hears both, nobody hears them
    WHISPER = "whisper", _("Whispering")  # hears both, the agent hears them
    BARGE = "barge", _("Speaking with both")


class Monitor(TenantScoped):
    """One stretch of a supervisor being in an agent's conversations in one mode. Its id names the switch's channel."""

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    watcher = models.ForeignKey(AgentSession, on_delete=models.PROTECT, related_name="watching")
    watched = models.ForeignKey(AgentSession, on_delete=models.PROTECT, related_name="watched")
    mode = models.CharField(max_length=7, choices=MonitorMode.choices)
    call = models.ForeignKey(CallTask, null=True, on_delete=models.PROTECT, related_name="+")
    """The call in hand when it began."""
    asked_at = models.DateTimeField()
    started_at = models.DateTimeField(null=True)
    ended_at = models.DateTimeField(null=True)
    notice = models.CharField(max_length=200, blank=True, help_text="Why it did not begin, or ended by itself.")

    class Meta(TenantScoped.Meta):
        indexes = [models.Index(fields=["watcher"], condition=Q(ended_at=None), name="monitor_open")]
        constraints = [models.CheckConstraint(condition=~Q(watcher=models.F("watched")), name="nobody_watches_self")]
