"""The languages of the interface: translating what pure code says, and working in one person's language."""

from __future__ import annotations

import re
from collections.abc import Iterable
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


class Retold:
    """Says in the language that is active what came back as plain English: from another process, or the database.

    `templates`: the %-templates with values that the text may have been made of. Text of none of them stays as it is.
    """

    def __init__(self, templates: Iterable[str]) -> None:
        # What has most words of its own first: the more of a text is the template's, the surer it is the one.
        self._known = [(one, _pattern(one)) for one in sorted(templates, key=lambda one: -len(_PLACE.sub("", one)))]

    def __call__(self, text: str) -> str:
        """The text in the active language."""
        if not text:
            return ""
        if (whole := gettext(text)) != text:
            return whole
        for template, pattern in self._known:
            if (found := pattern.fullmatch(text)) is not None:
                return gettext(template) % {name: self(value) for name, value in found.groupdict().items()}
        return text


_PLACE = re.compile(r"%\((\w+)\)s")


def _pattern(template: str) -> re.Pattern[str]:
    parts = _PLACE.split(template)
    return re.compile(
        "".join(f"(?P<{part}>.*?)" if place % 2 else re.escape(part) for place, part in enumerate(parts)), re.DOTALL
    )


def known(code: str) -> str:
    """The language with that code if the interface has it, else ""."""
    return code if code in dict(settings.LANGUAGES) else ""


def speaking(code: str) -> AbstractContextManager[None]:
    """Within it, everything is said in that language; an empty or unknown code means the installation's own."""
    return translation.override(known(code) or settings.LANGUAGE_CODE)
