"""Sending a recording: whole, or the part that a player asks for (RFC 9110, byte ranges)."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator
from pathlib import Path

from django.conf import settings
from django.http import HttpRequest, HttpResponse, HttpResponseBase, StreamingHttpResponse

from .models import Recording

CHUNK = 256 * 1024
LARGEST_PART = 4 * 1024 * 1024
"""A longer range is answered with its beginning; players then ask for the rest."""
_RANGE = re.compile(r"bytes=(\d*)-(\d*)")


def file_of(recording: Recording) -> Path | None:
    """The recording's file, or None when it is not there. Nothing outside the recordings folder is ever a recording."""
    root = Path(settings.RECORDINGS_DIR).resolve()
    path = (root / recording.path).resolve()
    return path if path.is_relative_to(root) and path.is_file() else None


def send(request: HttpRequest, path: Path) -> HttpResponseBase:
    """The file as audio/wav: 200 whole, 206 a part, 416 a part that it has not."""
    size = path.stat().st_size
    wanted = request.headers.get("Range", "")
    if not wanted:
        return _whole(path, size)
    span = _span(wanted, size)
    if span is None:
        return HttpResponse(status=416, headers={"Content-Range": f"bytes */{size}"})
    first, last = span
    with path.open("rb") as file:
        file.seek(first)
        part = file.read(last - first + 1)
    response = HttpResponse(part, status=206, content_type="audio/wav")
    response["Content-Range"] = f"bytes {first}-{last}/{size}"
    response["Accept-Ranges"] = "bytes"
    return response


def _whole(path: Path, size: int) -> HttpResponseBase:
    response = StreamingHttpResponse(_chunks(path), content_type="audio/wav")
    response["Content-Length"] = str(size)
    response["Accept-Ranges"] = "bytes"
    return response


async def _chunks(path: Path) -> AsyncIterator[bytes]:
    file = await asyncio.to_thread(path.open, "rb")
    try:
        while chunk := await asyncio.to_thread(file.read, CHUNK):
            yield chunk
    finally:
        await asyncio.to_thread(file.close)


def _span(wanted: str, size: int) -> tuple[int, int] | None:
    """The first and last byte of a single range, or None when it cannot be had."""
    match = _RANGE.fullmatch(wanted.strip())
    if match is None or size == 0 or match.groups() == ("", ""):
        return None
    start, end = match.groups()
    if not start:
        first = max(0, size - int(end))
        last = size - 1
    else:
        first = int(start)
        last = min(int(end), size - 1) if end else size - 1
    if first > last or first >= size:
        return None
    return first, min(last, first + LARGEST_PART - 1)
