"""The single-key shortcuts of the desk, and the keys that a person chose instead. Pure.

An action is named by its default key, which is also what templates write as data-key; keys.js puts a person's own keys
in their place. Fixed keys (digits, / and ?) mean the same for everybody.
"""

from __future__ import annotations

from collections.abc import Mapping

from dialer.core.words import _

ACTIONS = {
    "r": _("Ready; during a call: take back “pause after”"),
    "p": _("Pause menu, then a number"),
    "h": _("Hang up"),
    "v": _("Mute yourself, in the browser phone"),
    "t": _("Type a note"),
    "e": _("More time for the wrap-up, once per call"),
    "l": _("Hold, and back"),
    "x": _("Transfer: whom to ask or to put through to"),
    "w": _("With a third party: swap"),
    "c": _("With a third party: bring everybody together"),
    "g": _("With a third party: leave them talking"),
    "b": _("With a third party: hang up on them only"),
    "o": _("With a third party: hang up on the customer only"),
    "k": _("Keypad"),
    "m": _("Leave a recorded message"),
    "u": _("Pause the recording, or go on"),
    "n": _("Next lead"),
    "d": _("Dial the lead shown"),
    "s": _("Skip the lead shown"),
    "a": _("Dial the last number again"),
}
FIXED = "123456789/?"
"""Keys that cannot be given to an action."""


def clean(keys: Mapping[str, str]) -> dict[str, str]:
    """Own keys that differ from the defaults, of actions that exist."""
    return {action: key for action, key in keys.items() if action in ACTIONS and key != action}


def shown(action: str, keys: Mapping[str, str]) -> str:
    """The key of an action as it is printed on buttons."""
    return keys.get(action, action).upper()


def faults(keys: Mapping[str, str]) -> dict[str, str]:
    """What is wrong with a whole set of keys, by action: {action: sentence}."""
    wrong: dict[str, str] = {}
    taken: dict[str, str] = {}
    for action, key in keys.items():
        if len(key) != 1 or not key.isprintable() or key.isspace():
            wrong[action] = _("Give one letter or sign.")
        elif key in FIXED:
            wrong[action] = _("This key is taken: digits choose dispositions, / a number and ? the list of keys.")
        elif key in taken:
            wrong[action] = _("Two actions have this key. Give each a key of its own.")
        taken.setdefault(key, action)
    return wrong
