"""Calls from the decision to dial to the CDR, every event of theirs, their recordings; and pacing's decisions."""

from __future__ import annotations

from datetime import datetime, timedelta

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as lazy

from dialer.agents.models import AgentSession
from dialer.campaigns.models import Campaign, DialMethod, Disposition
from dialer.compliance.abandonment import NOTHING, Counts, counted
from dialer.compliance.models import GateVerdict
from dialer.core.ids import new_id
from dialer.core.models import TenantScoped
from dialer.inbound.models import Queue
from dialer.leads.models import Lead

from .outcomes import Outcome
from .rules import Call, CallState
from .words import OUTCOME_WORDS, STATE_WORDS

STATES = [(state.value, lazy(STATE_WORDS.get(state.value, state.name.capitalize()))) for state in CallState]
OUTCOMES = [
    (outcome.value, lazy(OUTCOME_WORDS.get(outcome.value, outcome.name.replace("_", " ").capitalize())))
    for outcome in Outcome
]


class CallTask(TenantScoped):
    """One call. Its id is the channel's id on the switch, so a second request for it can never be a second call.

    Of an `inbound` call `phone` is the caller's number (empty when it is withheld), `caller_id` the one that they
    dialed, `campaign` that of the agent who takes it, and there is no verdict: nobody was dialed.
    """

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    campaign = models.ForeignKey(Campaign, on_delete=models.PROTECT, related_name="calls")
    lead = models.ForeignKey(Lead, null=True, on_delete=models.PROTECT, related_name="calls")
    verdict_row = models.OneToOneField(GateVerdict, null=True, on_delete=models.PROTECT, related_name="call")
    inbound = models.BooleanField(default=False, db_default=False, help_text="Somebody called us.")
    queue = models.ForeignKey(Queue, null=True, on_delete=models.SET_NULL, related_name="calls")
    queue_since = models.DateTimeField(
        null=True, help_text="Since when they wait in the queue; empty when they do not."
    )
    phone = models.CharField(max_length=16, blank=True, help_text="E.164")
    caller_id = models.CharField(max_length=16)
    trunk = models.CharField(max_length=40)
    ring_timeout_s = models.PositiveSmallIntegerField()
    connect_limit_ms = models.PositiveIntegerField()
    record = models.BooleanField()
    dial_method = models.CharField(max_length=12, choices=DialMethod.choices)
    day = models.DateField(help_text="The day on the tenant's clock on which the abandonment ledger books it.")

    state = models.CharField(max_length=9, choices=STATES, default=CallState.QUEUED)
    screened = models.BooleanField(default=False)
    unsure_to_agent = models.BooleanField(default=True)
    own_agent = models.BooleanField(default=False)
    session = models.ForeignKey(AgentSession, null=True, on_delete=models.PROTECT, related_name="calls")
    answered = models.BooleanField(default=False)
    verdict = models.CharField("AMD verdict", max_length=8, blank=True)
    ending = models.CharField(max_length=16, blank=True)
    outcome = models.CharField(max_length=16, choices=OUTCOMES, blank=True)
    cause = models.PositiveSmallIntegerField(null=True, help_text="Q.850 hang-up cause")
    hung_up_by = models.CharField(max_length=12, blank=True)
    last_seq = models.PositiveSmallIntegerField(default=0, help_text="The number of the last event stored.")

    queued_at = models.DateTimeField()
    deadline = models.DateTimeField(help_text="Not placed by then: cancelled.")
    placed_at = models.DateTimeField(null=True)
    ringing_at = models.DateTimeField(null=True)
    answered_at = models.DateTimeField(null=True)
    ready_at = models.DateTimeField(null=True)
    connected_at = models.DateTimeField(null=True)
    ended_at = models.DateTimeField(null=True)

    user = models.ForeignKey(settings.AUTH_USER_MODEL, null=True, on_delete=models.PROTECT, related_name="calls")
    disposition = models.ForeignKey(Disposition, null=True, on_delete=models.PROTECT, related_name="+")
    disposed_at = models.DateTimeField(null=True)
    note = models.TextField(blank=True)
    found_machine = models.BooleanField(default=False, help_text="Its agent found a machine: no live answer.")

    class Meta(TenantScoped.Meta):
        constraints = [
            models.UniqueConstraint(
                fields=["lead"], condition=~Q(state="ended") & Q(lead__isnull=False), name="one_live_call_per_lead"
            ),
            models.UniqueConstraint(
                fields=["tenant", "phone"],
                condition=~Q(state="ended") & Q(inbound=False),
                name="one_live_call_per_number",
            ),
            models.UniqueConstraint(
                fields=["session"],
                condition=~Q(state="ended") & Q(session__isnull=False),
                name="one_live_call_per_agent",
            ),
            models.CheckConstraint(
                condition=(Q(state="ended") & ~Q(outcome="") & Q(ended_at__isnull=False))
                | (~Q(state="ended") & Q(outcome="") & Q(ended_at=None)),
                name="outcome_exactly_when_ended",
            ),
            # A trigger holds a verdict to be an Allow of this very number (migrations 0003, 0004 and the last).
            models.CheckConstraint(
                condition=Q(inbound=False, verdict_row__isnull=False)
                | Q(inbound=True, verdict_row=None, placed_at=None, own_agent=False),
                name="dialed_on_a_verdict",
            ),
            models.CheckConstraint(
                condition=Q(inbound=False) | ~Q(state__in=("queued", "dialing", "ringing")),
                name="inbound_is_not_dialed",
            ),
        ]
        indexes = [
            models.Index(fields=["campaign", "state"], condition=~Q(state="ended"), name="call_live"),
            models.Index(fields=["tenant", "-queued_at"], name="call_by_time"),
            models.Index(fields=["user", "-queued_at"], name="call_by_agent"),
            models.Index(
                fields=["campaign", "day"], condition=Q(answered=True) | Q(outcome="abandoned"), name="call_for_ledger"
            ),
            models.Index(fields=["queue_since"], condition=Q(queue_since__isnull=False), name="call_in_queue"),
            models.Index(fields=["queue", "-queued_at"], condition=Q(inbound=True), name="call_by_queue"),
        ]

    @property
    def talk_time(self) -> timedelta | None:
        """How long the customer and an agent talked; None when they never did or still do."""
        if self.connected_at is None or self.ended_at is None:
            return None
        return self.ended_at - self.connected_at

    def as_call(self) -> Call:
        """The row as the lifecycle sees it."""
        return Call(
            state=CallState(self.state),
            screened=self.screened,
            unsure_to_agent=self.unsure_to_agent,
            own_agent=self.own_agent,
            session=self.session_id,
            answered=self.answered,
            verdict=self.verdict,
            ending=Outcome(self.ending) if self.ending else None,
            outcome=Outcome(self.outcome) if self.outcome else None,
            cause=self.cause,
            hung_up_by=self.hung_up_by,
            inbound=self.inbound,
        )

    def booked(self) -> Counts:
        """What this call adds to the abandonment ledger as it stands."""
        if self.inbound:
            return NOTHING
        return counted(
            verdict=self.verdict,
            unsure_to_agent=self.unsure_to_agent,
            own_agent=self.own_agent,
            abandoned=Outcome.ABANDONED in (self.ending, self.outcome),
            found_machine=self.found_machine,
        )

    def times(self) -> list[datetime]:
        """When it was queued and came to each state that it has been in; in no order."""
        times = (
            self.queued_at,
            self.placed_at,
            self.ringing_at,
            self.answered_at,
            self.ready_at,
            self.connected_at,
            self.ended_at,
        )
        return [time for time in times if time is not None]

    def take_over(self, call: Call) -> None:
        """Write what the lifecycle decided into the row's columns (without saving)."""
        self.state = call.state
        self.session_id = call.session
        self.answered = call.answered
        self.verdict = call.verdict
        self.ending = call.ending or ""
        self.outcome = call.outcome or ""
        self.cause = call.cause
        self.hung_up_by = call.hung_up_by


