"""Scenarios that pacing was not made on, for the shared bench's simulator: `./run bench pacing --scenario unseen`.

`--scenario random:20` or `random:20:7` draws so many more from a wide family (by default from its seed 1): any size of
team, list, habits of customers and agents, detection, trunk and cap. Each is known by its name, `r7_3_…`.

Fields of a scenario are the bench's own. Three things that its scenarios cannot say (an answer share that steps at a
set time, a trunk that dies, agents who all leave at once) are done by `Eventful`, a simulator that knows a few more.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np

SHORT = [[0.45, "logn", 18.0, 0.55], [0.55, "logn", 75.0, 0.75]]
LONG = [[0.3, "logn", 25.0, 0.6], [0.7, "logn", 260.0, 0.65]]
DRIFT = {"diurnal": 0.2, "ou_sd": 0.25, "steps_per_hour": 0.6, "talk_step": 0.2}

FIELDS: dict[str, dict[str, Any]] = {
    "u1_one_agent": {"agents": 1, "days": 4, **DRIFT},
    "u2_two_agents": {"agents": 2, "days": 3, **DRIFT},
    "u3_high_answers": {"agents": 3, "days": 3, "answer": 0.5, **DRIFT},
    "u8_other_size": {"agents": 8, "days": 2, **DRIFT},
    "u25_other_size": {"agents": 25, "answer": 0.18, **DRIFT},
    "u80_other_size": {"agents": 80, "answer": 0.3, "hours": 4.0, **DRIFT},
    "u300_other_size": {"agents": 300, "answer": 0.2, "hours": 2.5, "breaks": [], **DRIFT},
    "u5_very_long_calls": {"agents": 5, "days": 4, "talk_mix": [[1.0, "logn", 420.0, 0.8]], "wrap_med": 40.0, **DRIFT},
    "u15_very_long_calls": {"agents": 15, "days": 2, "talk_mix": [[1.0, "logn", 420.0, 0.8]], "wrap_med": 40.0},
    "u15_two_kinds_of_calls": {"agents": 15, "talk_mix": [[0.75, "logn", 6.0, 0.4], [0.25, "logn", 500.0, 0.5]]},
    "u15_few_answers": {"agents": 15, "answer": 0.04, **DRIFT},
    "u15_many_answers": {"agents": 15, "answer": 0.65, **DRIFT},
    "u50_many_answers": {"agents": 50, "answer": 0.7, "hours": 4.0, **DRIFT},
    "u15_machines": {"agents": 15, "machine": 0.75, "amd_fn": 0.2, **DRIFT},
    "u15_machines_no_amd": {"agents": 15, "machine": 0.7, "amd": False, **DRIFT},
    "u15_bad_detection": {"agents": 15, "amd_fp": 0.15, "amd_fn": 0.3, **DRIFT},
    "u15_slow_detection": {"agents": 15, "amd_h_med": 2.6, "amd_h_sig": 0.4, **DRIFT},
    "u15_lag_4_s": {"agents": 15, "obs_lag": 4.0, **DRIFT},
    "u15_tick_3_s": {"agents": 15, "tick": 3.0, **DRIFT},
    "u15_no_patience": {"agents": 15, "legal_wait": 0.3, **DRIFT},
    "u15_wild_list": {"agents": 15, "steps_per_hour": 4.0, "step_range": 3.0, "talk_step": 0.5, "ou_sd": 0.4},
    "u50_wild_list": {"agents": 50, "steps_per_hour": 4.0, "step_range": 3.0, "talk_step": 0.5, "ou_sd": 0.4},
    "u15_many_pauses": {"agents": 15, "pause_per_hour": 6.0, "pause_mean": 240.0, **DRIFT},
    "u25_breaks_together": {"agents": 25, "break_jitter": 5.0, "breaks": [[0.2, 600], [0.5, 1800], [0.8, 600]]},
    "u15_ring_60": {"agents": 15, "ring_timeout": 60.0, "ring_med": 14.0, **DRIFT},
    "u15_ring_12": {"agents": 15, "ring_timeout": 12.0, "min_ring": 12.0, **DRIFT},
    "u15_cap_1": {"agents": 15, "target": 0.01, **DRIFT},
    "u15_few_lines": {"agents": 15, "lines_per_agent": 1.6, **DRIFT},
    "u15_slow_trunk": {"agents": 15, "cps_base": 0.5, "cps_per_agent": 0.0, **DRIFT},
    "u15_steps": {"agents": 15},
    "u50_steps": {"agents": 50, "hours": 4.0},
    "u5_steps": {"agents": 5, "days": 2},
    "u15_dead_trunk": {"agents": 15, **DRIFT},
    "u50_dead_trunk": {"agents": 50, "hours": 4.0, **DRIFT},
    "u25_all_leave": {"agents": 25},
}
STEPS = ((0.2, 2.0), (0.4, 0.5), (0.6, 0.5), (0.8, 2.0))
"""At these parts of the shift the answer share is multiplied by this for good."""
DEAD = ((0.3, 600.0), (0.7, 120.0))
"""From these parts of the shift on, for so many seconds, every new call fails at once."""
LEAVE = ((0.3, 0.8), (0.6, 0.6))
"""At these parts of the shift, this share of the agents goes away for five minutes."""


def is_one(name: str) -> bool:
    """Whether a scenario is of this file."""
    return name in FIELDS or (name[:1] == "r" and name[1:2].isdigit())


def scenarios(sim: Any) -> dict[str, Any]:
    """By name, as the bench's Scenario."""
    plain = sim.Scenario(talk_mix=SHORT)
    return {name: replace(plain, name=name, **fields) for name, fields in FIELDS.items()}


