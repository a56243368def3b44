"""What the agent desk shows, read in at most four queries: it is read again after every change of its agent."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from django.conf import settings
from django.db.models import BigIntegerField, F, Func, Q, QuerySet, TextField
from django.db.models.functions import Cast, Now
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from dialer.agents.models import AgentSession, LegState, PhoneKind
from dialer.agents.rules import SYSTEM_CODES, AgentState
from dialer.calls.models import CallTask
from dialer.calls.outcomes import Outcome
from dialer.calls.rules import CallState
from dialer.campaigns.models import Campaign, CampaignStatus, DialMethod, Disposition, PauseCode
from dialer.core import health
from dialer.core.clock import now
from dialer.core.language import translated
from dialer.core.models import TenantQuerySet
from dialer.core.prepared import Read
from dialer.core.templatetags.cordboard import zone_of
from dialer.handling import layout, terms
from dialer.handling.models import Conversation
from dialer.leads.models import Lead
from dialer.people.access import LEADERS
from dialer.people.models import Tenant, User

from .vocabulary import dispositions, pause_codes

OWN_METHODS = frozenset({DialMethod.MANUAL, DialMethod.PREVIEW})
"""Dial methods by which the agent decides when to dial."""


@dataclass(frozen=True, slots=True)
class Clock:
    """What a customer's clock may show now: one zone to follow, or a span when the zone is not sure."""

    zone: str
    earliest: datetime
    latest: datetime

    @property
    def sure(self) -> bool:
        """Whether all the zones where the number may be show the same time."""
        return self.earliest == self.latest


@dataclass(frozen=True, slots=True)
class Desk:
    """Everything on one agent's desk at one moment."""

    user: User
    read_at: datetime
    state: AgentState
    revision: int = 0
    """Never smaller when read later, so that a page can drop a fragment that was overtaken."""
    session: AgentSession | None = None
    ended: AgentSession | None = None
    call: CallTask | None = None
    lead: Lead | None = None
    preview: bool = False
    clock: Clock | None = None
    pause_label: str = ""
    pause_after_label: str = ""
    wrapup_until: datetime | None = None
    switch_down: bool = False
    """Whether nobody can ask the switch for anything now."""
    campaigns: list[Campaign] = field(default_factory=list)
    dispositions: list[Disposition] = field(default_factory=list)
    pause_codes: list[PauseCode] = field(default_factory=list)

    @property
    def tenant(self) -> Tenant:
        """The tenant that the user belongs to."""
        assert self.user.tenant is not None
        return self.user.tenant

    @property
    def dials_self(self) -> bool:
        """Whether this campaign's agents decide when to dial."""
        return self.session is not None and self.session.campaign.dial_method in OWN_METHODS

    @property
    def preview_until(self) -> datetime | None:
        """When the lead that is shown is dialed or skipped by itself."""
        session = self.session
        if session is None or not self.preview or session.preview_since is None or not session.campaign.preview_s:
            return None
        until: datetime = session.preview_since + timedelta(seconds=session.campaign.preview_s)
        return until

    @property
    def can_extend(self) -> bool:
        """Whether this wrap-up may be made longer still."""
        session = self.session
        return bool(
            self.wrapup_until
            and session is not None
            and session.campaign.wrapup_extension_s
            and not session.wrapup_extended
        )

    @property
    def phone_down(self) -> bool:
        """Whether the phone is neither on the line nor being called."""
        return self.session is not None and self.session.leg == LegState.DOWN

    @property
    def off_line(self) -> bool:
        """Whether the phone is not on the line, or nothing can be done with it."""
        return self.session is None or self.session.leg != LegState.UP or self.switch_down

    @property
    def phone_choice(self) -> str:
        """The phone that is proposed for joining: the one used last, if it can be used still."""
        chosen = self.ended.phone if self.ended is not None else settings.PHONE_DEFAULT
        return PhoneKind.BROWSER if chosen == PhoneKind.SIP and not self.user.endpoint else chosen

    @property
    def own_number(self) -> str:
        """The plain telephone that was used last."""
        return self.ended.endpoint if self.ended is not None and self.ended.phone == PhoneKind.NUMBER else ""

    @property
    def talk(self) -> Conversation | None:
        """What was done with the call so far; None: nothing."""
        return getattr(self.call, "conversation", None) if self.call is not None else None

    @property
    def guest(self) -> bool:
        """Whether the call in hand is a colleague's, who asked this agent in."""
        return self.session is not None and self.session.guest

    @property
    def offers(self) -> frozenset[str]:
        """What may be done with the call in hand now, by name."""
        if self.call is None or self.session is None or self.state is not AgentState.IN_CALL or self.guest:
            return frozenset()
        talk = self.talk
        if talk is not None:
            now_is = talk.as_conversation()
        else:
            allowed = getattr(self.session.campaign, "handling", None)
            may_pause = allowed is not None and allowed.may_pause_recording
            now_is = terms.Conversation(recorded=self.call.record, may_pause=may_pause)
        return frozenset(kind.value for kind in layout.asks_open(now_is))

    @property
    def word(self) -> str:
        """The state in one word."""
        if self.state is AgentState.RESERVED:
            return gettext("Dialing") if self.call is not None and self.call.own_agent else gettext("Connecting")
        return str(_WORDS[self.state])

    @property
    def call_word(self) -> str:
        """Where the call is, in words."""
        if self.call is None:
            return ""
        if self.state is AgentState.WRAPUP and self.call.state != CallState.ENDED:
            return gettext("Handed on")
        if self.call.outcome == Outcome.CONNECTED:
            return gettext("Call over")
        if self.call.state == CallState.ENDED:
            return str(self.call.get_outcome_display())
        return str(_CALL_WORDS[CallState(self.call.state)])


