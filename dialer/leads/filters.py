"""Filters of leads, built from conditions and never from SQL: what somebody chose on a form becomes Django's Q.

A filter is kept as JSON: {"match": "all" or "any", "conditions": [{"field", "op", "value"} …]}. `parse` reads it (and
refuses what makes no sense, in words), `q_of` makes the Q that searches, exports and a campaign's dialing share.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal, InvalidOperation
from typing import Any

from django.db.models import Case, CharField, DecimalField, F, Func, Q, Value, When
from django.db.models.fields.json import KeyTextTransform
from django.db.models.functions import Cast, Lower
from django.db.models.lookups import (
    Contains,
    Exact,
    GreaterThanOrEqual,
    LessThanOrEqual,
    Regex,
    StartsWith,
)
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy as lazy

from dialer.campaigns.models import CustomField, FieldKind
from dialer.core.clock import now
from dialer.core.zones import known_zone

from .models import LeadState

MOST = 20
"""Conditions in a filter."""
LONGEST = 200
CUSTOM = "custom."
ALL, ANY = "all", "any"

OPS: dict[str, Any] = {
    "is": lazy("is"),
    "is_not": lazy("is not"),
    "contains": lazy("contains"),
    "begins": lazy("begins with"),
    "at_least": lazy("is at least"),
    "at_most": lazy("is at most"),
    "before": lazy("is before"),
    "from": lazy("is on or after"),
    "last_days": lazy("is within the last days"),
    "empty": lazy("is empty"),
    "filled": lazy("is not empty"),
}
WITHOUT_VALUE = frozenset({"empty", "filled"})
_OPS_OF = {
    "text": ("is", "is_not", "contains", "begins", "empty", "filled"),
    "choice": ("is", "is_not", "empty", "filled"),
    "number": ("is", "is_not", "at_least", "at_most", "empty", "filled"),
    "date": ("is", "before", "from", "last_days", "empty", "filled"),
    "yesno": ("is", "empty", "filled"),
    "zone": ("is", "is_not", "empty", "filled"),
}
_NEVER_EMPTY = frozenset({"phone", "state", "attempts", "priority", "created_at", "next_attempt_at"})
_NUMBER = r"^-?[0-9]{1,18}(\.[0-9]{1,9})?$"


class BadFilter(ValueError):
    """A filter that makes no sense; `row` is the condition's place (from 0), or None, and the message says the cure."""

    def __init__(self, message: str, row: int | None = None) -> None:
        super().__init__(message)
        self.row = row


@dataclass(frozen=True, slots=True)
class Field:
    """Something that a condition may ask about."""

    name: str
    label: str
    kind: str
    choices: tuple[tuple[str, str], ...] = ()

    @property
    def ops(self) -> tuple[str, ...]:
        """What may be asked of it."""
        return tuple(op for op in _OPS_OF[self.kind] if op not in WITHOUT_VALUE or self.name not in _NEVER_EMPTY)


@dataclass(frozen=True, slots=True)
class Condition:
    """One condition; the value is text as it was typed, checked by `parse`."""

    field: str
    op: str
    value: str = ""


@dataclass(frozen=True, slots=True)
class Filter:
    """Conditions of which all, or any, must hold. Without any it lets every lead through."""

    conditions: tuple[Condition, ...] = ()
    match: str = ALL

    def as_json(self) -> dict[str, Any]:
        """What is stored; `parse` reads it again."""
        return {"match": self.match, "conditions": [asdict(one) for one in self.conditions]} if self.conditions else {}


def fields_of(own: Sequence[CustomField] = ()) -> dict[str, Field]:
    """Every field that a filter may ask about, by name; `own` are a campaign's custom fields."""
    fixed = [
        Field("phone", _("Telephone number"), "text"),
        Field("first_name", _("First name"), "text"),
        Field("last_name", _("Last name"), "text"),
        Field("company", _("Company"), "text"),
        Field("notes", _("Notes on the customer"), "text"),
        Field("city", _("City"), "text"),
        Field("region", _("State or province"), "text"),
        Field("postal_code", _("Postal code"), "text"),
        Field("time_zone", _("Time zone"), "zone"),
        Field("state", _("Lead's state"), "choice", tuple((one.value, str(one.label)) for one in LeadState)),
        Field("attempts", _("Attempts"), "number"),
        Field("priority", _("Priority"), "number"),
        Field("last_outcome", _("Last outcome"), "text"),
        Field("refused_rule", _("Last refusal of the gate"), "text"),
        Field("created_at", _("Added on"), "date"),
        Field("next_attempt_at", _("Next attempt"), "date"),
    ]
    kinds = {FieldKind.NUMBER: "number", FieldKind.DATE: "date", FieldKind.CHOICE: "choice", FieldKind.YESNO: "yesno"}
    custom = [
        Field(
            CUSTOM + one.name,
            one.label,
            kinds.get(FieldKind(one.kind), "text"),
            tuple((choice, choice) for choice in one.choices),
        )
        for one in own
    ]
    return {field.name: field for field in (*fixed, *custom)}


