"""What Prometheus scrapes: read from the rows at the moment of the scrape, so that any web tells the same."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta

from django.conf import settings
from django.db.models import Count
from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.registry import Collector
from redis.exceptions import RedisError

from dialer.agents.models import AgentSession
from dialer.calls.models import CallTask
from dialer.calls.outcomes import Outcome
from dialer.calls.rules import CallState
from dialer.campaigns.models import Campaign, CampaignStatus
from dialer.compliance import ledger
from dialer.core import health
from dialer.core.clock import now
from dialer.telephony.models import CommandStatus, SwitchCommand

from .ready import checks, redis_of

LATELY = timedelta(minutes=5)
"""Outcomes are those of calls that were decided so recently."""


def text() -> bytes:
    """Everything, in Prometheus' text format."""
    registry = CollectorRegistry()
    registry.register(_Floor())
    return generate_latest(registry)


class _Floor(Collector):
    """The figures of the whole installation, all tenants together; campaigns by their outward id, never by name."""

    def describe(self) -> list[Metric]:
        """Nothing: registering must not read the database."""
        return []

    def collect(self) -> Iterator[Metric]:
        """Read the rows."""
        moment = now()
        yield from _readiness()
        yield from _calls(moment)
        yield from _agents()
        yield from _abandonment(moment)
        yield from _switchboards(moment)
        yield from _webs()
        yield from _queues()


def _gauge(name: str, told: str, labels: tuple[str, ...] = ()) -> GaugeMetricFamily:
    return GaugeMetricFamily(f"cordboard_{name}", told, labels=list(labels))


def _readiness() -> Iterator[Metric]:
    up = _gauge("up", "Whether a dependency is there (1) or not (0).", ("dependency",))
    for name, word in checks().items():
        up.add_metric([name], float(word == "ok"))
    yield up


def _calls(moment: datetime) -> Iterator[Metric]:
    calls = CallTask.objects.across_tenants()
    live = dict(calls.exclude(state=CallState.ENDED).values_list("state").annotate(Count("id")))
    states = _gauge("calls", "Live calls by state.", ("state",))
    for state in CallState:
        if state is not CallState.ENDED:
            states.add_metric([state.value], float(live.get(state.value, 0)))
    yield states
    ended = calls.filter(queued_at__gte=moment - LATELY, state=CallState.ENDED)
    counted = dict(ended.values_list("outcome").annotate(Count("id")))
    outcomes = _gauge("calls_ended_lately", "Calls of the last five minutes that ended, by outcome.", ("outcome",))
    for outcome in Outcome:
        outcomes.add_metric([outcome.value], float(counted.get(outcome.value, 0)))
    yield outcomes


def _agents() -> Iterator[Metric]:
    agents = _gauge("agents", "Agents by state.", ("state",))
    open_sessions = AgentSession.objects.across_tenants().filter(ended_at=None)
    for state, count in open_sessions.values_list("state").annotate(Count("id")):
        agents.add_metric([state], float(count))
    yield agents


def _abandonment(moment: datetime) -> Iterator[Metric]:
    share = _gauge("abandonment_ratio", "Abandoned of live answers in the law's window.", ("campaign",))
    left = _gauge("abandonment_budget_left", "How many more may be abandoned now.", ("campaign",))
    certain = _gauge("abandonment_ledger_certain", "Whether the counters are compared and agree.", ("campaign",))
    active = Campaign.objects.across_tenants().filter(status=CampaignStatus.ACTIVE)
    for campaign in active.select_related("tenant", "ledger_check"):
        if not campaign.ahead:
            continue
        stands = ledger.standing(campaign, moment)
        label = [str(campaign.public_id)]
        share.add_metric(label, stands.window.rate)
        left.add_metric(label, float(stands.cap * stands.window.answered - stands.window.abandoned))
        certain.add_metric(label, float(stands.certain))
    yield from (share, left, certain)


def _switchboards(moment: datetime) -> Iterator[Metric]:
    lag = _gauge("event_lag_seconds", "From hearing an event to its being recorded, p99 of 10 s.", ("switchboard",))
    waiting = _gauge("events_waiting", "Messages in the mailboxes.", ("switchboard",))
    age = _gauge("switchboard_heard_seconds", "Since the switchboard's last word.", ("switchboard",))
    trunks = _gauge("trunk_up", "Whether a trunk is reachable.", ("trunk",))
    boards = health.pulses(health.SWITCHBOARD)
    for one in boards:
        age.add_metric([one.name], (moment - one.at).total_seconds())
    for one in health.fresh(boards):
        lag.add_metric([one.name], one.lag_ms / 1000.0)
        waiting.add_metric([one.name], float(one.data.get("waiting", 0)))
        for trunk, reachable in one.data.get("trunks", {}).items():
            trunks.add_metric([trunk], float(bool(reachable)))
    pending = SwitchCommand.objects.across_tenants().filter(status=CommandStatus.PENDING).count()
    commands = _gauge("commands_waiting", "Commands to the switch that nobody has taken.")
    commands.add_metric([], float(pending))
    yield from (lag, waiting, age, trunks, commands)


def _webs() -> Iterator[Metric]:
    lag = _gauge("screen_latency_seconds", "From a change to the fragment at the socket, p99 of 10 s.", ("web",))
    screens = _gauge("screens", "Open screens.", ("web",))
    for one in health.fresh(health.pulses(health.WEB)):
        lag.add_metric([one.name], one.lag_ms / 1000.0)
        screens.add_metric([one.name], float(one.data.get("screens", 0)))
    yield from (lag, screens)


def _queues() -> Iterator[Metric]:
    depth = _gauge("jobs_waiting", "Jobs that no consumer has taken.", ("queue",))
    try:
        client = redis_of()
        for name, key in settings.JOB_QUEUES.items():
            depth.add_metric([name], float(client.llen(key)))  # type: ignore[arg-type]
    except (RedisError, OSError):
        pass  # cordboard_up says so
    yield depth
