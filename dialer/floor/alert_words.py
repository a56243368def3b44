"""What an alert says, and what came of telling people: kept in English, shown in the language of whoever looks."""

from __future__ import annotations

from dialer.core.language import Retold
from dialer.core.words import _

ABOVE = _("%(where)s: %(figure)s is %(value)s, above %(limit)s.")
BELOW = _("%(where)s: %(figure)s is %(value)s, below %(limit)s.")
ALL = _("All campaigns")

NO_SERVER = _("Not sent: no mail server is set (EMAIL_HOST).")
NOT_SENT = _("Not sent: %(why)s")
SENT = _("Sent %(at)s UTC")
ANSWERED = _("Answered %(status)s")
NOT_REACHED = _("Not reached: %(why)s.")

retold = Retold([ABOVE, BELOW, NOT_SENT, SENT, ANSWERED, NOT_REACHED])
