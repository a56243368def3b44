"""What a switch would tell, told by a test: legs that come up, calls that ring, are answered, connected and hung up."""

from __future__ import annotations

from uuid import UUID

from dialer.agents import services as agents
from dialer.agents.models import AgentSession
from dialer.agents.rules import Event as AgentEvent
from dialer.agents.rules import Kind as AgentKind
from dialer.calls import services as calls
from dialer.calls.models import CallTask
from dialer.calls.rules import Event, Kind
from dialer.campaigns.models import Campaign
from dialer.core.clock import now
from dialer.leads.models import Lead
from dialer.people.models import User
from tests import factories


def session_of(user: User) -> AgentSession:
    """The session that the user is in."""
    session = AgentSession.objects.for_tenant(user.tenant_id).get(user=user, ended_at=None)
    assert isinstance(session, AgentSession)
    return session


def phone_up(user: User) -> None:
    """The agent's phone was answered."""
    agents.apply(session_id=session_of(user).pk, event=AgentEvent(AgentKind.LEG_UP), at=now())


def phone_lost(user: User, notice: str = "") -> None:
    """The agent's phone hung up."""
    agents.apply(session_id=session_of(user).pk, event=AgentEvent(AgentKind.LEG_LOST), at=now(), notice=notice)


def tell(call_id: UUID, kind: Kind, **details: object) -> None:
    """One event of a call."""
    calls.apply_event(call_id=call_id, event=Event(kind, **details), at=now())  # type: ignore[arg-type]


def connect(campaign: Campaign, lead: Lead, *, record: bool = True) -> CallTask:
    """Dial a lead and put it through to whoever has been ready longest."""
    call = factories.make_call(campaign, lead=lead)
    tell(call.pk, Kind.PLACED)
    tell(call.pk, Kind.RINGING)
    tell(call.pk, Kind.ANSWERED)
    tell(call.pk, Kind.READY)
    return bridge(call.pk, record=record)


def bridge(call_id: UUID, *, record: bool = True) -> CallTask:
    """The customer and the agent hear each other."""
    call = factories.get_call(call_id)
    CallTask.objects.across_tenants().filter(pk=call_id).update(record=record)
    tell(call_id, Kind.BRIDGED, session=call.session_id)
    return factories.get_call(call_id)


def hang_up(call_id: UUID, cause: int = 16) -> None:
    """The customer's channel is gone."""
    tell(call_id, Kind.HUNG_UP, cause=cause)
