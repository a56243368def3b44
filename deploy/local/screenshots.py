"""./run screenshots [FOLDER] [NAME …]: the pictures of docs/img, taken in Chromium on a throw-away stack."""

from __future__ import annotations

import argparse
import sys

from .attached import end_on_signal, run_attached
from .stack import ROOT
from .testing import find_browser
from .throwaway import throwaway_stack


def screenshots(options: argparse.Namespace) -> int:
    """Take them; the exit code is that of what takes them."""
    end_on_signal()
    browser, reason = find_browser()
    if not browser:
        _say(f"No pictures without a browser: {reason}")
        return 2
    with throwaway_stack("test", environment="test", asterisk=False, durable=False, report=_say) as (stack, _missing):
        env = {**stack.env, "CORDBOARD_CHROMIUM": browser}
        argv = [sys.executable, "-m", "tests.browser.screenshots", *options.rest]
        return int(run_attached(argv, env=env, cwd=ROOT))


def _say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)
