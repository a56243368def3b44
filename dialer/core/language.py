"""The languages of the interface: translating what pure code says, and working in one person's language."""

from __future__ import annotations

from contextlib import AbstractContextManager

from django.conf import settings
from django.utils import translation
from django.utils.translation import gettext

from .words import Said


def translated(text: str) -> str:
    """What dialer.core.words marked, in the language that is active; any other text as it is."""
    if isinstance(text, Said):
        values = {name: translated(value) if isinstance(value, str) else value for name, value in text.values.items()}
        return gettext(text.template) % values
    return gettext(text) if text else ""


def known(code: str) -> str:
    """The language with that code if the interface has it, else ""."""
    return code if code in dict(settings.LANGUAGES) else ""


def speaking(code: str) -> AbstractContextManager[None]:
    """Within it, everything is said in that language; an empty or unknown code means the installation's own."""
    return translation.override(known(code) or settings.LANGUAGE_CODE)
