"""Agent sessions and every change of their state."""

from __future__ import annotations

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from dialer.campaigns.models import Campaign
from dialer.core.ids import new_id
from dialer.core.models import TenantScoped

from .rules import Agent, AgentState

STATES = [(state.value, state.name.replace("_", " ").capitalize()) for state in AgentState]


class LegState(models.TextChoices):
    """Where the agent's nailed-up phone leg is."""

    CALLING = "calling", _("Calling the phone")
    UP = "up", _("On the line")
    AWAY = "away", _("Coming on the line")
    DOWN = "down", _("Not on the line")


class PhoneKind(models.TextChoices):
    """What an agent hears and speaks with in one session."""

    BROWSER = "browser", _("This browser")
    SIP = "sip", _("SIP phone")
    NUMBER = "number", _("Telephone number")


class AgentSession(TenantScoped):
    """One agent's stay in one campaign, from joining to leaving. Its columns change only through agents.rules."""

    public_id = models.UUIDField(default=new_id, unique=True, editable=False)
    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="sessions")
    campaign = models.ForeignKey(Campaign, on_delete=models.PROTECT, related_name="sessions")
    phone = models.CharField(max_length=8, choices=PhoneKind.choices, default=PhoneKind.SIP, db_default="sip")
    endpoint = models.CharField(max_length=40, help_text="The SIP account of the phone, or its telephone number.")
    phone_secret = models.CharField(
        max_length=64, blank=True, db_default="", help_text="Of a browser phone; gone with the session."
    )
    move_to = models.ForeignKey(
        Campaign,
        null=True,
        on_delete=models.SET_NULL,
        related_name="+",
        db_index=False,
        help_text="Where a supervisor wants them as soon as the call in hand is wrapped up.",
    )
    state = models.CharField(max_length=8, choices=STATES, default=AgentState.PAUSED)
    pause_code = models.CharField(max_length=16, blank=True)
    pause_after = models.CharField(max_length=16, blank=True)
    wrapup_extended = models.BooleanField(
        default=False, db_default=False, help_text="The wrap-up in hand has its one extension."
    )
    state_since = models.DateTimeField()
    leg = models.CharField(max_length=8, choices=LegState.choices, default=LegState.CALLING)
    leg_since = models.DateTimeField(null=True, help_text="Since when the leg is away.")
    call = models.ForeignKey("calls.CallTask", null=True, on_delete=models.PROTECT, related_name="+")
    guest = models.BooleanField(default=False, help_text="On a colleague's call, asked in; not its owner.")
    beside = models.BooleanField(
        default=False,
        db_default=False,
        help_text="A third party talks with them, whether the customer is there or not.",
    )
    preview_lead = models.ForeignKey("leads.Lead", null=True, on_delete=models.PROTECT, related_name="+")
    notice = models.CharField(max_length=300, blank=True, help_text="What went wrong last, for the agent to read.")
    preview_since = models.DateTimeField(null=True)
    screen_seen_at = models.DateTimeField(null=True)
    started_at = models.DateTimeField()
    ended_at = models.DateTimeField(null=True)

    class Meta(TenantScoped.Meta):
        constraints = [
            models.UniqueConstraint(fields=["user"], condition=Q(ended_at=None), name="one_session_per_agent"),
            # Partial, though nulls never collide: a column of a whole unique index is a key to PostgreSQL, and changing
            # a key waits for everybody who is about to commit a row that refers to the session.
            # An agent who wraps up a call that was transferred no longer has it; one who was asked in has it not yet.
            models.UniqueConstraint(
                fields=["call"],
                condition=Q(call__isnull=False, guest=False) & ~Q(state="wrapup"),
                name="one_agent_per_call",
            ),
            models.CheckConstraint(
                condition=Q(state="offline", ended_at__isnull=False) | (~Q(state="offline") & Q(ended_at=None)),
                name="session_ends_offline",
            ),
            models.CheckConstraint(
                condition=Q(state__in=("reserved", "in_call", "wrapup"), call__isnull=False)
                | (Q(state__in=("offline", "paused", "ready")) & Q(call=None)),
                name="busy_agent_has_a_call",
            ),
            models.CheckConstraint(
                condition=Q(ended_at=None) | Q(phone_secret=""), name="phone_secret_dies_with_session"
            ),
        ]
        indexes = [
            models.Index(
                fields=["campaign", "state_since", "id"], condition=Q(state="ready"), name="agent_longest_idle"
            ),
            # What the switchboard asks every second, without the sessions of all the days before.
            models.Index(fields=["state", "state_since"], condition=~Q(state="offline"), name="agent_open"),
        ]

    def as_agent(self) -> Agent:
        """The session as the lifecycle sees it."""
        return Agent(
            state=AgentState(self.state),
            pause_code=self.pause_code,
            pause_after=self.pause_after,
            leg_up=self.leg == LegState.UP,
            leg_away=self.leg == LegState.AWAY,
            call=self.call_id,
            wrapup_extended=self.wrapup_extended,
            beside=self.beside,
        )


class AgentStateChange(TenantScoped):
    """One change of an agent's state, so that time in state is a query. `until` is empty for the current one."""

    session = models.ForeignKey(AgentSession, on_delete=models.CASCADE, related_name="changes")
    # Where the agent was by then. No index, no check by the database: many of these rows are written every second.
    campaign = models.ForeignKey(
        Campaign, null=True, on_delete=models.PROTECT, related_name="+", db_index=False, db_constraint=False
    )
    state = models.CharField(max_length=8, choices=STATES)
    pause_code = models.CharField(max_length=16, blank=True)
    call = models.ForeignKey("calls.CallTask", null=True, on_delete=models.PROTECT, related_name="+")
    event = models.CharField(max_length=16)
    at = models.DateTimeField()
    until = models.DateTimeField(null=True)

    class Meta(TenantScoped.Meta):
        constraints = [
            models.UniqueConstraint(fields=["session"], condition=Q(until=None), name="one_current_state_per_session")
        ]
        indexes = [models.Index(fields=["tenant", "at"], name="state_change_by_time")]
