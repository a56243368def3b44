"""A call as a timeline: what the switch said, what was decided and why, and who did what, from its events and rows.

Apps above this one know of more that happened (a supervisor who listened); they register a witness.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from dialer.agents.models import AgentSession
from dialer.core.words import _, said
from dialer.leads.templatetags.leads import rule_words

from .models import CallTask, PacingDecision
from .rules import CallState
from .words import AGENT, DIALER, NOT_PLACED, event_words

GATE = _("Gate")


@dataclass(frozen=True, slots=True)
class Line:
    """One line of a call's timeline; `after_ms` counts from the decision to dial, `state` is named when it changed."""

    at: datetime
    after_ms: int
    who: str
    text: str
    state: str = ""


Witness = Callable[[CallTask], Iterable[tuple[datetime, str, str]]]
_witnesses: list[Witness] = []


def register(witness: Witness) -> None:
    """Ask this one, too: it tells of a call when, who, and what. Call from AppConfig.ready."""
    _witnesses.append(witness)


def timeline_of(call: CallTask) -> list[Line]:
    """Everything that happened to a call, in order."""

    def line(at: datetime, who: str, text: str, state: str = "") -> Line:
        return Line(at, round((at - call.queued_at) / timedelta(milliseconds=1)), who, text, state)

    events = list(call.events.all())
    names = _names(call, {event.data["session"] for event in events if isinstance(event.data.get("session"), int)})
    lines, state = [], CallState.ANSWERED.value
    if not call.inbound:
        lines = [line(call.queued_at, *_decision(call), _("Queued")), line(call.queued_at, GATE, _gate(call))]
        state = CallState.QUEUED.value
    for event in events:
        who, text = event_words(event.kind, _in_words(event.kind, event.data))
        if name := names.get(event.data.get("session")):
            text = said("%(what)s: %(name)s", what=text, name=name)
        lines.append(line(event.at, who, text, str(event.get_state_display()) if event.state != state else ""))
        state = event.state
    for witness in _witnesses:
        for told in witness(call):
            _put_in(lines, line(*told))
    return lines


def _in_words(kind: str, data: dict[str, Any]) -> dict[str, Any]:
    """An event's data; the rule for which a call was not placed in words."""
    reason = data.get("reason", "")
    return {**data, "reason": rule_words(reason)} if kind == "expired" and reason and reason not in NOT_PLACED else data


def _put_in(lines: list[Line], one: Line) -> None:
    """Put a line before the first that is later. Events keep their own order, whatever their clocks say."""
    place = next((n for n, other in enumerate(lines) if n > 1 and other.at > one.at), len(lines))
    lines.insert(place, one)


def _decision(call: CallTask) -> tuple[str, str]:
    if call.own_agent:
        return AGENT, _("The agent asked to dial")
    # The calls of a decision are queued at its moment.
    rows = PacingDecision.objects.for_tenant(call.tenant_id).filter(campaign=call.campaign_id, at=call.queued_at)
    reason = rows.values_list("reason", flat=True).first()
    what = _("Pacing decided to dial")
    return DIALER, said("%(what)s: %(why)s", what=what, why=reason) if reason else what


def _gate(call: CallTask) -> str:
    verdict = call.verdict_row
    assert verdict is not None, "whoever is dialed is dialed on a verdict"
    zones: dict[str, str] = verdict.evidence.get("clocks", {})
    clocks = ", ".join(f"{zone} {clock[11:16]}".strip() for zone, clock in zones.items())
    words = said("%(rule)s by %(pack)s", rule=rule_words(verdict.rule), pack=verdict.pack)
    return said("%(what)s (%(why)s)", what=words, why=clocks) if clocks else words


def _names(call: CallTask, sessions: set[int]) -> dict[int, str]:
    if not sessions:
        return {}
    rows = AgentSession.objects.for_tenant(call.tenant_id).filter(pk__in=sessions).select_related("user")
    return {one.pk: one.user.shown_name for one in rows}
