"""`./run bench pacing-live [--agents 50] [--minutes 20] [--answer 0.25]`: predictive dialing on a real Asterisk.

Robot agents (each with a SIP phone, at the same pages as people) take the calls of one predictive campaign without
machine detection; a quarter of the numbers dialed are people who answer. The same settings are played by the project's
own simulator before: `simulated` is from what is known of the carrier's people and the robots' habits, nothing from the
run itself; `fitted` is what What-if makes of the campaign's rows afterwards.

`utilisation` is the share of their time in which agents talk or wrap up, after `--warm-up` minutes; `ratio` is that to
the simulator's. Abandonment is of the whole run: by the product's ledger, and by what the carrier saw (a person who
answered, was connected to nobody within the limit, and did not hang up before it). Shares in percent, times in seconds
unless a name says otherwise. Progress goes to stderr; the last line of stdout is JSON.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import random
import time
from collections import Counter
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import django
from asgiref.sync import sync_to_async

from dialer.settings import use_environment

use_environment()
django.setup()

from asterisk.sandbox import Mix, read_truth  # noqa: E402
from asterisk.sandbox.behaviour import Behaviour, table  # noqa: E402
from asterisk.sandbox.robot import Habits, lognormal  # noqa: E402
from deploy.local.supervisor import Supervisor  # noqa: E402
from dialer.agents.models import AgentStateChange  # noqa: E402
from dialer.calls import decisions, memory, snapshots  # noqa: E402
from dialer.calls.models import CallTask, PacingDecision, PacingState  # noqa: E402
from dialer.calls.rules import wait_limit_ms  # noqa: E402
from dialer.campaigns.models import Campaign, DialMethod  # noqa: E402
from dialer.compliance.models import AbandonmentDay  # noqa: E402
from dialer.core.clock import now  # noqa: E402
from dialer.pacing import Rules, Snapshot, decide  # noqa: E402
from dialer.pacing.simulator import World, simulate  # noqa: E402
from dialer.pacing.simulator.run import BATCH_S, Run  # noqa: E402
from dialer.pacing.simulator.whatif import summary  # noqa: E402
from dialer.people.models import User  # noqa: E402
from dialer.whatif.rules import world_of  # noqa: E402
from dialer.whatif.selectors import observed, todays  # noqa: E402
from tests import factories  # noqa: E402
from tests.bench import _floor as floor  # noqa: E402
from tests.bench import calls as base  # noqa: E402
from tests.bench.compare import Comparison, abandonment_of, compare, our_calls  # noqa: E402

say = floor.say
AT_WORK = Habits(
    talk_s=lognormal(28.0, 0.5, 90.0),
    hangs_up=1.0,
    wrap_s=lognormal(8.0, 0.5, 40.0),
    dispositions=base.BRISK.dispositions,
    pauses=0.0,
)
CYCLE_S = 38.0
"""About what such a call takes an agent; says only how many leads are seeded."""
RING_LIMIT_S = 22
ORIGINATE_S = 0.2
"""From the decision to the first ring, on a machine that is not busy."""
SEEDS = 8
SHORTEST_SHIFT_MIN = 20.0


def shares_of(answer: float) -> floor.Shares:
    """What is dialed: `answer` of the calls are picked up, all of them by people; most of the others ring out."""
    rest = 1.0 - answer
    return (
        (0.88 * answer, lambda far: far.kind == "person" and _rings_s(far) <= RING_LIMIT_S - 2 and far.talk_s >= 30),
        (0.08 * answer, lambda far: far.kind == "hangs_up_mid_call" and _rings_s(far) <= RING_LIMIT_S - 2),
        (0.04 * answer, lambda far: far.kind == "hangs_up_at_once" and _rings_s(far) <= RING_LIMIT_S - 2),
        (0.70 * rest, lambda far: far.kind == "no_answer"),
        (0.14 * rest, lambda far: far.kind == "busy"),
        (0.08 * rest, lambda far: far.kind == "congestion"),
        (0.08 * rest, lambda far: far.kind == "invalid"),
    )


def _rings_s(far: Behaviour) -> float:
    return far.delay_s + far.ring_s


@dataclass(frozen=True, slots=True)
class Seeded:
    """The campaign and who works in it."""

    campaign: Campaign
    crew: list[User]


def seed(options: argparse.Namespace) -> Seeded:
    """One predictive campaign with leads for the whole run."""
    numbers = floor.Numbers(int(os.environ["CARRIER_SEED"]), Mix.read(Path(os.environ["CARRIER_MIX"])))
    tenant = factories.make_tenant("Bench")
    factories.make_pause_code(tenant)
    campaign = factories.make_campaign(
        tenant,
        name="Predictive",
        caller_id="+12125550101",
        dial_method=DialMethod.PREDICTIVE,
        ring_timeout_s=RING_LIMIT_S,
        max_lines=max(20, 4 * options.agents),
        seats=options.agents,
        record_calls=options.record,
    )
    dials = options.minutes * 60.0 * options.agents / CYCLE_S / options.answer
    floor.fill(campaign, numbers, round(1.25 * dials) + 200, shares_of(options.answer))
    return Seeded(campaign, floor.make_agents(tenant, "robot", options.agents, endpoint_from=7001))


# ---- what the simulator says


def world_known(options: argparse.Namespace) -> World:
    """The carrier's people, the robots' habits and the campaign's settings as a world: no figure is of the run."""
    shares = shares_of(options.answer)
    fars = table(int(os.environ["CARRIER_SEED"]), Mix.read(Path(os.environ["CARRIER_MIX"])))
    chance = random.Random(1)

    def draws(which: range) -> list[Behaviour]:
        """2000 far ends of these rows of `shares`, in proportion."""
        kinds = [[far for far in fars if shares[place][1](far)] for place in which]
        weights = [shares[place][0] for place in which]
        return [chance.choice(chance.choices(kinds, weights)[0]) for _ in range(2000)]

    people, refusals = draws(range(3)), draws(range(4, 7))
    habits = AT_WORK
    return World(
        agents=options.agents,
        hours=max(SHORTEST_SHIFT_MIN, options.minutes) / 60.0,
        answer=(options.answer,),
        answer_age=tuple(ORIGINATE_S + _rings_s(far) for far in people),
        machine=0.0,
        fail=0.30,
        fail_age=tuple(ORIGINATE_S + _rings_s(far) for far in refusals),
        originate=(ORIGINATE_S,),
        talk=tuple(min(habits.talk_s(chance), far.talk_s) for far in people),
        wrap=tuple(habits.wrap_s(chance) for _ in people),
        pauses_per_hour=0.0,
        rules=Rules(ring_timeout=float(RING_LIMIT_S), detection=False, patience=2.0, seats=options.agents),
        wait=2.0,
        lines=max(20, 4 * options.agents),
        calls_per_s=50.0,
    )


