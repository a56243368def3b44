"""Read a Procfile (with honcho's parser) into commands that can be started."""

from __future__ import annotations

from pathlib import Path

from honcho.environ import parse_procfile


def read_procfile(path: Path) -> dict[str, str]:
    """Process name to shell command, in the file's order. ValueError when it names no process or one twice."""
    try:
        commands: dict[str, str] = dict(parse_procfile(path.read_text()).processes)
    except AssertionError as error:
        raise ValueError(f"{path}: {error}") from error
    if not commands:
        raise ValueError(f"{path} names no process")
    return commands


def argv_of(command: str) -> list[str]:
    """The argument list for a Procfile command: a shell expands its variables, then becomes the program itself."""
    return ["/bin/sh", "-c", f"exec {command}"]
