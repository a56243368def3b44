"""Official do-not-call lists of tens of millions of numbers: read from a file, kept in PostgreSQL, looked up in bulk.

A number is its E.164 digits as an integer. Those that share all but their last 16 bits lie in one row: a sorted array
of these bits, or from 4096 on as a bitmap of 8192 bytes (the containers of Roaring bitmaps, https://roaringbitmap.org).
A new list is written beside the old one and becomes the current one at the commit, so a list is never half there.
"""

from __future__ import annotations

import hashlib
import time
from collections.abc import Callable, Iterator, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from django.db import connection, transaction

from dialer.core import prepared
from dialer.core.clock import now

from .models import NationalChunk, NationalList

Numbers = npt.NDArray[np.int64]

BITMAP_BYTES = 8192
_BITMAP_FROM = 4096
"""From so many numbers on a bitmap is smaller than an array, whose body is therefore always shorter than a bitmap's."""
_READ_BYTES = 16 * 1024 * 1024
_LOOKED_UP_AT_ONCE = 20_000
_BETWEEN_DIGITS = b" ,;-().+\"'\t\r\xef\xbb\xbf"
_SHORTEST, _LONGEST = 10**6, 10**15
NATIONAL_DIGITS = 10
"""Digits of a number without its country code, at most: so it is in North America and in the United Kingdom."""
MAY_SHRINK_TO = 0.5


class BadFile(ValueError):
    """The file cannot be loaded; the message says where it is wrong and what to do."""


def load(
    *,
    path: Path,
    name: str,
    country_code: int,
    as_of: datetime,
    may_shrink: bool = False,
    progress: Callable[[str], None] = lambda words: None,
) -> NationalList:
    """Make the numbers of a file the list of that name. Raises BadFile; then the list that was there stays.

    One number per line, with or without the country code (`country_code` is put before those without). `as_of`: when
    the file was fetched. `may_shrink`: take a list that is less than half of the one before, as one that was cut off
    would be.
    """
    if as_of > now():
        raise BadFile(f"The list cannot have been fetched at {as_of:%Y-%m-%d %H:%M}: that is yet to come.")
    began = time.monotonic()
    numbers, digest = read_numbers(path, country_code)
    progress(f"{len(numbers):,} numbers read and sorted")
    with transaction.atomic():
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_advisory_xact_lock(hashtext('cordboard.national'), hashtext(%s))", [name])
        before = NationalList.objects.filter(name=name, is_current=True).first()
        if before is not None and not may_shrink and len(numbers) < before.numbers * MAY_SHRINK_TO:
            raise BadFile(
                f"{path.name} has {len(numbers):,} numbers and the list that it would replace {before.numbers:,}: was"
                " it cut off? Fetch it again, or say --may-shrink if it is right."
            )
        made = NationalList.objects.create(
            name=name, as_of=as_of, loaded_at=now(), numbers=len(numbers), file_name=path.name[:200], sha256=digest
        )
        _copy(made.pk, numbers)
        NationalChunk.objects.filter(list__name=name).exclude(list=made).delete()
        with connection.cursor() as cursor:
            # Who is deciding to dial by the list that goes is waited for: in the middle it would find nobody on it.
            cursor.execute("SELECT pg_advisory_xact_lock(hashtextextended('official lists', 4242))")
        NationalList.objects.filter(name=name, is_current=True).update(is_current=False)
        made.is_current, made.seconds = True, time.monotonic() - began
        made.save(update_fields=["is_current", "seconds"])
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE compliance_nationalchunk")
    return made


def read_numbers(path: Path, country_code: int) -> tuple[Numbers, str]:
    """The numbers of a file, sorted and each once, and the SHA-256 of the file. Raises BadFile with the line."""
    digest = hashlib.sha256()
    parts: list[Numbers] = []
    line = 1
    for block in _blocks(path, digest.update):
        if line == 1 and any(65 <= byte <= 122 for byte in block.split(b"\n", 1)[0]):
            block = b"\n" + block.partition(b"\n")[2]  # a line of headings
        parts.append(_parsed(block, line, country_code))
        line += block.count(b"\n")
    numbers = np.concatenate(parts) if parts else np.empty(0, np.int64)
    parts.clear()
    if not len(numbers):
        raise BadFile(f"{path.name} has no numbers in it.")
    numbers.sort()
    kept = np.empty(len(numbers), bool)
    kept[0] = True
    np.not_equal(numbers[1:], numbers[:-1], out=kept[1:])
    return numbers if kept.all() else numbers[kept], digest.hexdigest()


