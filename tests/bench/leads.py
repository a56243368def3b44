"""`./run bench leads`: millions of leads and tens of millions of do-not-call numbers on this machine.

`import_rows_per_s`: a CSV of `--rows` rows from the job's beginning to its last row, through the product's own worker:
columns, numbers, zones by number, state and postal code, duplicates in all of the tenant's leads, and a scrub against a
national list of `--dnc` numbers. `import_max_rss_mb`: the most that the worker and its child held together.
`web_p99_ms_meanwhile`: pages asked for one by one while it runs; `web_p99_ms_before` the same pages before it.
`reserve_100_ms`: reserving a hundred leads of `--leads`, commit included (`reserve_commit_ms`), in forty zones with
priorities and most of them recycled to later. `dnc_load_s`, `gate_us` and `dry_run_s` are measured by `_gate` and
`_dry_run`. Progress goes to stderr; the last line of stdout is JSON.
"""

from __future__ import annotations

import argparse
import http.client
import json
import os
import random
import tempfile
import threading
import time
from contextlib import suppress
from datetime import timedelta
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import django
import psutil

from dialer.settings import use_environment

use_environment()
django.setup()

from django.core.files import File  # noqa: E402
from django.db import connection, transaction  # noqa: E402
from phonenumbers.tzdata import TIMEZONE_DATA  # noqa: E402

from dialer.campaigns.models import Campaign  # noqa: E402
from dialer.compliance.models import NationalList  # noqa: E402
from dialer.core.clock import now  # noqa: E402
from dialer.core.numbers import zones_of_number  # noqa: E402
from dialer.core.steady import steady  # noqa: E402
from dialer.leads import services as leads  # noqa: E402
from dialer.leads.importing import services  # noqa: E402
from dialer.leads.models import Lead  # noqa: E402
from tests import factories  # noqa: E402
from tests.bench import _floor as floor  # noqa: E402
from tests.bench import _gate  # noqa: E402
from tests.bench._dry_run import measure_dry_run_s  # noqa: E402

say = floor.say
AREAS = [area for area in range(201, 990) if zones_of_number(f"+1{area}5550142")]
PLACES = (("10001", "NY"), ("33101", "FL"), ("94110", "CA"), ("77002", "TX"), ("60601", "IL"), ("80202", "CO"))
ZONES = sorted({zones[0] for zones in TIMEZONE_DATA.values() if len(zones) == 1 and "America/" in zones[0]})[:40]
PATHS = ("/campaigns/", "/calls/", "/dnc/?number=2125550100", "/users/")
MAPPING = dict(enumerate(("phone", "first_name", "last_name", "company", "address", "city", "region", "postal_code")))


def write_csv(path: Path, rows: int) -> None:
    """People with numbers in several manners; two in a hundred are there twice, one in two hundred is no number."""
    chance = random.Random(1)
    with path.open("w") as file:
        file.write("Phone,First Name,Last Name,Company,Address,City,State,ZIP\n")
        number = "2125550100"
        for row in range(rows):
            if row % 50:
                number = f"{chance.choice(AREAS)}{chance.randint(200, 999)}{chance.randint(0, 9999):04d}"
            typed = (number, f"({number[:3]}) {number[3:6]}-{number[6:]}", f"+1{number}")[row % 3]
            code, state = PLACES[row % len(PLACES)]
            typed = "555-CALL" if row % 200 == 7 else typed
            file.write(f"{typed},First{row},Last{row % 7919},Company {row % 977},{row} Main St,Town,{state},{code}\n")


