"""./run bench pacing [--quick]: the engine against other policies; the last line is one JSON object.

In the independent bench at ../shared/pacing-bench when it is there (or where --bench says): same scenarios and seeds
for all policies. Without it, in the project's own simulator, and the result says so.
`--scenario unseen` runs those of pacing_unseen.py, which the engine was not made on; `random:30` draws thirty more.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import time
from collections.abc import Callable, Iterable
from dataclasses import replace
from multiprocessing import TimeoutError as TooLate
from multiprocessing import get_context
from multiprocessing.pool import AsyncResult
from pathlib import Path
from typing import Any

import numpy as np

from dialer.pacing import Decision, Rules, Snapshot, decide
from dialer.pacing.simulator import World, simulate
from dialer.pacing.simulator.world import Samples, lognormal
from tests.bench import pacing_unseen

ROOT = Path(__file__).resolve().parents[2]
POLICIES = {
    "progressive": "policies:progressive",
    "vici_hard": "policies:vici_hard",
    "vici_average": "policies:vici_average",
    "vici_tapered": "policies:vici_tapered",
    "reference": "model:model",
    "clairvoyant": "oracles:both",
    "cordboard": "tests.bench.pacing_policy:engine",
    "cordboard_no_cancel": "tests.bench.pacing_policy:without_cancelling",
}
VICI = ("vici_hard", "vici_average", "vici_tapered")
USUAL = tuple(name for name in POLICIES if name != "cordboard_no_cancel")
QUICK = (
    "s15_a25_short_drift", "s5_a25_short_drift", "s50_a25_short_drift", "s150_a25_short_drift", "s500_a25_short_drift",
)  # fmt: skip
QUICK_DAYS, QUICK_HOURS_BIG = 1, 1.5
"""--quick plays a single day, and of teams of 150 and more only so many hours."""
AGREE, AGREE_WITHIN = "s15_a25_short_stat", 2.0
"""Where the project's own simulator is held against the bench, and how many points of utilisation they may differ."""
QUICK_S = 450.0
"""--quick waits no longer than this for what it compares."""


def say(text: str) -> None:
    """Progress goes to standard error; standard output is for the result."""
    print(text, file=sys.stderr, flush=True)


def main() -> int:
    """Run the benchmark."""
    ask = argparse.ArgumentParser(prog="./run bench pacing", description=__doc__)
    ask.add_argument("--quick", action="store_true", help="five sizes of team, one seed; under ten minutes")
    ask.add_argument("--scenario", default="", help="names, separated by commas; unseen; random:COUNT[:SEED]")
    ask.add_argument("--policies", default="", help=f"of {', '.join(POLICIES)} (default: all but the last)")
    ask.add_argument("--seeds", type=int, default=0, help="default 2, with --quick 1")
    ask.add_argument("--seed0", type=int, default=1, help="the first seed")
    ask.add_argument("--jobs", type=int, default=os.cpu_count() or 1, help="processes (default: one a processor)")
    ask.add_argument(
        "--bench", type=Path, default=Path(os.environ.get("PACING_BENCH", ROOT.parent / "shared/pacing-bench"))
    )
    options = ask.parse_args()
    began = time.monotonic()
    result: dict[str, Any] = {"bench": "pacing", "quick": options.quick}
    if (options.bench / "sim.py").is_file():
        result |= {"simulator": "shared/pacing-bench"} | in_shared(options, began)
    else:
        say("shared/pacing-bench is not here: using the project's own simulator.")
        result |= {"simulator": "own"} | in_own(options)
    for seats in (100, 500):
        took = decide_ms(seats)
        result |= {f"decide_ms_{seats}": took["p99"], f"decide_ms_{seats}_median": took["p50"]}
    result["seconds"] = round(time.monotonic() - began, 1)
    print(json.dumps(result))
    return 0


# -- the shared bench


def in_shared(options: argparse.Namespace, began: float) -> dict[str, Any]:
    """All policies over the bench's scenarios, and our simulator against theirs on one of them."""
    sim = _sim(str(options.bench))
    known = sim.load_scenarios(str(options.bench / "scenarios.json"))
    unseen = pacing_unseen.scenarios(sim)
    asked = [n for n in options.scenario.split(",") if n]
    drawn = {n: pacing_unseen.asked_for(sim, n) for n in asked if n.startswith("random:")}
    names = asked or (list(QUICK) if options.quick else list(known))
    names = [one for name in names for one in (unseen if name == "unseen" else drawn.get(name, [name]))]
    unseen |= {name: scenario for some in drawn.values() for name, scenario in some.items()}
    wanted = [p for p in options.policies.split(",") if p] or list(USUAL)
    seeds = range(options.seed0, options.seed0 + (options.seeds or (1 if options.quick else 2)))
    plays = {name: _shorter(known[name]) if options.quick else (known | unseen)[name] for name in names}
    scenarios: dict[str, Any] = {}
    left_out = []
    with get_context("spawn").Pool(options.jobs, _sim, (str(options.bench),)) as pool:  # ended when it is left
        agree = None if options.scenario else pool.apply_async(agreement, (known[AGREE],))
        runs_of = {
            name: {p: [pool.apply_async(play, (scenario, POLICIES[p], seed)) for seed in seeds] for p in wanted}
            for name, scenario in plays.items()
        }
        for name, runs in runs_of.items():
            until = began + QUICK_S if options.quick else None
            shown = compare(plays[name], runs, until)
            if shown is None:
                left_out.append(name)
            else:
                scenarios[name] = shown
        result = {"seeds": list(seeds), "scenarios": scenarios, **overall(scenarios.values())}
        if left_out:
            result["left_out_for_time"] = left_out
        if agree is not None:
            result["own_simulator"] = agree.get()
    return result


