"""From a file's records to lines for PostgreSQL's COPY: every row is checked, and a bad one stops no other. No Django.

Millions of rows go through here, so what is the same for all of them is worked out once.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from uuid_utils import uuid7

from dialer.core.numbers import NotANumber, parse_number, zones_of_number
from dialer.core.places import Place, place_of
from dialer.core.words import said
from dialer.core.zones import known_zone

from . import sentences
from .cells import BadCell, OwnField, number_as_typed, own_value
from .columns import CUSTOM, NUMBERS, TEXTS
from .reading import Broken

NOWHERE = Place()
_TEXTS = tuple(TEXTS)
_FORMULA_SIGNS = ("=", "+", "-", "@")


class Refused(ValueError):
    """A row that is not taken; the message says what to do."""


class Preparer:
    """Makes lines of records. `mapping`: what each column means; `width`: how many the header has."""

    def __init__(self, mapping: Mapping[int, str], own: Sequence[OwnField], region: str, width: int) -> None:
        places = {target: place for place, target in mapping.items()}
        self._phone = places["phone"]
        self._texts = [(_TEXTS.index(name), places[name], TEXTS[name]) for name in _TEXTS if name in places]
        self._numbers = [(kind, places[name]) for name, kind in NUMBERS.items() if name in places]
        self._own = [(one, places[CUSTOM + one.name]) for one in own if CUSTOM + one.name in places]
        self._region, self._postal = places.get("region"), places.get("postal_code")
        self._zone, self._address = places.get("time_zone"), places.get("address")
        self._placed = not (self._region is None and self._postal is None and self._address is None)
        self._home, self._width = region, width
        self._least = max(mapping) + 1
        self._zone_texts: dict[tuple[str, ...], str] = {}
        self._zone_names: dict[str, bool] = {}

    def line(self, row: int, cells: list[str] | Broken) -> tuple[str, str]:
        """The number (E.164) and the line for COPY, without `again`, which the caller adds. Raises Refused."""
        if isinstance(cells, Broken):
            raise Refused(cells.problem)
        if len(cells) != self._width:
            cells = self._as_wide(cells)
        phone = self._number(cells[self._phone])
        texts = [""] * len(_TEXTS)
        for slot, column, longest in self._texts:
            text = cells[column].strip()
            if text[:1] == "'" and text[1:2] in _FORMULA_SIGNS:
                text = text[1:]  # our own exports write it before what a spreadsheet would run
            texts[slot] = text if text.isprintable() and len(text) <= longest else _clean(text)[:longest]
        place = self._place(cells) if self._placed else NOWHERE
        told = cells[self._zone].strip() if self._zone is not None else ""
        zones: tuple[str, ...]
        if told:
            zones = (self._known_zone(told),)
        else:
            zones = tuple(zones_of_number(phone))
            if place.zones and place.zones != zones:
                zones = tuple(dict.fromkeys((*zones, *place.zones)))
        others = self._others(cells, phone) if self._numbers else ""
        custom = self._custom(cells) if self._own else "{}"
        zoned = "t" if told or place.zones else "f"
        line = "\t".join(
            (str(row), str(uuid7()), phone, *texts, place.region, place.postal_code, self._array(zones), zoned, custom)
        )
        if "\\" in line:
            line = line.replace("\\", "\\\\")
        return phone, f"{line}\t{others}"

    def _as_wide(self, cells: list[str]) -> list[str]:
        if any(cell.strip() for cell in cells[self._width : self._width + 10_000]):
            raise Refused(said(sentences.TOO_WIDE, cells=f"{len(cells):,}", columns=f"{self._width:,}"))
        return cells if len(cells) >= self._least else cells + [""] * (self._least - len(cells))

    def _number(self, cell: str) -> str:
        try:
            return parse_number(cell, self._home)
        except NotANumber as plain:
            # Only now, for this is slow: is it what a spreadsheet made of a number?
            try:
                typed = number_as_typed(cell)
                return parse_number(typed, self._home)
            except NotANumber as error:
                raise Refused(str(error if typed_differs(cell) else plain)) from error

    def _others(self, cells: list[str], phone: str) -> str:
        """The row's other numbers as kind:number, each once, without its own."""
        found: dict[str, str] = {}
        for kind, column in self._numbers:
            cell = cells[column]
            if cell and cell.strip() and (number := self._number(cell)) != phone:
                found.setdefault(number, kind)
        return ",".join(f"{kind}:{number}" for number, kind in found.items())

    def _custom(self, cells: list[str]) -> str:
        values: dict[str, Any] = {}
        for one, column in self._own:
            text = cells[column].strip()
            if text:  # a file may know less than an agent must
                try:
                    values[one.name] = own_value(one, text if text.isprintable() else _clean(text))
                except BadCell as error:
                    raise Refused(str(error)) from error
        return json.dumps(values) if values else "{}"

    def _place(self, cells: list[str]) -> Place:
        postal = _short(cells[self._postal]) if self._postal is not None else ""
        region = _short(cells[self._region]) if self._region is not None else ""
        if postal or region:
            return place_of(postal, region)
        return place_of("", "", cells[self._address].strip()[-40:]) if self._address is not None else NOWHERE

    def _known_zone(self, name: str) -> str:
        known = self._zone_names.get(name)
        if known is None:
            known = known_zone(name) is not None
            if len(self._zone_names) < 10_000:
                self._zone_names[name] = known
        if not known:
            raise Refused(said(sentences.NO_ZONE, zone=name[:40]))
        return name

    def _array(self, zones: tuple[str, ...]) -> str:
        text = self._zone_texts.get(zones)
        if text is None:
            text = self._zone_texts[zones] = "{" + ",".join(zones) + "}"
        return text


def typed_differs(cell: str) -> bool:
    """Whether a spreadsheet seems to have changed the number, so that its message is the one to give."""
    try:
        return number_as_typed(cell) != cell.strip()
    except NotANumber:
        return True


def _short(cell: str) -> str:
    text = cell.strip()[:40]
    return text if text.isprintable() else _clean(text)


def _clean(text: str) -> str:
    """The text without what no name or note holds: control characters (tabs and line ends become spaces)."""
    kept = "".join(sign if sign.isprintable() else " " for sign in text)
    return kept.encode("utf-8", "replace").decode("utf-8").strip()


def told(row: int, problem: str, cells: list[str] | Broken, width: int) -> str:
    """A refused row as a line for COPY: its number, what to do, and its cells as they came."""
    kept = [cells.begins] if isinstance(cells, Broken) else [cell[:2000] for cell in cells[: width + 20]]
    kept = [cell.replace("\0", "").encode("utf-8", "replace").decode("utf-8") for cell in kept]
    parts = (str(row), problem.replace("\0", "")[:500], json.dumps(kept))
    return "\t".join(
        part.replace("\\", "\\\\").replace("\t", "\\t").replace("\n", "\\n").replace("\r", "\\r") for part in parts
    )
