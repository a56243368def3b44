"""A supervisor's hands on agents: pause, ready, sign out; move; listen, whisper, barge, take over. All is audited."""

from __future__ import annotations

from collections.abc import Callable

from django.db import transaction

from dialer.agents import services as agents
from dialer.agents.models import AgentSession
from dialer.agents.rules import AgentState, Event, Kind
from dialer.agents.services import NotNow
from dialer.campaigns.models import Campaign
from dialer.core import audit
from dialer.core.clock import now
from dialer.core.models import TenantQuerySet
from dialer.desk.selectors import joinable
from dialer.handling import monitoring
from dialer.people.models import User

from .scope import Scope

FORCED = "PAUSE"
"""The pause code of an agent whom a supervisor paused; the reason is in what they are told and in the audit trail."""
_FORCES = {
    "pause": (Kind.PAUSE_ASKED, "paused you"),
    "ready": (Kind.READY_ASKED, "made you ready"),
    "sign-out": (Kind.LEAVE_ASKED, "signed you out"),
}
MOVE = "move"
DEEDS = (*_FORCES, "listen", "whisper", "barge", "stop", "take-over")
"""What can be asked for."""


def do(*, by: User, session: AgentSession, deed: str, reason: str = "") -> str:
    """Do one thing to an agent's session (of `by`'s tenant), and return it in words. Raises NotNow with what to do."""
    if deed in _FORCES:
        return force(by=by, session=session, deed=deed, reason=reason)
    if deed not in DEEDS:
        raise NotNow("Choose one of the buttons shown.")
    watcher = own_session(by)
    if watcher is None:
        raise NotNow("Your phone is not on the line. Join a campaign at your desk and stay paused, then listen.")
    acts: dict[str, Callable[[], None]] = {
        "stop": lambda: monitoring.stop(watcher=watcher),
        "take-over": lambda: monitoring.take_over(watcher=watcher),
    }
    act = acts.get(deed, lambda: monitoring.watch(watcher=watcher, watched=session, mode=deed))
    with transaction.atomic():
        act()
        _note(by, session, f"monitor.{deed}", "")
    return {
        "listen": "You are about to hear both; nobody hears you.",
        "whisper": "You are about to speak to the agent alone.",
        "barge": "You are about to speak with both.",
        "stop": "You listen no more.",
        "take-over": "The call is coming to you; the agent wraps up.",
    }[deed]


def force(*, by: User, session: AgentSession, deed: str, reason: str) -> str:
    """Pause an agent (after the call, when there is one), make them ready, or sign them out; they are told why."""
    reason = _reason(reason)
    kind, words = _FORCES[deed]
    notice = f"{by.shown_name} {words}: {reason}"
    code = FORCED if kind is Kind.PAUSE_ASKED else ""
    with transaction.atomic():
        after = agents.apply(session_id=session.pk, event=Event(kind, code=code), at=now(), notice=notice)
        _note(by, session, f"agent.{deed}", reason)
    busy = after.state in (AgentState.RESERVED, AgentState.IN_CALL, AgentState.WRAPUP)
    return "They pause when the call is over." if busy and deed == "pause" else "Done."


def places_for(session: AgentSession, scope: Scope) -> TenantQuerySet:
    """The campaigns that an agent may be moved to by whoever has that scope: both must be at home there."""
    return scope.campaigns().filter(pk__in=joinable(session.user).values("pk")).order_by("name")


def move(*, by: User, session: AgentSession, campaign: Campaign, reason: str) -> str:
    """Move an agent to another campaign, when they are done with the call in hand; to their own: they stay there.

    Raises NotNow with what to do.
    """
    reason = _reason(reason)
    name, here = campaign.name, campaign.pk == session.campaign_id
    words = f"{by.shown_name} leaves you in “{name}”" if here else f"{by.shown_name} moves you to “{name}”"
    with transaction.atomic():
        after = agents.move(session_id=session.pk, campaign=campaign, at=now(), notice=f"{words}: {reason}")
        _note(by, session, "agent.move", reason, to=campaign.pk)
    if after.move_to_id is not None:
        return f"They move to “{name}” when the call in hand is wrapped up."
    return f"They stay in “{name}”." if here else f"They are in “{name}” now."


def own_session(user: User) -> AgentSession | None:
    """The supervisor's own open session, from whose leg they listen."""
    rows = AgentSession.objects.for_tenant(user.tenant_id).filter(user=user, ended_at=None)
    found = rows.select_related("user").first()
    assert found is None or isinstance(found, AgentSession)
    return found


def _reason(text: str) -> str:
    reason = " ".join(text.replace("\0", "").split())[:120]
    if not reason:
        raise NotNow("Say why: the agent is told, and it is kept in the audit trail.")
    return reason


def _note(by: User, session: AgentSession, action: str, reason: str, **more: int) -> None:
    data = {"agent": session.user_id, "campaign": session.campaign_id, **more}
    told = data | ({"reason": reason} if reason else {}) | ({"call": str(session.call_id)} if session.call_id else {})
    audit.record(tenant_id=session.tenant_id, actor=by, action=action, subject=str(session.public_id), data=told)