def _sim(bench: str) -> Any:
    """The bench's simulator, imported from where it is."""
    if bench not in sys.path:
        sys.path[:0] = [bench, str(ROOT)]
    import sim  # type: ignore[import-not-found]

    return sim


def _shorter(scenario: Any) -> Any:
    hours = min(scenario.hours, QUICK_HOURS_BIG) if scenario.agents >= 150 else scenario.hours
    return replace(scenario, days=min(scenario.days, QUICK_DAYS), hours=hours)


def play(scenario: Any, policy: str, seed: int) -> dict[str, Any]:
    """One run in the bench, in a process of the pool."""
    import sim

    if pacing_unseen.is_one(scenario.name):
        return pacing_unseen.run_one(sim, scenario, policy, seed)
    return dict(sim.run_one(scenario, policy, seed))


def compare(
    scenario: Any, runs: dict[str, list[AsyncResult[dict[str, Any]]]], until: float | None
) -> dict[str, Any] | None:
    """Utilisation and abandonment (percent) of each policy, on the same seeds. None: time was over first."""
    import sim

    shown: dict[str, Any] = {}
    for policy, runs_of_it in runs.items():
        try:
            rows = [one.get(None if until is None else max(0.0, until - time.monotonic())) for one in runs_of_it]
        except TooLate:
            return None
        summed = sim.summarise(rows)
        shown[policy] = {"utilisation": round(summed["util"], 2), "abandonment": round(summed["abandon_pct"], 3)}
        if policy.startswith("cordboard"):
            shown[policy] |= ours(rows, scenario)
        say(f"{scenario.name:24s} {policy:14s} {summed['util']:5.1f} %  abandoned {summed['abandon_pct']:.2f} %")
    best = max((shown[p]["utilisation"] for p in VICI if p in shown), default=None)
    if best is not None and {"clairvoyant", "cordboard"} <= set(shown):
        bound = shown["clairvoyant"]["utilisation"]
        shown["gap_closed"] = round((shown["cordboard"]["utilisation"] - best) / max(1e-9, bound - best), 3)
    return shown


def ours(rows: list[dict[str, Any]], scenario: Any) -> dict[str, Any]:
    """What is asked of our engine only. A day counts when it has 8 hours and about 300 answers."""
    enough = [
        day
        for row in rows
        for day in row["day_pcts"]
        if scenario.hours >= 8 and row["human_answers"] / len(row["day_pcts"]) >= 300
    ]
    return {
        "worst_day": round(max(enough), 3) if enough else None,
        "worst_seed": round(max(row["abandon_pct"] for row in rows), 3),
        "by_seed": [[round(row["util"], 2), round(row["abandon_pct"], 3)] for row in rows],
        "cancelled_share": round(sum(r["cancels"] for r in rows) / max(1, sum(r["launches"] for r in rows)), 3),
        "answers": sum(r["human_answers"] for r in rows),
    }


def overall(scenarios: Iterable[dict[str, Any]]) -> dict[str, Any]:
    """The figures over all scenarios. `worst_seed_abandonment`: of any single run; the others are over all seeds."""
    each = list(scenarios)
    gaps = [one["gap_closed"] for one in each if "gap_closed" in one]
    mine = [one["cordboard"] for one in each if "cordboard" in one]
    days = [one["worst_day"] for one in mine if one.get("worst_day") is not None]
    return {
        "gap_closed_mean": round(sum(gaps) / len(gaps), 3) if gaps else None,
        "worst_abandonment": max((one["abandonment"] for one in mine), default=None),
        "worst_seed_abandonment": max((one["worst_seed"] for one in mine if "worst_seed" in one), default=None),
        "worst_day_abandonment": max(days, default=None),
    }


