"""`./run bench calls`: real calls from lead to disposition on a real Asterisk, and what screens take with 500 sockets.

Part one: 12 robot agents (each with a SIP phone, at the same pages as people) dial 400 leads of all behaviours, half of
them progressive without machine detection, half at a ratio with it. Every record is then held against the carrier's.
Part two: 500 agents who only have their desk open, and 50 who take calls through the switch.

`answer_to_bridge_ms` is from the switch's answer to the customer being in the agent's bridge, for unscreened calls.
`event_to_screen_ms` is from the switch's event to the fragment's arrival at the agent's socket.
`bridge_gap_between_calls_ms` is from an agent going ready to the next customer on their line.
Progress goes to stderr; the last line of stdout is JSON.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import random
import time
from collections import Counter
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import aiohttp
import django
import psutil
from asgiref.sync import sync_to_async
from django.db.models import F

from dialer.settings import use_environment

use_environment()
django.setup()

from asterisk.sandbox import Mix, read_truth  # noqa: E402
from asterisk.sandbox.robot import Habits, lognormal  # noqa: E402
from asterisk.sandbox.robot_desk import Desk, DeskError  # noqa: E402
from deploy.local.supervisor import Supervisor  # noqa: E402
from dialer.agents.models import AgentSession  # noqa: E402
from dialer.calls.models import CallTask, Recording, RecordingState  # noqa: E402
from dialer.calls.rules import CallState  # noqa: E402
from dialer.campaigns.models import Campaign, CampaignStatus, DialMethod, LeadList  # noqa: E402
from dialer.core import notify  # noqa: E402
from dialer.leads.models import Lead, LeadState  # noqa: E402
from dialer.people.models import Tenant, User  # noqa: E402
from tests import factories  # noqa: E402
from tests.bench import _floor as floor  # noqa: E402
from tests.bench.compare import Comparison, compare, our_calls, repeated  # noqa: E402

say = floor.say
BRISK = Habits(
    talk_s=lognormal(3.0, 0.4, 7.0),
    hangs_up=0.7,
    talks_at_most_s=9.0,
    wrap_s=lognormal(1.0, 0.3, 2.0),
    dispositions=(("SALE", 10), ("CALLBK", 10), ("NI", 60), ("DNC", 2), ("OTHER", 18)),
    pauses=0.03,
    pause_s=lognormal(3.0, 0.2, 5.0),
    pause_codes=("BREAK",),
)
BUSY = Habits(
    talk_s=lognormal(35.0, 0.4, 90.0),
    hangs_up=0.3,
    wrap_s=lognormal(6.0, 0.4, 15.0),
    dispositions=BRISK.dispositions,
    pauses=0.0,
)
RING_LIMIT_S = 15
SETTLE_S = 45
COME_PER_S = 40
"""Idle agents who open their desk per second."""
WARM_UP_S = 30
"""Part two measures when agents are in all phases of their calls, not while all of them begin at once."""
SPOKE_S = 1.0
"""A recording is missed only when the customer was with an agent for so long; those who go at once leave no sound."""


@dataclass
class Rows:
    """What was seeded."""

    tenant: Tenant
    progressive: Campaign
    ratio: Campaign
    crowd: Campaign
    crew: list[User]
    more_crew: list[User]
    idle: list[User] = field(default_factory=list)


def seed(options: argparse.Namespace) -> Rows:
    """The tenant, its campaigns (stopped) and everybody in it."""
    numbers = floor.Numbers(int(os.environ["CARRIER_SEED"]), Mix.read(Path(os.environ["CARRIER_MIX"])))
    tenant = factories.make_tenant("Bench")
    factories.make_pause_code(tenant)
    same = {
        "disposition_set": factories.make_dispositions(tenant),
        "ring_timeout_s": RING_LIMIT_S,
    }
    progressive = factories.make_campaign(tenant, name="Progressive", caller_id="+12125550101", **same)
    ratio = factories.make_campaign(
        tenant,
        name="Ratio",
        caller_id="+12125550102",
        dial_method=DialMethod.RATIO,
        dial_level=options.level,
        amd=True,
        **same,
    )
    crowd = factories.make_campaign(tenant, name="Crowd", caller_id="+12125550103", **same)
    floor.fill(progressive, numbers, options.leads // 2)
    floor.fill(ratio, numbers, options.leads - options.leads // 2)
    floor.fill(crowd, numbers, options.busy * (3 + (WARM_UP_S + options.seconds) // 15), floor.UNHURRIED)
    return Rows(
        tenant,
        progressive,
        ratio,
        crowd,
        crew=floor.make_agents(tenant, "robot", options.agents, endpoint_from=7001),
        more_crew=floor.make_agents(
            tenant, "busy", max(0, options.busy - options.agents) if options.sockets else 0, endpoint_from=8001
        ),
        idle=floor.make_agents(tenant, "idle", options.sockets),
    )


def start(*campaigns: Campaign) -> None:
    """Let campaigns dial: their lists are not active before, so that everybody is at work when it begins."""
    for campaign in campaigns:
        LeadList.objects.across_tenants().filter(campaign=campaign).update(is_active=True)
        notify.notify(notify.READY, str(campaign.pk))


def stop(*campaigns: Campaign) -> None:
    """Let campaigns dial no more."""
    Campaign.objects.across_tenants().filter(pk__in=[one.pk for one in campaigns]).update(status=CampaignStatus.STOPPED)
    LeadList.objects.across_tenants().filter(campaign__in=campaigns).update(is_active=False)


def left_to_do(*campaigns: Campaign) -> tuple[int, int]:
    """Leads that are due or reserved, and calls that are live."""
    leads = Lead.objects.across_tenants().filter(campaign__in=campaigns)
    due = leads.filter(state=LeadState.WAITING, next_attempt_at__lte=datetime.now(UTC), list__is_active=True).count()
    reserved = leads.filter(state=LeadState.RESERVED).count()
    live = CallTask.objects.across_tenants().filter(campaign__in=campaigns).exclude(state=CallState.ENDED).count()
    return due + reserved, live


async def until_done(limit_s: float, *campaigns: Campaign) -> None:
    """Wait until nothing is left to dial and nobody is on the line, or the time is up."""
    began = time.monotonic()
    told = 0.0
    while time.monotonic() - began < limit_s:
        leads, live = await sync_to_async(left_to_do)(*campaigns)
        if not leads and not live:
            return
        if time.monotonic() - told > 15:
            told = time.monotonic()
            say(f"  {told - began:4.0f} s: {leads} leads to dial, {live} live calls")
        await asyncio.sleep(1)
    say("  the time is up")


async def until_quiet(*campaigns: Campaign) -> None:
    """Wait, not for ever, until every call under way has found its agent or ended: nobody shall go home before."""
    unbridged = (
        CallTask.objects.across_tenants()
        .filter(campaign__in=campaigns)
        .exclude(state__in=(CallState.ENDED, CallState.CONNECTED))
    )
    for _ in range(2 * RING_LIMIT_S):
        if not await sync_to_async(unbridged.exists)():
            return
        await asyncio.sleep(1)


def screen_figures(crew: floor.Crew) -> dict[str, Any]:
    """How long events took to the robots' screens: all together, and by the state shown."""
    seen = [one for robot in crew.robots for one in robot.figures.to_screen_ms]
    states = sorted({state for state, _ in seen})
    return {
        "event_to_screen_ms": floor.percentiles([ms for _, ms in seen]),
        "event_to_screen_by_state_ms": {
            state: floor.percentiles([ms for shown, ms in seen if shown == state]) for state in states
        },
    }


