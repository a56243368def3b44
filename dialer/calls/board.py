"""What the switchboard reads: the live rows of every tenant, to be held against what the switch has."""

from __future__ import annotations

from datetime import datetime, timedelta
from uuid import UUID

from django.db.models import Case, DateTimeField, DurationField, ExpressionWrapper, F, IntegerField, When

from dialer.agents.models import AgentSession, LegState, PhoneKind
from dialer.agents.rules import AgentState
from dialer.campaigns.models import AHEAD, PACED, Campaign, CampaignStatus
from dialer.leads.models import LeadState
from dialer.people.models import User
from dialer.telephony.port import PhoneAccount

from .models import CallTask
from .rules import CallState

SCREEN_PATIENCE = timedelta(seconds=30)
"""How long an agent who is ready may be without a page before no call is sent to them any more."""

LEG_GRACE = timedelta(seconds=20)
"""How long a browser phone that left the line may stay away before its agent, and a call in hand, have lost it."""


def queued_calls(*, limit: int = 200) -> list[UUID]:
    """Calls that wait to be placed, oldest first."""
    rows = CallTask.objects.across_tenants().filter(state=CallState.QUEUED).order_by("queued_at")
    return list(rows.values_list("pk", flat=True)[:limit])


def unanswered_in(*, tenant_id: int, campaigns: list[int]) -> list[UUID]:
    """Calls of these campaigns that are queued, being placed or ringing: what an emergency stop ends."""
    rows = CallTask.objects.for_tenant(tenant_id).filter(campaign_id__in=campaigns, state__in=_NOT_ANSWERED)
    return list(rows.values_list("pk", flat=True))


def talking_in(*, tenant_id: int, campaigns: list[int]) -> int:
    """How many people are on the line in these campaigns."""
    over = (*_NOT_ANSWERED, CallState.ENDED)
    return CallTask.objects.for_tenant(tenant_id).filter(campaign_id__in=campaigns).exclude(state__in=over).count()


def expired_calls(at: datetime) -> list[UUID]:
    """Queued calls that are too old to be placed."""
    rows = CallTask.objects.across_tenants().filter(state=CallState.QUEUED, deadline__lt=at)
    return list(rows.values_list("pk", flat=True)[:500])


def placed_calls() -> list[CallTask]:
    """Every call that should have a channel on the switch."""
    rows = CallTask.objects.across_tenants().exclude(state__in=(CallState.QUEUED, CallState.ENDED))
    return list(rows)


def live_ids(ids: list[UUID]) -> set[UUID]:
    """Those of the calls that have not ended."""
    return set(
        CallTask.objects.across_tenants().filter(pk__in=ids).exclude(state=CallState.ENDED).values_list("pk", flat=True)
    )


def open_sessions() -> list[AgentSession]:
    """Every agent session that is not over."""
    return list(AgentSession.objects.across_tenants().filter(ended_at=None).select_related("user", "call"))


def session_by_public_id(public_id: UUID) -> AgentSession | None:
    """One agent session, ended or not."""
    return AgentSession.objects.across_tenants().select_related("user", "campaign").filter(public_id=public_id).first()


def session_public_id(session_id: int) -> UUID:
    """The outward id of a session, of which its leg's and bridge's ids are made."""
    public_id = AgentSession.objects.across_tenants().values_list("public_id", flat=True).get(pk=session_id)
    assert isinstance(public_id, UUID)
    return public_id


_FREE_SOON = (AgentState.READY, AgentState.RESERVED, AgentState.IN_CALL, AgentState.WRAPUP)
_NOT_ANSWERED = (CallState.QUEUED, CallState.DIALING, CallState.RINGING)


def campaigns_to_pace() -> list[int]:
    """Active campaigns with something to decide: an agent who is ready, or, where pacing dials ahead, one who will be.

    A campaign whose agents have all left while its calls ring is looked at too: those calls may have to be given up.
    """
    active = Campaign.objects.across_tenants().filter(status=CampaignStatus.ACTIVE)
    ready = active.filter(dial_method__in=PACED, sessions__state=AgentState.READY)
    soon = active.filter(dial_method__in=AHEAD, sessions__state__in=_FREE_SOON)
    ringing = active.filter(dial_method__in=AHEAD, calls__state__in=_NOT_ANSWERED)
    found = ready.values_list("pk").union(soon.values_list("pk"), ringing.values_list("pk"))
    return sorted(row[0] for row in found)


