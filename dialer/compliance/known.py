"""What is known of many numbers, from a file: consents, lists of one's own, wireless marks, checks for reassignment.

A row that cannot be taken is named with its line and stops no other. Loading a file again changes nothing: a consent
that is on record is not recorded twice, and a mark is written over by itself.
"""

from __future__ import annotations

import csv
import hashlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from itertools import groupby
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from django.db import transaction

from dialer.core import audit
from dialer.core.clock import now
from dialer.core.numbers import NotANumber, parse_number
from dialer.core.zones import known_zone
from dialer.people.models import Tenant

from .facts import lock_numbers
from .models import Consent, DncEntry, NumberNote

AT_ONCE = 200
"""Rows of one transaction: whoever decides about one of these numbers waits for it."""
COLUMNS = (
    *("number", "list", "wireless", "by_hand_only", "reassigned", "reassigned_since", "asked_on"),
    *("consent", "source", "proof", "given_at", "expires_at"),
)
_ANSWERS = {"yes": True, "no": False, "true": True, "false": False, "1": True, "0": False}


class BadFile(ValueError):
    """The file as a whole cannot be loaded; the message says what to do."""


class _BadRow(ValueError):
    pass


@dataclass(frozen=True, slots=True)
class _Row:
    """One line: what is noted of the number, by column; on which list it goes; a consent."""

    phone: str
    note: Mapping[str, Any]
    listed: str
    consent: Consent | None


@dataclass(slots=True)
class Loaded:
    """What came of a file. `problems`: the line and what is wrong with it."""

    notes: int = 0
    listed: int = 0
    consents: int = 0
    problems: list[tuple[int, str]] = field(default_factory=list)


def load(*, path: Path, tenant: Tenant) -> Loaded:
    """Write down what a CSV file (UTF-8, with a line of COLUMNS) says of numbers. Raises BadFile."""
    done, batch = Loaded(), []
    with path.open(encoding="utf-8-sig", newline="") as file:
        for row in _rows(file, path.name, tenant, done):
            batch.append(row)
            if len(batch) >= AT_ONCE:
                _write(tenant, batch, done)
                batch = []
    _write(tenant, batch, done)
    data = {"notes": done.notes, "listed": done.listed, "consents": done.consents, "refused": len(done.problems)}
    with path.open("rb") as content:
        digest = hashlib.file_digest(content, "sha256").hexdigest()
    audit.record(tenant_id=tenant.pk, actor=None, action="numbers.loaded", data={**data, "sha256": digest})
    return done


def _rows(file: Any, name: str, tenant: Tenant, done: Loaded) -> Iterator[_Row]:
    try:
        head = file.readline()
    except UnicodeDecodeError as error:
        raise BadFile(f"{name} is no UTF-8 text. Save it as CSV in UTF-8.") from error
    delimiter = max(",;\t", key=head.count)
    header = [cell.strip().lower() for cell in next(csv.reader([head], delimiter=delimiter), [])]
    if unknown := [cell for cell in header if cell not in COLUMNS]:
        raise BadFile(f"{name} has a column “{unknown[0][:40]}”. Known are: {', '.join(COLUMNS)}.")
    if "number" not in header or len(header) < 2:
        raise BadFile(f"{name} needs a column “number” and at least one more of: {', '.join(COLUMNS[1:])}.")
    reader = csv.reader(file, delimiter=delimiter)
    zone = known_zone(tenant.time_zone) or ZoneInfo("UTC")
    try:
        for cells in reader:
            said = {column: cell.strip() for column, cell in zip(header, cells, strict=False) if cell.strip()}
            if not said:
                continue
            try:
                yield _read(said, tenant, zone)
            except (_BadRow, NotANumber) as error:
                done.problems.append((reader.line_num + 1, str(error)))
    except (csv.Error, UnicodeDecodeError) as error:
        raise BadFile(f"{name} cannot be read after line {reader.line_num + 1} ({error}). Save it as UTF-8.") from error


def _read(said: Mapping[str, str], tenant: Tenant, zone: ZoneInfo) -> _Row:
    if "number" not in said:
        raise _BadRow("There is no number. Give one, or leave the line out.")
    phone = parse_number(said["number"], tenant.region)
    note: dict[str, Any] = {}
    for column in ("wireless", "by_hand_only"):
        if column in said:
            note[column] = _one_of(said, column, _ANSWERS)
    if "reassigned" in said:
        note["reassigned"] = _one_of(said, "reassigned", {"yes": "yes", "no": "no", "no_data": "no_data"})
        note["reassigned_since"] = _moment(said, "reassigned_since", zone).date()
        note["reassigned_at"] = _moment(said, "asked_on", zone)
        if note["reassigned_at"] > now():
            raise _BadRow(f"asked_on “{said['asked_on']}” is in the future.")
    listed = _one_of(said, "list", {kind: kind for kind in DncEntry.Kind.values}) if "list" in said else ""
    return _Row(phone, note, listed, _consent(said, phone, tenant, zone) if "consent" in said else None)


