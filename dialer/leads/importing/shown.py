"""What the import's pages show: the sample as leads, the rate, the time left, refused rows as a file."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from dialer.core.clock import now
from dialer.core.language import Retold, speaking
from dialer.core.numbers import display_number
from dialer.core.tables import csv_lines

from . import sentences
from .models import Import, ImportProblem
from .rows import Preparer, Refused
from .services import PROBLEM, own_fields

_RATE_FROM = timedelta(seconds=2)


@dataclass(frozen=True, slots=True)
class Progress:
    """Rows so far, how many a second, and how long it takes still (None: not known yet)."""

    rows: int
    rate: int | None
    left: timedelta | None


def progress_of(one: Import) -> Progress:
    """How an import gets on; once it ended, how it got on."""
    if one.began_at is None:
        return Progress(one.rows, None, None)
    took = (one.ended_at or one.beat_at or now()) - one.began_at
    done = one.next_row - one.began_row
    if took < _RATE_FROM and one.is_open:
        return Progress(one.rows, None, None)
    rate = done / max(0.001, took.total_seconds())
    left = None
    if one.is_open and one.share > 0 and rate > 0:
        whole = one.next_row / one.share
        left = timedelta(seconds=round((whole - one.next_row) / rate))
    return Progress(one.rows, round(rate), left)


SHOWN_PROBLEMS = 100


def context_of(one: Import) -> dict[str, Any]:
    """What the fragment of an import that was confirmed is rendered with."""
    problems = [] if one.is_open else list(one.problems.order_by("row")[:SHOWN_PROBLEMS])
    told = [(problem.row, retold(problem.message)) for problem in problems]
    return {"import": one, "shown": progress_of(one), "problems": told, "problem": retold(one.problem)}


retold = Retold(sentences.WITH_VALUES)
"""What was wrong with a file or row, in the reader's language."""


@dataclass(frozen=True, slots=True)
class PreviewRow:
    """A row of the sample as it would be taken, or why not."""

    number: str = ""
    name: str = ""
    region: str = ""
    zones: str = ""
    problem: str = ""


def preview(one: Import) -> list[PreviewRow]:
    """The first rows as leads, by the same code that takes all of them."""
    mapping = {int(place): target for place, target in one.mapping.items()}
    if "phone" not in mapping.values():
        return []
    preparer = Preparer(mapping, own_fields(one), one.region, len(one.header))
    rows = []
    for number, cells in enumerate(one.sample, start=2):
        cells = [*cells, *[""] * (len(one.header) - len(cells))]
        try:
            phone, line = preparer.line(number, cells)
        except Refused as refusal:
            rows.append(PreviewRow(problem=retold(str(refusal))))
            continue
        parts = line.replace("\\\\", "\\").split("\t")
        rows.append(
            PreviewRow(
                number=display_number(phone),
                name=" ".join(part for part in parts[3:6] if part),
                region=parts[9].partition("-")[2],
                zones=parts[11].strip("{}").replace(",", ", "),
            )
        )
    return rows


PIECE = 2000


def refused_header(one: Import) -> list[str]:
    """The columns of the file of refused rows: the uploaded file's, and what was wrong."""
    return [*_names(one), PROBLEM]


def refused_rows(one: Import, language: str, after: int) -> tuple[bytes, int | None]:
    """Refused rows behind row `after` as CSV, to be mended and uploaded again, and the row to go on from."""
    rows = ImportProblem.objects.for_tenant(one.tenant_id).filter(of=one, row__gt=after).order_by("row")
    found = list(rows.values_list("row", "message", "cells")[:PIECE])
    width = len(_names(one))
    lines = []
    for _, message, cells in found:
        kept = [*cells, *[""] * (width - len(cells))]
        with speaking(language):
            said = retold(message)
        lines.append([*(kept if len(cells) > len(one.header) else kept[:width]), said])
    return csv_lines(lines), found[-1][0] if len(found) == PIECE else None


def _names(one: Import) -> list[str]:
    header: list[str] = one.header
    return header[:-1] if header[-1:] == [PROBLEM] else header
