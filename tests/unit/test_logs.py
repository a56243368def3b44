"""Log lines: one JSON object each, the call's id in a field of its own, and no telephone number."""

from __future__ import annotations

import json
import logging
import sys
from uuid import uuid4

from dialer.core.logs import JsonFormatter, LineFormatter


def record(text: str, *args: object, error: bool = False) -> logging.LogRecord:
    trace = None
    if error:
        try:
            raise ValueError("for +12125550101")
        except ValueError:
            trace = sys.exc_info()
    return logging.LogRecord("dialer.calls", logging.WARNING, __file__, 1, text, args, trace)


def test_the_call_is_a_field() -> None:
    call = uuid4()
    told = json.loads(JsonFormatter("switchboard").format(record("call %s: the switch has no channel", call)))
    assert (told["call"], told["level"], told["process"]) == (str(call), "warning", "switchboard")
    assert "call" not in json.loads(JsonFormatter().format(record("campaign 3: queued 2")))
    assert json.loads(JsonFormatter().format(record("channel %s has no row", call)))["call"] == str(call)


def test_a_line_is_one_line_whatever_is_in_it() -> None:
    text = JsonFormatter().format(record("two\nlines %s", "“quoted”", error=True))
    assert "\n" not in text
    told = json.loads(text)
    assert told["error"] == "ValueError"
    assert "+12125550101" not in told["trace"]


def test_no_numbers_of_people() -> None:
    line = LineFormatter("%(message)s").format(record("dialing +12125550101 (2026-11-26T10:00:00+00:00)"))
    assert line == "dialing +… (2026-11-26T10:00:00+00:00)"
