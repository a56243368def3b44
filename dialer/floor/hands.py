"""A supervisor's hands on agents: pause, ready, sign out; move; listen, whisper, barge, take over. All is audited."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime

from django.db import transaction
from django.utils.translation import gettext as _
from django.utils.translation import gettext_noop

from dialer.agents import services as agents
from dialer.agents.models import AgentSession
from dialer.agents.rules import AgentState, Event, Kind
from dialer.agents.services import NotNow
from dialer.calls import placing
from dialer.calls import services as calls
from dialer.campaigns.models import Campaign
from dialer.core import audit
from dialer.core.clock import now
from dialer.core.language import speaking, translated
from dialer.core.models import TenantQuerySet
from dialer.desk.selectors import joinable
from dialer.handling import monitoring
from dialer.handling.models import Monitor
from dialer.people.models import User

from .scope import Scope

FORCED = "PAUSE"
"""The pause code of an agent whom a supervisor paused; the reason is in what they are told and in the audit trail."""
_FORCES = {
    "pause": (Kind.PAUSE_ASKED, gettext_noop("%(name)s paused you: %(reason)s")),
    "ready": (Kind.READY_ASKED, gettext_noop("%(name)s made you ready: %(reason)s")),
    "sign-out": (Kind.LEAVE_ASKED, gettext_noop("%(name)s signed you out: %(reason)s")),
}
MOVE = "move"
MODES = ("listen", "whisper", "barge")
DEEDS = (*_FORCES, *MODES, "stop", "take-over")
"""What can be asked for."""


def do(*, by: User, session: AgentSession, deed: str, reason: str = "") -> str:
    """Do one thing to an agent's session (of `by`'s tenant), and return it in words. Raises NotNow with what to do."""
    if deed in _FORCES:
        return force(by=by, session=session, deed=deed, reason=reason)
    if deed not in DEEDS:
        raise NotNow(_("Choose one of the buttons shown."))
    watcher = own_session(by)
    if watcher is None:
        raise NotNow(_("Your phone is not on the line. Join a campaign at your desk and stay paused, then listen."))
    acts: dict[str, Callable[[], None]] = {
        "stop": lambda: monitoring.stop(watcher=watcher),
        "take-over": lambda: monitoring.take_over(watcher=watcher),
    }
    act = acts.get(deed, lambda: monitoring.watch(watcher=watcher, watched=session, mode=deed))
    with transaction.atomic():
        act()
        _note(by, session, f"monitor.{deed}", "")
    return {
        "listen": _("You are about to hear both; nobody hears you."),
        "whisper": _("You are about to speak to the agent alone."),
        "barge": _("You are about to speak with both."),
        "stop": _("You listen no more."),
        "take-over": _("The call is coming to you; the agent wraps up."),
    }[deed]


def force(*, by: User, session: AgentSession, deed: str, reason: str) -> str:
    """Pause an agent (after the call, when there is one), make them ready, or sign them out; they are told why.

    Who is signed out in wrap-up leaves the campaign's default disposition. Raises NotNow with what to do.
    """
    reason = _reason(reason)
    kind, words = _FORCES[deed]
    with speaking(session.user.language):
        notice = _(words) % {"name": by.shown_name, "reason": reason}
    code = FORCED if kind is Kind.PAUSE_ASKED else ""
    with transaction.atomic():
        _clear_the_way(session, kind)
        try:
            after = agents.apply(session_id=session.pk, event=Event(kind, code=code), at=now(), notice=notice)
        except NotNow as refusal:  # in words for the agent, who would read them at the desk
            name = session.user.shown_name
            raise NotNow(_("Not now. %(name)s would be told: %(why)s") % {"name": name, "why": refusal}) from refusal
        _note(by, session, f"agent.{deed}", reason)
    busy = after.state in (AgentState.RESERVED, AgentState.IN_CALL, AgentState.WRAPUP)
    return _("They pause when the call is over.") if busy and deed == "pause" else _("Done.")


def _clear_the_way(session: AgentSession, kind: Kind) -> None:
    """End what an agent would have ended themselves before they asked for the same at their desk."""
    if kind is Kind.READY_ASKED:
        if monitoring.busy(session):
            raise NotNow(_("They are listening to an agent: their customers would hear it."))
        if session.preview_lead_id is not None and session.campaign.paced:
            placing.skip_lead(session_id=session.pk)
    if kind is Kind.LEAVE_ASKED and session.state == AgentState.WRAPUP:
        with suppress(NotNow):  # they have just done it
            code = calls.default_disposition(session_id=session.pk)
            calls.dispose(session_id=session.pk, code=code, without="supervisor")


def places_for(session: AgentSession, scope: Scope) -> TenantQuerySet:
    """The campaigns that an agent may be moved to by whoever has that scope: both must be at home there."""
    return scope.campaigns().filter(pk__in=joinable(session.user).values("pk")).order_by("name")


def move(*, by: User, session: AgentSession, campaign: Campaign, reason: str) -> str:
    """Move an agent to another campaign, when they are done with the call in hand; to their own: they stay there.

    Raises NotNow with what to do.
    """
    reason = _reason(reason)
    name, here = campaign.name, campaign.pk == session.campaign_id
    with speaking(session.user.language):
        stays, goes = _("%(who)s leaves you in “%(name)s”: %(why)s"), _("%(who)s moves you to “%(name)s”: %(why)s")
        notice = (stays if here else goes) % {"who": by.shown_name, "name": name, "why": reason}
    with transaction.atomic():
        after = agents.move(session_id=session.pk, campaign=campaign, at=now(), notice=notice)
        _note(by, session, "agent.move", reason, to=campaign.pk)
    if after.move_to_id is not None:
        return _("They move to “%(name)s” when the call in hand is wrapped up.") % {"name": name}
    return (_("They stay in “%(name)s”.") if here else _("They are in “%(name)s” now.")) % {"name": name}


@dataclass(frozen=True, slots=True)
class Moved:
    """What came of moving several: who are there, who go there after the call in hand, and why not the others."""

    there: int = 0
    later: int = 0
    refused: list[str] = field(default_factory=list)


def move_all(*, by: User, sessions: Iterable[AgentSession], campaign: Campaign, reason: str, scope: Scope) -> Moved:
    """Move each of these agents; one who cannot be moved keeps none of the others. Raises NotNow without a reason."""
    _reason(reason)
    there, later, refused = 0, 0, []
    for session in sessions:
        try:
            if session.user_id == by.pk:
                raise NotNow(_("join the other campaign at your desk."))
            if not places_for(session, scope).filter(pk=campaign.pk).exists():
                raise NotNow(_("their team does not work in “%(name)s”.") % {"name": campaign.name})
            move(by=by, session=session, campaign=campaign, reason=reason)
        except NotNow as refusal:
            refused.append(f"{session.user.shown_name}: {refusal}")
            continue
        session.refresh_from_db(fields=["move_to"])
        there, later = there + (session.move_to_id is None), later + (session.move_to_id is not None)
    return Moved(there, later, refused)


SETTLED_WITHIN_S = 1.0
"""How long whoever listens is kept waiting for the switch's word; it comes within a tenth of that."""


