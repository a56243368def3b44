"""`./run bench soak [--minutes 30] [--agents 50] [--warm-up 6]`: does anything grow that should not?

Robot agents (each with a SIP phone, at the pages people use) work on a progressive and a predictive campaign. Every ten
seconds memory, file descriptors and threads of each process of ours are read, the switch's channels, and the event lag.
`growth_per_hour` are Theil-Sen slopes after the warm-up, which a burst does not bend; `between` is where their middle
95 % of a block bootstrap over minutes lie. `verdicts` say what holds, also that both campaigns dialed all the time.
`warnings` are the lines above INFO after the warm-up, by their shape; those whose cause is known stand in KNOWN.
Progress goes to stderr; the last line of stdout is JSON, also when the run had to be cut short.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import random
import re
import time
from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import combinations, pairwise
from pathlib import Path
from statistics import median
from typing import Any

import aiohttp
import django
import psutil
from asgiref.sync import sync_to_async
from django.db import DatabaseError

from dialer.settings import use_environment

use_environment()
django.setup()

from asterisk.sandbox import Mix, read_truth  # noqa: E402
from asterisk.sandbox.robot import Habits, lognormal  # noqa: E402
from deploy.local.supervisor import Supervisor  # noqa: E402
from dialer.calls.models import CallTask  # noqa: E402
from dialer.campaigns.models import Campaign, DialMethod  # noqa: E402
from dialer.core import health  # noqa: E402
from tests import factories  # noqa: E402
from tests.bench import _floor as floor  # noqa: E402
from tests.bench import calls as base  # noqa: E402
from tests.bench.compare import compare, our_calls, repeated  # noqa: E402

say = floor.say
HABITS = Habits(
    talk_s=lognormal(25.0, 0.4, 60.0),
    hangs_up=0.4,
    wrap_s=lognormal(5.0, 0.4, 12.0),
    dispositions=base.BRISK.dispositions,
    pauses=0.02,
    pause_s=lognormal(5.0, 0.3, 10.0),
    pause_codes=("BREAK",),
)
EVERY_S = 10.0
CALLS_PER_AGENT_AND_MINUTE = 5
"""Leads that are seeded: of two and more that are dialed one is a person."""
_SHAPE = re.compile(r"[0-9a-f]{8}-[0-9a-f-]{27}|\d+(?:\.\d+)?")
_LEVEL = re.compile(r"\b(WARNING|ERROR|CRITICAL)\b (.*)")
KNOWN: dict[str, str] = {}
"""Warnings that a sound floor gives as well, by a part of their text, and why."""
RSS_MB_PER_HOUR, OTHERS_PER_HOUR = 1.0, 1.0
SILENT_S = 60.0
"""A campaign that launches nothing for longer does not dial."""
LAG_GROWS, LAG_SLACK_MS = 1.25, 15.0
"""How much higher the event lag of the second half may be than that of the first."""


def theil_sen(points: Sequence[tuple[float, float]]) -> float:
    """The median of the slopes between every two points."""
    pairs = combinations(points, 2)
    return median([(late[1] - early[1]) / (late[0] - early[0]) for early, late in pairs if late[0] > early[0]] or [0.0])


@dataclass
class Series:
    """What was read, by process and figure, with the seconds since the beginning."""

    at: list[float] = field(default_factory=list)
    seen: dict[str, dict[str, list[float]]] = field(default_factory=lambda: defaultdict(lambda: defaultdict(list)))
    missed: int = 0
    """Readings that could not be taken."""
    trouble: str = ""
    """Why the run ended before its time, if it did."""
    measured_from: float = 0.0
    measured_to: float = 0.0
    """The time of day at the end of the warm-up, and at the end of dialing."""

    def minutes(self, process: str, figure: str, since: float) -> list[tuple[float, float]]:
        """The median of each whole minute since a moment, with the hours since the beginning."""
        by_minute: dict[int, list[float]] = defaultdict(list)
        for at, value in zip(self.at, self.seen[process][figure], strict=True):
            if at >= since:
                by_minute[int((at - since) // 60)].append(value)
        return [((since / 60 + minute) / 60, median(values)) for minute, values in sorted(by_minute.items())]

    def slope_per_hour(self, process: str, figure: str, since: float) -> float | None:
        """The Theil-Sen slope after a moment; None when there is too little to say."""
        points = self.minutes(process, figure, since)
        return round(theil_sen(points), 2) if len(points) >= 5 else None

    def between(self, process: str, figure: str, since: float) -> tuple[float, float] | None:
        """Where the slope lies in 95 of 100 samples of the minutes."""
        points = self.minutes(process, figure, since)
        if len(points) < 5:
            return None
        chance = random.Random(1)
        found = sorted(theil_sen(sorted(chance.choices(points, k=len(points)))) for _ in range(200))
        return round(found[5], 2), round(found[-6], 2)

    def last(self, process: str, figure: str) -> float | None:
        """The last value."""
        values = self.seen[process][figure]
        return values[-1] if values else None


async def look(series: Series, supervisor: Supervisor, began: float, http: aiohttp.ClientSession) -> None:
    """Read everything once; a reading during which something could not be read counts for nothing."""
    found: dict[str, dict[str, float]] = defaultdict(dict)
    for name, pid in supervisor.pids().items():
        one = psutil.Process(pid)
        with one.oneshot():
            found[name]["rss_mb"] = one.memory_info().rss / 1e6
            found[name]["fds"] = one.num_fds()
            found[name]["threads"] = one.num_threads()
    async with http.get(f"{os.environ['ASTERISK_ARI_URL']}/channels") as answer:
        found["switch"]["channels"] = len(await answer.json())
    pulses = await sync_to_async(lambda: health.pulses(health.SWITCHBOARD))()
    found["switchboard"]["event_lag_p99_ms"] = pulses[0].lag_ms if pulses else 0.0
    webs = await sync_to_async(lambda: health.fresh(health.pulses(health.WEB)))()
    found["web"]["screen_lag_p99_ms"] = max((one.lag_ms for one in webs), default=0.0)
    if any(name not in found for name in BY_US):
        raise LookupError("a process is not there")
    series.at.append(time.monotonic() - began)
    for name, figures in found.items():
        for figure, value in figures.items():
            series.seen[name][figure].append(value)


def told_since(positions: dict[Path, int]) -> Counter[str]:
    """The lines above INFO that our processes wrote since these positions in their logs, by shape."""
    found: Counter[str] = Counter()
    for path, position in positions.items():
        with path.open(errors="replace") as log:
            log.seek(min(position, path.stat().st_size))
            for line in log:
                if level := _LEVEL.search(line):
                    found[f"{path.stem}: {level[1]} {_SHAPE.sub('#', level[2].strip())[:160]}"] += 1
    return found


def seed(options: argparse.Namespace) -> tuple[Campaign, Campaign, list[Any]]:
    """The campaigns (their lists not active yet) and the agents."""
    numbers = floor.Numbers(int(os.environ["CARRIER_SEED"]), Mix.read(Path(os.environ["CARRIER_MIX"])))
    tenant = factories.make_tenant("Soak")
    factories.make_pause_code(tenant)
    same = {"disposition_set": factories.make_dispositions(tenant), "ring_timeout_s": 15}
    progressive = factories.make_campaign(tenant, name="Progressive", caller_id="+12125550101", **same)
    predictive = factories.make_campaign(
        tenant, name="Predictive", caller_id="+12125550102", dial_method=DialMethod.PREDICTIVE, **same
    )
    leads = int(options.agents * (options.minutes + options.warm_up) * CALLS_PER_AGENT_AND_MINUTE / 2)
    for campaign in (progressive, predictive):
        floor.fill(campaign, numbers, leads, floor.UNHURRIED)
    return progressive, predictive, floor.make_agents(tenant, "soak", options.agents, endpoint_from=7001)


async def soak(
    options: argparse.Namespace, supervisor: Supervisor, rows: tuple[Campaign, Campaign, list[Any]]
) -> dict[str, Any]:
    """Work, look, and tell."""
    progressive, predictive, users = rows
    started = time.time()
    crew, series, half = floor.Crew(), Series(), options.agents // 2
    headers = {
        "Authorization": aiohttp.encode_basic_auth(os.environ["ASTERISK_ARI_USER"], os.environ["ASTERISK_ARI_PASSWORD"])
    }
    log_dir = Path(os.environ["CORDBOARD_DATA_DIR"]) / "log"
    positions: dict[Path, int] = {}
    async with aiohttp.ClientSession(headers=headers, timeout=aiohttp.ClientTimeout(total=20)) as http:
        try:
            await crew.hire(users[:half], progressive, HABITS, by_form=False)
            await crew.hire(users[half:], predictive, HABITS, by_form=False)
            await crew.all_ready(within_s=180)
            await sync_to_async(base.start)(progressive, predictive)
            began = time.monotonic()
            say(f"{len(crew.robots)} robots dial; {options.warm_up} minutes of warm-up, {options.minutes} measured")
            while (now := time.monotonic() - began) < 60.0 * (options.warm_up + options.minutes):
                if now >= 60.0 * options.warm_up and not positions:
                    positions = {path: path.stat().st_size for path in log_dir.glob("*.log") if path.stem in BY_US}
                    series.measured_from = time.time()
                try:
                    await look(series, supervisor, began, http)
                except (LookupError, psutil.Error, aiohttp.ClientError, OSError, TimeoutError, DatabaseError) as error:
                    series.missed += 1
                    say(f"not read: {type(error).__name__} {error}")
                if len(series.at) % 6 == 0:
                    say(f"{now / 60:.1f} min: " + ", ".join(f"{n} {series.last(n, 'rss_mb'):.1f} MB" for n in BY_US))
                await asyncio.sleep(EVERY_S)
            series.measured_to = time.time()
            await sync_to_async(base.stop)(progressive, predictive)
            await base.until_quiet(progressive, predictive)
        except (AssertionError, TimeoutError, SystemExit) as error:
            series.trouble = f"{type(error).__name__}: {error}"
            say(series.trouble)
        finally:
            everybody_left = await crew.go_home(60)
    left = await base.orphans()
    found = await sync_to_async(figures)(options, series, positions, started, left, everybody_left, supervisor)
    by_campaign = await sync_to_async(lambda: [dialing(one, series) for one in (progressive, predictive)])()
    found["verdicts"]["both_dial"] = all(one["silent_s"] < SILENT_S for one in by_campaign)
    return found | {"all_hold": all(found["verdicts"].values()), "campaigns": by_campaign}


def dialing(campaign: Campaign, series: Series) -> dict[str, Any]:
    """How a campaign dialed while it was measured: calls, the longest time without one, and who was abandoned."""
    calls = CallTask.objects.across_tenants().filter(campaign=campaign).exclude(placed_at=None)
    placed = sorted(at.timestamp() for at in calls.values_list("placed_at", flat=True))
    moments = [series.measured_from, *(at for at in placed if at > series.measured_from), series.measured_to]
    answered = calls.filter(outcome__in=("connected", "abandoned")).count()
    abandoned = calls.filter(outcome="abandoned").count()
    return {
        "name": campaign.name,
        "calls": len(placed),
        "silent_s": round(max(late - early for early, late in pairwise(moments)), 1),
        "answered": answered,
        "abandoned": abandoned,
        "abandoned_percent": round(100.0 * abandoned / max(1, answered), 2),
    }


BY_US = ("web", "switchboard", "pacing", "worker")


def figures(
    options: argparse.Namespace,
    series: Series,
    positions: dict[Path, int],
    started: float,
    left: int,
    everybody_left: bool,
    supervisor: Supervisor,
) -> dict[str, Any]:
    """What came of it."""
    since = 60.0 * options.warm_up
    found = compare(our_calls(), [one for one in read_truth(os.environ["CARRIER_TRUTH"]) if one.arrived >= started])
    lags = [
        lag for at, lag in zip(series.at, series.seen["switchboard"]["event_lag_p99_ms"], strict=True) if at >= since
    ]
    middle = len(lags) // 2
    told = told_since(positions)
    unknown = {shape: count for shape, count in told.items() if not any(part in shape for part in KNOWN)}
    growth: dict[str, dict[str, float | None]] = {
        name: {figure: series.slope_per_hour(name, figure, since) for figure in ("rss_mb", "fds", "threads")}
        for name in BY_US
    }
    channels = series.slope_per_hour("switch", "channels", since)
    before, after = floor.percentiles(lags[:middle]), floor.percentiles(lags[middle:])
    restarts = {name: one.restarts for name, one in supervisor.status().items()}
    verdicts = {
        "memory": all(one["rss_mb"] is not None and one["rss_mb"] < RSS_MB_PER_HOUR for one in growth.values()),
        "file_descriptors": all(one["fds"] is not None and one["fds"] < OTHERS_PER_HOUR for one in growth.values()),
        "threads": all(one["threads"] is not None and one["threads"] < OTHERS_PER_HOUR for one in growth.values()),
        "channels": left == 0,
        "event_lag": bool(lags) and (after["p99"] or 0.0) <= LAG_GROWS * (before["p99"] or 0.0) + LAG_SLACK_MS,
        "no_unknown_warnings": not unknown,
        "nothing_restarted": not any(restarts.values()),
        "to_its_end": not series.trouble,
    }
    return {
        "verdicts": verdicts,
        "trouble": series.trouble,
        "readings": len(series.at),
        "readings_missed": series.missed,
        "minutes": options.minutes,
        "warm_up_minutes": options.warm_up,
        "agents": options.agents,
        "calls": CallTask.objects.across_tenants().exclude(placed_at=None).count(),
        "by_outcome": dict(Counter(CallTask.objects.across_tenants().values_list("outcome", flat=True))),
        "outcome_mismatches": len(found.mismatches),
        "double_dialed": repeated([pair[1] for pair in found.pairs]),
        "growth_per_hour": growth,
        "rss_mb_per_hour_between": {name: series.between(name, "rss_mb", since) for name in BY_US},
        "rss_mb_by_minute": {
            name: [round(value, 2) for _, value in series.minutes(name, "rss_mb", 0.0)] for name in BY_US
        },
        "channels_per_hour": channels,
        "at_the_end": {
            name: {figure: round(series.last(name, figure) or 0.0, 1) for figure in ("rss_mb", "fds", "threads")}
            for name in BY_US
        },
        "channels_left": left,
        "event_lag_p99_ms": {
            "first_half": before,
            "second_half": after,
        },
        "screen_lag_p99_ms": floor.percentiles(
            [lag for at, lag in zip(series.at, series.seen["web"]["screen_lag_p99_ms"], strict=True) if at >= since]
        ),
        "warnings": dict(told.most_common(20)),
        "warnings_unknown": sum(unknown.values()),
        "restarts": restarts,
        "everybody_left": everybody_left,
    }


def main() -> None:
    """Measure."""
    parser = argparse.ArgumentParser(prog="./run bench soak", description=__doc__)
    parser.add_argument("--minutes", type=float, default=30.0)
    parser.add_argument("--warm-up", type=float, default=6.0)
    parser.add_argument("--agents", type=int, default=50)
    options = parser.parse_args()
    rows = seed(options)  # before the switchboard, which makes the phones' accounts known when it starts
    with floor.product() as supervisor:
        found = asyncio.run(soak(options, supervisor, rows))
        print(json.dumps(found), flush=True)


if __name__ == "__main__":
    main()