def said_of(world: World) -> dict[str, Any]:
    """Several shifts of the world: figures with 95 % intervals, in percent, after the first span of the simulator's."""
    played: list[Run] = []
    for number in range(SEEDS):
        played.append(simulate(world, seed=number + 1))
        say(f"  simulated shift {number + 1} of {SEEDS}: {_share(played[-1]):.1f} % busy")
    told = summary(played, begin=1)
    return {
        "utilisation": _interval(told.utilisation, 100.0),
        "abandonment": _interval(told.abandonment, 100.0),
        "wait_s": _interval(told.wait_s, 1.0),
        "calls_per_hour": _interval(told.calls_per_hour, 1.0),
        "shifts": SEEDS,
        "minutes": round(world.hours * 60.0),
        "after_min": BATCH_S / 60.0,
    }


def _share(run: Run) -> float:
    total = run.total(skip=1)
    return 100.0 * total.busy / max(1e-9, total.busy + total.idle)


def _interval(interval: Any, times: float) -> dict[str, float]:
    return {name: round(value * times, 2) for name, value in asdict(interval).items()}


def said_afterwards(campaign: Campaign, options: argparse.Namespace) -> dict[str, Any]:
    """What What-if makes of the run's own rows."""
    told, _ = observed(campaign)
    settings = replace(todays(campaign), agents=options.agents)
    world, guesses = world_of(
        told,
        settings,
        patience=campaign.connect_limit_ms / 1000.0,
        lines=campaign.max_lines,
        wait=wait_limit_ms(campaign.connect_limit_ms, settings.detection) / 1000.0,
    )
    hours = max(SHORTEST_SHIFT_MIN, options.minutes) / 60.0
    return {
        **said_of(replace(world, hours=hours, pauses_per_hour=0.0, calls_per_s=50.0)),
        "answer": round(100.0 * world.answer[0], 2),
        "guessed": list(guesses.words),
    }


