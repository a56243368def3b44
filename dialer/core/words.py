"""Sentences for people from code that must not know Django: marked for translation here, translated where shown.

`_` marks a constant sentence. `said` makes one with values in it: an English string that remembers its parts, so that
dialer.core.language.translated can say the same in another language.
"""

from __future__ import annotations


def _(text: str) -> str:
    """Mark a sentence for translation; it stays as it is."""
    return text


class Said(str):
    """An English sentence with its template and values kept."""

    __slots__ = ("template", "values")

    template: str
    values: dict[str, object]


def said(template: str, **values: object) -> Said:
    """The sentence that a %-template and its named values make; a value may be a `Said` itself."""
    sentence = Said(template % values)
    sentence.template, sentence.values = template, values
    return sentence
