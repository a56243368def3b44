"""`./run bench dry-run [--leads 1000000]`: the dry run of many leads. The last line is one JSON object."""

from __future__ import annotations

import argparse
import json

import django

from dialer.settings import use_environment

use_environment()
django.setup()

from tests.bench._dry_run import measure_dry_run_s  # noqa: E402


def main() -> None:
    """Measure once."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--leads", type=int, default=1_000_000)
    leads = parser.parse_args().leads
    print(json.dumps({"bench": "dry_run", "leads": leads, "dry_run_s": round(measure_dry_run_s(leads), 3)}))


if __name__ == "__main__":
    main()