# ---- what happened


def time_by_state(campaign: Campaign, begin: datetime, end: datetime) -> dict[str, float]:
    """Seconds that the campaign's agents spent in each state between two moments."""
    rows = AgentStateChange.objects.for_tenant(campaign.tenant_id).filter(session__campaign=campaign, at__lt=end)
    spent: Counter[str] = Counter()
    for state, at, until in rows.values_list("state", "at", "until"):
        spent[state] += max(0.0, (min(until or end, end) - max(at, begin)).total_seconds())
    return {state: round(seconds, 1) for state, seconds in sorted(spent.items()) if seconds}


def utilisation_of(spent: dict[str, float]) -> float:
    """Percent of their time at work in which they talked or wrapped up; being rung for counts as waiting."""
    busy = spent.get("in_call", 0.0) + spent.get("wrapup", 0.0)
    return round(100.0 * busy / max(1e-9, busy + spent.get("ready", 0.0) + spent.get("reserved", 0.0)), 2)


def abandoned_in_ledger(campaign: Campaign) -> dict[str, Any]:
    """The same by the product's ledger."""
    rows = AbandonmentDay.objects.for_tenant(campaign.tenant_id).filter(campaign=campaign)
    answered = sum(row.answered for row in rows)
    abandoned = sum(row.abandoned for row in rows)
    return {
        "answered": answered,
        "abandoned": abandoned,
        "abandonment": round(100.0 * abandoned / max(1, answered), 3),
    }


def reasons_of(campaign: Campaign) -> dict[str, Any]:
    """What pacing said: how often each kind of sentence was stored, the limits named, one whole sentence of each."""
    rows = PacingDecision.objects.for_tenant(campaign.tenant_id).filter(campaign=campaign).order_by("at")
    shapes: Counter[str] = Counter()
    limits: Counter[str] = Counter()
    example: dict[str, str] = {}
    for reason, named in rows.values_list("reason", "limits"):
        shape = decisions.shape_of(reason)
        shapes[shape] += 1
        limits.update(named)
        example[shape] = reason
    return {
        "stored": sum(shapes.values()),
        "sentences": [{"times": times, "for_example": example[shape]} for shape, times in shapes.most_common(8)],
        "limits": dict(limits.most_common()),
    }


def foresight_of(campaign: Campaign) -> dict[str, float]:
    """Forecast against what came, means a decision, over the last hour."""
    buckets = decisions.calibration(campaign)
    judged = max(1, sum(one.decisions for one in buckets))
    sums = {
        name: round(sum(getattr(one, name) * one.decisions for one in buckets) / judged, 2)
        for name in ("free_foreseen", "free", "answers_foreseen", "answers")
    }
    risked = round(sum(one.risked for one in buckets), 1)
    return {**sums, "risked": risked, "abandoned": float(sum(one.abandoned for one in buckets))}


