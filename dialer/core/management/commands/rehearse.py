"""`manage.py rehearse`: load all that the processes run, without running it.

A version that cannot start (a missing package, a module that does not load, a wrong setting) says so here, while the
processes of the version before still work.
"""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Iterator
from typing import Any

from django.core.management.base import BaseCommand, CommandError

PACKAGES = ("agi", "asterisk", "dialer", "tasks")
NOT_RUN = ("dialer.settings.", ".migrations.")
"""Settings of other environments may refuse to load here; migrations are loaded by migrate."""


def modules(packages: tuple[str, ...]) -> Iterator[str]:
    """The names of all modules of these packages that a process may load; each package before what is in it."""
    for package in packages:
        yield package
        found = pkgutil.walk_packages(importlib.import_module(package).__path__, f"{package}.")
        yield from (one.name for one in found if not any(part in one.name for part in NOT_RUN))


class Command(BaseCommand):
    """Runs the system checks (as every command does) and loads every module."""

    help = "Load everything that the processes run, and check the settings; nothing is started."

    def handle(self, *args: Any, **options: Any) -> None:
        """Load; CommandError with the module's name at the first that fails."""
        name = ""
        try:
            for name in modules(PACKAGES):
                importlib.import_module(name)
                if options["verbosity"] > 1:
                    self.stdout.write(name)
        except Exception as error:
            raise CommandError(f"{name} does not load: {type(error).__name__}: {error}") from error