def asked_for(sim: Any, text: str) -> dict[str, Any]:
    """The scenarios that `random:COUNT` or `random:COUNT:SEED` stands for."""
    _, count, seed = [*text.split(":"), "1"][:3]
    return family(sim, int(count), int(seed))


def family(sim: Any, count: int, seed: int = 1) -> dict[str, Any]:
    """The first `count` scenarios drawn with `seed`, by name; the same ones however many are asked for."""
    drawn = {}
    for i in range(count):
        fields, what = _drawn(np.random.default_rng([seed, i]))
        name = f"r{seed}_{i}_{what}"
        drawn[name] = replace(sim.Scenario(), name=name, **fields)
    return drawn


def _drawn(chance: np.random.Generator) -> tuple[dict[str, Any], str]:
    """One scenario's fields, and what to say of it in its name."""

    def log_uniform(least: float, most: float) -> float:
        return float(np.exp(chance.uniform(np.log(least), np.log(most))))

    def sometimes(share: float, value: float, otherwise: float) -> float:
        return value if chance.random() < share else otherwise

    agents = round(log_uniform(1, 120))
    answer = log_uniform(0.05, 0.6)
    quick, slow = log_uniform(8, 40), log_uniform(45, 400)
    share = float(chance.uniform(0.1, 0.8))
    detection = bool(chance.random() < 0.6)
    event = str(chance.choice(["plain", "plain", "plain", "steps", "dead_trunk", "all_leave"]))
    # About 2,000 answers, in a shift of 3 to 8 hours and as many days as that takes.
    handled = share * quick + (1 - share) * slow + 20.0
    needed = 2000.0 * handled / (0.75 * agents * 3600.0)
    hours = float(np.clip(needed, 3.0, 8.0))
    fields = {
        "agents": agents,
        "hours": hours,
        "days": int(np.clip(round(needed / hours), 1, 4)),
        "answer": answer,
        "machine": float(chance.uniform(0.05, 0.75)),
        "busy": float(chance.uniform(0.0, 0.12)),
        "sit": float(chance.uniform(0.0, 0.12)),
        "setup_med": log_uniform(0.5, 3.0),
        "ring_med": log_uniform(4.0, 14.0),
        "ring_sig": float(chance.uniform(0.3, 0.8)),
        "ring_timeout": float(chance.uniform(16.0, 50.0)),
        "mach_quick": float(chance.uniform(0.0, 0.6)),
        "mach_ring": log_uniform(8.0, 28.0),
        "amd": detection,
        "amd_h_med": log_uniform(0.7, 2.4),
        "amd_fp": float(chance.uniform(0.0, 0.1)),
        "amd_fn": float(chance.uniform(0.0, 0.3)),
        "greet_med": log_uniform(0.5, 1.6),
        "legal_wait": sometimes(0.8, 2.0, 0.5),
        "talk_mix": [
            [share, "logn", quick, float(chance.uniform(0.3, 0.8))],
            [1.0 - share, "logn", slow, float(chance.uniform(0.5, 0.9))]
            if chance.random() < 0.5
            else [1.0 - share, "weib", slow, float(chance.uniform(0.8, 2.2))],
        ],
        "wrap_med": log_uniform(2.0, 40.0),
        "wrap_sig": float(chance.uniform(0.2, 0.9)),
        "agent_talk_sd": float(chance.uniform(0.0, 0.4)),
        "agent_wrap_sd": float(chance.uniform(0.0, 0.6)),
        "pause_per_hour": float(chance.uniform(0.0, 4.0)),
        "diurnal": float(chance.uniform(0.0, 0.4)),
        "ou_sd": float(chance.uniform(0.0, 0.45)),
        "ou_tau_min": log_uniform(15.0, 90.0),
        "steps_per_hour": sometimes(0.5, float(chance.uniform(0.3, 3.0)), 0.0),
        "step_range": float(chance.uniform(1.3, 3.0)),
        "talk_step": float(chance.uniform(0.0, 0.4)),
        "obs_lag": log_uniform(0.1, 3.0),
        "tick": sometimes(0.3, 2.0, 1.0),
        "target": sometimes(0.8, 0.03, 0.015),
        "lines_per_agent": sometimes(0.8, 10.0, 3.0),
        "end_signal": sometimes(0.2, 0.8, 0.0),
    }
    return fields, f"{agents}_a{100 * answer:.0f}{'' if detection else '_noamd'}_{event}"


def run_one(sim: Any, scenario: Any, spec: str, seed: int, **options: Any) -> dict[str, Any]:
    """As the bench's `run_one`, with the events that the scenario's name stands for."""
    name = str(scenario.name)

    class Eventful(sim.Simulator):  # type: ignore[misc]
        """The bench's simulator with events at set times."""

        def _plan_day(self, day: int) -> float:
            length = float(super()._plan_day(day))
            if "_steps" in name:
                for part, factor in STEPS:
                    start = int(part * length / 60.0)
                    self.p_min[start:] = [min(0.85, share * factor) for share in self.p_min[start:]]
            if "_all_leave" in name:
                for part, share in LEAVE:
                    for who in range(int(share * self.N)):
                        self.pauses[who] = sorted([*self.pauses[who], (part * length, 300.0)])
            return length

        def destiny(self, lead: Any, at: float) -> Any:
            length = self.scn.hours * 3600.0
            if "_dead_trunk" in name and any(part * length <= at < part * length + lasts for part, lasts in DEAD):
                return sim.SIT, at + 0.5, at
            return super().destiny(lead, at)

    policy = sim.load_policy(spec, scenario, **options)
    return dict(Eventful(scenario, policy, seed).run())
