"""Who waits in which queue, and the agent who is found for them.

A caller waits while `CallTask.queue_since` is set: one who called us and was not yet taken, or a customer whose agent
transferred them. Rows say it all, so whoever asks (an event of a call, or the switchboard's own look a few times a
second, also after it was restarted) finds the same order.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from django.db.models import Count, Min

from dialer.agents import services as agents
from dialer.agents.models import AgentSession, LegState
from dialer.agents.rules import AgentState
from dialer.campaigns.models import Campaign
from dialer.core import prepared
from dialer.core.models import TenantQuerySet
from dialer.inbound.models import Queue
from dialer.inbound.rules import TurnedAway, Waiter, on_arrival, servable

from .models import CallTask
from .outcomes import Outcome
from .rules import CallState


def _waiting() -> TenantQuerySet:
    return CallTask.objects.across_tenants().filter(
        queue_since__isnull=False, session=None, ending="", state__in=(CallState.HUMAN, CallState.CONNECTED)
    )


def waiters() -> list[Waiter]:
    """Everybody who waits, in any tenant's queue."""
    rows = list(_waiting().filter(queue__isnull=False).values_list("pk", "queue_id", "queue__priority", "queue_since"))
    serving = _campaigns_of({queue for _pk, queue, _priority, _since in rows})
    return [Waiter(pk, priority, since, serving.get(queue, frozenset())) for pk, queue, priority, since in rows]


def _campaigns_of(queues: set[int]) -> dict[int, frozenset[int]]:
    if not queues:
        return {}
    found: dict[int, set[int]] = {}
    rows = Queue.campaigns.through.objects.filter(queue_id__in=queues).values_list("queue_id", "campaign_id")
    for queue, campaign in rows:
        found.setdefault(queue, set()).add(campaign)
    return {queue: frozenset(campaigns) for queue, campaigns in found.items()}


def to_serve(asking: Waiter | None = None) -> list[UUID]:
    """The calls for which an agent is ready now, in the order in which they are to get one.

    `asking`: one whose row, in the transaction that asks, does not say yet that it waits.
    """
    waiting = waiters()
    if asking is not None:
        waiting = [*(one for one in waiting if one.call != asking.call), asking]
    if not waiting:
        return []
    campaigns = frozenset[int]().union(*(one.campaigns for one in waiting))
    ready = AgentSession.objects.across_tenants().filter(
        campaign__in=campaigns, state=AgentState.READY, leg=LegState.UP
    )
    counts = dict(ready.values_list("campaign").annotate(count=Count("pk")))
    return servable(waiting, counts)


def turns() -> list[tuple[UUID, bool]]:
    """Whose turn it is now, and whether they were transferred: their call is connected, and has a conversation."""
    served = to_serve()
    if not served:
        return []
    rows = CallTask.objects.across_tenants().filter(pk__in=served, state=CallState.CONNECTED)
    transferred = set(rows.values_list("pk", flat=True))
    return [(call, call in transferred) for call in served]


def claim(*, call: CallTask, at: datetime) -> int | None:
    """Reserve an agent for a call that waits in its queue, if it is its turn; None when it is not, or nobody is ready.

    The call must be locked. A call that came to us takes the campaign of its first agent: script, dispositions,
    recording.
    """
    queue = call.queue
    if queue is None:
        return None
    campaigns = _campaigns_of({queue.pk}).get(queue.pk, frozenset())
    asking = Waiter(call.pk, queue.priority, call.queue_since or at, campaigns)
    if call.pk not in to_serve(asking):
        return None
    session = agents.claim_of_any(campaigns=sorted(campaigns), call_id=call.pk, at=at)
    if session is None:
        return None
    if call.inbound and call.state != CallState.CONNECTED:  # whose first agent this is
        campaign = Campaign.objects.for_tenant(call.tenant_id).get(pk=session.campaign_id)
        call.campaign, call.record, call.dial_method = campaign, campaign.record_calls, campaign.dial_method
        prepared.update(call, ("campaign", "record", "dial_method"))
    return session.pk


