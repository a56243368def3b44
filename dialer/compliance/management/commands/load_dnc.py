"""`./run manage load_dnc FILE --list national-us`: make a file the official do-not-call list of that name."""

from __future__ import annotations

from argparse import ArgumentParser
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from dialer.compliance import national
from dialer.core.clock import now

COUNTRY_CODES = {"us": 1, "ca": 1, "uk": 44, "gb": 44}


class Command(BaseCommand):
    """Reads, sorts and loads the list beside the one in use, and then takes it into use."""

    help = "Load an official do-not-call list (one number per line) in place of the last one of that name."

    def add_arguments(self, parser: ArgumentParser) -> None:
        """The file, the list's name, and how old the file is."""
        parser.add_argument("file", type=Path)
        parser.add_argument("--list", required=True, metavar="NAME", help="e.g. national-us, national-ca, tps-uk")
        parser.add_argument("--as-of", metavar="DATE", help="when it was fetched; as the file's own time unless given")
        parser.add_argument("--country-code", type=int, metavar="N", help="of numbers without one; else by the name")
        parser.add_argument("--may-shrink", action="store_true", help="take a list less than half of the last one")

    def handle(self, *args: Any, **options: Any) -> None:
        """Load it, and say what is in use now."""
        path: Path = options["file"]
        if not path.is_file():
            raise CommandError(f"There is no file {path}.")
        code = options["country_code"] or COUNTRY_CODES.get(options["list"].rpartition("-")[2])
        if code is None:
            raise CommandError(f"“{options['list']}” names no country that is known here: say --country-code.")
        try:
            made = national.load(
                path=path,
                name=options["list"],
                country_code=code,
                as_of=_as_of(path, options["as_of"]),
                may_shrink=options["may_shrink"],
                progress=self.stdout.write,
            )
        except national.BadFile as error:
            raise CommandError(str(error)) from error
        age = (now() - made.as_of).days
        self.stdout.write(f"{made.name}: {made.numbers:,} numbers, {age} days old, loaded in {made.seconds:.1f} s")


def _as_of(path: Path, text: str | None) -> datetime:
    if text is None:
        return datetime.fromtimestamp(path.stat().st_mtime, UTC)
    try:
        moment = datetime.fromisoformat(text)
    except ValueError as error:
        raise CommandError(f"--as-of “{text}” is no date. Write it like 2026-11-20.") from error
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)
