"""Writes prepared rows: one COPY into a temporary table and a few statements over all of them, never one per row.

A chunk, its counts and the row to go on from are one transaction, so whenever a process ends, what is there is exactly
the rows before `next_row`.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

from django.db import connection, transaction
from django.db.models import F

from dialer.campaigns.models import Campaign
from dialer.core.clock import now
from dialer.leads.models import NumberKind
from dialer.leads.rules import CALLBACK_PRIORITY

from .models import Import, ImportState, OnDuplicate, Scope

Scrub = Callable[[Campaign, Sequence[int]], set[int]]
"""Which of these numbers (E.164 digits) a campaign may never dial."""

STAGE = """
CREATE TEMPORARY TABLE import_stage (
    row integer, public_id uuid, phone text, first_name text, last_name text, company text, address text, city text,
    notes text, region text, postal_code text, zones varchar(64)[], zoned boolean, custom jsonb, others text,
    again boolean
) ON COMMIT DROP
"""
# What a crash of the server could take back is taken back together with the row to go on from. A plan that looks for
# duplicates in the whole table, because it is small or thought to be, would look at the rows that it adds, too.
_FOR_A_CHUNK = """
SELECT set_config('synchronous_commit', 'off', true), set_config('enable_seqscan', 'off', true),
    set_config('jit', 'off', true)
"""
# The list's as it is now. Whoever changes it waits for the chunk, and then for its leads too (leads/priorities.py).
_PRIORITY = "SELECT priority FROM campaigns_leadlist WHERE id = %s FOR SHARE"
_THERE = """
SELECT lead.id, lead.public_id FROM leads_lead AS lead
WHERE lead.tenant_id = %(tenant)s AND lead.phone = stage.phone AND lead.created_at >= %(since)s AND {scope}
    AND lead.public_id <> stage.public_id LIMIT 1
"""
# "+ 0": found by the number alone. PostgreSQL knows nothing of a campaign or list that is new, takes it for empty, and
# would read all of its leads for each row until it counts them again.
_SCOPES = {
    Scope.LIST: "lead.list_id + 0 = %(list)s",
    Scope.CAMPAIGN: "lead.campaign_id + 0 = %(campaign)s",
    Scope.TENANT: "TRUE",
}
_INSERT = """
INSERT INTO leads_lead (
    tenant_id, campaign_id, list_id, public_id, phone, first_name, last_name, company, address, city, notes, region,
    postal_code, time_zones, custom, state, priority, attempts, next_attempt_at, last_outcome, refused_rule, created_at
)
SELECT %(tenant)s, %(campaign)s, %(list)s, stage.public_id, stage.phone, stage.first_name, stage.last_name,
    stage.company, stage.address, stage.city, stage.notes, stage.region, stage.postal_code, stage.zones, stage.custom,
    'waiting', %(priority)s, 0, %(at)s, '', '', %(at)s
FROM import_stage AS stage
"""
_INSERT_NEW = _INSERT + "LEFT JOIN LATERAL ({there}) AS there ON TRUE WHERE there.id IS NULL AND NOT stage.again"
_LAST = "(array_agg(stage.{0} ORDER BY stage.row DESC) FILTER (WHERE stage.{0} <> ''))[1] AS {0}"
_FILLED = ("first_name", "last_name", "company", "address", "city", "notes", "region", "postal_code")
_UPDATE = f"""
WITH given AS (
    SELECT there.id, count(*) AS rows, {", ".join(_LAST.format(name) for name in _FILLED)},
        (array_agg(stage.custom ORDER BY stage.row DESC) FILTER (WHERE stage.custom <> '{{{{}}}}'))[1] AS custom,
        (array_agg(stage.row ORDER BY stage.row DESC) FILTER (WHERE stage.zoned))[1] AS zoned_row
    FROM import_stage AS stage CROSS JOIN LATERAL ({{there}}) AS there GROUP BY there.id
), done AS (
    UPDATE leads_lead AS lead SET
        {", ".join(f"{name} = coalesce(given.{name}, lead.{name})" for name in _FILLED)},
        custom = lead.custom || coalesce(given.custom, '{{{{}}}}'),
        time_zones = coalesce((SELECT zones FROM import_stage WHERE row = given.zoned_row), lead.time_zones)
    FROM given WHERE lead.id = given.id RETURNING given.rows
)
SELECT coalesce(sum(rows), 0)::integer FROM done
"""  # noqa: S608
_MOVE = """
WITH known AS (
    SELECT there.id, count(*) AS rows
    FROM import_stage AS stage CROSS JOIN LATERAL ({there}) AS there GROUP BY there.id
), done AS (
    UPDATE leads_lead AS lead SET list_id = %(list)s, campaign_id = %(campaign)s, priority = %(priority)s
    FROM known
    WHERE lead.id = known.id AND lead.list_id <> %(list)s AND lead.state <> 'reserved' AND lead.priority <> %(promised)s
    RETURNING 1
)
SELECT count(*)::integer FROM done
"""
_NUMBERS = """
INSERT INTO leads_leadnumber (tenant_id, lead_id, kind, phone)
SELECT DISTINCT ON (lead.id, split_part(other, ':', 2)) %(tenant)s, lead.id, split_part(other, ':', 1),
    split_part(other, ':', 2)