def agreement(scenario: Any) -> dict[str, Any]:
    """Our own simulator on the bench's scenario: utilisation of the engine in both, and how far apart, in points."""
    theirs = play(scenario, POLICIES["cordboard"], 1)["util"]
    share = own_share(simulate(world_of(scenario), seed=1))
    apart = abs(theirs - share)
    say(
        f"{scenario.name}: the bench says {theirs:.1f} %, our own simulator {share:.1f} %, {apart:.1f} points apart"
        + ("" if apart <= AGREE_WITHIN else f": more than {AGREE_WITHIN:g}, so one of the two is wrong")
    )
    return {
        "scenario": scenario.name,
        "shared": round(theirs, 2),
        "own": round(share, 2),
        "difference": round(apart, 2),
        "agree": bool(apart <= AGREE_WITHIN),
    }


def world_of(scenario: Any) -> World:
    """The bench's scenario (a stationary one) as a world of our simulator."""
    s = scenario
    originate = lognormal(s.setup_med, s.setup_sig)
    chance = np.random.default_rng(3)

    def rung(extra: Callable[[int], Any]) -> Samples:
        size = 1500
        return tuple((chance.choice(originate, size) + extra(size)).tolist())

    def machine(size: int) -> Any:
        quick = chance.random(size) < s.mach_quick
        late = s.mach_ring + s.mach_ring_sd * chance.standard_normal(size)
        return np.maximum(0.5, np.where(quick, 0.5 + 2.5 * chance.random(size), late))

    talk = np.concatenate([chance.choice(lognormal(m, sd), int(2000 * share)) for share, _, m, sd in s.talk_mix])
    return World(
        agents=s.agents,
        hours=s.hours,
        answer=(s.answer,),
        answer_age=rung(lambda n: s.ring_min + s.ring_med * np.exp(s.ring_sig * chance.standard_normal(n))),
        machine=s.machine,
        machine_age=rung(machine),
        fail=s.busy + s.sit,
        fail_age=rung(lambda n: 0.5 + 3.0 * chance.random(n)),
        originate=originate,
        greeting=lognormal(s.greet_med, s.greet_sig),
        person_lag=lognormal(s.amd_h_med, s.amd_h_sig),
        machine_lag=lognormal(s.amd_m_med, s.amd_m_sig),
        person_lost=s.amd_fp,
        machine_passed=s.amd_fn,
        talk=tuple(np.maximum(1.5, talk).tolist()),
        wrap=lognormal(s.wrap_med, s.wrap_sig, most=s.wrap_max),
        machine_talk=lognormal(s.mach_handle, 0.4),
        machine_wrap=lognormal(0.3 * s.wrap_med, s.wrap_sig),
        pauses_per_hour=s.pause_per_hour + len(s.breaks) / s.hours,
        rules=Rules(s.ring_timeout, s.min_ring, s.amd, s.legal_wait, seats=s.agents),
        cap=s.target,
        lines=s.lines,
        calls_per_s=s.cps_base + s.cps_per_agent * s.agents,
        tick=s.tick,
    )


# -- our own simulator


def in_own(options: argparse.Namespace) -> dict[str, Any]:
    """The engine and the progressive method, on teams of several sizes."""
    shown: dict[str, Any] = {}
    for seats in (5, 15, 50) if options.quick else (5, 15, 50, 150, 500):
        hours = 2.0 if options.quick else 4.0
        world = World(
            agents=seats, hours=hours, lines=10 * seats, calls_per_s=5 + 0.6 * seats, rules=Rules(seats=seats)
        )
        name = f"own_{seats}_a25_short"
        shown[name] = {}
        for policy, method in (("progressive", "progressive"), ("cordboard", "predictive")):
            run = simulate(world, seed=1, method=method)  # type: ignore[arg-type]
            total = run.total(skip=4)
            lost = 100.0 * total.abandoned / max(1, total.answered)
            shown[name][policy] = {"utilisation": round(own_share(run), 2), "abandonment": round(lost, 3)}
            say(f"{name:24s} {policy:14s} {own_share(run):5.1f} %  abandoned {lost:.2f} %")
    return {"seeds": 1, "scenarios": shown, **overall(shown.values())}


def own_share(run: Any) -> float:
    """Utilisation of a run of our simulator, percent, without its first 20 minutes."""
    total = run.total(skip=4)
    return float(100.0 * total.busy / max(1e-9, total.busy + total.idle))


def decide_ms(seats: int) -> dict[str, float]:
    """Time of a decision for so many agents in the thick of it, milliseconds."""
    took: list[float] = []

    def timed(snapshot: Snapshot) -> Decision:
        start = time.perf_counter()
        decision = decide(snapshot)
        took.append(1000.0 * (time.perf_counter() - start))
        return decision

    world = World(agents=seats, hours=0.1, lines=10 * seats, calls_per_s=5 + 0.6 * seats, rules=Rules(seats=seats))
    simulate(world, policy=timed)
    late = np.array(took[120:])
    return {"p50": round(float(np.median(late)), 3), "p99": round(float(np.quantile(late, 0.99)), 3)}


if __name__ == "__main__":
    sys.exit(main())
