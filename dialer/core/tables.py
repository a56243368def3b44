"""Tables for people's spreadsheets: CSV that no spreadsheet runs, sent piece by piece however long it is."""

from __future__ import annotations

import csv
import io
from collections.abc import AsyncIterator, Callable, Iterable, Sequence

from asgiref.sync import sync_to_async
from django.http import StreamingHttpResponse

FORMULA_BEGINS = ("=", "+", "-", "@", "\t", "\r")
"""What makes a spreadsheet run a cell (OWASP, CSV injection)."""
BYTE_ORDER_MARK = "\ufeff".encode()
"""So that spreadsheets take the text for UTF-8."""

Read = Callable[[int], tuple[bytes, int | None]]
"""The piece after a key, and the key to go on from (None: that was the last)."""


def harmless(cell: str) -> str:
    """The cell so that no spreadsheet takes it for a formula; numbers with their sign stay as they are."""
    if cell.startswith(FORMULA_BEGINS) and not cell[1:].replace(".", "", 1).isdecimal():
        return f"'{cell}"
    return cell


def csv_lines(rows: Iterable[Sequence[object]]) -> bytes:
    """Rows as CSV."""
    text = io.StringIO()
    csv.writer(text).writerows([harmless(str(cell)) for cell in row] for row in rows)
    return text.getvalue().encode()


def csv_response(name: str, header: Sequence[object], read: Read) -> StreamingHttpResponse:
    """A file to download, of which no more than a piece is in memory. `read` is given 0 first."""

    async def pieces() -> AsyncIterator[bytes]:
        yield BYTE_ORDER_MARK + csv_lines([header])
        after: int | None = 0
        while after is not None:
            piece, after = await sync_to_async(read)(after)
            yield piece

    response = StreamingHttpResponse(pieces(), content_type="text/csv; charset=utf-8")
    response["Content-Disposition"] = f'attachment; filename="{name}"'
    return response