def overdue_wrapups(at: datetime) -> list[int]:
    """Sessions whose wrap-up time has run out."""
    seconds = F("campaign__wrapup_s") + Case(
        When(wrapup_extended=True, then=F("campaign__wrapup_extension_s")), default=0, output_field=IntegerField()
    )
    length = ExpressionWrapper(seconds * timedelta(seconds=1), output_field=DurationField())
    rows = AgentSession.objects.across_tenants().filter(state=AgentState.WRAPUP, campaign__wrapup_s__gt=0)
    late = rows.annotate(over_at=ExpressionWrapper(F("state_since") + length, output_field=DateTimeField()))
    return list(late.filter(over_at__lt=at).values_list("pk", flat=True))


def overdue_previews(at: datetime) -> list[int]:
    """Sessions that have been shown a lead for as long as their campaign allows."""
    length = ExpressionWrapper(F("campaign__preview_s") * timedelta(seconds=1), output_field=DurationField())
    rows = AgentSession.objects.across_tenants().exclude(state=AgentState.OFFLINE)
    rows = rows.filter(preview_lead__isnull=False, campaign__preview_s__gt=0)
    late = rows.annotate(over_at=ExpressionWrapper(F("preview_since") + length, output_field=DateTimeField()))
    return list(late.filter(over_at__lt=at).values_list("pk", flat=True))


def due_callbacks(at: datetime) -> list[int]:
    """Sessions that are ready while a callback of their agent's own, in their campaign, is due."""
    rows = AgentSession.objects.across_tenants().filter(
        state=AgentState.READY,
        leg=LegState.UP,
        user__promised_leads__state=LeadState.WAITING,
        user__promised_leads__next_attempt_at__lte=at,
        user__promised_leads__campaign=F("campaign"),
    )
    return list(rows.distinct().values_list("pk", flat=True))


def unseen_agents(at: datetime) -> list[int]:
    """Sessions that are ready although nobody has their page open."""
    rows = AgentSession.objects.across_tenants().filter(state=AgentState.READY, screen_seen_at__lt=at - SCREEN_PATIENCE)
    return list(rows.values_list("pk", flat=True))


def deserted_sessions(at: datetime) -> list[int]:
    """Sessions that are paused, and whose page has been gone for a quarter of an hour."""
    rows = AgentSession.objects.across_tenants().filter(
        state=AgentState.PAUSED, screen_seen_at__lt=at - timedelta(minutes=15)
    )
    return list(rows.values_list("pk", flat=True))


def overdue_legs(at: datetime) -> list[UUID]:
    """Sessions whose phone was expected back on the line and did not come."""
    rows = AgentSession.objects.across_tenants().filter(leg=LegState.AWAY, leg_since__lt=at - LEG_GRACE)
    rows = rows.exclude(state=AgentState.OFFLINE)  # which the index of open sessions is about
    return list(rows.values_list("public_id", flat=True))


def phone_accounts() -> list[PhoneAccount]:
    """The SIP accounts that the switch must know: those of people, and those of browsers while their session lasts."""
    users = User.objects.filter(is_active=True, tenant__isnull=False).exclude(endpoint="").exclude(endpoint_secret="")
    accounts = [
        PhoneAccount(user.endpoint, user.endpoint_secret, user.shown_name) for user in users.order_by("endpoint")
    ]
    browsers = AgentSession.objects.across_tenants().filter(phone=PhoneKind.BROWSER).exclude(state=AgentState.OFFLINE)
    accounts += [
        PhoneAccount(endpoint, secret, "", webrtc=True)
        for endpoint, secret in browsers.order_by("endpoint").values_list("endpoint", "phone_secret")
    ]
    return accounts
