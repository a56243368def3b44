"""./run lint: every check that needs no running product; all of them run, then the failed ones are named."""

from __future__ import annotations

import argparse
import os
import sys
import time
from collections.abc import Sequence
from pathlib import Path

from .attached import end_on_signal, run_attached
from .stack import ROOT, without_stack
from .throwaway import throwaway_stack

PYTHON_CODE = ("dialer", "asterisk", "agi", "tasks", "deploy", "tests", "manage.py")


def checks() -> list[tuple[str, Sequence[str], bool]]:
    """Name, command, and whether it asks the database, of every check."""
    tools = Path(sys.executable).parent
    code = [name for name in PYTHON_CODE if (ROOT / name).exists()]
    manage = [sys.executable, "manage.py"]
    found: list[tuple[str, Sequence[str], bool]] = [
        ("ruff check", [str(tools / "ruff"), "check", *code], False),
        ("ruff format", [str(tools / "ruff"), "format", "--check", *code], False),
        ("mypy", [str(tools / "mypy")], False),
        ("import contracts", [str(tools / "lint-imports")], False),
        ("system check", [*manage, "check"], True),
        ("migrations", [*manage, "makemigrations", "--check", "--dry-run"], True),
    ]
    if any((ROOT / "templates").rglob("*.html")):
        found.insert(4, ("templates", [str(tools / "djlint"), "templates", "--lint", "--quiet"], False))
    return found


def lint(options: argparse.Namespace) -> int:
    """Run every check, or those whose name starts with one of the arguments."""
    end_on_signal()
    chosen = [check for check in checks() if not options.rest or check[0].startswith(tuple(options.rest))]
    env = {**without_stack(os.environ), "CORDBOARD_ENV": "test", "DJANGO_SETTINGS_MODULE": "dialer.settings.test"}
    failed = [name for name, command, database in chosen if not database and not _passes(name, command, env)]
    asking = [(name, command) for name, command, database in chosen if database]
    if asking:
        with throwaway_stack("lint", environment="test", asterisk=False, durable=False, report=print) as (stack, _):
            failed += [name for name, command in asking if not _passes(name, command, stack.env)]
    if failed:
        print(f"FAILED: {', '.join(failed)}")
        return 1
    print(f"All {len(chosen)} checks hold.")
    return 0


def _passes(name: str, command: Sequence[str], env: dict[str, str]) -> bool:
    print(f"--- {name}", flush=True)
    began = time.monotonic()
    code = run_attached(command, env=env, cwd=ROOT)
    print(
        f"    {'ok' if code == 0 else f'FAILED with exit code {code}'} ({time.monotonic() - began:.1f} s)", flush=True
    )
    return code == 0
