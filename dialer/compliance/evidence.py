"""The evidence of one number as files: CSV, and PDF made by WeasyPrint from a template."""

from __future__ import annotations

import csv
import hashlib
import io
from collections.abc import Iterable
from datetime import datetime
from typing import Any

from django.template.loader import render_to_string

from dialer.core.audit import Verified, verify
from dialer.core.language import speaking
from dialer.people.models import Tenant, User

from .story import EVIDENCE_COLUMNS, evidence_rows

_RISKY = ("=", "+", "-", "@", "\t", "\r")


class NoPdf(RuntimeError):
    """PDF cannot be made on this machine; the message says what is missing."""


def neutral(text: str) -> str:
    """Text that a spreadsheet does not take for a formula."""
    return f"'{text}" if text.startswith(_RISKY) else text


def as_csv(rows: Iterable[dict[str, str]]) -> str:
    """The rows as CSV, with a line of headings; nothing in it is a formula."""
    out = io.StringIO()
    writer = csv.writer(out)
    writer.writerow(EVIDENCE_COLUMNS)
    writer.writerows([neutral(row[name]) for name in EVIDENCE_COLUMNS] for row in rows)
    return out.getvalue()


def as_pdf(*, tenant: Tenant, number: str, by: User, at: datetime) -> bytes:
    """The evidence of a number as PDF. Raises NoPdf where WeasyPrint's system libraries are missing."""
    try:
        from weasyprint import HTML
    except OSError as error:
        raise NoPdf(
            "PDF needs Pango on the server: apt-get install libpango-1.0-0 libpangoft2-1.0-0 libharfbuzz-subset0."
            " The CSV has the same rows."
        ) from error
    rows = list(evidence_rows(tenant, number))
    trail = verify(tenant.pk)
    with speaking("en"):  # evidence reads the same whoever takes it
        page = render_to_string("compliance/evidence.html", context_of(tenant, number, by, at, rows, trail))
    made: bytes = HTML(string=page, url_fetcher=_nothing_fetched).write_pdf()
    return made


def context_of(
    tenant: Tenant, number: str, by: User, at: datetime, rows: list[dict[str, str]], trail: Verified
) -> dict[str, Any]:
    """What the template tells, with a digest of the rows by which a copy can be compared."""
    digest = hashlib.sha256(as_csv(rows).encode()).hexdigest()
    return {"tenant": tenant, "number": number, "by": by, "at": at, "rows": rows, "trail": trail, "digest": digest}


def _nothing_fetched(url: str, *args: Any, **kwargs: Any) -> Any:
    raise ValueError(f"evidence refers to nothing outside itself, not to {url}")