def _consent(said: Mapping[str, str], phone: str, tenant: Tenant, zone: ZoneInfo) -> Consent:
    kind = _one_of(said, "consent", {one: one for one in Consent.Kind.values})
    given_at = _moment(said, "given_at", zone)
    expires_at = _moment(said, "expires_at", zone) if "expires_at" in said else None
    if "source" not in said:
        raise _BadRow("A consent needs its source: where it was given.")
    if kind == Consent.Kind.WRITTEN and "proof" not in said:
        raise _BadRow("Written consent needs its proof: where the document or form is kept.")
    if given_at > now():
        raise _BadRow(f"given_at “{said['given_at']}” is in the future.")
    if expires_at is not None and expires_at <= given_at:
        raise _BadRow(f"expires_at “{said['expires_at']}” is not after given_at.")
    return Consent(
        tenant=tenant,
        phone=phone,
        kind=kind,
        source=said["source"][:120],
        proof=said.get("proof", "")[:500],
        given_at=given_at,
        expires_at=expires_at,
        added_at=now(),
    )


def _one_of(said: Mapping[str, str], column: str, known: Mapping[str, Any]) -> Any:
    word = said[column].lower()
    if word not in known:
        raise _BadRow(f"{column} “{said[column][:40]}”: write one of {', '.join(known)}.")
    return known[word]


def _moment(said: Mapping[str, str], column: str, zone: ZoneInfo) -> datetime:
    """A day (its beginning) or a moment, on the tenant's clock unless it says another."""
    text = said.get(column, "")
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        raise _BadRow(f"{column} “{text[:40]}” is no date. Write it like 2026-11-20 or 2026-11-20T14:30.") from None
    return found if found.tzinfo else found.replace(tzinfo=zone)


def _write(tenant: Tenant, rows: list[_Row], done: Loaded) -> None:
    if not rows:
        return
    with transaction.atomic():
        lock_numbers(tenant_id=tenant.pk, phones=[row.phone for row in rows])
        done.notes += _note(tenant, rows)
        done.listed += _list(tenant, rows)
        done.consents += _record(tenant, [row.consent for row in rows if row.consent is not None])


def _note(tenant: Tenant, rows: list[_Row]) -> int:
    """Of a number that comes twice the last line counts; what a line does not say stays as it was."""
    told: dict[str, dict[str, Any]] = {}
    for row in rows:
        if row.note:
            told.setdefault(row.phone, {}).update(row.note)
    by_columns = sorted(told.items(), key=lambda one: sorted(one[1]))
    for columns, same in groupby(by_columns, key=lambda one: sorted(one[1])):
        NumberNote.objects.bulk_create(
            [NumberNote(tenant=tenant, phone=phone, **note) for phone, note in same],
            update_conflicts=True,
            unique_fields=["tenant", "phone"],
            update_fields=columns,
        )
    return len(told)


def _list(tenant: Tenant, rows: list[_Row]) -> int:
    """How many numbers were on no list of the tenant's yet."""
    kinds = {row.phone: row.listed for row in rows if row.listed}
    there = DncEntry.objects.for_tenant(tenant).filter(campaign=None, phone__in=list(kinds))
    for phone in there.values_list("phone", flat=True):
        del kinds[phone]
    DncEntry.objects.bulk_create(
        [DncEntry(tenant=tenant, phone=phone, kind=kind, source="file") for phone, kind in kinds.items()],
        ignore_conflicts=True,
    )
    return len(kinds)


def _record(tenant: Tenant, consents: list[Consent]) -> int:
    """Those that are not on record, each with its entry in the audit trail, which comes last of what is locked."""
    rows = Consent.objects.for_tenant(tenant).filter(phone__in=[one.phone for one in consents])
    there = set(rows.values_list("phone", "kind", "given_at"))
    new = {(one.phone, one.kind, one.given_at): one for one in consents}
    made = Consent.objects.bulk_create(one for key, one in new.items() if key not in there)
    for one in made:
        audit.record(
            tenant_id=tenant.pk,
            actor=None,
            action="consent.added",
            subject=str(one.public_id),
            data={"kind": str(one.kind)},
        )
    return len(made)
