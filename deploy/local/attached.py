"""Run one command in the foreground, on our own terminal, so that it never outlives us."""

from __future__ import annotations

import signal
import subprocess
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from types import FrameType
from typing import IO

from .servers import die_with_parent


def run_attached(
    argv: Sequence[str | Path], *, env: Mapping[str, str], cwd: Path, output: IO[bytes] | int | None = None
) -> int:
    """Run the command to its end; gives its exit code. When we are interrupted it is ended first."""
    child = subprocess.Popen(
        [str(part) for part in argv],
        env=dict(env),
        cwd=cwd,
        stdout=output,
        preexec_fn=die_with_parent(signal.SIGTERM),
    )
    try:
        return child.wait()
    except BaseException as reason:
        if not isinstance(reason, KeyboardInterrupt):  # the terminal has sent Ctrl-C to the child as well
            child.terminate()
        with suppress(subprocess.TimeoutExpired):
            child.wait(15)
        child.kill()
        child.wait()
        raise


def end_on_signal() -> None:
    """Turn SIGTERM and SIGHUP into SystemExit, so that every `with` and `finally` takes its things down."""

    def stop(number: int, frame: FrameType | None) -> None:
        for later in (signal.SIGTERM, signal.SIGHUP, signal.SIGINT):
            signal.signal(later, signal.SIG_IGN)  # we are on the way out already
        raise SystemExit(128 + number)

    signal.signal(signal.SIGTERM, stop)
    signal.signal(signal.SIGHUP, stop)
