"""Supervisors in agents' conversations: listen, whisper, barge, take over; from their own leg, which stays where it is.

The switch makes a channel that hears (and, if so asked, speaks into) the agent's leg, and puts it into the supervisor's
own bridge. Another mode is another such channel, made before the old one goes. It hangs on the agent's leg, not on the
call: the agent's next calls are heard too, and nothing of it is between the agent and the customer.
"""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from django.db import transaction
from django.db.models import Q
from django.utils.translation import gettext as _

from dialer.agents import services as agents
from dialer.agents.models import AgentSession, LegState
from dialer.agents.rules import AgentState
from dialer.agents.services import NotNow
from dialer.calls.models import CallTask
from dialer.core.ids import new_id
from dialer.live import publish
from dialer.people.access import LEADERS
from dialer.telephony import outbox
from dialer.telephony.models import CommandKind

from . import asking
from .models import Conversation, Monitor, MonitorMode
from .terms import Kind

STOP = "stop"


def watch(*, watcher: AgentSession, watched: AgentSession, mode: str) -> None:
    """Begin to listen, whisper or barge, or change to that; `watcher` is the supervisor's own session, off calls.

    Raises NotNow with what to do. What came of it is `current(watcher)`.
    """
    if watcher.user.role not in LEADERS or watcher.tenant_id != watched.tenant_id:
        raise NotNow(_("Only supervisors may listen."))
    if mode not in MonitorMode.values:
        raise NotNow(_("Choose to listen, to whisper or to speak with both."))
    if reason := _why_not(watcher, watched):
        raise NotNow(reason)
    args = {"mode": mode, "watched": watched.pk}
    with transaction.atomic():
        outbox.send(tenant_id=watcher.tenant_id, kind=CommandKind.MONITOR, target=watcher.public_id, args=args)


def stop(*, watcher: AgentSession) -> None:
    """Stop listening. Doing it twice is once."""
    with transaction.atomic():
        outbox.send(
            tenant_id=watcher.tenant_id, kind=CommandKind.MONITOR, target=watcher.public_id, args={"mode": STOP}
        )


def take_over(*, watcher: AgentSession) -> None:
    """Take the call of the agent who is listened to; the agent wraps up. Raises NotNow."""
    found = current(watcher)
    if found is None:
        raise NotNow(_("Listen to an agent first."))
    watched = AgentSession.objects.for_tenant(watcher.tenant_id).get(pk=found.watched_id)
    if watched.call_id is None or watched.state != AgentState.IN_CALL or watched.guest:
        raise NotNow(_("The agent has no call that could be taken over."))
    talk = Conversation.objects.for_tenant(watcher.tenant_id).filter(pk=watched.call_id).first()
    args = {"party": str(new_id()), "label": watcher.user.shown_name, "taken_by": watcher.pk}
    seen = talk.version if talk is not None else 0
    stop(watcher=watcher)  # or the customer would hear the agent through it
    asking.ask(session=watched, call_id=watched.call_id, kind=Kind.BLIND, seen=seen, args=args)


def current(watcher: AgentSession) -> Monitor | None:
    """What a supervisor is in now (or is about to be)."""
    rows = Monitor.objects.for_tenant(watcher.tenant_id).filter(watcher=watcher, ended_at=None)
    found = rows.select_related("watched__user").order_by("-asked_at").first()
    assert found is None or isinstance(found, Monitor)
    return found


def _why_not(watcher: AgentSession, watched: AgentSession) -> str:
    if watcher.pk == watched.pk:
        return _("You cannot listen to yourself.")
    if watcher.ended_at is None and watcher.leg == LegState.AWAY:
        return _("Your phone is coming on the line. Try again in a moment.")
    if watcher.ended_at is not None or watcher.leg != LegState.UP:
        return _("Your phone is not on the line. Join a campaign with it, then listen.")
    if watcher.state != AgentState.PAUSED:
        return _("Pause first: whoever takes calls cannot listen.")
    if watched.ended_at is not None or watched.leg != LegState.UP:
        return _("The agent's phone is not on the line.")
    return ""


# --- for the switchboard ---