async def settled(*campaigns: Campaign) -> None:
    """Wait until recordings have been looked at, for as long as that may take."""
    running = Recording.objects.across_tenants().filter(state=RecordingState.RUNNING, call__campaign__in=campaigns)
    for _ in range(SETTLE_S):
        if not await sync_to_async(running.exists)():
            return
        await asyncio.sleep(1)


async def orphans() -> int:
    """Channels and bridges that the switch still holds although nobody is there any more."""
    headers = {
        "Authorization": aiohttp.encode_basic_auth(os.environ["ASTERISK_ARI_USER"], os.environ["ASTERISK_ARI_PASSWORD"])
    }
    held: list[str] = []
    async with aiohttp.ClientSession(headers=headers, timeout=aiohttp.ClientTimeout(total=10)) as http:
        for _ in range(8):
            held = []
            for what in ("channels", "bridges"):
                async with http.get(f"{os.environ['ASTERISK_ARI_URL']}/{what}") as answer:
                    answer.raise_for_status()
                    held += [one["id"] for one in await answer.json()]
            if not held:
                return 0
            await asyncio.sleep(1)
    say(f"  still on the switch: {held[:10]}")
    return len(held)


def figures_of_calls(campaigns: tuple[Campaign, ...], since: float) -> tuple[dict[str, Any], Comparison]:
    """Everything that the rows and the carrier's truth say about these campaigns."""
    rows = CallTask.objects.across_tenants().filter(campaign__in=campaigns)
    truths = [one for one in read_truth(os.environ["CARRIER_TRUTH"]) if one.arrived >= since]
    found = compare(our_calls(campaign__in=campaigns), truths)
    leads = Lead.objects.across_tenants().filter(campaign__in=campaigns)
    connected = rows.exclude(connected_at=None)
    unscreened = connected.filter(screened=False).values_list("answered_at", "connected_at")
    spoke = connected.filter(ended_at__gte=F("connected_at") + timedelta(seconds=SPOKE_S))
    whole = Recording.objects.across_tenants().filter(call__in=spoke, state=RecordingState.COMPLETE)
    outcomes = Counter(rows.values_list("outcome", flat=True))
    figures = {
        "leads": leads.count(),
        "dialed": rows.exclude(placed_at=None).count(),
        "by_outcome": dict(sorted(outcomes.items())),
        "outcome_mismatches": len(found.mismatches),
        "unknown_to_us": len(found.unknown_to_us),
        "amd_confusion": {kind: dict(verdicts) for kind, verdicts in sorted(found.amd_confusion.items())},
        "lost": outcomes.get("lost", 0) + len(found.never_arrived) + leads.filter(state=LeadState.RESERVED).count(),
        "double_dialed": repeated(truths),
        "open_calls_at_end": rows.exclude(state=CallState.ENDED).count(),
        "recordings_missing": spoke.count() - whole.count(),
        "gone_before_recording": connected.count() - spoke.count(),
        "answer_to_bridge_ms": floor.percentiles([(b - a).total_seconds() * 1000 for a, b in unscreened]),
        "answer_seen_after_ms": floor.percentiles(found.answer_seen_after_ms),
    }
    return figures, found


