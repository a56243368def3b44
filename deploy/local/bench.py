"""./run bench NAME: one benchmark of tests/bench on a throw-away stack; its last line is one JSON object."""

from __future__ import annotations

import argparse
import sys

from .attached import end_on_signal, run_attached
from .servers import tail
from .stack import ROOT
from .throwaway import throwaway_stack

FOLDER = ROOT / "tests" / "bench"


def bench(options: argparse.Namespace) -> int:
    """Run the benchmark with the servers up and the database migrated. Only the benchmark writes to standard output."""
    end_on_signal()
    known = sorted(path.stem.replace("_", "-") for path in FOLDER.glob("*.py") if not path.stem.startswith("_"))
    name = options.name.replace("_", "-")
    if name not in known:
        _say(f"There is no benchmark {options.name!r}. There are: {', '.join(known) or 'none yet'}.")
        return 2
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
        code = run_attached(
            [sys.executable, "-m", f"tests.bench.{name.replace('-', '_')}", *options.rest], env=env, cwd=ROOT
        )
        if code:
            for log in sorted(stack.log_dir.glob("*.log")):
                _say(f"--- the end of {log}\n{tail(log, 8)}")
        return code


def _say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)
