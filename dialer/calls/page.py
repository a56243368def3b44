"""One call's page, as it is opened and as it is pushed while the call lasts: the same for all who may see as much."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID

from django.template.loader import render_to_string

from dialer.core.models import TenantQuerySet
from dialer.live.shared import SEQUENCE, Board, NoSuch, SignIn
from dialer.live.topics import Refused
from dialer.people.access import LEADERS, READERS, tenants_clock
from dialer.people.models import User

from . import media
from .models import CallTask, Recording, RecordingState
from .selectors import calls_of
from .timeline import timeline_of
from .words import BY, VERDICTS, cause_words

LEADER, OWN, READER = "leader", "own", "reader"
"""Who looks: supervisors and admins; the agent whose call it is; managers."""
MASKED = "-masked"
"""Ends the mode of those from whose role the tenant hides numbers."""


def rows(calls: TenantQuerySet) -> TenantQuerySet:
    """Calls with all that their pages show."""
    return calls.select_related(
        *("tenant", "campaign", "lead", "user", "disposition", "verdict_row", "queue", "recording", "conversation")
    )


def mode_of(user: User, call: CallTask) -> str:
    """As whom a user looks at a call that they may see."""
    mode = LEADER if user.role in LEADERS else OWN if call.user_id == user.pk else READER
    return mode if user.sees_numbers else mode + MASKED


def shown(call: CallTask, mode: str, sequence: object = 0) -> dict[str, Any]:
    """What the page shows."""
    return {
        "call": call,
        "timeline": timeline_of(call),
        "cause": cause_words(call.cause) if call.state == "ended" else "",
        "hung_up_by": BY.get(call.hung_up_by, ""),
        "verdict": VERDICTS.get(call.verdict, ""),
        "recording": _recording_state(call),
        "sees_numbers": not mode.endswith(MASKED),
        "leads_linked": mode.startswith(LEADER),
        "sequence": sequence,
    }


def _recording_state(call: CallTask) -> str:
    """none, running, playable, or missing."""
    recording: Recording | None = getattr(call, "recording", None)
    if recording is None:
        return "none"
    if recording.state == RecordingState.RUNNING and call.state != "ended":
        return "running"
    return "playable" if media.file_of(recording) is not None else "missing"


def authorise(user: Any, query: Mapping[str, str]) -> str:
    """Key: the call, and as whom. The same as who may open the page."""
    if not user.is_authenticated:
        raise SignIn
    if not user.is_active or user.tenant_id is None:
        raise Refused
    try:
        call = calls_of(user).filter(pk=UUID(query.get("call", ""))).only("user_id").first()
    except ValueError as error:
        raise NoSuch from error
    if call is None:
        raise NoSuch
    mode = mode_of(user, call)
    if mode.startswith(READER) and user.role not in READERS:
        raise Refused
    return f"{call.pk}.{mode}"


def render(keys: Sequence[str]) -> dict[str, tuple[object, str]]:
    """The pages of these keys; one whose call is gone is left out."""
    modes = [key.split(".") for key in keys]
    found = {str(one.pk): one for one in rows(CallTask.objects.across_tenants()).filter(pk__in=[pk for pk, _ in modes])}
    drawn: dict[str, tuple[object, str]] = {}
    for pk, mode in modes:
        if call := found.get(pk):
            with tenants_clock(call.tenant):
                html = render_to_string("calls/detail.html#call", shown(call, mode, SEQUENCE)).strip()
            drawn[f"{pk}.{mode}"] = html, html
    return drawn


CALL = Board(name="call", authorise=authorise, render=render)