class CallEvent(TenantScoped):
    """One event of a call, in order: any call can be replayed from its rows."""

    call = models.ForeignKey(CallTask, on_delete=models.CASCADE, related_name="events")
    seq = models.PositiveSmallIntegerField()
    kind = models.CharField(max_length=16)
    state = models.CharField(max_length=9, choices=STATES, help_text="The call's state after the event.")
    data = models.JSONField(default=dict)
    at = models.DateTimeField(help_text="When it happened, by the clock of whoever told.")
    stored_at = models.DateTimeField(auto_now_add=True)

    class Meta(TenantScoped.Meta):
        ordering = ["seq"]
        constraints = [models.UniqueConstraint(fields=["call", "seq"], name="call_event_order")]


class RecordingState(models.TextChoices):
    """Whether a recording's file is whole."""

    RUNNING = "running", lazy("Running")
    COMPLETE = "complete", lazy("Complete")
    MISSING = "missing", lazy("Missing")


class Recording(TenantScoped):
    """The recording of a call, both directions. `path` is below the recordings folder."""

    call = models.OneToOneField(CallTask, on_delete=models.PROTECT, related_name="recording")
    path = models.CharField(max_length=200, unique=True)
    state = models.CharField(max_length=8, choices=RecordingState.choices, default=RecordingState.RUNNING)
    started_at = models.DateTimeField()
    duration_ms = models.PositiveIntegerField(null=True)
    bytes = models.PositiveBigIntegerField(null=True)
    sha256 = models.CharField(max_length=64, blank=True)

    class Meta(TenantScoped.Meta):
        pass