_WORDS = {
    AgentState.OFFLINE: _("Offline"),
    AgentState.PAUSED: _("Paused"),
    AgentState.READY: _("Ready"),
    AgentState.IN_CALL: _("In call"),
    AgentState.WRAPUP: _("Wrap-up"),
}
_CALL_WORDS = {
    CallState.QUEUED: _("Placing the call"),
    CallState.DIALING: _("Dialing"),
    CallState.RINGING: _("Ringing"),
    CallState.ANSWERED: _("Answered"),
    CallState.DETECTING: _("Answered"),
    CallState.HUMAN: _("Answered"),
    CallState.MACHINE: _("Answering machine"),
    CallState.CONNECTED: _("Connected"),
}

# The snapshot that a statement reads: clocks may step back, transaction numbers do not.
_SNAPSHOT = Cast(
    Cast(Func(Func(function="pg_current_snapshot"), function="pg_snapshot_xmax"), TextField()), BigIntegerField()
)

_LEAD = ("public_id", "first_name", "last_name", "company", "phone", "time_zones", "promised_to_id")
_TALK = ("mode", "may_pause", "paused", "held_since", "version", "notice", "party_id")
_CALL = ("state", "outcome", "own_agent", "phone", "caller_id", "queued_at", "connected_at", "ended_at")
# Only what the templates show: reading whole rows of six tables took twice as long.
_SHOWN = (
    *("public_id", "tenant_id", "endpoint", "state", "pause_code", "pause_after", "state_since", "wrapup_extended"),
    *(
        "phone",
        "leg",
        "notice",
        "guest",
        "started_at",
        "ended_at",
        "user_id",
        "campaign_id",
        "call_id",
        "preview_lead_id",
        "preview_since",
    ),
    *(f"user__{name}" for name in ("username", "first_name", "last_name", "is_active", "role", "team_id", "endpoint")),
    "user__language",
    "user__shortcuts",
    *("user__tenant__name", "user__tenant__time_zone", "user__tenant__numbers_hidden_from"),
    *(f"campaign__{name}" for name in ("public_id", "name", "dial_method", "status", "disposition_set_id")),
    *("campaign__wrapup_s", "campaign__wrapup_extension_s", "campaign__preview_s", "campaign__preview_then"),
    *(f"call__{name}" for name in (*_CALL, "lead_id", "campaign_id", "inbound", "queue_id")),
    "call__queue__name",
    "call__recording__state",
    "call__record",
    "campaign__handling__may_pause_recording",
    *(f"call__conversation__{name}" for name in _TALK),
    *(f"call__conversation__party__{name}" for name in ("state", "label", "session_id", "answered_at")),
    *(f"call__lead__{name}" for name in _LEAD),
    *(f"preview_lead__{name}" for name in _LEAD),
)


