"""Telephone numbers: from what people type to E.164, and the time zones where such a number may be."""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import cache, lru_cache

import phonenumbers
from phonenumbers import timezone as number_zones
from phonenumbers.tzdata import TIMEZONE_DATA, TIMEZONE_LONGEST_PREFIX

from .words import _, said

LONGEST = 16
"""Characters of the longest E.164 number, its + included."""
_E164 = re.compile(r"\+[1-9][0-9]{6,14}")
_NORTH_AMERICAN = re.compile(
    r" *(?:\+1[ .-]?|1[ .-]|1(?=[2-9]))?\(?([2-9][0-9]{2})\)?[ .-]?([2-9][0-9]{2})[ .-]?([0-9]{4}) *", re.ASCII
)
_DIAL_PLAINLY = ("US", "CA")
"""Regions where ten digits, or a 1 and ten digits, are always the same North American number."""

NOT_A_NUMBER = _("“%(number)s” is not a telephone number. Type it with its area code, or with + and the country code.")
NOT_THIS_NUMBER = _("“%(number)s” is not a telephone number: %(cure)s.")


class NotANumber(ValueError):
    """The text is no telephone number; the message says what to do about it."""


def parse_number(text: str, region: str) -> str:
    """Return the E.164 form of what was typed, read as a number of `region` (ISO 3166) when it has no `+`.

    Raises NotANumber with a message for the person who typed it. Possible, not assigned, is what is asked:
    which numbers exist is the carrier's to say.
    """
    # Almost every number of a large file is read by this, a hundred times faster than the library and to the same end.
    if (region in _DIAL_PLAINLY or text.lstrip(" ").startswith("+")) and (plain := _NORTH_AMERICAN.fullmatch(text)):
        return f"+1{plain[1]}{plain[2]}{plain[3]}"
    shown = text.strip()
    try:
        number = phonenumbers.parse(shown, region)
    except phonenumbers.NumberParseException as error:
        raise NotANumber(said(NOT_A_NUMBER, number=_quoted(shown))) from error
    reason = phonenumbers.is_possible_number_with_reason(number)
    if reason == phonenumbers.ValidationResult.IS_POSSIBLE:
        e164 = phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)
        if _E164.fullmatch(e164) and _is_settled(e164):
            return e164
        # Some countries' plans reach beyond what E.164 can carry, or down to short codes such as emergency calls.
        if len(e164) > LONGEST:
            reason = phonenumbers.ValidationResult.TOO_LONG
        elif not _E164.fullmatch(e164):
            reason = phonenumbers.ValidationResult.TOO_SHORT
    cure = {
        phonenumbers.ValidationResult.TOO_SHORT: _("it is too short: type it with its area code"),
        phonenumbers.ValidationResult.IS_POSSIBLE_LOCAL_ONLY: _("its area code is missing"),
        phonenumbers.ValidationResult.TOO_LONG: _("it has too many digits"),
    }.get(reason, _("check its length and country code"))
    raise NotANumber(said(NOT_THIS_NUMBER, number=_quoted(shown), cure=cure))


def parse_beginning(text: str, region: str) -> str:
    """The international form of the first digits of numbers; in North America digits without `+` are an area code.

    Raises NotANumber with a message for the person who typed it.
    """
    digits = re.sub(r"[ ().\-]", "", text)
    if re.fullmatch(r"\+[1-9][0-9]{0,14}", digits, re.ASCII):
        return digits
    if re.fullmatch(r"[2-9][0-9]{2,9}", digits, re.ASCII) and region in _DIAL_PLAINLY:
        return f"+1{digits}"
    raise NotANumber(
        said("“%(digits)s” is not the beginning of a number. Type + and the country code first.", digits=_quoted(text))
    )


def _is_settled(e164: str) -> bool:
    """Whether reading the number again gives the same: one that has two forms could pass a list that has the other."""
    try:
        return phonenumbers.format_number(phonenumbers.parse(e164), phonenumbers.PhoneNumberFormat.E164) == e164
    except phonenumbers.NumberParseException:
        return False


def _quoted(text: str) -> str:
    """What was typed, short and on one line, to be shown back."""
    return "".join(letter if letter.isprintable() else " " for letter in text[:40])


def zones_of_number(e164: str) -> list[str]:
    """Every IANA zone where the number may be, by its prefix; empty when nothing is known."""
    if len(e164) == 12 and e164.startswith("+1") and (known := _zones_of_area(e164[:6])) and e164[6:].isdigit():
        return list(known)
    if e164.startswith("+1"):
        if _geographic()(e164, 2):
            return _zones_by_prefix(e164)
        if _placeless()(e164, 2):
            return _zones_by_prefix("+1")
    try:
        zones = number_zones.time_zones_for_number(phonenumbers.parse(e164))
    except phonenumbers.NumberParseException:
        return []
    return [zone for zone in zones if zone != "Etc/Unknown"]


@lru_cache(maxsize=16384)
def _zones_of_area(beginning: str) -> tuple[str, ...]:
    """The zones of all numbers with this beginning (+1, area code, a digit); empty when they are not the same."""
    geographic = _geographic()
    if beginning[1:] in _divided() or not all(geographic(f"{beginning}{pair:02}0000", 2) for pair in range(100)):
        return ()
    return tuple(_zones_by_prefix(beginning))


@cache
def _divided() -> frozenset[str]:
    """The beginnings of North American numbers whose zone is told by what follows."""
    return frozenset(prefix[:5] for prefix in TIMEZONE_DATA if len(prefix) > 5)


@cache
def _geographic() -> Callable[[str, int], object]:
    """Tells of a +1 number, from its third sign on, whether it belongs to a place in North America or the Caribbean."""
    patterns = []
    for region in phonenumbers.COUNTRY_CODE_TO_REGION_CODE[1]:
        metadata = phonenumbers.PhoneMetadata.metadata_for_region(region)
        assert metadata is not None and metadata.fixed_line is not None
        patterns.append(f"(?:{metadata.fixed_line.national_number_pattern})")
    return re.compile("|".join(patterns), re.ASCII).fullmatch


@cache
def _placeless() -> Callable[[str, int], object]:
    """Tells of a +1 number whether it is of a kind that belongs to no place: toll-free, personal and so on."""
    metadata = phonenumbers.PhoneMetadata.metadata_for_region("US")
    assert metadata is not None
    kinds = (metadata.toll_free, metadata.premium_rate, metadata.personal_number)
    return re.compile("|".join(f"(?:{kind.national_number_pattern})" for kind in kinds if kind), re.ASCII).fullmatch


def _zones_by_prefix(e164: str) -> list[str]:
    """As the library does for numbers that belong to a place, without asking it what kind of number it is."""
    for length in range(TIMEZONE_LONGEST_PREFIX, 0, -1):
        zones = TIMEZONE_DATA.get(e164[1 : 1 + length])
        if zones is not None:
            return [zone for zone in zones if zone != "Etc/Unknown"]
    return []


def display_number(e164: str) -> str:
    """The number as people of its country write it, with the country code."""
    try:
        return phonenumbers.format_number(phonenumbers.parse(e164), phonenumbers.PhoneNumberFormat.INTERNATIONAL)
    except phonenumbers.NumberParseException:
        return e164


def mask_number(e164: str) -> str:
    """The number with all but its last two digits hidden, for those who may not see it and for logs' neighbours."""
    return "•" * max(0, len(e164) - 2) + e164[-2:]
