"""Small files of a stack: secrets only the owner can read, and JSON that is always whole."""

from __future__ import annotations

import json
import os
import secrets
from pathlib import Path
from typing import Any


def write_private(path: Path, text: str) -> None:
    """Write a file that only its owner may read (0600), whole or not at all."""
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = path.with_name(f".{path.name}.{os.getpid()}.{secrets.token_hex(4)}")
    handle = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        with os.fdopen(handle, "w") as file:
            file.write(text)
        draft.replace(path)
    except BaseException:
        draft.unlink(missing_ok=True)
        raise


def secret(path: Path, length: int = 32) -> str:
    """The secret in this file; made on first use from `length` random bytes, URL-safe."""
    try:
        if text := path.read_text().strip():
            return text
    except FileNotFoundError:
        pass
    value = secrets.token_urlsafe(length)
    write_private(path, value + "\n")
    return value


def read_json(path: Path) -> dict[str, Any]:
    """The object in this file; empty when there is none or it is broken."""
    try:
        data = json.loads(path.read_text())
    except (FileNotFoundError, ValueError):
        return {}
    return data if isinstance(data, dict) else {}


def write_json(path: Path, data: dict[str, Any]) -> None:
    """Write an object, privately and whole."""
    write_private(path, json.dumps(data, indent=1) + "\n")
