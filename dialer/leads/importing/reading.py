"""Reads tables out of files as people have them: what kind of file it is, in which encoding, and its records.

No Django, and nothing of a file is held whole: it runs in a process of its own (`child.py`), which may be large files'
or bad ones' victim and nobody else's.
"""

from __future__ import annotations

import codecs
import csv
import io
import os
import zipfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time
from pathlib import Path
from typing import Any, TextIO

from dialer.core.words import said

from . import sentences

MAX_COLUMNS = 1_000
LONGEST_LINE = 4 * 1024 * 1024
"""Characters of a line; a row that is longer is reported and passed over."""
LONGEST_CELL = 128 * 1024
MOST_LINES = 200
"""Lines in one record: a quote that is open for longer was never closed."""
UNPACKED_BYTES = 1536 * 1024 * 1024
"""What a workbook may become when it is unpacked: a million rows of a dozen columns take half of it."""
MOST_PACKED = 200
"""How often smaller than its contents a workbook of more than 10 MB may be. Sheets are packed some 10 to 60 fold."""
_SMALL = 10 * 1024 * 1024
_SAMPLE = 64 * 1024

ENCODINGS = ("utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "utf-32", "cp1252", "cp1250", "cp1251", "mac_roman")
"""What can be chosen when the one that was found is wrong."""
DELIMITERS = (",", ";", "\t", "|")
_BOMS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)

csv.field_size_limit(LONGEST_CELL)


class BadFile(ValueError):
    """The file as a whole cannot be read; the message says what to do."""


@dataclass(frozen=True, slots=True)
class Form:
    """How to read a file. `encoding` and `delimiter` are empty for a workbook."""

    kind: str
    encoding: str = ""
    delimiter: str = ""


@dataclass(frozen=True, slots=True)
class Broken:
    """A record that cannot be read: what is wrong with it, and how it begins."""

    problem: str
    begins: str


def form_of(path: Path) -> Form:
    """What kind of file it is. Raises BadFile for what is no table, and for a workbook that would be too large."""
    with path.open("rb") as file:
        sample = file.read(_SAMPLE)
    if not sample.strip():
        raise BadFile(sentences.EMPTY)
    if sample.startswith(b"PK"):
        _check_workbook(path)
        return Form("xlsx")
    if sample.startswith(b"\xd0\xcf\x11\xe0"):
        raise BadFile(sentences.OLD_KIND)
    encoding = encoding_of(path, sample)
    text = sample.decode(encoding, "ignore").lstrip("\ufeff")
    if not text.strip():
        raise BadFile(sentences.ONLY_SPACES)
    return Form("csv", encoding, delimiter_of(text, cut_off=len(sample) == _SAMPLE))


def encoding_of(path: Path, sample: bytes) -> str:
    """By the byte-order mark; else where zero bytes lie; else UTF-8 if all of the file is; else Windows-1252."""
    for mark, name in _BOMS:
        if sample.startswith(mark):
            return name
    if b"\0" in sample:
        even, odd = sample[::2].count(0), sample[1::2].count(0)
        if max(even, odd) > len(sample) // 5 and min(even, odd) * 20 < max(even, odd):
            return "utf-16-le" if odd > even else "utf-16-be"
        raise BadFile(sentences.NO_TEXT)
    decoder = codecs.getincrementaldecoder("utf-8")()
    try:
        with path.open("rb") as file:
            while block := file.read(1 << 20):
                decoder.decode(block)
            decoder.decode(b"", final=True)
    except UnicodeDecodeError:
        return "cp1252"
    return "utf-8-sig"


def delimiter_of(text: str, *, cut_off: bool = False) -> str:
    """The sign that parts the first rows into equally many columns, or else into most that all have."""
    lines = text.splitlines(keepends=True)
    whole = lines[: max(1, min(len(lines) - cut_off, 20))]

    def columns(delimiter: str) -> tuple[bool, int]:
        try:
            rows = [row for row in csv.reader(whole, delimiter=delimiter) if any(row)]
        except csv.Error:
            return False, 0
        widths = [len(row) for row in rows] or [0]
        return len(set(widths)) == 1 and widths[0] > 1, min(widths)

    return max(DELIMITERS, key=columns)


def _check_workbook(path: Path) -> None:
    try:
        with zipfile.ZipFile(path) as packed:
            names = packed.namelist()
            unpacked = sum(part.file_size for part in packed.infolist())
    except (zipfile.BadZipFile, OSError, ValueError) as error:
        raise BadFile(sentences.CUT_OFF) from error
    if "xl/workbook.xml" not in names:
        raise BadFile(sentences.NO_WORKBOOK)
    size = max(1, path.stat().st_size)
    if unpacked > UNPACKED_BYTES or (unpacked > _SMALL and unpacked > MOST_PACKED * size):
        raise BadFile(said(sentences.UNPACKS, size=f"{unpacked // 1024 // 1024:,}"))


