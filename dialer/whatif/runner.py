"""Plays settings side by side in processes of their own, so that neither the web nor a worker's other jobs wait."""

from __future__ import annotations

import json
import selectors
import subprocess
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from time import monotonic
from typing import Any

from django.conf import settings

WITHIN_S = 7.0
"""Time to play in; with starting, reading and storing the whole is done in less than ten seconds."""
_PATIENCE_S = 12.0
"""On top of it, for a machine that has other things to do."""
_LOOK_EVERY_S = 0.25


class Cancelled(Exception):
    """Whoever asked does not want it any more."""


class CannotPlay(Exception):
    """The process that plays failed or took too long; the text says what can be done."""


@dataclass(slots=True)
class _Child:
    process: subprocess.Popen[bytes]
    heard: bytes = b""
    progress: float = 0.0
    result: dict[str, Any] | None = None
    lines: list[dict[str, Any]] = field(default_factory=list)

    def take(self, text: bytes) -> None:
        """Understand what it wrote."""
        *whole, self.heard = (self.heard + text).split(b"\n")
        for line in whole:
            said = json.loads(line)
            self.progress = float(said.get("progress", self.progress))
            if "result" in said:
                self.result, self.progress = said["result"], 1.0


def play_all(asked: Sequence[dict[str, Any]], progress: Callable[[float], bool]) -> list[dict[str, Any]]:
    """Play each of `asked` (as dialer.whatif.play reads it) at the same time; their results in order.

    `progress` is told 0..1 about four times a second; when it answers False, all ends with `Cancelled`.
    """
    children = [_start(one) for one in asked]
    try:
        _listen(children, progress, until=monotonic() + max(float(one["within_s"]) for one in asked) + _PATIENCE_S)
    finally:
        for child in children:
            child.process.kill()
            child.process.communicate()
    results = [child.result for child in children if child.result is not None]
    if len(results) != len(asked):
        raise CannotPlay("The simulation broke off. Try again; if it stays so, the worker's log says why.")
    return results


def _start(asked: dict[str, Any]) -> _Child:
    process = subprocess.Popen(
        [sys.executable, "-m", "dialer.whatif.play"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        cwd=settings.BASE_DIR,
    )
    assert process.stdin is not None
    process.stdin.write(json.dumps(asked).encode())
    process.stdin.close()
    process.stdin = None
    return _Child(process)


def _listen(children: list[_Child], progress: Callable[[float], bool], *, until: float) -> None:
    """Hear the children out. Raises Cancelled, or CannotPlay when it takes too long."""
    with selectors.DefaultSelector() as ears:
        for child in children:
            assert child.process.stdout is not None
            ears.register(child.process.stdout, selectors.EVENT_READ, child)
        told = monotonic()
        while ears.get_map():
            for key, _ in ears.select(_LOOK_EVERY_S):
                text = key.fileobj.read1(65536)  # type: ignore[union-attr]
                if text:
                    key.data.take(text)
                else:
                    ears.unregister(key.fileobj)
            if monotonic() > until:
                raise CannotPlay("The machine is too busy for a simulation now. Try again in a few minutes.")
            if monotonic() - told >= _LOOK_EVERY_S:
                told = monotonic()
                if not progress(sum(child.progress for child in children) / len(children)):
                    raise Cancelled