async def part_one(rows: Rows, options: argparse.Namespace) -> dict[str, Any]:
    """12 robots, 400 leads, two campaigns side by side."""
    campaigns = (rows.progressive, rows.ratio)
    began = time.time()
    crew = floor.Crew()
    half = len(rows.crew) // 2
    try:
        await crew.hire(rows.crew[:half], rows.progressive, BRISK, by_form=True)
        await crew.hire(rows.crew[half:], rows.ratio, BRISK, by_form=True)
        await crew.all_ready()
        say(f"{len(crew.robots)} robots are ready; dialing {options.leads} leads")
        dialing = time.monotonic()
        await sync_to_async(start)(*campaigns)
        await until_done(options.limit, *campaigns)
        took = time.monotonic() - dialing
    finally:
        everybody_left = await crew.go_home()
    await sync_to_async(stop)(*campaigns)
    await settled(*campaigns)
    left = await orphans()
    figures, found = await sync_to_async(figures_of_calls)(campaigns, began)
    for mismatch in found.mismatches[:20]:
        say(f"  mismatch {mismatch.call}: ours {mismatch.ours}; truth {mismatch.truth}: {mismatch.why}")
    return {
        **figures,
        "orphan_channels": left,
        **screen_figures(crew),
        "bridge_gap_between_calls_ms": floor.percentiles([ms for one in crew.robots for ms in one.figures.gaps_ms]),
        "calls_with_agents": sum(one.figures.calls for one in crew.robots),
        "socket_reconnects": sum(one.figures.reconnects for one in crew.robots),
        "all_agents_left": everybody_left,
        "seconds": round(took, 1),
    }