class Table:
    """The records of a file, one after the other. `share` is how much of it was read, 0 to 1."""

    def __init__(self, path: Path, form: Form) -> None:
        self._path, self._form = path, form
        self._size = max(1, path.stat().st_size)
        self._raw: Any = None
        self._rows = (0, 1)

    @property
    def share(self) -> float:
        """How much of the file was read, 0 to 1."""
        if self._raw is not None:
            return min(1.0, float(os.lseek(self._raw.fileno(), 0, os.SEEK_CUR)) / self._size)
        return min(1.0, self._rows[0] / max(1, self._rows[1]))

    def records(self) -> Iterator[list[str] | Broken]:
        """Every record, the empty ones too, so that the n-th is row n. Raises BadFile."""
        return self._of_workbook() if self._form.kind == "xlsx" else self._of_text()

    def _of_text(self) -> Iterator[list[str] | Broken]:
        with self._path.open("rb") as self._raw:
            text = io.TextIOWrapper(
                io.BufferedReader(self._raw, 1 << 16),  # type: ignore[type-var]
                encoding=self._form.encoding,
                errors="replace",
                newline="",
            )
            yield from records_of(text, self._form.delimiter)

    def _of_workbook(self) -> Iterator[list[str] | Broken]:
        import openpyxl  # only who needs it pays for it

        try:
            with self._path.open("rb") as file:
                book = openpyxl.load_workbook(file, read_only=True, data_only=True, keep_links=False)
                sheet = book.worksheets[0]
                last = sheet.max_row or 1
                for number, cells in enumerate(sheet.iter_rows(values_only=True), start=1):
                    self._rows = (number, last)
                    yield _trimmed([text_of(cell) for cell in cells])
        except BadFile:
            raise
        except MemoryError as error:
            raise BadFile(sentences.WORKBOOK_TOO_LARGE) from error
        except Exception as error:  # openpyxl raises whatever its parsers do
            raise BadFile(said(sentences.WORKBOOK_UNREAD, error=type(error).__name__)) from error


def _trimmed(cells: list[str]) -> list[str]:
    while cells and not cells[-1]:
        cells.pop()
    return cells


def text_of(cell: object) -> str:
    """A workbook's cell as text: whole numbers with all their digits, days as ISO days."""
    match cell:
        case None:
            return ""
        case str():
            return cell
        case bool():
            return "yes" if cell else "no"
        case float():
            return str(int(cell)) if cell.is_integer() and abs(cell) < 1e15 else repr(cell)
        case datetime():
            return cell.date().isoformat() if cell.time() == time() else cell.isoformat(" ", "seconds")
        case date():
            return cell.isoformat()
        case _:
            return str(cell)


class _Unclosed(Exception):
    pass


class _TooLong(Exception):
    pass


class _Lines:
    """Lines for a CSV reader. It knows those of the record under way, which can be given back."""

    def __init__(self, text: TextIO) -> None:
        self._text = text
        self._again: list[str] = []
        self.of_record: list[str] = []
        self.over = False

    def __iter__(self) -> _Lines:
        return self

    def __next__(self) -> str:
        if len(self.of_record) >= MOST_LINES:
            raise _Unclosed
        line = self._again.pop() if self._again else self._text.readline(LONGEST_LINE)
        if not line:
            self.over = True
            raise StopIteration
        self.of_record.append(line)
        if len(line) >= LONGEST_LINE:
            while len(self._text.readline(LONGEST_LINE)) >= LONGEST_LINE:
                pass
            raise _TooLong
        return line

    def give_back(self) -> None:
        """Read all but the first line of the record once more."""
        self._again += reversed(self.of_record[1:])
        self.over = False


def records_of(text: TextIO, delimiter: str) -> Iterator[list[str] | Broken]:
    """The records of CSV text. What cannot be read costs one record, not the rest of the file."""
    lines = _Lines(text)
    reader = csv.reader(lines, delimiter=delimiter)
    taken = lines.of_record
    while True:
        taken.clear()
        try:
            cells = next(reader)
        except StopIteration:
            return
        except _TooLong:
            yield Broken(said(sentences.TOO_LONG, most=LONGEST_LINE // 1024 // 1024), taken[0][:200])
        except _Unclosed:
            yield Broken(sentences.NEVER_CLOSED, taken[0][:500])
            lines.give_back()
        except csv.Error as error:
            if len(taken) > 1:
                yield Broken(sentences.NEVER_CLOSED, taken[0][:500])
                lines.give_back()
            else:
                yield Broken(said(sentences.UNREAD, error=error), taken[0][:500])
        else:
            if lines.over and len(taken) > 1:  # the end of the file came within quotes
                yield Broken(sentences.NEVER_CLOSED, taken[0][:500])
                lines.give_back()
            else:
                yield cells
                continue
        reader = csv.reader(lines, delimiter=delimiter)  # the old one would go on where it broke off


def look(path: Path, form: Form, rows: int = 8) -> tuple[list[str], list[list[str]]]:
    """The header and the first rows of a file. Raises BadFile."""
    table = Table(path, form).records()
    header = next(table, None)
    while isinstance(header, list) and not any(cell.strip() for cell in header):
        header = next(table, None)
    if header is None:
        raise BadFile(sentences.NOTHING)
    if isinstance(header, Broken):
        raise BadFile(said(sentences.BAD_HEADER, why=header.problem))
    if len(header) > MAX_COLUMNS:
        raise BadFile(said(sentences.TOO_MANY_COLUMNS, columns=f"{len(header):,}", most=f"{MAX_COLUMNS:,}"))
    shown: list[list[str]] = []
    for record in table:
        if isinstance(record, list) and any(cell.strip() for cell in record):
            shown.append([cell[:120] for cell in record[: len(header)]])
        if len(shown) >= rows:
            break
    if not shown:
        raise BadFile(sentences.NO_ROW)
    return [cell.strip()[:120] for cell in header], shown


def signature_of(header: Sequence[str]) -> str:
    """What makes files of one source alike: their column names, however they are written."""
    return "\x1f".join(" ".join(name.lower().split()) for name in header)