class Timed:
    """How long the engine takes for the floor as it is, measured beside the product, which is not disturbed.

    Its memory is read back from the database and warmed with one decision, as the pacing process holds it.
    """

    def __init__(self, campaign: Campaign) -> None:
        self.campaign, self.ms = campaign, list[float]()

    def take(self) -> None:
        """Read the floor and decide; nothing is written."""
        state = PacingState.objects.for_tenant(self.campaign.tenant_id).filter(campaign=self.campaign).first()
        if state is None:
            return
        at = now()
        campaign = self.campaign
        snapshot = Snapshot(
            method="predictive",
            level=1.0,
            agents=snapshots._agents(campaign, at),
            calls=snapshots._calls(campaign, at),
            max_lines=campaign.max_lines,
            at=at.timestamp(),
            ledger=snapshots._ledger(snapshots.standing(campaign, at)),
            rules=snapshots.rules_of(campaign),
            memory=memory.from_text(state.memory),
        )
        first = decide(snapshot)
        began = time.perf_counter()
        decide(replace(snapshot, at=snapshot.at + 1.0, memory=first.memory))
        self.ms.append((time.perf_counter() - began) * 1000.0)


# ---- the run


async def run(rows: Seeded, options: argparse.Namespace, supervisor: Supervisor) -> dict[str, Any]:
    """Dial for the whole time, then let everybody finish; the figures."""
    campaign, lag, timed = rows.campaign, floor.Lag(), Timed(rows.campaign)
    crew, began = floor.Crew(), time.time()
    watching = asyncio.create_task(lag.watch())
    try:
        await crew.hire(rows.crew, campaign, AT_WORK, by_form=False)
        await crew.all_ready()
        say(f"{len(crew.robots)} robots are ready; dialing for {options.minutes:g} minutes")
        used = await asyncio.to_thread(base.used_cpu_s, supervisor)
        await sync_to_async(base.start)(campaign)
        begin = now()
        await _watch(campaign, timed, options.minutes * 60.0)
        end = now()
        later = await asyncio.to_thread(base.used_cpu_s, supervisor)
        ticks = await sync_to_async(_ticks)(campaign)
        await sync_to_async(base.stop)(campaign)
        await base.until_quiet(campaign)
    finally:
        everybody_left = await crew.go_home(60.0)
        watching.cancel()
    await base.until_done(30, campaign)
    await base.settled(campaign)
    left = await base.orphans()
    figures = await sync_to_async(figures_of)(campaign, options, begin, end, began)
    seconds = (end - begin).total_seconds()
    return {
        **figures,
        "robots_calls": sum(one.figures.calls for one in crew.robots),
        "decide_ms": floor.percentiles(timed.ms),
        "ticks_per_s": round(ticks / seconds, 2),
        "cpu_share": {name: round((value - used.get(name, 0.0)) / seconds, 3) for name, value in sorted(later.items())},
        "orphan_channels": left,
        "all_agents_left": everybody_left,
        "socket_reconnects": sum(one.figures.reconnects for one in crew.robots),
        "event_to_screen_ms": base.screen_figures(crew)["event_to_screen_ms"],
        "bench_loop_late_ms": floor.percentiles(lag.late_ms),
    }


async def _watch(campaign: Campaign, timed: Timed, seconds: float) -> None:
    """Let it dial; say how it stands every half minute."""
    began = told = time.monotonic()
    while (left := began + seconds - time.monotonic()) > 0:
        await asyncio.sleep(min(3.0, left))
        await sync_to_async(timed.take)()
        if time.monotonic() - told >= 30.0:
            told = time.monotonic()
            say(f"  {told - began:4.0f} s: {await sync_to_async(_standing)(campaign)}")


def _standing(campaign: Campaign) -> str:
    ends = now()
    spent = time_by_state(campaign, ends - timedelta(seconds=30), ends)
    state = decisions.latest(campaign)
    ledger = abandoned_in_ledger(campaign)
    return (
        f"{utilisation_of(spent):.0f} % busy, {ledger['answered']} answered, {ledger['abandoned']} abandoned; "
        f"{state.reason if state else 'no decision yet'}"
    )


def _ticks(campaign: Campaign) -> int:
    state = decisions.latest(campaign)
    return int(state.revision) if state is not None else 0