class Idle:
    """Agents who only have their desk open."""

    def __init__(self) -> None:
        self.open = 0
        self.reconnects = 0

    async def sit(self, user: User, key: str, after_s: float) -> None:
        """Open the socket after a while and read what comes; come back like a browser when it closes."""
        await asyncio.sleep(after_s)
        chance = random.Random(user.pk)
        async with Desk(floor.address()) as desk:
            desk.use_session(key)
            while True:
                shown = False
                try:
                    async for _ in desk.pushes():
                        self.open += not shown
                        shown = True
                except DeskError:
                    pass
                self.open -= shown
                self.reconnects += 1
                await asyncio.sleep(chance.uniform(1, 4))


def seat(users: list[User], campaign: Campaign) -> list[str]:
    """Give everybody a session in the campaign, paused, and a signed-in browser; the browsers' session keys."""
    for user in users:
        factories.make_session(campaign, user, state="paused", leg="down", pause_code="BREAK")
    return [floor.session_key(user) for user in users]


def unseat(users: list[User]) -> None:
    """End what `seat` began."""
    moment = datetime.now(UTC)
    AgentSession.objects.across_tenants().filter(user__in=users, ended_at=None).update(
        state="offline", pause_code="", ended_at=moment
    )


async def part_two(rows: Rows, options: argparse.Namespace, supervisor: Supervisor) -> dict[str, Any]:
    """500 idle sockets and 50 busy agents."""
    began = time.time()
    keys = await sync_to_async(seat)(rows.idle, rows.crowd)
    idle = Idle()
    sitting = [
        asyncio.create_task(idle.sit(user, key, place / COME_PER_S))
        for place, (user, key) in enumerate(zip(rows.idle, keys, strict=True))
    ]
    crew = floor.Crew()
    try:
        for _ in range(120):
            if idle.open >= len(rows.idle):
                break
            await asyncio.sleep(0.5)
        say(f"{idle.open} idle sockets are open")
        everybody = (rows.crew + rows.more_crew)[: options.busy]
        await sync_to_async(start)(rows.crowd)
        await crew.hire(everybody, rows.crowd, BUSY, by_form=False)
        await crew.all_ready()
        say(f"{len(crew.robots)} agents take calls; measuring for {options.seconds} s after {WARM_UP_S} s")
        await asyncio.sleep(WARM_UP_S)
        used = await asyncio.to_thread(used_cpu_s, supervisor)
        for robot in crew.robots:
            robot.figures.to_screen_ms.clear()
        await asyncio.sleep(options.seconds)
        later = await asyncio.to_thread(used_cpu_s, supervisor)
        used = {name: round(now - used.get(name, 0.0), 1) for name, now in later.items()}
        screen = screen_figures(crew)
        open_all_along, reconnects = idle.open, idle.reconnects
        await sync_to_async(stop)(rows.crowd)
        await until_quiet(rows.crowd)
    finally:
        everybody_left = await crew.go_home(40.0)
        for task in sitting:
            task.cancel()
        await asyncio.gather(*sitting, return_exceptions=True)
        await sync_to_async(unseat)(rows.idle)
    await until_done(30, rows.crowd)
    await settled(rows.crowd)
    figures, found = await sync_to_async(figures_of_calls)((rows.crowd,), began)
    for mismatch in found.mismatches[:20]:
        say(f"  mismatch {mismatch.call}: ours {mismatch.ours}; truth {mismatch.truth}: {mismatch.why}")
    return {
        "screen_500_p99_ms": screen["event_to_screen_ms"]["p99"],
        "screen_500": {
            **screen,
            "idle_sockets": open_all_along,
            "idle_reconnects": reconnects,
            "busy_agents": len(crew.robots),
            "seconds": options.seconds,
            "cpu_s": used,
            "all_agents_left": everybody_left,
            **{
                name: figures[name]
                for name in (
                    "dialed",
                    "by_outcome",
                    "outcome_mismatches",
                    "lost",
                    "double_dialed",
                    "open_calls_at_end",
                    "recordings_missing",
                    "answer_to_bridge_ms",
                )
            },
        },
    }


