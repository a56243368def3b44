"""Measurements of the dial gate that `./run bench leads` tells of: what a verdict costs, and a list of 20 million."""

from __future__ import annotations

import random
import tempfile
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
from django.db import transaction

from dialer.compliance import national, rulebook
from dialer.compliance.laws import Purpose
from dialer.compliance.models import NationalList
from dialer.compliance.rules import CampaignFacts, Consent, LeadFacts, NumberFacts, gate
from dialer.compliance.services import Asked, judge
from dialer.core.clock import now
from tests import factories

ZONES = ("America/New_York", "America/Chicago", "America/Denver", "America/Los_Angeles", "America/Phoenix")
LIST = "bench-us"


def measure_gate_us(verdicts: int = 20_000, rounds: int = 5) -> dict[str, float]:
    """Microseconds per verdict of a sales campaign, hot, over numbers of every state: the best of the rounds.

    Facts are loaded already; a fifth of the numbers have a consent, a third earlier calls, a tenth two zones.
    """
    chance = random.Random(1)
    moment = datetime(2026, 6, 1, 18, 0, tzinfo=UTC)
    areas = [area for area in range(201, 990) if len(rulebook.regions_of_number(f"+1{area}5550142")) < 5]
    asked = []
    for place in range(verdicts):
        phone = f"+1{chance.choice(areas)}{2000000 + place}"
        calls = tuple(moment - timedelta(hours=chance.uniform(1, 150)) for _ in range(chance.choice((0, 0, 2))))
        consents = (Consent("written", moment - timedelta(days=30)),) if chance.random() < 0.2 else ()
        zones = tuple(chance.sample(ZONES, 2 if chance.random() < 0.1 else 1))
        regions = rulebook.regions_of_number(phone)
        asked.append((LeadFacts(zones, calls=calls), NumberFacts(phone, regions, consents=consents, calls=calls)))
    facts = CampaignFacts(rulebook.laws_for(Purpose.SALES, False), 480, 1260, lists={"national-us": moment})
    allowed, took = 0, []
    for _ in range(rounds + 1):
        began = time.perf_counter()
        answers = [gate(lead, number, facts, moment) for lead, number in asked]
        took.append((time.perf_counter() - began) / verdicts * 1e6)
        allowed = sum(answer.rule == "allowed" for answer in answers)
    return {"gate_us": round(min(took[1:]), 2), "gate_allowed_share": round(allowed / verdicts, 3)}


def make_list(path: Path, rows: int) -> None:
    """Write a file of that many different North American numbers, in no order, without country codes."""
    chance = np.random.default_rng(7)
    areas = np.array([int(area) for area in range(201, 990)])
    found = np.empty(0, np.int64)
    while len(found) < rows:
        more = chance.choice(areas, rows) * 10_000_000 + chance.integers(2_000_000, 9_999_999, rows)
        found = np.unique(np.concatenate((found, more)))
    chance.shuffle(found)
    with path.open("w") as file:
        for start in range(0, rows, 1_000_000):
            file.write("\n".join(map(str, found[start : min(rows, start + 1_000_000)].tolist())) + "\n")


def measure_dnc_load_s(rows: int = 20_000_000) -> dict[str, float]:
    """Seconds to load that many numbers from a file into the database, to their use; and what looking them up costs."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "list.txt")
        make_list(path, rows)
        began = time.perf_counter()
        made = national.load(path=path, name=LIST, country_code=1, as_of=now() - timedelta(days=1), may_shrink=True)
        took = time.perf_counter() - began
    chance = np.random.default_rng(8)
    asked = (chance.integers(201, 990, 100_000) * 10_000_000 + chance.integers(2_000_000, 9_999_999, 100_000)).tolist()
    began = time.perf_counter()
    national.listed(made.pk, [10_000_000_000 + number for number in asked])
    looked_up = len(asked) / (time.perf_counter() - began)
    return {"dnc_load_s": round(took, 2), "dnc_rows": made.numbers, "dnc_lookups_per_s": round(looked_up)}


def measure_judge_us(batches: int = 60, size: int = 100) -> dict[str, float]:
    """Microseconds per number of `services.judge` on batches of a sales campaign: locks, facts, verdicts, rows."""
    campaign = factories.make_campaign(factories.make_tenant(), purpose="sales")
    NationalList.objects.filter(name="national-us").update(is_current=False)
    NationalList.objects.filter(name=LIST).update(name="national-us")
    chance = random.Random(3)
    took = []
    for _ in range(batches + 5):
        asked = [Asked(f"+1212{chance.randrange(2_000_000, 9_999_999)}", ("America/New_York",)) for _ in range(size)]
        began = time.perf_counter()
        with transaction.atomic():
            judge(campaign=campaign, asked=asked, at=now())
        took.append((time.perf_counter() - began) / size * 1e6)
    took = sorted(took[5:])
    return {"judge_us": round(took[len(took) // 2], 1), "judge_us_p99": round(took[int(len(took) * 0.99)], 1)}
