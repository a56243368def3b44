"""./run bench NAME: one benchmark of tests/bench on a throw-away stack; its last line is one JSON object."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Sequence

from .attached import end_on_signal, run_attached
from .servers import tail
from .stack import ROOT, without_stack
from .throwaway import throwaway_stack

FOLDER = ROOT / "tests" / "bench"
OWN_SERVERS = ("chaos",)
"""Benchmarks that start their servers themselves, because they take them away."""


def bench(options: argparse.Namespace) -> int:
    """Run the benchmark with the servers up and the database migrated. Only the benchmark writes to standard output."""
    end_on_signal()
    known = sorted(path.stem.replace("_", "-") for path in FOLDER.glob("*.py") if not path.stem.startswith("_"))
    name = options.name.replace("_", "-")
    if name not in known:
        _say(f"There is no benchmark {options.name!r}. There are: {', '.join(known) or 'none yet'}.")
        return 2
    if name in OWN_SERVERS:
        return run_attached(_argv(name, options.rest), env=without_stack(os.environ), cwd=ROOT)
    with throwaway_stack("bench", environment="development", asterisk=True, durable=True, report=_say) as (
        stack,
        missing,
    ):
        if missing:
            _say(f"Without Asterisk ({missing}): a benchmark of real calls will refuse.")
        host, port = "127.0.0.1", str(stack.ports.take("web"))
        env = {**stack.env, "WEB_HOST": host, "WEB_PORT": port, "PUBLIC_URL": f"http://{host}:{port}"}
        for command in ("migrate", "collectstatic"):
            done = stack.manage(command, "--no-input", "--verbosity", "0", check=False)
            if done.returncode:
                _say(f"manage.py {command} failed:\n{done.stderr.strip()[-3000:]}")
                return 1
        code = run_attached(_argv(name, options.rest), env=env, cwd=ROOT)
        if code:
            for log in sorted(stack.log_dir.glob("*.log")):
                _say(f"--- the end of {log}\n{tail(log, 8)}")
        return code


def _argv(name: str, rest: Sequence[str]) -> list[str]:
    return [sys.executable, "-m", f"tests.bench.{name.replace('-', '_')}", *rest]


def _say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)