def parse(data: Mapping[str, Any], known: Mapping[str, Field]) -> Filter:
    """Read a stored or sent filter. Raises BadFilter."""
    rows = data.get("conditions") or []
    match = data.get("match") or ALL
    if match not in (ALL, ANY) or not isinstance(rows, list):
        raise BadFilter(_("This is no filter. Build it again from its conditions."))
    if len(rows) > MOST:
        raise BadFilter(_("These are %(n)d conditions; %(most)d are the most.") % {"n": len(rows), "most": MOST})
    found = []
    for place, row in enumerate(rows):
        if not isinstance(row, Mapping):
            raise BadFilter(_("This is no filter. Build it again from its conditions."), place)
        one = Condition(*(str(row.get(name, "")).replace("\0", "").strip() for name in ("field", "op", "value")))
        _check(one, known, place)
        found.append(Condition(one.field, one.op, "" if one.op in WITHOUT_VALUE else one.value))
    return Filter(tuple(found), match)


def _check(one: Condition, known: Mapping[str, Field], place: int) -> None:
    field = known.get(one.field)
    if field is None:
        words = _("There is no field “%(field)s”. Choose one of those listed.") % {"field": one.field[:40]}
        raise BadFilter(words, place)
    if one.op not in field.ops:
        words = _("“%(label)s” cannot be asked that. Choose another comparison.") % {"label": field.label}
        raise BadFilter(words, place)
    if one.op in WITHOUT_VALUE:
        return
    if not one.value or len(one.value) > LONGEST:
        words = _("Give a value for “%(label)s”, %(most)d letters at most.") % {"label": field.label, "most": LONGEST}
        raise BadFilter(words, place)
    try:
        _value(field, one)
    except ValueError as error:
        raise BadFilter(f"{field.label}: {error}", place) from error


def _value(field: Field, one: Condition) -> Any:
    """The value as its kind compares it. Raises ValueError with the cure."""
    text = one.value
    if one.op == "last_days":
        if not (text.isascii() and text.isdigit() and 1 <= int(text[:6]) <= 3650):
            raise ValueError(_("“%(text)s” is no number of days. Give 1 to 3650.") % {"text": text[:40]})
        return int(text)
    match field.kind:
        case "number":
            return _number(text)
        case "date":
            try:
                return date.fromisoformat(text)
            except ValueError as error:
                raise ValueError(_("“%(text)s” is no date. Write it like 2027-01-31.") % {"text": text[:40]}) from error
        case "choice" if field.choices and text not in dict(field.choices):
            raise ValueError(_("“%(text)s” is none of its choices.") % {"text": text[:40]})
        case "yesno" if text not in ("yes", "no"):
            raise ValueError(_("“%(text)s” is neither yes nor no.") % {"text": text[:40]})
        case "zone" if known_zone(text) is None:
            raise ValueError(_("“%(text)s” is not a time zone. Write it like America/New_York.") % {"text": text[:40]})
        case _:
            return text


def _number(text: str) -> Decimal:
    try:
        number = Decimal(text)
    except InvalidOperation:
        number = Decimal("NaN")
    if not number.is_finite() or abs(number) >= Decimal(10) ** 15:
        raise ValueError(_("“%(text)s” is no number.") % {"text": text[:40]})
    return number


def q_of(chosen: Filter, known: Mapping[str, Field], zone: Any = UTC) -> Q:
    """The filter as Django's Q over `leads.Lead`; `zone` is the clock on which its days begin.

    A condition on a field that is no longer there holds for nobody: a lead is rather not called than called in error.
    """
    found = Q()
    for one in chosen.conditions:
        field = known.get(one.field)
        asked = _q(field, one, zone) if field is not None and one.op in field.ops else Q(pk__in=[])
        found = found | asked if chosen.match == ANY and found else found & asked
    return found


