"""What processes write: into a log file per process, cut by size, and its warnings and errors onto the console."""

from __future__ import annotations

import os
import re
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import BinaryIO, TextIO

LIMIT = 5_000_000
"""Bytes of a log file before it is set aside."""
KEPT = 3
"""Files that are set aside, the newest as .1."""

_LEVEL = re.compile(r"\b(WARNING|ERROR|CRITICAL|FATAL)\b")
_COLOURS = (36, 33, 32, 35, 34, 96, 93, 92)


class RotatingLog:
    """An append-only file that is renamed to .1, .2, … when it has grown too large."""

    def __init__(self, path: Path, limit: int = LIMIT, kept: int = KEPT) -> None:
        self.path, self._limit, self._kept = path, limit, kept
        path.parent.mkdir(parents=True, exist_ok=True)
        self._file: BinaryIO = self._open()

    def _open(self) -> BinaryIO:
        handle = os.open(self.path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
        return os.fdopen(handle, "ab", buffering=0)

    def write(self, data: bytes) -> None:
        """Append; a full file is set aside first."""
        if self._file.tell() + len(data) > self._limit and self._file.tell():
            self._file.close()
            for number in range(self._kept, 0, -1):
                older = self._numbered(number - 1) if number > 1 else self.path
                if older.exists():
                    older.replace(self._numbered(number))
            self._file = self._open()
        self._file.write(data)

    def _numbered(self, number: int) -> Path:
        return self.path.with_name(f"{self.path.name}.{number}")

    def close(self) -> None:
        """Close the file."""
        self._file.close()


class ProblemFilter:
    """Picks the lines worth showing: warnings, errors and whole tracebacks."""

    def __init__(self) -> None:
        self._in_traceback = False

    def wants(self, line: str) -> bool:
        """True for a line of a problem; looks at one process's lines in order."""
        if line.startswith("Traceback (most recent call last)") or "Exception Group Traceback" in line:
            self._in_traceback = True
            return True
        if self._in_traceback:
            # The exception itself is the first line that is not indented, and the last of the traceback.
            self._in_traceback = line.startswith((" ", "\t", "|", "+")) or not line
            return True
        return bool(_LEVEL.search(line[:80]))


class Console:
    """The terminal of ./run: our own words, and problems of processes with their name before each line."""

    def __init__(self, stream: TextIO | None = None) -> None:
        self._stream = stream or sys.stdout
        self._colours = self._stream.isatty() and not os.environ.get("NO_COLOR")
        self._lock = threading.Lock()
        self._names: list[str] = []

    def say(self, text: str = "") -> None:
        """Print a line of our own."""
        with self._lock, suppress(OSError, ValueError):  # the terminal may be gone; the logs are not
            print(text, file=self._stream, flush=True)

    def problem(self, name: str, line: str) -> None:
        """Print a process's line."""
        label = f"{name:<11} |"
        if self._colours:
            if name not in self._names:
                self._names.append(name)
            label = f"\033[{_COLOURS[self._names.index(name) % len(_COLOURS)]}m{label}\033[0m"
        self.say(f"{label} {line}")


def last_lines(path: Path, count: int) -> list[str]:
    """The last `count` lines of a log, reading on into the files set aside when it is short."""
    lines: list[str] = []
    for number in range(KEPT + 1):
        part = path.with_name(f"{path.name}.{number}") if number else path
        if not part.exists():
            break
        lines = part.read_text(errors="replace").splitlines()[-count:] + lines
        if len(lines) >= count:
            break
    return lines[-count:]


def follow(paths: dict[str, Path], wait: Callable[[], bool]) -> Iterator[tuple[str, str]]:
    """New lines of several logs as (name, line), across rotation; ends when `wait` (one pause) gives False."""
    places = {name: (_inode(path), path.stat().st_size if path.exists() else 0) for name, path in paths.items()}
    while wait():
        for name, path in paths.items():
            inode, place = places[name]
            now = _inode(path)
            if now is None:
                continue
            if now != inode or path.stat().st_size < place:
                place = 0
            with path.open("rb") as file:
                file.seek(place)
                data = file.read()
            whole = data[: data.rfind(b"\n") + 1]
            places[name] = (now, place + len(whole))
            for line in whole.decode(errors="replace").splitlines():
                yield name, line


def _inode(path: Path) -> int | None:
    try:
        return path.stat().st_ino
    except OSError:
        return None
