"""What stands in cells: numbers as spreadsheets leave them, and values of a campaign's own fields. Pure."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal, InvalidOperation

from dialer.core.numbers import NotANumber
from dialer.core.words import said

from . import sentences

_SCIENTIFIC = re.compile(r"\+?(\d+)(?:[.,](\d+))?[eE]\+?(\d{1,3})")
_WITH_DECIMALS = re.compile(r"(\+?\d{5,})[.,]0+")
_FORMULA_OF_TEXT = re.compile(r'="(.*)"')


def number_as_typed(cell: str) -> str:
    """What was typed before a spreadsheet took the number for a figure. Raises NotANumber when digits were lost."""
    text = cell.strip()
    if (wrapped := _FORMULA_OF_TEXT.fullmatch(text)) is not None:
        text = wrapped[1].strip()
    text = text.lstrip("'=")
    if (decimals := _WITH_DECIMALS.fullmatch(text)) is not None:
        return decimals[1]
    if (found := _SCIENTIFIC.fullmatch(text)) is None:
        return text
    whole, part, exponent = found[1], found[2] or "", int(found[3])
    if len(part) == exponent and len(whole) == 1:
        return whole + part
    raise NotANumber(said(sentences.ROUNDED, number=text[:40]))


@dataclass(frozen=True, slots=True)
class OwnField:
    """One of the campaign's own fields."""

    name: str
    label: str
    kind: str
    choices: Sequence[str] = ()


class BadCell(ValueError):
    """A cell does not hold what its field takes; the message names the field, the value and the cure."""


_YES_OR_NO = {
    **dict.fromkeys(("y", "yes", "s", "si", "sí", "true", "1"), True),
    **dict.fromkeys(("n", "no", "false", "0"), False),
}
LONGEST_TEXT = 500


def own_value(one: OwnField, text: str) -> str | bool:
    """What is stored of a cell, as the lead's form would store it. Raises BadCell."""
    match one.kind:
        case "yesno":
            answer = _YES_OR_NO.get(text.lower())
            if answer is None:
                raise _bad(one, text, sentences.YES_OR_NO)
            return answer
        case "number":
            return _figure(one, text)
        case "date":
            try:
                if len(text) != 10:
                    raise ValueError
                return date.fromisoformat(text).isoformat()
            except ValueError:
                raise _bad(one, text, sentences.LIKE_A_DAY) from None
        case "choice":
            if text not in one.choices:
                raise _bad(one, text, said(sentences.CHOOSE, choices=", ".join(one.choices)[:200]))
            return text
        case _:
            if len(text) > LONGEST_TEXT:
                raise _bad(one, text, said(sentences.TOO_MANY_LETTERS, most=LONGEST_TEXT))
            return text


def _figure(one: OwnField, text: str) -> str:
    """At most 12 digits before and 6 behind the point."""
    try:
        value = Decimal(text)
    except InvalidOperation:
        raise _bad(one, text, sentences.WITH_POINT) from None
    if not value.is_finite():
        raise _bad(one, text, sentences.A_NUMBER)
    _, digits, exponent = value.as_tuple()
    assert isinstance(exponent, int)
    decimals = max(0, -exponent)
    whole = max(0, len(digits) + exponent) if any(digits) else 0
    if decimals > 6 or whole > 12:
        raise _bad(one, text, sentences.TOO_MANY_DIGITS)
    return f"{value.normalize():f}"


def _bad(one: OwnField, text: str, cure: str) -> BadCell:
    return BadCell(said(sentences.BAD_CELL, field=one.label, value=text[:40], cure=cure))
