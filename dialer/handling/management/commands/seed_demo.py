"""`manage.py seed_demo`: makes the demo tenant once and prints who can sign in. Run again, it adds what is missing."""

from __future__ import annotations

import os
from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.db import transaction

from dialer.calls.management.demo import seed, sign_ins
from dialer.handling.management.demo_handling import seed_handling


class Command(BaseCommand):
    """Make the demo tenant."""

    help = "Make the demo tenant with agents, campaigns and leads (once), and print its sign-ins."

    def add_arguments(self, parser: ArgumentParser) -> None:
        """No choices but how much to print."""
        parser.add_argument("--quiet", action="store_true", help="do not print the sign-ins")

    def handle(self, *args: Any, **options: Any) -> None:
        """Seed in one transaction, so that nothing half-made is left."""
        if os.environ.get("CORDBOARD_ENV") == "production":
            raise CommandError("The demo has passwords that everybody knows: it is not for production.")
        with transaction.atomic():
            seed_handling(seed())
        if not options["quiet"]:
            self.stdout.write(sign_ins())