class Pages:
    """Asks for pages, one after the other, until it is told to stop; what each took in milliseconds."""

    def __init__(self, key: str) -> None:
        self.took: list[float] = []
        self._refused = ""
        self._key, self._stop = key, threading.Event()
        self._thread = threading.Thread(target=self._ask)

    def __enter__(self) -> Pages:
        self._thread.start()
        return self

    def __exit__(self, *error: object) -> None:
        self._stop.set()
        self._thread.join()
        if self._refused:
            raise SystemExit(self._refused)

    def _ask(self) -> None:
        web = http.client.HTTPConnection(str(urlsplit(floor.address()).netloc), timeout=30)
        place = 0
        while not self._stop.wait(0.05):
            began = time.perf_counter()
            web.request("GET", PATHS[place % len(PATHS)], headers={"Cookie": f"sessionid={self._key}"})
            answer = web.getresponse()
            answer.read()
            if answer.status != 200:
                self._refused = f"{PATHS[place % len(PATHS)]} answered {answer.status}"
                return
            self.took.append((time.perf_counter() - began) * 1000)
            place += 1


class Memory:
    """The most memory that a process and its children held together, in MB."""

    def __init__(self, pid: int) -> None:
        self.most_mb = 0.0
        self._process, self._stop = psutil.Process(pid), threading.Event()
        self._thread = threading.Thread(target=self._watch)

    def __enter__(self) -> Memory:
        self._thread.start()
        return self

    def __exit__(self, *error: object) -> None:
        self._stop.set()
        self._thread.join()

    def _watch(self) -> None:
        while not self._stop.wait(0.2):
            held = 0
            for one in (self._process, *self._process.children(recursive=True)):
                with suppress(psutil.Error):
                    held += one.memory_info().rss
            self.most_mb = max(self.most_mb, held / 1024 / 1024)


def bench_import(campaign: Campaign, rows: int) -> dict[str, Any]:
    """One large file through the running product."""
    user = factories.make_user(campaign.tenant, "admin")
    key = floor.session_key(user)
    with tempfile.TemporaryDirectory() as folder, floor.product() as product:
        path = Path(folder, "people.csv")
        write_csv(path, rows)
        say(f"a file of {path.stat().st_size / 1e6:.0f} MB")
        with Pages(key) as before:
            time.sleep(5)
        with path.open("rb") as file:
            began = time.perf_counter()
            made = services.upload(campaign=campaign, user=user, file=File(file, name="people.csv"))  # type: ignore[arg-type]
            say(f"looked at in {time.perf_counter() - began:.1f} s")
        services.settle(of=made, mapping=MAPPING, values={"scope": "tenant", "list_name": "Large"})
        with Pages(key) as pages, Memory(product.pids()["worker"]) as memory:
            services.confirm(of=made, user=user)
            while made.ended_at is None:
                time.sleep(0.5)
                made.refresh_from_db()
        used = floor.cpu_s(product.pids())
    assert made.state == "done" and made.began_at is not None, made.problem
    assert made.rows == rows and Lead.objects.for_tenant(campaign.tenant).count() == made.added
    took = (made.ended_at - made.began_at).total_seconds()
    counts = {name: getattr(made, name) for name in ("added", "skipped", "on_dnc", "refused")}
    say(f"{took:.1f} s; {counts}; processors: {used}")
    return {
        "import_rows_per_s": round(rows / took),
        "import_s": round(took, 1),
        "import_rows": rows,
        "import_counts": counts,
        "import_max_rss_mb": round(memory.most_mb),
        "web_p99_ms_meanwhile": floor.percentiles(pages.took)["p99"],
        "web_ms_meanwhile": floor.percentiles(pages.took),
        "web_p99_ms_before": floor.percentiles(before.took)["p99"],
    }


FILL = """
INSERT INTO leads_lead (
    tenant_id, campaign_id, list_id, public_id, phone, first_name, last_name, company, notes, time_zones, state,
    priority, attempts, next_attempt_at, custom, last_outcome, refused_rule, created_at
)
SELECT %(tenant)s, %(campaign)s, (%(lists)s::bigint[])[1 + n %% 8],
    ('00000000-0000-7000-8000-' || lpad(to_hex(n), 12, '0'))::uuid, '+1' || (2012000000 + n * 397),
    'First', 'Last', '', '', ARRAY[(%(zones)s::text[])[1 + (n * 7) %% 40]],
    CASE WHEN n %% 10 < 2 THEN 'done' ELSE 'waiting' END, (n %% 8)::smallint * 10 + (n %% 5)::smallint,
    (n %% 4)::smallint, %(at)s + (CASE WHEN n %% 3 = 0 THEN -1 ELSE 1 END) * (n %% 86400) * interval '1 second',
    '{}', CASE WHEN n %% 4 = 0 THEN '' ELSE 'no_answer' END, '', %(at)s
FROM generate_series(%(first)s::bigint, %(last)s::bigint) AS n
"""


