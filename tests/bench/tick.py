"""`./run bench tick [--agents 100,500] [--ticks 120]`: what a tick of a predictive campaign costs in the product.

Rows as on a running floor (agents ready, talking and in wrap-up; calls ringing and answered), no switch: between ticks
calls and agents move as the switchboard would move them, outside the clock. `tick_ms` is the whole tick (snapshot,
decision, leads, gate, calls, stored decision), `decide_ms` the engine alone. The last line is one JSON object.
"""

from __future__ import annotations

import argparse
import json
import random
import sys
import time
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import django

from dialer.settings import use_environment

use_environment()
django.setup()

from django.db import connection  # noqa: E402
from django.test.utils import CaptureQueriesContext  # noqa: E402

from dialer.agents.models import AgentSession  # noqa: E402
from dialer.calls import placing  # noqa: E402
from dialer.calls.models import CallTask  # noqa: E402
from dialer.campaigns.models import Campaign  # noqa: E402
from dialer.core.clock import now  # noqa: E402
from dialer.leads.models import Lead, LeadState  # noqa: E402
from dialer.people.models import Role, User  # noqa: E402
from tests import factories  # noqa: E402


def floor_of(agents: int) -> Campaign:
    """A campaign with that many agents, half of them in a call."""
    tenant = factories.make_tenant()
    campaign = factories.make_campaign(tenant, dial_method="predictive", seats=agents, max_lines=5000)
    factories.make_leads(factories.make_list(campaign), 20000)
    chance = random.Random(agents)
    for place in range(agents):
        user = User.objects.create(username=f"tick-{agents}-{place}", tenant=tenant, role=Role.AGENT, endpoint="")
        since = now() - timedelta(seconds=chance.uniform(0, 60))
        factories.make_session(campaign, user, state=chance.choice(("ready", "paused", "ready")), since=since)
    return campaign


def stir(campaign: Campaign, chance: random.Random, tick: int) -> None:
    """A second on the floor: a tenth of the calls end, some are answered, agents come and go."""
    calls = CallTask.objects.for_tenant(campaign.tenant_id).filter(campaign=campaign).exclude(state="ended")
    moment = now()
    calls.filter(state="queued").update(state="ringing", placed_at=moment, ringing_at=moment)
    ids = list(calls.filter(state="ringing").values_list("pk", flat=True))
    ended = [pk for pk in ids if chance.random() < 0.06]
    calls.filter(pk__in=ended).update(state="ended", outcome="no_answer", ended_at=moment)
    sessions = AgentSession.objects.for_tenant(campaign.tenant_id).filter(campaign=campaign)
    free = list(sessions.filter(state="ready").values_list("pk", flat=True))
    for pk in (pk for pk in ids if pk not in set(ended) and chance.random() < 0.02):
        if not free:
            break
        agent = free.pop()
        calls.filter(pk=pk).update(
            state="connected", answered=True, verdict="NONE", session=agent, answered_at=moment, connected_at=moment
        )
        sessions.filter(pk=agent).update(state="in_call", call=pk, state_since=moment)
    over = list(
        sessions.filter(state="in_call", state_since__lt=moment - timedelta(seconds=2)).values_list("pk", "call")
    )
    for agent, call in over[: max(1, len(over) // 20)]:
        calls.filter(pk=call).update(state="ended", outcome="connected", ended_at=moment)
        sessions.filter(pk=agent).update(state="ready", call=None, state_since=moment)
    Lead.objects.for_tenant(campaign.tenant_id).filter(campaign=campaign, state=LeadState.RESERVED).exclude(
        calls__state__in=("queued", "ringing", "connected")
    ).update(state=LeadState.DONE)


def measure(agents: int, ticks: int) -> dict[str, Any]:
    """Tick a floor for a while; the warm-up of the first ten is left out."""
    campaign = floor_of(agents)
    chance = random.Random(1)
    whole: list[float] = []
    engine: list[float] = []
    queued = 0
    decide = placing.decide

    def timed(snapshot: Any) -> Any:
        began = time.perf_counter()
        try:
            return decide(snapshot)
        finally:
            engine.append((time.perf_counter() - began) * 1000.0)

    placing.decide = timed
    try:
        for tick in range(ticks + 10):
            began = time.perf_counter()
            queued += len(placing.pace(campaign_id=campaign.pk).queued)
            whole.append((time.perf_counter() - began) * 1000.0)
            stir(campaign, chance, tick)
            if tick % 20 == 0:
                print(f"{agents} agents: tick {tick}, {queued} calls", file=sys.stderr, flush=True)
        with CaptureQueriesContext(connection) as seen:
            placing.pace(campaign_id=campaign.pk)
    finally:
        placing.decide = decide
    live = CallTask.objects.for_tenant(campaign.tenant_id).filter(campaign=campaign).exclude(state="ended").count()
    return {
        "agents": agents,
        "calls_live": live,
        "calls_queued": queued,
        "decide_ms": _spread(engine[10:]),
        "tick_ms": _spread(whole[10:]),
        "queries": len(seen.captured_queries),
    }


def _spread(values: list[float]) -> dict[str, float]:
    ordered = sorted(values)
    at: Callable[[float], float] = lambda share: round(ordered[min(len(ordered) - 1, int(share * len(ordered)))], 2)  # noqa: E731
    return {"p50": at(0.5), "p95": at(0.95), "p99": at(0.99)}


def main() -> None:
    """Measure each size and print one JSON object."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--agents", default="100,500")
    parser.add_argument("--ticks", type=int, default=120)
    options = parser.parse_args()
    floors = []
    for size in options.agents.split(","):
        floors.append(measure(int(size), options.ticks))
        print(json.dumps(floors[-1]), file=sys.stderr, flush=True)
    print(json.dumps({"floors": floors}))


if __name__ == "__main__":
    main()