def agents_of(queue: Queue) -> int:
    """How many agents are signed in where the queue is served, whatever they do at the moment."""
    rows = AgentSession.objects.for_tenant(queue.tenant_id).filter(ended_at=None, campaign__queues=queue)
    return rows.count()


def music_of(*, call_id: UUID) -> str:
    """The class of music that a caller hears in their queue."""
    row = CallTask.objects.across_tenants().filter(pk=call_id).values_list("queue__music", flat=True).first()
    return row or "default"


def turned_away(queue: Queue, at: datetime) -> TurnedAway | None:
    """Why nobody may wait in a queue now; None when they may."""
    return on_arrival(queue.hours, queue.local(at), agents_of(queue))


def wait_in(*, call: CallTask, queue_id: int | None, at: datetime) -> None:
    """Let a customer wait in a queue as soon as their agent lets go of them; None: in no queue. The call is locked."""
    call.queue_since = at if queue_id is not None else None
    if queue_id is not None:
        call.queue_id = queue_id
    call.save(update_fields=["queue", "queue_since"])


def callers_among(*, tenant_id: int, numbers: Sequence[str]) -> set[str]:
    """Those of the numbers that are calling us at this moment: they are not called."""
    if not numbers:
        return set()
    live = CallTask.objects.for_tenant(tenant_id).filter(inbound=True, phone__in=numbers)
    return set(live.exclude(state=CallState.ENDED).values_list("phone", flat=True))


ARRIVALS_OVER = timedelta(minutes=10)
"""From which stretch the rate is taken at which callers come: they come by the hour, and not by the minute."""


def callers_for(campaign_id: int, at: datetime) -> tuple[int, float]:
    """Callers who wait for a campaign's agents, and how many come a second; its share of queues that others serve too.

    Each of the campaigns that have somebody signed in is taken to get as many of the queue's callers as its agents are.
    """
    queues = list(Queue.objects.across_tenants().filter(campaigns=campaign_id).values_list("pk", flat=True))
    if not queues:
        return 0, 0.0
    came = CallTask.objects.across_tenants().filter(
        inbound=True, queue__in=queues, queued_at__gt=at - ARRIVALS_OVER, queued_at__lte=at
    )
    arrivals = dict(came.exclude(outcome=Outcome.CLOSED).values_list("queue").annotate(count=Count("pk")))
    waits = dict(_waiting().filter(queue__in=queues).values_list("queue").annotate(count=Count("pk")))
    serving = _campaigns_of(set(queues))
    others = frozenset[int]().union(*serving.values())
    signed_in = AgentSession.objects.across_tenants().filter(ended_at=None, campaign__in=others)
    agents_in = dict(signed_in.values_list("campaign").annotate(count=Count("pk")))
    waiting = coming = 0.0
    for queue in queues:
        all_of = sum(agents_in.get(campaign, 0) for campaign in serving[queue])
        share = agents_in.get(campaign_id, 0) / all_of if all_of else 0.0
        waiting += share * waits.get(queue, 0)
        coming += share * arrivals.get(queue, 0)
    return round(waiting), coming / ARRIVALS_OVER.total_seconds()


@dataclass(frozen=True, slots=True)
class Line:
    """A queue as the floor shows it: how many wait, and since when the one who has waited longest."""

    queue: Queue
    campaigns: frozenset[int]
    waiting: int
    since: datetime | None


def lines_of(tenant_id: int) -> list[Line]:
    """A tenant's queues with who waits in them."""
    queues = list(Queue.objects.for_tenant(tenant_id).order_by("name"))
    if not queues:
        return []
    rows = _waiting().filter(tenant_id=tenant_id, queue__isnull=False).values("queue")
    rows = rows.annotate(count=Count("pk"), since=Min("queue_since"))
    counts = {row["queue"]: (row["count"], row["since"]) for row in rows}
    serving = _campaigns_of({queue.pk for queue in queues})
    return [Line(queue, serving.get(queue.pk, frozenset()), *counts.get(queue.pk, (0, None))) for queue in queues]