FROM import_stage AS stage CROSS JOIN LATERAL unnest(string_to_array(stage.others, ',')) AS other
{which} JOIN leads_lead AS lead ON {joined}
WHERE stage.others <> '' AND lead.phone <> split_part(other, ':', 2)
ON CONFLICT DO NOTHING
"""
_NUMBERS_OF_NEW = _NUMBERS.format(which="", joined="lead.public_id = stage.public_id")
assert set(NumberKind.values) == {"mobile", "home", "work", "other"}


class Superseded(Exception):
    """The import was cancelled, or somebody else has taken it up: nothing was written."""


@dataclass(slots=True)
class Chunk:
    """Prepared rows, as the child wrote them."""

    next_row: int
    share: float
    taken: int
    again: int
    others: bool
    refused: int
    lines: bytes
    problems: bytes
    phones: Sequence[int]
    listed: set[int] = field(default_factory=set)
    """Those of the numbers that may never be dialed."""


def write(*, of: Import, chunk: Chunk) -> None:
    """Write a chunk of an import that this process has taken up. Raises Superseded."""
    at = now()
    since = at - timedelta(days=of.days or 100 * 365)
    values: dict[str, Any] = {
        **{"tenant": of.tenant_id, "campaign": of.campaign_id, "list": of.list_id},
        **{"at": at, "since": since, "promised": CALLBACK_PRIORITY},
    }
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(_FOR_A_CHUNK)
        cursor.execute(_PRIORITY, [of.list_id])
        values["priority"] = (cursor.fetchone() or (of.priority,))[0]
        on_dnc = 0
        if chunk.taken:
            cursor.execute(STAGE)
            with cursor.copy("COPY import_stage FROM STDIN") as copy:
                copy.write(chunk.lines)
            if chunk.listed:
                numbers = [f"+{number}" for number in chunk.listed]
                cursor.execute("DELETE FROM import_stage WHERE phone = ANY(%s)", [numbers])
                on_dnc = cursor.rowcount
        added, updated, moved = _merge(cursor, of, chunk, values, on_dnc) if chunk.taken > on_dnc else (0, 0, 0)
        if chunk.taken:
            cursor.execute("DROP TABLE import_stage")
        if chunk.refused:
            _write_problems(cursor, of, chunk.problems)
        mine = Import.objects.for_tenant(of.tenant_id).filter(
            pk=of.pk, state=ImportState.RUNNING, starts=of.starts, next_row=of.next_row
        )
        counted = mine.update(
            next_row=chunk.next_row,
            share=chunk.share,
            beat_at=at,
            added=F("added") + added,
            updated=F("updated") + updated,
            moved=F("moved") + moved,
            on_dnc=F("on_dnc") + on_dnc,
            skipped=F("skipped") + chunk.taken - on_dnc - added - updated - moved,
            refused=F("refused") + chunk.refused,
        )
        if not counted:
            raise Superseded
    of.next_row = chunk.next_row


def _merge(cursor: Any, of: Import, chunk: Chunk, values: dict[str, Any], on_dnc: int) -> tuple[int, int, int]:
    """Rows added, updated and moved."""
    if of.scope == Scope.NONE:
        cursor.execute(f"{_INSERT} ORDER BY stage.row", values)
        added, there = cursor.rowcount, ""
    else:
        there = _THERE.format(scope=_SCOPES[Scope(of.scope)])
        cursor.execute(f"{_INSERT_NEW.format(there=there)} ORDER BY stage.row", values)
        added = cursor.rowcount
    updated = moved = 0
    if added < chunk.taken - on_dnc and of.on_duplicate != OnDuplicate.SKIP:
        statement = _UPDATE if of.on_duplicate == OnDuplicate.UPDATE else _MOVE
        cursor.execute(statement.format(there=there), values)
        (count,) = cursor.fetchone()
        updated, moved = (count, 0) if of.on_duplicate == OnDuplicate.UPDATE else (0, count)
    if chunk.others:
        cursor.execute(_NUMBERS_OF_NEW, values)
        if updated:
            which = f"CROSS JOIN LATERAL ({there}) AS there"
            cursor.execute(_NUMBERS.format(which=which, joined="lead.id = there.id"), values)
    return added, updated, moved


def _write_problems(cursor: Any, of: Import, problems: bytes) -> None:
    before = f"{of.tenant_id}\t{of.pk}\t".encode()
    with cursor.copy("COPY leads_importproblem (tenant_id, of_id, row, message, cells) FROM STDIN") as copy:
        copy.write(b"".join(before + line for line in problems.splitlines(keepends=True)))
