"""Entry point of ./run: picks the command."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence

from . import watch
from .backup import backup, restore
from .bench import bench
from .ledger import StackBusy
from .lint import lint
from .screenshots import screenshots
from .servers import ServerFailed
from .testing import test
from .up import up

PASSED_ON = ("test", "lint", "manage", "simulate", "bench", "screenshots")
"""Commands whose further arguments belong to another program."""


def parser() -> argparse.ArgumentParser:
    """The command line of ./run."""
    top = argparse.ArgumentParser(prog="./run", description="Cordboard with everything embedded, and its tools.")
    commands = top.add_subparsers(dest="command", metavar="COMMAND")
    start = commands.add_parser("up", help="run the product (the default command)")
    start.add_argument("--switch", choices=("asterisk", "simulated"), help="what carries the calls (default: asterisk)")
    start.add_argument(
        "--port", type=int, metavar="N", help="port of the web server (default: the first free from 8000)"
    )
    start.add_argument(
        "--demo", action=argparse.BooleanOptionalAction, default=None, help="with or without the demo floor"
    )
    start.add_argument("-d", "--detach", action="store_true", help="in the background; returns when it is up")
    start.set_defaults(run=up)
    commands.add_parser("status", help="every process; exit code 0 when up, 3 when not").set_defaults(run=watch.status)
    commands.add_parser("stop", help="stop it, and wait").set_defaults(run=watch.stop)
    commands.add_parser(
        "reload", help="replace every process by the version that is here now, under load"
    ).set_defaults(run=watch.reload)
    logs = commands.add_parser("logs", help="what the processes wrote")
    logs.add_argument("process", nargs="?", help="one process only")
    logs.add_argument("-f", "--follow", action="store_true", help="go on until Ctrl-C")
    logs.add_argument("-n", "--lines", type=int, default=20, help="lines to begin with (default: 20)")
    logs.set_defaults(run=watch.logs)
    commands.add_parser("env", help="the running stack's environment, for eval").set_defaults(
        run=watch.print_environment
    )
    keep = commands.add_parser("backup", help="write database, recordings and secret key to one file")
    keep.add_argument("file", nargs="?", help="its name (default: cordboard-DATE.tar here)")
    keep.set_defaults(run=backup)
    back = commands.add_parser("restore", help="put a backup into an installation that does not run")
    back.add_argument("file", help="the backup")
    back.add_argument("--replace", action="store_true", help="delete what is there")
    back.set_defaults(run=restore)
    commands.add_parser("test", help="all tests, or one pytest call with the arguments given").set_defaults(run=test)
    commands.add_parser("lint", help="all checks, or those named").set_defaults(run=lint)
    measure = commands.add_parser("bench", help="a benchmark of tests/bench; the last line is one JSON object")
    measure.add_argument("name", help="its name")
    measure.set_defaults(run=bench)
    commands.add_parser("screenshots", help="the pictures of docs/img; arguments: folder, names").set_defaults(
        run=screenshots
    )
    commands.add_parser("manage", help="manage.py in the stack's environment").set_defaults(run=watch.manage)
    ring = commands.add_parser("call-in", help="let somebody on the simulated carrier call a number of yours")
    ring.add_argument("number", nargs="?", default=watch.DEMO_NUMBER, help="which (default: the demo's)")
    ring.add_argument("--from", dest="caller", default=watch.DEMO_CALLER, metavar="NUMBER", help="their own number")
    ring.set_defaults(run=watch.call_in)
    commands.add_parser(
        "simulate", help="what a campaign would do with other settings: --campaign ID, and --help for the settings"
    ).set_defaults(run=watch.simulate)
    commands.add_parser("help", help="this text")
    return top


def main(arguments: Sequence[str]) -> int:
    """Run one command; gives the exit code."""
    words = list(arguments)
    if not words or (words[0].startswith("-") and words[0] not in ("-h", "--help")):
        words.insert(0, "up")
    own, rest = (words[:2], words[2:]) if words[0] == "bench" else (words[:1], words[1:])
    if words[0] not in PASSED_ON:
        own, rest = words, []
    options = parser().parse_args(own)
    if not hasattr(options, "run"):
        parser().print_help()
        return 0
    options.rest, options.arguments = rest, words
    try:
        return int(options.run(options))
    except (StackBusy, ServerFailed) as error:
        print(f"run: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 130


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
