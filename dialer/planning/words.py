"""Where leads stand that the next hour does not dial, in words. Pure."""

from __future__ import annotations

from dialer.core.words import _

STANDING = {
    "done": _("Done: reached, or tried often enough"),
    "in_hand": _("In a call, or shown to an agent"),
    "list_off": _("On a list that is switched off"),
    "filtered": _("Not past the campaign's filter"),
    "promised": _("Promised to one agent, who calls back"),
    "later": _("Resting until their next attempt, later than in an hour"),
    "unseen": _("With calls of the last days, and too many to be looked at one by one"),
}
REFUSED_FOR_GOOD = _("Refused by the gate for good (%(rule)s)")
