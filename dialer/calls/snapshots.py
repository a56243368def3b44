"""The campaign as pacing sees it at one moment, read in a tick's transaction."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from hashlib import blake2b
from typing import cast

import numpy as np

from dialer.agents.models import AgentSession, LegState
from dialer.agents.rules import AgentState
from dialer.campaigns import facts
from dialer.campaigns.models import MIN_RING_S, Campaign, DialMethod
from dialer.compliance.abandonment import Standing
from dialer.compliance.ledger import closes_in, standing
from dialer.pacing import AgentView, CallView, Ledger, Memory, Method, Rules, Seen, Snapshot
from dialer.pacing.allocate import Trunk
from dialer.pacing.types import SeenKind

from . import queueing
from .models import CallTask
from .rules import CallState, wait_limit_ms

_BUSY = (AgentState.RESERVED, AgentState.IN_CALL, AgentState.WRAPUP)


def snapshot_of(campaign: Campaign, at: datetime, memory: Memory | None = None) -> Snapshot:
    """The campaign as pacing sees it now, with its own cap of lines; those of its trunk come by `on_trunk`.

    Facts to learn from are taken: call it once, in the deciding transaction.
    """
    calls = _calls(campaign, at)
    plain = Snapshot(
        method=cast(Method, campaign.dial_method),
        level=float(campaign.dial_level),
        agents=_agents(campaign, at),
        calls=calls,
        max_lines=campaign.max_lines,
        lines_in_use=len(calls),
    )
    if not campaign.ahead:
        return plain
    waiting, coming = queueing.callers_for(campaign.pk, at) if campaign.dial_method == DialMethod.BLENDED else (0, 0.0)
    return replace(
        plain,
        inbound_waiting=waiting,
        inbound_per_s=coming,
        at=at.timestamp(),
        seen=tuple(_seen(fact) for fact in facts.take(campaign_id=campaign.pk, at=at)),
        ledger=_ledger(standing(campaign, at)),
        rules=rules_of(campaign),
        memory=memory,
        closes_in=closes_in(campaign.tenant, at),
    )


def on_trunk(snapshot: Snapshot, trunk: Trunk, share: int) -> Snapshot:
    """The same campaign with what its trunk leaves it: the caps that it meets, or its share beside other campaigns."""
    if share < trunk.room:
        return replace(snapshot, share=share)
    if trunk.lines - trunk.lines_in_use < snapshot.max_lines - snapshot.lines_in_use:
        snapshot = replace(snapshot, max_lines=trunk.lines, lines_in_use=trunk.lines_in_use)
    return replace(snapshot, may_launch=trunk.may_launch)


def rules_of(campaign: Campaign) -> Rules:
    """How the campaign dials, in pacing's terms."""
    return Rules(
        ring_timeout=float(campaign.ring_timeout_s),
        min_ring=float(MIN_RING_S),
        detection=campaign.amd,
        patience=campaign.connect_limit_ms / 1000.0,
        wait=wait_limit_ms(campaign.connect_limit_ms, campaign.amd) / 1000.0,
        may_cancel=campaign.may_cancel,
        seats=campaign.seats,
    )


def _agents(campaign: Campaign, at: datetime) -> tuple[AgentView, ...]:
    sessions = AgentSession.objects.for_tenant(campaign.tenant_id).filter(campaign=campaign, ended_at=None)
    # Nobody can be put through to them before their phone is back.
    sessions = sessions.exclude(state=AgentState.READY, leg=LegState.AWAY)
    rows = sessions.values_list(
        *("state", "state_since", "pause_after", "move_to_id"),
        *("call__connected_at", "call__ended_at", "call__hung_up_by"),
    )
    return tuple(_agent(at, *row) for row in rows)


def _agent(
    at: datetime,
    state: str,
    since: datetime,
    pause_after: str,
    move_to: int | None,
    connected: datetime | None,
    ended: datetime | None,
    hung_up_by: str | None,
) -> AgentView:
    # Who will pause after this call, or work for another campaign then, is nobody to count on.
    if (pause_after or move_to) and state in _BUSY:
        return AgentView(AgentState.PAUSED, (at - since).total_seconds())
    if state == AgentState.IN_CALL and hung_up_by and connected:
        # The desktop has asked to hang up: the wrap-up begins as soon as the switch has done it.
        return AgentView(AgentState.WRAPUP, 0.0, (at - connected).total_seconds())
    talked = (ended - connected).total_seconds() if state == AgentState.WRAPUP and connected and ended else None
    return AgentView(state, (at - since).total_seconds(), talked)


def _calls(campaign: Campaign, at: datetime) -> tuple[CallView, ...]:
    live = CallTask.objects.for_tenant(campaign.tenant_id).filter(campaign=campaign, inbound=False)
    live = live.exclude(state=CallState.ENDED)
    rows = live.values_list("state", "queued_at", "answered_at", "session_id", "ending")
    return tuple(
        CallView(
            state,
            (at - (answered or queued)).total_seconds(),
            # One that its agent has handed on is nobody's to answer any more.
            session is not None or bool(ending) or state == CallState.CONNECTED,
            (answered - queued).total_seconds() if answered else None,
        )
        for state, queued, answered, session, ending in rows
    )


def _seen(fact: facts.Fact) -> Seen:
    return Seen(cast(SeenKind, fact.kind), fact.seconds, lag=fact.lag, stayed=fact.stayed, talked=fact.talked)


def _ledger(how: Standing) -> Ledger:
    return Ledger(
        answered=how.window.answered,
        abandoned=how.window.abandoned,
        day_answered=how.day.answered,
        day_abandoned=how.day.abandoned,
        cap=how.cap,
        spent=how.spent,
        certain=how.certain,
    )


def digest_of(snapshot: Snapshot) -> str:
    """What tells two inputs apart: BLAKE2b, 128 bits, of everything in the snapshot but the memory."""
    agents, calls = snapshot.agents, snapshot.calls
    digest = blake2b(repr(replace(snapshot, agents=(), calls=(), memory=None)).encode(), digest_size=16)
    digest.update(",".join([*(one.state for one in agents), "|", *(one.state for one in calls)]).encode())
    figures = [(one.seconds, _or_none(one.talked), _or_none(one.ending)) for one in agents]
    digest.update(np.array(figures).tobytes())
    digest.update(np.array([(one.seconds, one.taken, _or_none(one.rang), one.score) for one in calls]).tobytes())
    return digest.hexdigest()


def _or_none(seconds: float | None) -> float:
    return -1.0 if seconds is None else seconds