def servers() -> dict[str, psutil.Process]:
    """The servers beside us: children of the process that runs the bench."""
    found: dict[str, psutil.Process] = {}
    signs = {
        "asterisk_pbx": ("asterisk", "/pbx/"),
        "asterisk_carrier": ("asterisk", "/carrier/"),
        "valkey": ("valkey-server",),
        "postgres": ("postgres", "-D"),
    }
    for process in psutil.Process(os.getppid()).children(recursive=True):
        try:
            line = " ".join(process.cmdline())
        except psutil.Error:
            continue
        for name, words in signs.items():
            if all(word in line for word in words) and "tests.bench" not in line:
                found.setdefault(name, process)
    return found


def used_cpu_s(supervisor: Supervisor) -> dict[str, float]:
    """Processor seconds used so far by every part, PostgreSQL's backends and this bench included."""
    used = floor.cpu_s(supervisor.pids())
    for name, process in servers().items():
        used[name] = round(floor.cpu_of_family_s(process), 1)
    used["bench"] = round(time.process_time(), 1)
    return used


async def run(rows: Rows, options: argparse.Namespace, supervisor: Supervisor) -> dict[str, Any]:
    """Both parts."""
    lag = floor.Lag()
    watching = asyncio.create_task(lag.watch())
    try:
        result = await part_one(rows, options)
        result["bench_loop_late_ms"] = floor.percentiles(lag.late_ms)
        if options.sockets:
            lag.late_ms.clear()
            result |= await part_two(rows, options, supervisor)
            result["screen_500"]["bench_loop_late_ms"] = floor.percentiles(lag.late_ms)
    finally:
        watching.cancel()
    return result


def main() -> int:
    """Run the bench; 0 when it could be run, whatever the figures."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--leads", type=int, default=400)
    parser.add_argument("--agents", type=int, default=12)
    parser.add_argument("--level", default="1.80", help="lines per free agent of the ratio campaign")
    parser.add_argument("--limit", type=float, default=360, help="seconds after which part one is cut short")
    parser.add_argument("--sockets", type=int, default=500, help="idle sockets of part two; 0 leaves it out")
    parser.add_argument("--busy", type=int, default=50, help="agents who take calls in part two")
    parser.add_argument("--seconds", type=int, default=60, help="how long part two measures")
    options = parser.parse_args()
    if "CARRIER_TRUTH" not in os.environ:
        say("This bench needs the sandbox's Asterisk and carrier (CARRIER_TRUTH is not set).")
        return 2
    say("seeding")
    rows = seed(options)
    load, idle_before = os.getloadavg()[0], psutil.cpu_times().idle
    began = time.monotonic()
    with floor.product() as supervisor:
        result = asyncio.run(run(rows, options, supervisor))
        pids = supervisor.pids() | {name: process.pid for name, process in servers().items()}
        result["max_rss_mb"] = floor.peak_rss_mb(pids)
        result["cpu_s"] = used_cpu_s(supervisor)
        result["restarts"] = sum(one.restarts for one in supervisor.status().values())
    cores = os.cpu_count() or 1
    ours = sum(result["cpu_s"].values())
    busy = (time.monotonic() - began) * cores - (psutil.cpu_times().idle - idle_before)
    # How much of the machine others took: with more than a little of it, the times above say little about us.
    result["others_cpu_s"] = round(max(0.0, busy - ours), 1)
    result["seconds_in_all"], result["load_before"], result["cores"] = round(time.monotonic() - began), load, cores
    print(json.dumps(result))
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