def fill(campaign: Campaign, count: int) -> None:
    """So many leads: two thirds recycled to later, a third due, a fifth done, in eight lists of five priorities."""
    lists = [factories.make_list(campaign, name=f"Reserve {place}").pk for place in range(8)]
    values = {"tenant": campaign.tenant_id, "campaign": campaign.pk, "lists": lists, "zones": ZONES, "at": now()}
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT indexrelid::regclass::text, pg_get_indexdef(indexrelid) FROM pg_index"
            " WHERE indrelid = 'leads_lead'::regclass AND NOT indisprimary AND NOT indisunique"
        )
        indexes = cursor.fetchall()
        for name, _ in indexes:
            cursor.execute(f"DROP INDEX {name}")
        cursor.execute("SET session_replication_role = replica")  # foreign keys that hold by construction
        for first in range(0, count, 1_000_000):
            cursor.execute(FILL, {**values, "first": first, "last": min(first + 1_000_000, count) - 1})
            say(f"{first + 1_000_000:,} leads")
        cursor.execute("SET session_replication_role = origin")
        cursor.execute("SET maintenance_work_mem = '512MB'")
        for name, definition in indexes:
            cursor.execute(definition)
            say(f"index {name}")
        cursor.execute("VACUUM ANALYZE leads_lead")
        cursor.execute("CHECKPOINT")  # ten million rows a moment old are still on their way to the disk


def bench_reserve(campaign: Campaign, count: int, rounds: int) -> dict[str, Any]:
    """Reserving a hundred leads again and again; between two, those are called: half are recycled, half are done."""
    fill(campaign, count)
    took: list[float] = []
    committing: list[float] = []
    for _ in range(rounds):
        began = time.perf_counter()
        with transaction.atomic():
            chosen = leads.reserve(campaign_id=campaign.pk, count=100, at=now())
            reserved = time.perf_counter()
        took.append((time.perf_counter() - began) * 1000)
        committing.append((time.perf_counter() - reserved) * 1000)
        assert len(chosen) == 100
        keys = [one.pk for one in chosen]
        leads.put_back(lead_ids=keys[:50], at=now(), delay=timedelta(hours=4))
        Lead.objects.for_tenant(campaign.tenant).filter(pk__in=keys[50:]).update(state="done")
    told = {"reserve_100_ms": floor.percentiles(took), "reserve_commit_ms": floor.percentiles(committing)}
    return {**told, "reserve_leads": count}


def main() -> int:
    """Measure and print the figures."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--dnc", type=int, default=20_000_000)
    parser.add_argument("--leads", type=int, default=10_000_000)
    parser.add_argument("--dry-run", type=int, default=1_000_000)
    parser.add_argument("--rounds", type=int, default=300)
    options = parser.parse_args()
    steady()  # as the process of the ticks does
    figures: dict[str, Any] = {"cpus": os.cpu_count()}
    figures |= _gate.measure_gate_us()
    figures |= _gate.measure_dnc_load_s(options.dnc)
    NationalList.objects.filter(name=_gate.LIST).update(name="national-us")  # which the law asks for
    say(str(figures))
    tenant = factories.make_tenant()
    if options.rows:
        figures |= bench_import(factories.make_campaign(tenant, purpose="sales"), options.rows)
        say(str(figures))
    if options.leads:
        figures |= bench_reserve(factories.make_campaign(tenant), options.leads, options.rounds)
        say(str(figures))
        with connection.cursor() as cursor:
            cursor.execute("TRUNCATE leads_lead CASCADE")
    if options.dry_run:
        figures["dry_run_s"] = round(measure_dry_run_s(options.dry_run), 2)
    print(json.dumps(figures))
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