def _last_session(user_id: int) -> QuerySet[AgentSession]:
    return (
        AgentSession.objects.across_tenants()
        .filter(user_id=user_id)
        .select_related("user__tenant", "campaign", "call__lead", "call__recording", "preview_lead")
        .select_related("campaign__handling", "call__conversation__party", "call__queue")
        .only(*_SHOWN)
        .annotate(read_at=Now(), revision=_SNAPSHOT, switch_serves=health.switch_serves())
        .order_by(F("ended_at").desc(nulls_first=True), "-id")[:1]
    )


_SESSION = Read(_last_session, -1)


def desk_of(user_id: int) -> Desk:
    """The desk of one user as it is now."""
    session: Any = _SESSION.first(user_id)
    if session is not None and session.ended_at is None:
        return _at_work(session)
    if session is not None:
        user, served = session.user, session.switch_serves
    else:
        rows = User.objects.select_related("tenant").annotate(switch_serves=health.switch_serves())
        user = rows.get(pk=user_id)
        served = user.switch_serves
    return Desk(
        user=user,
        read_at=session.read_at if session is not None else now(),
        state=AgentState.OFFLINE,
        revision=session.revision if session is not None else 0,
        ended=session,
        switch_down=not served,
        campaigns=list(joinable(user)),
    )


def _at_work(session: Any) -> Desk:
    """The desk of an agent in a campaign; `session` carries when, and in which order, it was read."""
    call = session.call
    state = AgentState(session.state)
    lead = call.lead if call is not None else session.preview_lead
    own = pause_codes.get(session.tenant_id)
    labels = {
        **{code: translated(label) for code, label in SYSTEM_CODES.items()},
        **{code.code: code.label for code in own},
    }
    wraps = state is AgentState.WRAPUP and session.campaign.wrapup_s > 0
    return Desk(
        user=session.user,
        read_at=session.read_at,
        state=state,
        revision=session.revision,
        session=session,
        call=call,
        lead=lead,
        preview=call is None and lead is not None,
        clock=clock_of(lead.time_zones) if lead is not None else None,
        pause_label=labels.get(session.pause_code, session.pause_code),
        pause_after_label=labels.get(session.pause_after, session.pause_after),
        wrapup_until=session.state_since + timedelta(seconds=_wrapup_s(session)) if wraps else None,
        dispositions=dispositions.get((session.tenant_id, _set_of(session))) if call else [],
        pause_codes=own,
        switch_down=not session.switch_serves,
    )


def _set_of(session: Any) -> int:
    """The disposition set of the call in hand: a call that a colleague handed on may be another campaign's."""
    if session.call.campaign_id == session.campaign_id:
        return int(session.campaign.disposition_set_id)
    return int(
        Campaign.objects.for_tenant(session.tenant_id)
        .values_list("disposition_set_id", flat=True)
        .get(pk=session.call.campaign_id)
    )


def _wrapup_s(session: AgentSession) -> int:
    """How long this wrap-up lasts; calls.board.overdue_wrapups counts the same."""
    campaign = session.campaign
    return campaign.wrapup_s + (campaign.wrapup_extension_s if session.wrapup_extended else 0)


def joinable(user: User) -> TenantQuerySet:
    """The campaigns that this user may work in: their team's and those of every team; leaders all."""
    rows = Campaign.objects.for_tenant(user.tenant_id).filter(archived_at=None)
    if user.role not in LEADERS:
        rows = rows.filter(Q(teams=None) | Q(teams=user.team_id)).distinct()
    return rows


def waits_for_start(campaign: Campaign) -> bool:
    """Whether joining would be in vain: nobody dials for this campaign before a supervisor starts it."""
    return campaign.paced and campaign.status != CampaignStatus.ACTIVE


def clock_of(zones: list[str]) -> Clock | None:
    """What the customer's clock shows now; None when no zone is known."""
    known = [(name, zone) for name in zones if (zone := zone_of(name)) is not None]
    if not known:
        return None
    moment = now()
    shown = sorted(moment.astimezone(zone).replace(tzinfo=None, second=0, microsecond=0) for _, zone in known)
    return Clock(known[0][0], shown[0], shown[-1])


def open_session_id(user_id: int) -> int | None:
    """The session that the user is in, if any."""
    return (
        AgentSession.objects.across_tenants()
        .filter(user_id=user_id, ended_at=None)
        .values_list("id", flat=True)
        .first()
    )


def own_call(user: User, call_id: UUID) -> CallTask | None:
    """A call that this user handled."""
    return (
        CallTask.objects.for_tenant(user.tenant_id).filter(pk=call_id, user=user).select_related("disposition").first()
    )
