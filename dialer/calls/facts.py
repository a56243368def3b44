"""What one event of a call teaches pacing. Written with the event, for campaigns that dial ahead."""

from __future__ import annotations

from datetime import datetime

from dialer.campaigns.facts import Fact, note
from dialer.campaigns.models import AHEAD

from .models import CallTask
from .outcomes import Outcome
from .rules import Call, CallState


def note_call(before: Call, call: CallTask, at: datetime) -> None:
    """Keep what an event taught: `before` is the call as it was, `call` the row after it, both of one transaction."""
    if call.own_agent or call.dial_method not in AHEAD:
        return
    facts = learned(before, call, at)
    if call.inbound:  # how long agents talk is the same matter; nothing else of it is a dial's
        facts = [fact for fact in facts if fact.kind == "talk_end"]
    if facts:
        note(tenant_id=call.tenant_id, campaign_id=call.campaign_id, facts=facts, at=at)


def learned(before: Call, call: CallTask, at: datetime) -> list[Fact]:
    """The facts of one event; each call gives each of them once, because each is a move that happens once."""
    found: list[Fact] = []
    after = call.as_call()
    picked_up = _between(call.queued_at, call.answered_at)
    ended = after.state is CallState.ENDED and before.state is not CallState.ENDED
    if after.verdict and not before.verdict:
        person = after.state in (CallState.HUMAN, CallState.CONNECTED)
        found.append(Fact("answered" if person else "machine", picked_up, lag=_between(call.answered_at, at)))
    elif ended and after.answered and not after.verdict:
        found.append(Fact("machine", picked_up, lag=_between(call.answered_at, at)))  # gone while it was screened
    if after.state is CallState.CONNECTED and before.state is not CallState.CONNECTED:
        found.append(Fact("connected", _between(call.ready_at, at)))
    if ended and call.outcome == Outcome.CONNECTED:
        found.append(Fact("talk_end", _between(call.connected_at, at)))
    if Outcome.ABANDONED in (after.ending, after.outcome) and Outcome.ABANDONED not in (before.ending, before.outcome):
        found.append(Fact("abandoned", _between(call.ready_at, at)))
    if ended and not after.answered and call.placed_at is not None and call.outcome not in _TEACHES_NOTHING:
        found.append(Fact("failed", _between(call.queued_at, at)))
    return found


_TEACHES_NOTHING = (Outcome.CANCELLED, Outcome.LOST, Outcome.ABANDONED)


def _between(start: datetime | None, end: datetime | None) -> float:
    return (end - start).total_seconds() if start is not None and end is not None else 0.0