def _q(field: Field, one: Condition, zone: Any) -> Q:
    if one.op == "empty":
        return ~_filled(field)
    if one.op == "filled":
        return _filled(field)
    value = _value(field, one)
    if field.kind == "zone":
        has = Q(time_zones__contains=[value])
        return has if one.op == "is" else ~has
    if field.name.startswith(CUSTOM):
        return _custom(field, one, value)
    if field.kind == "date":
        return _moment(field.name, one.op, value, zone)
    if field.kind == "number":
        return _ask(F(field.name), one.op, value)
    if field.name == "phone":
        value = "".join(sign for sign in value if sign.isdigit() or sign == "+")
        return _ask(F("phone"), one.op, value)
    if field.name == "region":  # stored as US-CA, and CA is what people say
        code = Lower(Func(F("region"), Value("-"), Value(2), function="split_part", output_field=CharField()))
        return _ask(code, one.op, value.lower().rpartition("-")[2])
    return _ask(Lower(field.name), one.op, value.lower())


_ASKED: dict[str, Callable[[Any, Any], Any]] = {
    "is": Exact,
    "contains": Contains,
    "begins": StartsWith,
    "at_least": GreaterThanOrEqual,
    "at_most": LessThanOrEqual,
}


def _ask(left: Any, op: str, value: Any) -> Q:
    if op == "is_not":
        return ~Q(Exact(left, value))
    return Q(_ASKED[op](left, value))


def _filled(field: Field) -> Q:
    if field.name.startswith(CUSTOM):
        return Q(custom__has_key=field.name.removeprefix(CUSTOM))
    if field.kind == "zone":
        return ~Q(time_zones=[])
    return ~Q(**{field.name: ""})


def _custom(field: Field, one: Condition, value: Any) -> Q:
    """A custom field's value is text in JSON (but for yes and no): what lies there may be older than its kind."""
    name = field.name.removeprefix(CUSTOM)
    text = KeyTextTransform(name, F("custom"))
    has = Q(custom__has_key=name)
    match field.kind:
        case "yesno":
            return Q(custom__contains={name: value == "yes"})
        case "number":
            number = Case(
                When(Regex(text, _NUMBER), then=Cast(text, DecimalField(max_digits=30, decimal_places=9))),
                default=Value(None),
                output_field=DecimalField(max_digits=30, decimal_places=9),
            )
            return has & _ask(number, "is", value) if one.op == "is" else _other(has, number, one.op, value)
        case "date":
            day = value if isinstance(value, date) else now().date() - timedelta(days=value)
            if one.op == "before":
                return has & Q(LessThanOrEqual(text, (day - timedelta(days=1)).isoformat()))
            return has & (
                Q(Exact(text, day.isoformat())) if one.op == "is" else Q(GreaterThanOrEqual(text, day.isoformat()))
            )
        case _:
            return _other(has, Lower(text), one.op, value.lower())


def _other(has: Q, left: Any, op: str, value: Any) -> Q:
    """“Is not” holds for those who have no value, too; everything else only for those who have one."""
    if op == "is_not":
        return ~(has & Q(Exact(left, value)))
    return has & _ask(left, op, value)


def _moment(name: str, op: str, value: Any, zone: Any) -> Q:
    if op == "last_days":
        return Q(**{f"{name}__gte": now() - timedelta(days=value)})
    start = datetime.combine(value, time(), tzinfo=zone)
    if op == "before":
        return Q(**{f"{name}__lt": start})
    if op == "from":
        return Q(**{f"{name}__gte": start})
    return Q(**{f"{name}__gte": start, f"{name}__lt": datetime.combine(value + timedelta(days=1), time(), tzinfo=zone)})


def words_of(chosen: Filter, known: Mapping[str, Field]) -> list[str]:
    """The conditions as sentences, for screens and the audit trail."""
    return [
        " ".join(
            str(part)
            for part in (
                known[one.field].label if one.field in known else one.field,
                OPS.get(one.op, one.op),
                dict(known[one.field].choices).get(one.value, one.value) if one.field in known else one.value,
            )
            if part
        )
        for one in chosen.conditions
    ]
