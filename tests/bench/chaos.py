"""`./run bench chaos [--seed N] [--faults 40] [--robots 8] [--only KIND …] [--callers]`: never lose a call.

Robot agents dial on real servers (Asterisk, PostgreSQL, Valkey, every process of the Procfile) against the simulated
carrier while faults are done in an order that the seed decides; afterwards rows, files and the carrier's truth are held
against each other (tests/chaos/judge.py says what must hold; inbound.py, of people who call us with --callers).
`recovery_s` is from the end of a fault until everything that was wrong was right at some moment since, the web answers,
the switchboard has its switch and pacing decides. It starts servers of its own. The last line of stdout is JSON; the
exit status is 0 when nothing was violated.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import sys

os.environ.setdefault("CORDBOARD_ENV", "test")

import django

from dialer.settings import use_environment

use_environment()
django.setup()

from deploy.local.attached import end_on_signal  # noqa: E402
from tests.bench._floor import say  # noqa: E402
from tests.chaos.run import chaos  # noqa: E402


def main() -> int:
    """Run one seed."""
    parser = argparse.ArgumentParser(prog="./run bench chaos", description=__doc__)
    parser.add_argument("--seed", type=int, default=random.SystemRandom().randrange(1_000_000))
    parser.add_argument("--faults", type=int, default=40)
    parser.add_argument("--robots", type=int, default=8)
    parser.add_argument("--only", nargs="*", default=[], help="kinds of faults; all without it")
    parser.add_argument("--callers", action="store_true", help="people call us, too")
    options = parser.parse_args()
    end_on_signal()
    say(f"seed {options.seed}, {options.faults} faults")
    found = chaos(
        name="chaos-bench",
        seed=options.seed,
        faults=options.faults,
        robots=options.robots,
        say=say,
        only=tuple(options.only),
        callers=options.callers,
    )
    print(json.dumps(found), flush=True)
    return 1 if found["violations_total"] or found["talking_calls_dropped_by_our_faults"] else 0


if __name__ == "__main__":
    sys.exit(main())