def begin(*, watcher: UUID, watched: int, mode: str, at: datetime) -> Monitor | str:
    """Note that somebody is about to be listened to; why not, when that cannot be."""
    with transaction.atomic():
        rows = AgentSession.objects.across_tenants().select_related("user")
        one = rows.select_for_update(of=("self",), no_key=True).filter(public_id=watcher).first()
        other = rows.filter(pk=watched, tenant_id=one.tenant_id if one is not None else None).first()
        if one is None or other is None:
            return _("The agent has left.")
        if reason := _why_not(one, other):
            return reason
        made = Monitor.objects.create(
            tenant_id=one.tenant_id, watcher=one, watched=other, mode=mode, call_id=other.call_id, asked_at=at
        )
    assert isinstance(made, Monitor)
    return made


def begun(*, monitor: Monitor, at: datetime) -> list[UUID]:
    """It is so on the switch. Returns the channels of the modes before, which end with it."""
    with transaction.atomic():
        Monitor.objects.across_tenants().filter(pk=monitor.pk).update(started_at=at)
        return _end(monitor.watcher, at, but=monitor.pk)


def failed(*, monitor: Monitor, reason: str, at: datetime) -> None:
    """It could not be done; a mode that was before goes on."""
    with transaction.atomic():
        Monitor.objects.across_tenants().filter(pk=monitor.pk).update(ended_at=at, notice=reason[:200])
        publish.changed(agents.DESK, monitor.watcher.user_id, at)


def ended(*, watcher: UUID, at: datetime) -> list[UUID]:
    """Nothing is listened to any more; the channels that end with it."""
    session = AgentSession.objects.across_tenants().filter(public_id=watcher).first()
    if session is None:
        return []
    with transaction.atomic():
        return _end(session, at)


def gone(*, monitor: UUID, at: datetime) -> None:
    """The switch's channel is gone: the agent's leg ended, mostly."""
    row = Monitor.objects.across_tenants().filter(pk=monitor, ended_at=None).select_related("watcher").first()
    if row is not None:
        with transaction.atomic():
            Monitor.objects.across_tenants().filter(pk=monitor).update(
                ended_at=at, notice=_("The agent's phone is gone.")
            )
            publish.changed(agents.DESK, row.watcher.user_id, at)


def _end(session: AgentSession, at: datetime, but: UUID | None = None) -> list[UUID]:
    rows = Monitor.objects.across_tenants().filter(watcher=session, ended_at=None).exclude(pk=but)
    found = list(rows.values_list("pk", flat=True))
    Monitor.objects.across_tenants().filter(pk__in=found).update(ended_at=at)
    publish.changed(agents.DESK, session.user_id, at)
    return found


def open_monitors() -> list[Monitor]:
    """Every stretch that is not over."""
    return list(Monitor.objects.across_tenants().filter(ended_at=None).select_related("watcher", "watched"))


def busy(session: AgentSession) -> bool:
    """Whether a session listens to somebody, so that it must not take calls: the customer would hear it."""
    rows = Monitor.objects.for_tenant(session.tenant_id).filter(watcher=session, ended_at=None)
    return bool(rows.exists())


def told_of(call: CallTask) -> list[tuple[datetime, str, str]]:
    """When supervisors were in a call, and in which mode, for its timeline: when, who, what."""
    if call.user_id is None or call.connected_at is None:
        return []
    rows = Monitor.objects.for_tenant(call.tenant_id).filter(watched__user_id=call.user_id, started_at__isnull=False)
    rows = rows.filter(Q(ended_at=None) | Q(ended_at__gt=call.connected_at))
    if call.ended_at is not None:
        rows = rows.filter(started_at__lt=call.ended_at)
    told = []
    for one in rows.select_related("watcher__user").order_by("started_at"):
        who = one.watcher.user.shown_name
        told.append((max(one.started_at, call.connected_at), _("Supervisor"), f"{one.get_mode_display()}: {who}"))
        if one.ended_at is not None and (call.ended_at is None or one.ended_at < call.ended_at):
            told.append(
                (
                    one.ended_at,
                    _("Supervisor"),
                    _("%(mode)s no more: %(who)s") % {"mode": one.get_mode_display(), "who": who},
                )
            )
    return told
