"""Counters of what happens on the floor: kept from events, compared with the rows they count, and repaired.

The database notes each change as a Tally in the change's own transaction (migration 0002); `fold` moves tallies into
counters of five minutes. A tally that is not folded yet counts all the same, so a sum is exact at every moment.
`compare` counts the rows themselves, in the same snapshot, and says how far the counters are off: anything but 0 is
a fault, is logged, and is put right.
"""

from __future__ import annotations

import logging
import threading
import time
from collections import defaultdict
from datetime import datetime, timedelta
from typing import Any

from django.db import connection, transaction

from dialer.core.clock import now

from .models import BUCKET_S, Counter

log = logging.getLogger(__name__)

Sums = dict[int, dict[str, int]]
"""Per campaign's id: name of the counter, and its sum."""
SETTLED = timedelta(minutes=10)
"""Buckets that are this old are read again every minute only; what is tallied late shows by then."""

_FOLD = """
WITH taken AS (
    DELETE FROM floor_tally WHERE id IN (SELECT id FROM floor_tally ORDER BY id LIMIT %(limit)s FOR UPDATE SKIP LOCKED)
    RETURNING tenant_id, campaign_id, at, names, ns
), sums AS (
    SELECT tenant_id, campaign_id, floor_bucket(at) AS bucket, u.name, sum(u.n) AS n
    FROM taken, unnest(names, ns) AS u(name, n) WHERE u.n <> 0 GROUP BY 1, 2, 3, 4
)
INSERT INTO floor_counter AS old (tenant_id, campaign_id, bucket, name, n)
SELECT tenant_id, campaign_id, bucket, name, n FROM sums ORDER BY campaign_id, bucket, name
ON CONFLICT (campaign_id, bucket, name) DO UPDATE SET n = old.n + EXCLUDED.n
"""
_KEPT = """
SELECT campaign_id, floor_bucket(at) AS bucket, name, sum(n)::bigint AS n FROM (
    SELECT campaign_id, bucket AS at, name, n FROM floor_counter
    WHERE tenant_id = %(tenant)s AND bucket >= %(starts)s AND bucket < %(ends)s
    UNION ALL
    SELECT campaign_id, at, u.name, u.n FROM floor_tally, unnest(names, ns) AS u(name, n)
    WHERE tenant_id = %(tenant)s AND at >= %(starts)s AND at < %(ends)s
) kept GROUP BY 1, 2, 3
"""
_STRETCHES = """
SELECT campaign_id, date_bin(%(width)s, at, TIMESTAMPTZ '2001-01-01 00:00+00') AS stretch, name, sum(n)::bigint FROM (
    SELECT campaign_id, bucket AS at, name, n FROM floor_counter
    WHERE tenant_id = %(tenant)s AND bucket >= %(starts)s AND bucket < %(ends)s
    UNION ALL
    SELECT campaign_id, at, u.name, u.n FROM floor_tally, unnest(names, ns) AS u(name, n)
    WHERE tenant_id = %(tenant)s AND at >= %(starts)s AND at < %(ends)s
) kept WHERE name LIKE 'outcome:%%' OR name LIKE 'agent_ms:%%' GROUP BY 1, 2, 3 HAVING sum(n) <> 0
"""
_TRUTH = """
SELECT campaign_id, floor_bucket(at) AS bucket, name, sum(n)::bigint AS n FROM (
    SELECT campaign_id, ended_at AS at, u.name, u.n FROM calls_calltask, LATERAL (VALUES
        ('outcome:' || outcome, 1),
        ('dialed', CASE WHEN placed_at IS NULL THEN 0 ELSE 1 END),
        ('answered', CASE WHEN answered THEN 1 ELSE 0 END),
        ('talks', CASE WHEN connected_at IS NULL THEN 0 ELSE 1 END),
        ('talk_ms', COALESCE(floor(extract(epoch FROM ended_at - connected_at) * 1000), 0))
    ) AS u(name, n)
    WHERE tenant_id = %(tenant)s AND queued_at >= %(earliest)s AND ended_at >= %(starts)s AND ended_at < %(ends)s
    UNION ALL
    SELECT c.campaign_id, c.disposed_at, u.name, u.n FROM calls_calltask c
    JOIN campaigns_disposition d ON d.id = c.disposition_id, LATERAL (VALUES
        ('disposed', 1), ('contacts', d.is_contact::int), ('conversions', d.is_conversion::int)
    ) AS u(name, n)
    WHERE c.tenant_id = %(tenant)s AND c.queued_at >= %(earliest)s
      AND c.disposed_at >= %(starts)s AND c.disposed_at < %(ends)s
    UNION ALL
    SELECT campaign_id, until, u.name, u.n FROM agents_agentstatechange, LATERAL (VALUES
        ('agent_ms:' || state, floor(extract(epoch FROM until - at) * 1000)), ('agent_times:' || state, 1)
    ) AS u(name, n)
    WHERE tenant_id = %(tenant)s AND at >= %(earliest)s AND until >= %(starts)s AND until < %(ends)s
      AND campaign_id IS NOT NULL AND state <> 'offline'
    UNION ALL
    SELECT campaign_id, at, 'refused:' || rule, 1 FROM compliance_gateverdict
    WHERE tenant_id = %(tenant)s AND NOT allowed AND at >= %(starts)s AND at < %(ends)s
) counted GROUP BY 1, 2, 3 HAVING sum(n) <> 0
"""
KEEP = timedelta(days=60)
"""How long counters are kept. Boards show a day; reports count the rows themselves."""
_LONGEST = timedelta(days=2)
"""A call or a state that began longer before its end than this is not looked for."""


