"""./run bench pacing [--quick]: the engine against other policies; the last line is one JSON object.

In the independent bench at ../shared/pacing-bench when it is there (or where --bench says): same scenarios and seeds
for all policies. Without it, in the project's own simulator, and the result says so.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import time
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import numpy as np

from dialer.pacing import Decision, Rules, Snapshot, decide
from dialer.pacing.simulator import World, simulate
from dialer.pacing.simulator.world import Samples, lognormal

ROOT = Path(__file__).resolve().parents[2]
POLICIES = {
    "progressive": "policies:progressive",
    "vici_hard": "policies:vici_hard",
    "vici_average": "policies:vici_average",
    "vici_tapered": "policies:vici_tapered",
    "reference": "model:model",
    "clairvoyant": "oracles:both",
    "cordboard": "tests.bench.pacing_policy:engine",
}
VICI = ("vici_hard", "vici_average", "vici_tapered")
QUICK = ("s15_a25_short_drift", "s5_a25_short_drift", "s50_a25_short_drift", "s150_a25_short_drift")
AGREE = "s15_a25_short_stat"
QUICK_S = 480.0
"""--quick begins no other scenario after this long."""


def say(text: str) -> None:
    """Progress goes to standard error; standard output is for the result."""
    print(text, file=sys.stderr, flush=True)


def main() -> int:
    """Run the benchmark."""
    ask = argparse.ArgumentParser(prog="./run bench pacing", description=__doc__)
    ask.add_argument("--quick", action="store_true", help="four scenarios, one seed; under ten minutes")
    ask.add_argument("--scenario", default="", help="names, separated by commas (default: all, or the quick ones)")
    ask.add_argument("--policies", default="", help="names, separated by commas (default: all)")
    ask.add_argument("--seeds", type=int, default=0, help="default 2, with --quick 1")
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
    result |= {f"decide_ms_{seats}": decide_ms(seats) for seats in (100, 500)}
    result["seconds"] = round(time.monotonic() - began, 1)
    print(json.dumps(result))
    return 0


# -- the shared bench


def in_shared(options: argparse.Namespace, began: float) -> dict[str, Any]:
    """All policies over the bench's scenarios, and our simulator against theirs on one of them."""
    sys.path[:0] = [str(options.bench), str(ROOT)]
    import sim  # type: ignore[import-not-found]

    known = sim.load_scenarios(str(options.bench / "scenarios.json"))
    names = [n for n in options.scenario.split(",") if n] or (list(QUICK) if options.quick else list(known))
    wanted = [p for p in options.policies.split(",") if p] or list(POLICIES)
    seeds = options.seeds or (1 if options.quick else 2)
    scenarios: dict[str, Any] = {}
    left_out = []
    for name in names:
        if options.quick and time.monotonic() - began > QUICK_S:
            left_out.append(name)
            continue
        scenarios[name] = compare(sim, known[name], {p: POLICIES[p] for p in wanted}, seeds)
    result = {"seeds": seeds, "scenarios": scenarios, **overall(scenarios.values())}
    if left_out:
        result["left_out_for_time"] = left_out
    if not options.scenario:
        result["own_simulator"] = agreement(sim, known[AGREE])
    return result


def compare(sim: Any, scenario: Any, policies: dict[str, str], seeds: int) -> dict[str, Any]:
    """Utilisation and abandonment (percent) of each policy, on the same seeds."""
    shown: dict[str, Any] = {}
    for policy, where in policies.items():
        rows = [sim.run_one(scenario, where, 1 + seed) for seed in range(seeds)]
        summed = sim.summarise(rows)
        shown[policy] = {"utilisation": round(summed["util"], 2), "abandonment": round(summed["abandon_pct"], 3)}
        if policy == "cordboard":
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
        "cancelled_share": round(sum(r["cancels"] for r in rows) / max(1, sum(r["launches"] for r in rows)), 3),
        "answers": sum(r["human_answers"] for r in rows),
    }


def overall(scenarios: Iterable[dict[str, Any]]) -> dict[str, Any]:
    """The figures over all scenarios."""
    each = list(scenarios)
    gaps = [one["gap_closed"] for one in each if "gap_closed" in one]
    mine = [one["cordboard"] for one in each if "cordboard" in one]
    days = [one["worst_day"] for one in mine if one.get("worst_day") is not None]
    return {
        "gap_closed_mean": round(sum(gaps) / len(gaps), 3) if gaps else None,
        "worst_abandonment": max((one["abandonment"] for one in mine), default=None),
        "worst_day_abandonment": max(days, default=None),
    }


def agreement(sim: Any, scenario: Any) -> dict[str, Any]:
    """Our own simulator on the bench's scenario: utilisation of the engine in both, percent."""
    theirs = sim.summarise([sim.run_one(scenario, POLICIES["cordboard"], 1)])["util"]
    share = own_share(simulate(world_of(scenario), seed=1))
    say(f"{scenario.name}: the bench says {theirs:.1f} %, our own simulator {share:.1f} %")
    return {"scenario": scenario.name, "shared": round(theirs, 2), "own": round(share, 2)}


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
