"""./run test: all suites on a throw-away stack, in separate pytest calls, with one closing line that adds them up."""

from __future__ import annotations

import argparse
import os
import shutil
import subprocess
import sys
import time
import xml.etree.ElementTree as ElementTree
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from .attached import end_on_signal, run_attached
from .stack import ROOT, Stack
from .throwaway import throwaway_stack

# Playwright's synchronous interface and pytest-asyncio do not go together in one process, so each line is one call.
CALLS = (
    ("tests/unit", "tests/web", "tests/integration"),
    ("tests/pbx", "tests/chaos"),
    ("tests/browser",),
)
NEEDS_ASTERISK = ("tests/pbx", "tests/chaos", "tests/browser")
BROWSER_NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
NO_TESTS_COLLECTED = 5


@dataclass
class Tally:
    """What pytest calls came to, added up."""

    passed: int = 0
    failed: int = 0
    skipped: int = 0
    ran_in: Counter[str] = field(default_factory=Counter)
    complaints: list[str] = field(default_factory=list)

    def add_report(self, path: Path) -> bool:
        """Count one JUnit report; False when it cannot be read."""
        try:
            cases = list(ElementTree.parse(path).getroot().iter("testcase"))  # noqa: S314 - pytest's own file
        except (OSError, ElementTree.ParseError):
            return False
        for case in cases:
            kinds = {child.tag for child in case}
            if kinds & {"failure", "error"}:
                self.failed += 1
            elif "skipped" in kinds:
                self.skipped += 1
                continue
            else:
                self.passed += 1
            self.ran_in["/".join(case.get("classname", "").split(".")[:2])] += 1
        return True

    def fail(self, complaint: str) -> None:
        """Count something that went wrong outside any test."""
        self.failed += 1
        self.complaints.append(complaint)

    def closing(self) -> str:
        """The one line that is read by people and machines."""
        return f"{self.passed} passed, {self.failed} failed, {self.skipped} skipped"

    @property
    def code(self) -> int:
        """Exit code: 0 only when tests ran and none failed."""
        return 0 if self.passed and not self.failed else 1


def test(options: argparse.Namespace) -> int:
    """The command `./run test`; with arguments one pytest call gets them."""
    end_on_signal()
    calls = [options.rest] if options.rest else [folders for call in CALLS if (folders := _with_tests(call))]
    if not calls:
        print("There are no tests under tests/.")
        return 1
    tally, began = Tally(), time.monotonic()
    asterisk = _wants_asterisk(options.rest)
    with throwaway_stack("test", environment="test", asterisk=asterisk, durable=False, report=_say) as (stack, missing):
        for number, call in enumerate(calls):
            _one_call(stack, number, call, missing, tally, whole=not options.rest)
    if not options.rest:
        for folder in (folder for call in calls for folder in call):
            if not tally.ran_in[folder]:
                tally.fail(f"{folder} has tests, but none of them ran")
    for complaint in tally.complaints:
        print(f"FAILED: {complaint}")
    print(f"The tests took {time.monotonic() - began:.0f} s.")
    print(tally.closing(), flush=True)
    return tally.code


def _one_call(stack: Stack, number: int, call: Sequence[str], missing: str, tally: Tally, *, whole: bool) -> None:
    env = {**stack.env, "PYTHONDONTWRITEBYTECODE": "1"}
    needs = [argument for argument in call if argument.startswith(NEEDS_ASTERISK)]
    if missing and needs:
        tally.fail(f"{' '.join(needs)} could not run: Asterisk cannot be had here: {missing}")
        return
    if any(argument.startswith("tests/browser") for argument in call):
        browser, reason = find_browser()
        if not browser:
            tally.fail(f"tests/browser could not run: {reason}")
            return
        env["CORDBOARD_CHROMIUM"] = browser
    report = stack.state_dir / f"report-{number}.xml"
    print(f"--- pytest {' '.join(call)}", flush=True)
    argv = [sys.executable, "-m", "pytest", f"--junitxml={report}", "-o", "junit_family=xunit2", *call]
    code = run_attached(argv, env=env, cwd=ROOT)
    failed_before = tally.failed
    if not tally.add_report(report):
        tally.fail(f"pytest {' '.join(call)} ended with {code} and left no report")
    elif code not in (0, 1, NO_TESTS_COLLECTED) or (code == 1 and tally.failed == failed_before):
        tally.fail(f"pytest {' '.join(call)} ended with exit code {code}")
    elif code == NO_TESTS_COLLECTED and not whole:
        tally.complaints.append(f"pytest {' '.join(call)} found no test")


def _with_tests(folders: Sequence[str]) -> list[str]:
    return [folder for folder in folders if any((ROOT / folder).rglob("test_*.py"))]


def _wants_asterisk(arguments: Sequence[str]) -> bool:
    """Without paths everything runs; with paths Asterisk is started only for those that use it."""
    paths = [argument for argument in arguments if argument.startswith("tests")]
    return not paths or any(path.startswith(NEEDS_ASTERISK) or path.rstrip("/") == "tests" for path in paths)


def find_browser() -> tuple[str, str]:
    """Path of a Chromium, and why there is none. As root on Debian it is installed when missing."""
    if chosen := os.environ.get("CORDBOARD_CHROMIUM"):
        return (chosen, "") if shutil.which(chosen) else ("", f"CORDBOARD_CHROMIUM: {chosen} is not a program")
    if found := _installed_browser():
        return found, ""
    advice = "Chromium is not installed. On Debian: sudo apt-get install chromium; or set CORDBOARD_CHROMIUM"
    if os.geteuid() != 0 or not shutil.which("apt-get"):
        return "", advice
    _say("Installing Chromium for the browser tests …")
    env = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    for command in (["update"], ["install", "-y", "--no-install-recommends", "chromium"]):
        done = subprocess.run(
            ["apt-get", *command], env=env, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False
        )
        if done.returncode and command != ["update"]:
            return "", f"{advice}. apt-get said:\n{(done.stderr or done.stdout).strip()[-1500:]}"
    return (found, "") if (found := _installed_browser()) else ("", advice)


def _installed_browser() -> str:
    return next((path for name in BROWSER_NAMES if (path := shutil.which(name))), "")


def _say(text: str) -> None:
    print(text, flush=True)
