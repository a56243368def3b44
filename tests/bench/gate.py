"""`./run bench gate [--rows 20000000]`: what the dial gate costs.

`gate_us`: one verdict, facts loaded. `judge_us`: one number of a batch of 100, with its lock, the loading of all facts
(an official list of `--rows` numbers among them) and the stored verdict. `dnc_load_s`: loading that list. The last line
is one JSON object.
"""

from __future__ import annotations

import argparse
import json
import sys

import django

from dialer.settings import use_environment

use_environment()
django.setup()

from tests.bench import _gate  # noqa: E402


def main() -> int:
    """Measure and print."""
    parser = argparse.ArgumentParser(prog="./run bench gate", description=__doc__)
    parser.add_argument("--rows", type=int, default=20_000_000)
    options = parser.parse_args()
    print("verdicts …", file=sys.stderr, flush=True)
    found: dict[str, float] = _gate.measure_gate_us()
    print(f"a list of {options.rows:,} numbers …", file=sys.stderr, flush=True)
    found |= _gate.measure_dnc_load_s(options.rows)
    print("batches …", file=sys.stderr, flush=True)
    found |= _gate.measure_judge_us()
    print(json.dumps(found))
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
