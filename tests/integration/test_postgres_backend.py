"""What our database backend adds to Django's: composing a statement leaves nothing behind."""

from __future__ import annotations

import gc
import sys

from django.db import connection

from dialer.people.models import Tenant


def test_the_vendor_is_spelled_once() -> None:
    assert connection.vendor == "postgresql"
    assert "as_" + connection.vendor is "as_" + connection.vendor  # the very same text
    assert type("as_" + connection.vendor) is str


def _compose(times: int) -> None:
    for number in range(times):
        Tenant.objects.filter(name=f"{number}").order_by("name").query.get_compiler(connection=connection).as_sql()


def test_composing_statements_leaves_nothing_behind() -> None:
    """Python's memory of attributes would keep some of the texts that are made for looking one up."""
    _compose(100)
    gc.collect()
    before = sys.getallocatedblocks()
    _compose(300)
    gc.collect()
    assert sys.getallocatedblocks() - before < 100
