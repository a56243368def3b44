"""Log lines for machines: one JSON object each, with the id of the call that it is about, and no telephone number.

One call has one id in every process (its row's, which is its channel's on the switch), so `call` finds all that was
said of it. What looks like a telephone number is blotted out in either format: none belongs into a log.
"""

from __future__ import annotations

import json
import logging
import os
import re
from datetime import UTC, datetime

_CALL = re.compile(r"\b(?:call|channel) ([0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12})\b")
_NUMBER = re.compile(r"(?<![\w.+-])\+\d{7,15}(?!\w)")
BLOTTED = "+…"


def blot(text: str) -> str:
    """The text without telephone numbers in their international form."""
    return _NUMBER.sub(BLOTTED, text)


class LineFormatter(logging.Formatter):
    """A line for people."""

    def format(self, record: logging.LogRecord) -> str:
        """The line, without telephone numbers."""
        return blot(super().format(record))


class JsonFormatter(logging.Formatter):
    """A line for machines: at, level, logger, process, pid, message; call and error where there are any."""

    def __init__(self, process: str = "") -> None:
        super().__init__()
        self._process = process

    def format(self, record: logging.LogRecord) -> str:
        """The record as one line of JSON."""
        message = blot(record.getMessage())
        told: dict[str, object] = {
            "at": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "logger": record.name,
            "process": self._process,
            "pid": os.getpid(),
            "message": message,
        }
        if found := _CALL.search(message):
            told["call"] = found[1]
        if record.exc_info and record.exc_info[0] is not None:
            told["error"] = record.exc_info[0].__name__
            told["trace"] = blot(self.formatException(record.exc_info))
        return json.dumps(told, ensure_ascii=False)
