"""`./run manage load_numbers FILE --tenant SLUG`: consents, own lists, wireless marks and checks from a file."""

from __future__ import annotations

from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from dialer.compliance import known
from dialer.people.models import Tenant

SHOWN = 20


class Command(BaseCommand):
    """Takes every line that can be taken, and names the others."""

    help = "Load what is known of numbers (CSV with a header; see docs/compliance.md) for one tenant."

    def add_arguments(self, parser: ArgumentParser) -> None:
        """The file, and whose numbers these are."""
        parser.add_argument("file", type=Path)
        parser.add_argument("--tenant", required=True, metavar="SLUG")

    def handle(self, *args: Any, **options: Any) -> None:
        """Load it, and say what was taken and what was not."""
        path: Path = options["file"]
        if not path.is_file():
            raise CommandError(f"There is no file {path}.")
        tenant = Tenant.objects.filter(slug=options["tenant"]).first()
        if tenant is None:
            slugs = ", ".join(Tenant.objects.order_by("slug").values_list("slug", flat=True)[:SHOWN])
            raise CommandError(f"There is no tenant “{options['tenant']}”. There are: {slugs}.")
        try:
            done = known.load(path=path, tenant=tenant)
        except known.BadFile as error:
            raise CommandError(str(error)) from error
        for line, problem in done.problems[:SHOWN]:
            self.stderr.write(f"line {line}: {problem}")
        self.stdout.write(
            f"{done.consents:,} consents recorded, {done.listed:,} numbers listed, {done.notes:,} noted;"
            f" {len(done.problems):,} lines not taken"
        )
