"""`./run manage new_tenant NAME --admin USERNAME`: a customer of this installation, and its first admin."""

from __future__ import annotations

import sys
from argparse import ArgumentParser
from getpass import getpass
from typing import Any
from zoneinfo import available_timezones

import phonenumbers
from django.contrib.auth import password_validation
from django.core.exceptions import ValidationError
from django.core.management.base import BaseCommand, CommandError
from django.db import transaction
from django.utils.text import slugify

from dialer.people.models import Role, Tenant, User


class Command(BaseCommand):
    """Makes both or neither. The password is asked for, or is the first line of an input that is no terminal."""

    help = "Open a tenant with its first admin, who makes everybody and everything else on screens."

    def add_arguments(self, parser: ArgumentParser) -> None:
        """What the tenant is called, where it is, and who its admin is."""
        parser.add_argument("name", help="e.g. 'Harbour Insurance'")
        parser.add_argument("--admin", required=True, metavar="USERNAME", help="the first person who signs in")
        parser.add_argument("--region", default="US", metavar="CC", help="country of numbers without + (default US)")
        parser.add_argument("--time-zone", default="America/New_York", metavar="ZONE", help="the tenant's own clock")

    def handle(self, *args: Any, **options: Any) -> None:
        """Check everything, ask for the password, and write."""
        slug = slugify(options["name"])
        if not slug:
            raise CommandError(f"The name “{options['name']}” has no letter or digit.")
        if Tenant.objects.filter(slug=slug).exists():
            raise CommandError(f"There is a tenant “{slug}” already: choose another name.")
        if options["time_zone"] not in available_timezones():
            raise CommandError(f"--time-zone “{options['time_zone']}”: there is no such zone; e.g. America/New_York.")
        if options["region"].upper() not in phonenumbers.SUPPORTED_REGIONS:
            raise CommandError(f"--region “{options['region']}”: no country has this code; e.g. US, CA or GB.")
        tenant = Tenant(
            name=options["name"], slug=slug, region=options["region"].upper(), time_zone=options["time_zone"]
        )
        admin = User(username=options["admin"], role=Role.ADMIN)
        try:
            tenant.full_clean()
            admin.full_clean(exclude=["password"])
            password = _password()
            password_validation.validate_password(password, admin)
        except ValidationError as error:
            raise CommandError(_words(error, tenant, admin)) from error
        admin.set_password(password)
        with transaction.atomic():
            tenant.save()
            admin.tenant = tenant
            admin.save()
        self.stdout.write(f"{tenant.name} is open; {admin.username} signs in as its admin.")


def _words(error: ValidationError, *rows: Any) -> str:
    """Field, value and cure of each fault."""
    if not hasattr(error, "error_dict"):
        return " ".join(error.messages)
    said = []
    for field, messages in error.message_dict.items():
        value = next((getattr(row, field) for row in rows if hasattr(row, field)), "")
        said.append(f"{field} “{value}”: {' '.join(messages)}")
    return " ".join(said)


def _password() -> str:
    if not sys.stdin.isatty():
        return sys.stdin.readline().rstrip("\n")
    password = getpass("Password of the admin: ")
    if getpass("Once more: ") != password:
        raise CommandError("The two passwords differ: nothing was made.")
    return password