def settled(*, watcher: AgentSession, since: datetime) -> str:
    """Wait until what a supervisor asked for since then is so on the switch; why not, when it has refused."""
    until = time.monotonic() + SETTLED_WITHIN_S
    while True:
        rows = Monitor.objects.for_tenant(watcher.tenant_id).filter(watcher=watcher, asked_at__gte=since)
        asked = rows.order_by("-asked_at").first()
        if asked is not None and (asked.started_at or asked.ended_at):
            return translated(asked.notice) if asked.started_at is None else ""
        if time.monotonic() >= until:
            return ""
        time.sleep(0.05)


def own_session(user: User) -> AgentSession | None:
    """The supervisor's own open session, from whose leg they listen."""
    rows = AgentSession.objects.for_tenant(user.tenant_id).filter(user=user, ended_at=None)
    found = rows.select_related("user").first()
    assert found is None or isinstance(found, AgentSession)
    return found


def _reason(text: str) -> str:
    reason = " ".join(text.replace("\0", "").split())[:120]
    if not reason:
        raise NotNow(_("Say why: the agent is told, and it is kept in the audit trail."))
    return reason


def _note(by: User, session: AgentSession, action: str, reason: str, **more: int) -> None:
    data = {"agent": session.user_id, "campaign": session.campaign_id, **more}
    told = data | ({"reason": reason} if reason else {}) | ({"call": str(session.call_id)} if session.call_id else {})
    audit.record(tenant_id=session.tenant_id, actor=by, action=action, subject=str(session.public_id), data=told)
