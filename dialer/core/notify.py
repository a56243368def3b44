"""PostgreSQL notifications: they wake, they carry nothing that is not also in a row."""

from __future__ import annotations

from django.db import connection

CALLS = "cordboard_calls"
"""A CallTask was queued."""
COMMANDS = "cordboard_commands"
"""A SwitchCommand was written."""
READY = "cordboard_ready"
"""An agent became ready; the payload is the campaign's id."""


def notify(channel: str, payload: str = "") -> None:
    """Send a notification that is delivered when (and only if) the current transaction commits."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_notify(%s, %s)", [channel, payload])
