"""The editor of a filter: rows of field, comparison and value, read from what was sent and drawn again from it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from django.http import QueryDict
from django.utils.translation import gettext as _

from .filters import ALL, ANY, MOST, OPS, WITHOUT_VALUE, BadFilter, Condition, Field, Filter, parse

SPARE = 2
"""Empty rows at the end; as many more come when the filter is saved or counted."""
_INPUT = {"number": "number", "date": "date"}


@dataclass(frozen=True, slots=True)
class Row:
    """One row as it is drawn."""

    place: int
    chosen: Condition
    field: Field | None
    error: str = ""

    @property
    def ops(self) -> list[tuple[str, str]]:
        """What may be asked of the field."""
        return [(op, str(OPS[op])) for op in (self.field.ops if self.field else ())]

    @property
    def choices(self) -> list[tuple[str, str]]:
        """What may be chosen as the value, where it is chosen and not typed."""
        if self.field is None or self.chosen.op == "last_days":
            return []
        if self.field.kind == "yesno":
            return [("yes", _("Yes")), ("no", _("No"))]
        return list(self.field.choices)

    @property
    def takes_value(self) -> bool:
        """Whether the comparison wants a value."""
        return self.field is not None and self.chosen.op not in WITHOUT_VALUE

    @property
    def input_type(self) -> str:
        """The type of the value's field."""
        if self.chosen.op == "last_days":
            return "number"
        return _INPUT.get(self.field.kind, "text") if self.field else "text"


class Editor:
    """A filter in hand: what was sent, whether it makes sense, the rows to draw."""

    def __init__(
        self, known: Mapping[str, Field], data: QueryDict | None = None, stored: Mapping[str, Any] | None = None
    ):
        self.known = known
        self.error = ""
        self.wrong: int | None = None
        self.match = ALL
        self.typed: list[Condition] = []
        if data is not None:
            self.match = data.get("match", ALL) if data.get("match", ALL) in (ALL, ANY) else ALL
            self.typed = [one for place in range(MOST) if (one := _sent(data, place)) is not None]
        elif stored:
            self.match = stored.get("match", ALL)
            self.typed = [
                Condition(*(str(row.get(name, "")) for name in ("field", "op", "value")))
                for row in stored.get("conditions", [])
            ]
        self.filter = self._read()

    def _read(self) -> Filter | None:
        rows = [{"field": one.field, "op": one.op, "value": one.value} for one in self.typed]
        try:
            return parse({"match": self.match, "conditions": rows}, self.known)
        except BadFilter as error:
            self.error, self.wrong = str(error), error.row
            return None

    def rows(self) -> list[Row]:
        """The conditions, and some empty ones."""
        there = [
            Row(place, one, self.known.get(one.field), self.error if place == self.wrong else "")
            for place, one in enumerate(self.typed)
        ]
        spare = range(len(there), min(MOST, len(there) + SPARE))
        return there + [Row(place, Condition("", ""), None) for place in spare]

    def row(self, place: int) -> Row:
        """One row as it is while its field is being chosen: the comparison and the value may not fit yet."""
        one = next(iter(self.typed), Condition("", ""))
        field = self.known.get(one.field)
        op = one.op if field and one.op in field.ops else (field.ops[0] if field else "")
        value = one.value if not field or not field.choices or one.value in dict(field.choices) else ""
        return Row(place, Condition(one.field, op, value), field)


def finished(data: QueryDict) -> QueryDict:
    """What was sent without the rows of which the comparison or the value is still to come."""
    kept = data.copy()
    for place in range(MOST):
        op = data.get(f"op-{place}", "")
        if not op or (op not in WITHOUT_VALUE and not data.get(f"value-{place}", "").strip()):
            kept.pop(f"field-{place}", None)
    return kept


def _sent(data: QueryDict, place: int) -> Condition | None:
    field = data.get(f"field-{place}", "").strip()[:80]
    if not field:
        return None
    return Condition(field, data.get(f"op-{place}", "")[:20], data.get(f"value-{place}", "").strip()[:400])