def fold(*, limit: int = 5000) -> int:
    """Move tallies into counters, oldest first; may run at several places at once. 0: there was nothing to move."""
    with connection.cursor() as cursor:
        cursor.execute(_FOLD, {"limit": limit})
        return cursor.rowcount


def by_bucket(*, tenant_id: int, starts: datetime, ends: datetime) -> dict[int, dict[datetime, dict[str, int]]]:
    """Per campaign and five minutes: the counters, those not folded yet included."""
    found: dict[int, dict[datetime, dict[str, int]]] = defaultdict(lambda: defaultdict(dict))
    for campaign_id, bucket, name, n in _kept(tenant_id, starts, ends):
        found[campaign_id][bucket][name] = n
    return found


def by_stretch(
    *, tenant_id: int, starts: datetime, ends: datetime, width: timedelta
) -> list[tuple[int, datetime, str, int]]:
    """Campaign, beginning of a stretch of time, counter and sum: of outcomes and of agents' time in state only.

    `width` is a multiple of five minutes.
    """
    with connection.cursor() as cursor:
        values: dict[str, Any] = {"tenant": tenant_id, "starts": starts, "ends": ends, "width": width}
        cursor.execute(_STRETCHES, values)
        return list(cursor.fetchall())


def _kept(tenant_id: int, starts: datetime, ends: datetime) -> list[tuple[int, datetime, str, int]]:
    values: dict[str, Any] = {"tenant": tenant_id, "starts": starts, "ends": ends}
    with connection.cursor() as cursor:
        cursor.execute(_KEPT, values)
        return list(cursor.fetchall())


_settled: dict[tuple[int, datetime], tuple[float, datetime, Sums]] = {}
_lock = threading.Lock()


def sums_since(*, tenant_id: int, starts: datetime) -> Sums:
    """The counters' sums from `starts` (the beginning of five minutes) until now. Old buckets are kept for a minute."""
    moment = now()
    with _lock:
        kept = _settled.get((tenant_id, starts))
    if kept is None or time.monotonic() - kept[0] > 60:
        edge = max(starts, bucket_of(moment - SETTLED))
        kept = (time.monotonic(), edge, _sum(_kept(tenant_id, starts, edge)))
        with _lock:
            if len(_settled) > 200:
                _settled.clear()
            _settled[tenant_id, starts] = kept
    _, edge, settled = kept
    fresh = _sum(_kept(tenant_id, edge, moment + timedelta(days=1)))
    return {
        campaign: {
            name: settled.get(campaign, {}).get(name, 0) + fresh.get(campaign, {}).get(name, 0)
            for name in settled.get(campaign, {}).keys() | fresh.get(campaign, {}).keys()
        }
        for campaign in settled.keys() | fresh.keys()
    }


def let_go(*, at: datetime) -> int:
    """Remove counters that are older than KEEP; how many."""
    return Counter.objects.across_tenants().filter(bucket__lt=at - KEEP).delete()[0]


def forget() -> None:
    """Read everything anew."""
    with _lock:
        _settled.clear()


def _sum(rows: list[tuple[int, datetime, str, int]]) -> Sums:
    sums: Sums = defaultdict(lambda: defaultdict(int))
    for campaign_id, _, name, n in rows:
        sums[campaign_id][name] += n
    return sums


def bucket_of(moment: datetime, width: timedelta = timedelta(seconds=BUCKET_S)) -> datetime:
    """The beginning of the five minutes (or whatever `width`) that a moment lies in."""
    seconds = width.total_seconds()
    return datetime.fromtimestamp(moment.timestamp() // seconds * seconds, tz=moment.tzinfo)


def compare(*, tenant_id: int, starts: datetime, ends: datetime, repair: bool = True) -> int:
    """How far the counters of a span are off from the rows they count: the sum of all differences, 0 when all is well.

    Both are read in one snapshot, so what commits meanwhile cannot look like drift. `repair` puts the counters right.
    """
    starts, ends = bucket_of(starts), bucket_of(ends) + timedelta(seconds=BUCKET_S)  # counters know whole buckets only
    with transaction.atomic(), connection.cursor() as cursor:
        if not connection.in_atomic_block or len(connection.savepoint_ids) == 0:
            cursor.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ")
        kept = {(row[0], row[1], row[2]): row[3] for row in _kept(tenant_id, starts, ends) if row[3]}
        values: dict[str, Any] = {
            "tenant": tenant_id,
            "starts": starts,
            "ends": ends,
            "earliest": starts - _LONGEST,
        }
        cursor.execute(_TRUTH, values)
        truth = {(row[0], row[1], row[2]): row[3] for row in cursor.fetchall()}
        wrong = {
            key: truth.get(key, 0) - kept.get(key, 0)
            for key in truth.keys() | kept.keys()
            if truth.get(key, 0) != kept.get(key, 0)
        }
    drift = sum(abs(off) for off in wrong.values())
    if drift:
        names = sorted({name for _, _, name in wrong})
        log.warning("counters of tenant %s are off by %d in %s", tenant_id, drift, ", ".join(names[:8]))
    if wrong and repair:
        _put_right(tenant_id, wrong)
    return drift


def _put_right(tenant_id: int, wrong: dict[tuple[int, datetime, str], int]) -> None:
    """Tally the differences: what was committed since they were found is neither lost nor counted twice."""
    with connection.cursor() as cursor:
        cursor.executemany(
            "INSERT INTO floor_tally (tenant_id, campaign_id, at, names, ns) VALUES (%s, %s, %s, %s, %s)",
            [(tenant_id, campaign, bucket, [name], [off]) for (campaign, bucket, name), off in wrong.items()],
        )
    forget()
