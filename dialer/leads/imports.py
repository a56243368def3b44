"""From a file or pasted text to a list of leads. What is wrong is said row by row and stops no other row."""

from __future__ import annotations

import csv
import io
from collections.abc import Collection, Iterable
from dataclasses import dataclass, fields, replace
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from django.core.exceptions import ValidationError
from django.db import transaction

from dialer.campaigns.models import Campaign, LeadList
from dialer.campaigns.services import changed

from .fields import Reader, custom_fields
from .services import NewLead, RowError, add_leads

MAX_ROWS = 20_000
MAX_BYTES = 10 * 1024 * 1024
COLUMNS = tuple(field.name for field in fields(NewLead) if field.name != "custom")
_ALSO = {
    "phone_number": "phone",
    "telephone": "phone",
    "number": "phone",
    "mobile": "phone",
    "first": "first_name",
    "firstname": "first_name",
    "given_name": "first_name",
    "last": "last_name",
    "lastname": "last_name",
    "surname": "last_name",
    "organisation": "company",
    "organization": "company",
    "note": "notes",
    "comments": "notes",
    "timezone": "time_zone",
    "zone": "time_zone",
}


class BadFile(ValueError):
    """The text as a whole cannot be read; the message says what to do."""


class NoLeads(Exception):
    """Not one row was good, so no list was made; `errors` says why, row by row."""

    def __init__(self, errors: list[RowError]) -> None:
        super().__init__("A list without leads is not kept: no row could be taken.")
        self.errors = errors


@dataclass(frozen=True, slots=True)
class Imported:
    """What became of a file: the list, how many leads were taken, and the rows that were not."""

    lead_list: LeadList
    taken: int
    errors: list[RowError]


def decode(data: bytes) -> str:
    """Text of a file in UTF-8 (with or without a byte-order mark), else Latin-1. Raises BadFile."""
    if len(data) > MAX_BYTES:
        raise BadFile(f"The file is larger than {MAX_BYTES // 1024 // 1024} MB. Split it.")
    if b"\x00" in data:
        raise BadFile("This is no text file. Save the sheet as CSV and choose that file.")
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError:
        return data.decode("latin-1")


def parse(text: str, own: Collection[str] = ()) -> list[tuple[int, NewLead]]:
    """The leads in CSV text, each with its row's number in the sheet (the header is row 1). Raises BadFile.

    The first row names the columns, in any order; `phone` must be among them, columns that nobody knows are left out.
    `own`: names of custom fields, whose cells come unchecked as `NewLead.custom`.
    """
    text = text.lstrip("\ufeff")
    header, _, _ = text.lstrip().partition("\n")
    if not header.strip():
        raise BadFile("There is nothing in it. Give a first row with column names, then one row per lead.")
    delimiter = max(",;\t", key=header.count)
    reader = csv.reader(io.StringIO(text.lstrip(), newline=""), delimiter=delimiter)
    try:
        names = [_column(cell) for cell in next(reader)]
        if "phone" not in names:
            raise BadFile(
                f"No column is called “phone” in the first row (“{header.strip()[:60]}”). Name the columns in the "
                f"first row: {', '.join(COLUMNS)}."
            )
        return list(_rows(reader, names, own))
    except csv.Error as error:
        raise BadFile(f"Row {reader.line_num} cannot be read as CSV ({error}). Check its quotes.") from error


def _column(cell: str) -> str:
    name = cell.strip().lower().replace(" ", "_").replace("-", "_")
    return _ALSO.get(name, name)


def _rows(reader: Iterable[list[str]], names: list[str], own: Collection[str]) -> Iterable[tuple[int, NewLead]]:
    found = 0
    for place, cells in enumerate(reader, start=2):
        if not any(cell.strip() for cell in cells):
            continue
        found += 1
        if found > MAX_ROWS:
            raise BadFile(f"There are more than {MAX_ROWS:,} rows. Split them into several lists.")
        row = {name: _clean(cell) for name, cell in zip(names, cells, strict=False)}
        values: dict[str, Any] = {name: cell for name, cell in row.items() if name in COLUMNS}
        custom = {name: cell for name, cell in row.items() if name in own and name not in COLUMNS}
        yield place, NewLead(**{"phone": "", **values}, custom=custom)


def _clean(cell: str) -> str:
    """The cell without what no name or note holds: control characters (tabs and line ends become spaces)."""
    return "".join(sign if sign.isprintable() else " " for sign in cell).strip()


def import_leads(*, campaign: Campaign, name: str, priority: int, text: str) -> Imported:
    """Make a list of CSV text. Raises BadFile, or NoLeads when not one row is good; then nothing is kept."""
    reader = Reader(custom_fields(campaign.pk, campaign.tenant_id))
    rows = parse(text, reader.fields)
    good, errors = [], []
    for place, lead in rows:
        problem = _zone_problem(lead.time_zone)
        try:
            lead = replace(lead, custom=reader.read(lead.custom))
        except ValidationError as error:
            problem = problem or error.messages[0]
        if problem:
            errors.append(RowError(place, problem))
        else:
            good.append((place, lead))
    with transaction.atomic():
        lead_list = LeadList.objects.create(
            tenant_id=campaign.tenant_id, campaign=campaign, name=name, priority=priority
        )
        taken, refused = add_leads(lead_list=lead_list, rows=[lead for _, lead in good], region=campaign.tenant.region)
        errors += [RowError(good[error.row - 1][0], error.message) for error in refused]
        errors.sort(key=lambda error: error.row)
        if not taken:
            raise NoLeads(errors)
        changed(campaign)
    return Imported(lead_list, taken, errors)


def _zone_problem(zone: str) -> str:
    if not zone:
        return ""
    try:
        ZoneInfo(zone)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        return f"“{zone[:40]}” is not a time zone. Write it like America/New_York, or leave it empty."
    return ""