def _blocks(path: Path, seen: Callable[[bytes], None]) -> Iterator[bytes]:
    """The file in pieces that end where a line does."""
    rest = b""
    with path.open("rb") as file:
        while read := file.read(_READ_BYTES):
            seen(read)
            whole, newline, begun = read.rpartition(b"\n")
            if newline:
                yield rest + whole + newline
                rest = begun
            else:
                rest += read
                if len(rest) > 2 * _READ_BYTES:
                    raise BadFile(f"{path.name} has no line ends. One number per line is what can be loaded.")
    if rest:
        yield rest + b"\n"


def _parsed(block: bytes, first_line: int, country_code: int) -> Numbers:
    digits = block.translate(None, _BETWEEN_DIGITS)
    if digits.translate(None, b"0123456789\n"):
        raise _bad_line(block, first_line)
    if not digits.strip():
        return np.empty(0, np.int64)
    found: Numbers = np.fromstring(digits, dtype=np.int64, sep="\n")
    if len(found) and not (found.min() >= _SHORTEST and found.max() < _LONGEST):
        raise _bad_line(block, first_line)
    return with_country_code(found, country_code)


def _bad_line(block: bytes, first_line: int) -> BadFile:
    for place, text in enumerate(block.split(b"\n"), start=first_line):
        digits = text.translate(None, _BETWEEN_DIGITS)
        if digits and not (digits.isdigit() and _SHORTEST <= int(digits[:30]) < _LONGEST):
            shown = text[:20].decode("ascii", "replace")
            return BadFile(
                f"Line {place} (“{shown}”) is no telephone number. Correct or remove it; nothing was loaded."
            )
    return BadFile("The file is not a list of telephone numbers, one per line. Nothing was loaded.")


def with_country_code(numbers: Numbers, country_code: int) -> Numbers:
    """The numbers as E.164 digits: the code is put before those that are short enough to lack it."""
    for length in range(7, NATIONAL_DIGITS + 1):
        short = (numbers >= 10 ** (length - 1)) & (numbers < 10**length)
        if short.any():
            numbers = np.where(short, numbers + country_code * 10**length, numbers)
    return numbers


def _copy(list_id: int, numbers: Numbers) -> None:
    highs = numbers >> 16
    lows = (numbers & 0xFFFF).astype("<u2")
    starts = np.concatenate(([0], np.flatnonzero(highs[1:] != highs[:-1]) + 1))
    ends = np.append(starts[1:], len(numbers))
    with (
        connection.cursor() as cursor,
        cursor.copy("COPY compliance_nationalchunk (list_id, high, body) FROM STDIN (FORMAT BINARY)") as copy,
    ):
        copy.set_types(["int8", "int8", "bytea"])
        for high, start, end in zip(highs[starts].tolist(), starts.tolist(), ends.tolist(), strict=True):
            copy.write_row((list_id, high, _body(lows[start:end])))


def _body(lows: npt.NDArray[np.uint16]) -> bytes:
    if len(lows) < _BITMAP_FROM:
        return lows.tobytes()
    bits = np.zeros(65536, bool)
    bits[lows] = True
    return np.packbits(bits, bitorder="little").tobytes()


_CHUNKS = """
SELECT high, body FROM compliance_nationalchunk
WHERE list_id = %(list)s AND high = ANY(%(highs)s::bigint[]) ORDER BY high
"""


def listed(list_id: int, numbers: Sequence[int]) -> set[int]:
    """Those of the numbers (E.164 digits) that are on a list."""
    found: set[int] = set()
    for start in range(0, len(numbers), _LOOKED_UP_AT_ONCE):
        found |= _listed(list_id, np.unique(np.array(numbers[start : start + _LOOKED_UP_AT_ONCE], dtype=np.int64)))
    return found


def _listed(list_id: int, asked: Numbers) -> set[int]:
    highs = np.unique(asked >> 16).tolist()
    rows: list[tuple[int, Any]] = prepared.run(_CHUNKS, {"list": list_id, "highs": highs}, binary=True).fetchall()
    arrays = [(high, body) for high, body in rows if len(body) != BITMAP_BYTES]
    found: set[int] = set()
    if arrays:
        lows = np.frombuffer(b"".join(body for _, body in arrays), dtype="<u2")
        lengths = [len(body) // 2 for _, body in arrays]
        kept = np.repeat(np.array([high << 16 for high, _ in arrays], dtype=np.int64), lengths)
        kept |= lows
        places = np.searchsorted(kept, asked)
        places[places == len(kept)] = 0
        found.update(asked[kept[places] == asked].tolist())
    for high, body in rows:
        if len(body) == BITMAP_BYTES:
            here = asked[(asked >> 16) == high]
            low = here & 0xFFFF
            bits = np.frombuffer(body, dtype=np.uint8)
            found.update(here[(bits[low >> 3] >> (low & 7).astype(np.uint8)) & 1 == 1].tolist())
    return found
