"""`python -m dialer.leads.importing.child look|prepare`: a file read in a process of its own. No Django, no database.

It reads one JSON object from standard input. `look` answers with one JSON object: how to read the file and its first
rows, or `bad`. `prepare` answers with frames: a line of JSON that says how long the three blocks after it are (lines
for COPY, refused rows for COPY, the numbers as 64-bit integers), and at last a line with `end` or `bad`. It works ahead
of its reader by no more than a pipe holds, and ends with it.
"""

from __future__ import annotations

import json
import os
import resource
import sys
from array import array
from dataclasses import asdict
from pathlib import Path
from typing import Any, BinaryIO

from dialer.core.numbers import NotANumber

from . import sentences
from .cells import OwnField
from .columns import guess
from .reading import BadFile, Form, Table, form_of, look
from .rows import Preparer, Refused, told

NICER = 5
MEMORY_BYTES = 1536 * 1024 * 1024
"""Of addresses; a file that would need more is refused, and nothing else on the machine is short of memory."""
ROWS_AT_ONCE = 20_000
"""Rows of a frame, which is written in one transaction."""


def answer_look(asked: dict[str, Any]) -> dict[str, Any]:
    """The form, header, first rows and guessed meaning of a file's columns. Raises BadFile."""
    path = Path(asked["path"])
    form = form_of(path)
    if form.kind == "csv":
        form = Form("csv", asked.get("encoding") or form.encoding, asked.get("delimiter") or form.delimiter)
    header, rows = look(path, form)
    return {**asdict(form), "header": header, "rows": rows, "mapping": guess(header, asked.get("own", ()))}


def prepare(asked: dict[str, Any], out: BinaryIO) -> None:
    """Write the frames of a file, from row `next_row` on (the header is row 1). Raises BadFile."""
    table = Table(Path(asked["path"]), Form(asked["kind"], asked["encoding"], asked["delimiter"]))
    width = int(asked["width"])
    preparer = Preparer(
        {int(place): target for place, target in asked["mapping"].items()},
        [OwnField(**one) for one in asked["own"]],
        asked["region"],
        width,
    )
    start, frame, headed, row = int(asked["next_row"]), _Frame(), False, 0
    for row, cells in enumerate(table.records(), start=1):
        if row < start and headed:
            continue
        if isinstance(cells, list) and not any(cell.strip() for cell in cells[:10_000]):
            continue
        if not headed:
            headed = True
            continue
        try:
            frame.take(*preparer.line(row, cells))
        except (Refused, NotANumber) as refusal:
            frame.refused.append(told(row, str(refusal), cells, width))
        if len(frame.lines) + len(frame.refused) >= ROWS_AT_ONCE:
            frame.write(out, row + 1, table.share)
            frame = _Frame()
    frame.write(out, row + 1, 1.0)
    out.write(b'{"end": true}\n')


class _Frame:
    """Rows that are written together."""

    def __init__(self) -> None:
        self.lines: list[str] = []
        self.refused: list[str] = []
        self.phones = array("q")
        self._seen: set[str] = set()

    def take(self, phone: str, line: str) -> None:
        self.lines.append(f"{line}\t{'t' if phone in self._seen else 'f'}\n")
        self._seen.add(phone)
        self.phones.append(int(phone))

    def write(self, out: BinaryIO, next_row: int, share: float) -> None:
        blocks = ("".join(self.lines).encode(), "".join(f"{one}\n" for one in self.refused).encode())
        head = {
            "next": next_row,
            "share": round(share, 4),
            "taken": len(self.lines),
            "refused": len(self.refused),
            "again": len(self.lines) - len(self._seen),
            "others": any(not line.endswith(("\t\tf\n", "\t\tt\n")) for line in self.lines),
            "sizes": [len(blocks[0]), len(blocks[1]), len(self.phones) * self.phones.itemsize],
        }
        out.write(json.dumps(head).encode() + b"\n")
        for block in blocks:
            out.write(block)
        out.write(self.phones.tobytes())
        out.flush()


def main(argv: list[str]) -> int:
    """Answer once; 0 also for a file that cannot be read, which is an answer."""
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY_BYTES, MEMORY_BYTES))
    asked = json.load(sys.stdin)
    out = sys.stdout.buffer
    try:
        if argv == ["look"]:
            out.write(json.dumps(answer_look(asked)).encode() + b"\n")
        else:
            os.nice(NICER)  # calls come first; somebody waits for a look
            prepare(asked, out)
        out.flush()
    except BadFile as error:
        out.write(json.dumps({"bad": str(error)}).encode() + b"\n")
    except MemoryError:
        out.write(json.dumps({"bad": sentences.TOO_MUCH_MEMORY}).encode() + b"\n")
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    return 0


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