def figures_of(
    campaign: Campaign, options: argparse.Namespace, begin: datetime, end: datetime, since: float
) -> dict[str, Any]:
    """Everything that the rows and the carrier's truth say."""
    counted_from = begin + timedelta(minutes=options.warm_up)
    spent = time_by_state(campaign, counted_from, end)
    found = compare(
        our_calls(campaign=campaign), [one for one in read_truth(os.environ["CARRIER_TRUTH"]) if one.arrived >= since]
    )
    for mismatch in found.mismatches[:20]:
        say(f"  mismatch {mismatch.call}: ours {mismatch.ours}; truth {mismatch.truth}: {mismatch.why}")
    truth = abandonment_of(found.pairs, campaign.connect_limit_ms / 1000.0)
    ledger = abandoned_in_ledger(campaign)
    rows = CallTask.objects.across_tenants().filter(campaign=campaign)
    placed = rows.exclude(placed_at=None)
    connected = rows.exclude(connected_at=None).values_list("answered_at", "connected_at")
    return {
        "utilisation": utilisation_of(spent),
        "seconds_by_state": spent,
        "abandonment": ledger["abandonment"],
        "abandonment_truth": truth["abandonment"],
        "ledger": ledger,
        "truth": truth,
        "abandonment_equal": _same(ledger, truth),
        "calls": placed.count(),
        "answer_share": round(100.0 * truth["answered"] / max(1, found.matched), 2),
        "connected": len(connected),
        "by_outcome": dict(sorted(Counter(rows.values_list("outcome", flat=True)).items())),
        "decision_to_ring_ms": _lags(placed, "ringing_at", "queued_at"),
        "answer_to_bridge_ms": floor.percentiles([(b - a).total_seconds() * 1000 for a, b in connected]),
        "reasons": reasons_of(campaign),
        "foresight": foresight_of(campaign),
        **_discrepancies(found),
    }


def _same(ledger: dict[str, Any], truth: dict[str, Any]) -> bool:
    return (ledger["answered"], ledger["abandoned"]) == (truth["answered"], truth["abandoned"])


def _lags(rows: Any, later: str, earlier: str) -> dict[str, Any]:
    times = rows.exclude(**{later: None}).values_list(later, earlier)
    return floor.percentiles([(b - a).total_seconds() * 1000 for b, a in times])


def _discrepancies(found: Comparison) -> dict[str, int]:
    return {
        "outcome_mismatches": len(found.mismatches),
        "unknown_to_us": len(found.unknown_to_us),
        "never_arrived": len(found.never_arrived),
    }


def main() -> int:
    """Run the bench; 0 when it could be run, whatever the figures."""
    parser = argparse.ArgumentParser(prog="./run bench pacing-live", description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--agents", type=int, default=50)
    parser.add_argument("--minutes", type=float, default=20.0, help="how long it dials")
    parser.add_argument("--warm-up", type=float, help="minutes that utilisation leaves out (default: 5, or a quarter)")
    parser.add_argument("--answer", type=float, default=0.25, help="share of the calls that people answer")
    parser.add_argument("--record", action=argparse.BooleanOptionalAction, default=True, help="record the calls")
    options = parser.parse_args()
    if options.warm_up is None:
        options.warm_up = min(5.0, options.minutes / 4.0)
    if "CARRIER_TRUTH" not in os.environ:
        say("This bench needs the sandbox's Asterisk and carrier (CARRIER_TRUTH is not set).")
        return 2
    say("simulating the same settings")
    simulated = said_of(world_known(options))
    say("seeding")
    rows = seed(options)
    load, began = os.getloadavg()[0], datetime.now(UTC)
    with floor.product() as supervisor:
        result = asyncio.run(run(rows, options, supervisor))
        restarts = sum(one.restarts for one in supervisor.status().values())
    say("simulating what What-if fits to the rows of this run")
    fitted = said_afterwards(rows.campaign, options)
    expected = simulated["utilisation"]["mean"]
    print(
        json.dumps(
            {
                "agents": options.agents,
                "minutes": options.minutes,
                "warm_up_min": options.warm_up,
                "ratio": round(result["utilisation"] / max(1e-9, expected), 3),
                "simulated": simulated,
                "fitted": fitted,
                **result,
                "restarts": restarts,
                "cores": os.cpu_count(),
                "load_before": load,
                "load_after": os.getloadavg()[0],
                "began": began.isoformat(timespec="seconds"),
            }
        )
    )
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
