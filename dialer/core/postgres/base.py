"""The backend itself: Django's, except for how it spells its own name.

For each part of each statement Django looks for a method `"as_" + vendor`, a text made anew every time, and Python's
cache of attributes (4,096 places) keeps the text that it was last asked for at each place. So processes came to hold
ever more copies of "as_postgresql": 60 more a minute in a worker with little to do (Django 5.2, Python 3.11).
"""

from __future__ import annotations

import sys

from django.db.backends.postgresql import base


class Vendor(str):
    """A vendor's name: `beginning + name` is one and the same text each time."""

    __slots__ = ()

    def __radd__(self, beginning: str) -> str:
        return sys.intern(f"{beginning}{self}")


class DatabaseWrapper(base.DatabaseWrapper):
    """A connection; see the module."""

    vendor = Vendor(base.DatabaseWrapper.vendor)