class PacingState(TenantScoped):
    """What pacing keeps of a campaign from tick to tick: what it learned, and the last decision in words.

    Losing it costs some minutes of warming up. `revision` tells a process whether what it holds in its own memory is
    still the last; `memory` is the text of it (calls/memory.py).
    """

    campaign = models.OneToOneField(Campaign, on_delete=models.CASCADE, related_name="pacing_state")
    revision = models.PositiveBigIntegerField(default=0)
    memory = models.TextField(blank=True)
    decided_at = models.DateTimeField()
    method = models.CharField(max_length=12, choices=DialMethod.choices)
    level = models.FloatField(default=0.0)
    reason = models.CharField(max_length=400, blank=True)
    shape = models.CharField(max_length=400, blank=True, help_text="The last hold's reason without its figures.")
    forecast = models.JSONField(default=dict)
    # What the campaign last asked of its trunk, for the others on it.
    wanted = models.JSONField(default=list, help_text="The worth of each call that it would have launched.")
    launched_at = models.DateTimeField(null=True)

    class Meta(TenantScoped.Meta):
        pass


class PacingDecision(TenantScoped):
    """One decision of pacing that launched, cancelled, or held for a new reason; later, what came of it."""

    campaign = models.ForeignKey(Campaign, on_delete=models.CASCADE, related_name="pacing_decisions")
    at = models.DateTimeField()
    method = models.CharField(max_length=12, choices=DialMethod.choices)
    digest = models.CharField(max_length=32, help_text="BLAKE2b of what pacing was told, its memory apart.")
    agents = models.PositiveSmallIntegerField(help_text="Signed in, not paused.")
    ready = models.PositiveSmallIntegerField()
    ringing = models.PositiveIntegerField(help_text="Calls not answered yet.")
    launch = models.PositiveSmallIntegerField()
    cancel = models.PositiveSmallIntegerField()
    queued = models.PositiveSmallIntegerField(help_text="Calls made of it.")
    refused = models.PositiveSmallIntegerField(help_text="Leads that the gate refused.")
    level = models.FloatField()
    reason = models.CharField(max_length=400)
    limits = models.JSONField(default=list)
    forecast = models.JSONField(default=dict)
    risked = models.FloatField(default=0.0, help_text="Abandonments that its launches foretold.")
    # What happened within the forecast's horizon; empty until it is over.
    answers = models.PositiveIntegerField(null=True)
    freed = models.PositiveIntegerField(null=True)
    abandoned = models.PositiveIntegerField(null=True)

    class Meta(TenantScoped.Meta):
        indexes = [
            models.Index(fields=["campaign", "-at"], name="pacing_decision_by_time"),
            models.Index(fields=["at"], condition=Q(answers=None), name="pacing_decision_to_judge"),
        ]
