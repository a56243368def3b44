"""The lines of FastAGI: what Asterisk says when it asks, and how it is answered. Pure; nothing that is said breaks it.

A request is lines `agi_NAME: VALUE` and an empty one. Then we give commands, each answered by a line that begins with a
status of three digits, and end by closing the connection.
"""

from __future__ import annotations

from collections.abc import Iterable

LINE_LIMIT = 1024
"""The longest line that is read, in bytes."""
LINES_LIMIT = 80
"""Asterisk sends about 25 lines."""


def parse(lines: Iterable[bytes]) -> dict[str, str]:
    """The values of a request by name, without the prefix. What is no such line is left out."""
    found: dict[str, str] = {}
    for line in lines:
        name, colon, value = line.decode("utf-8", "replace").rstrip("\r\n").partition(":")
        if colon and name.startswith("agi_") and name.isascii():
            found[name.removeprefix("agi_")] = value.strip()
    return found


def set_variable(name: str, value: str) -> bytes:
    """The command that sets a variable of the channel. Both are words of ours."""
    if not (name.isascii() and name.replace("_", "").isalnum() and value.isascii() and value.isalpha()):
        raise ValueError("only plain words are given to Asterisk")
    return f'SET VARIABLE {name} "{value}"\n'.encode()


def succeeded(line: bytes) -> bool:
    """Whether Asterisk says that it did what it was told."""
    return line.startswith(b"200 ")
