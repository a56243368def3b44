"""What a number that somebody called is, for the dialplan."""

from __future__ import annotations

from django.db import connection

from dialer.core.clock import now
from dialer.inbound.rules import is_open
from dialer.inbound.selectors import did_of


def number(dialed: str) -> str:
    """open, closed, or unknown when it is nobody's here. Reads only."""
    try:
        did = did_of(dialed)
        if did is None:
            return "unknown"
        queue = did.queue
        return "open" if is_open(queue.hours, queue.local(now())) else "closed"
    finally:
        connection.close()
