"""The fields of a lead that people edit: the fixed ones and the campaign's own, each with its form field.

Values of custom fields lie in `Lead.custom` as JSON: text, choice and number as strings (a number keeps its digits),
dates as ISO days, yes or no as booleans. A field that is empty is not there.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from decimal import Decimal
from typing import Any

from django import forms
from django.db import transaction
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from dialer.campaigns.models import CustomField, FieldKind
from dialer.core.numbers import zones_of_number
from dialer.core.places import place_of
from dialer.core.zones import known_zone

from .importing.columns import CUSTOM, TEXTS
from .models import Lead, NumberKind

FIXED = ("first_name", "last_name", "company", "address", "city", "postal_code", "time_zone", "notes")
NUMBERS = "numbers"
"""How a change of the other numbers is called in the history."""
LABELS = {
    "first_name": gettext_lazy("First name"),
    "last_name": gettext_lazy("Last name"),
    "company": gettext_lazy("Company"),
    "address": gettext_lazy("Address"),
    "city": gettext_lazy("City"),
    "postal_code": gettext_lazy("Postal code"),
    "time_zone": gettext_lazy("Time zone"),
    "notes": gettext_lazy("Notes on the customer"),
    NUMBERS: gettext_lazy("Other numbers"),
}


class NumberForm(forms.Form):
    """Another number of a customer; what is wrong with it is only known when it is added."""

    kind = forms.ChoiceField(label=gettext_lazy("Kind of number"), choices=NumberKind.choices)
    number = forms.CharField(
        label=gettext_lazy("Another number"),
        max_length=40,
        widget=forms.TextInput(
            attrs={
                "type": "tel",
                "inputmode": "tel",
                "autocomplete": "off",
                "placeholder": gettext_lazy("With area code"),
            }
        ),
    )


class ZoneField(forms.CharField):
    """A zone by its IANA name; empty means wherever the number may be."""

    def clean(self, value: Any) -> Any:
        """Refuse what is no zone."""
        name = super().clean(value)
        if name and known_zone(name) is None:
            raise forms.ValidationError(
                _("“%(zone)s” is not a time zone. Write it like America/New_York, or leave it empty.")
                % {"zone": name[:40]}
            )
        return name


class PlainText(forms.CharField):
    """Text without the signs that neither a screen nor PostgreSQL takes."""

    def to_python(self, value: Any) -> Any:
        """Drop them."""
        text = super().to_python(value)
        return "".join(sign for sign in text if sign.isprintable() or sign in "\n\t") if text else text


def custom_fields(campaign_id: int, tenant_id: int) -> list[CustomField]:
    """The fields that a campaign has of its own, in order."""
    return list(CustomField.objects.for_tenant(tenant_id).filter(campaign=campaign_id))


def form_of(lead: Lead, own: Sequence[CustomField], data: Any = None, only: str = "") -> forms.Form:
    """A form of all the lead's fields, or of one; `own` are its campaign's custom fields."""
    form = forms.Form(data, auto_id=f"lead-{lead.pk}-%s")
    made = {name: _fixed(name) for name in FIXED} | {CUSTOM + one.name: _of_kind(one) for one in own}
    made["notes"] = made.pop("notes")  # last, for it is wide
    for name, field in made.items():
        if only in ("", name):
            form.fields[name] = field
            form.initial[name] = value_of(lead, name)
    return form


def _fixed(name: str) -> forms.Field:
    label = LABELS[name]
    if name == "notes":
        return PlainText(label=label, required=False, max_length=8000, widget=forms.Textarea(attrs={"rows": 3}))
    if name == "time_zone":
        return ZoneField(label=label, required=False, max_length=64, widget=_text(list="lead-zones"))
    return PlainText(label=label, required=False, max_length=TEXTS.get(name, 12))


def _of_kind(one: CustomField) -> forms.Field:
    common: dict[str, Any] = {"label": one.label, "required": one.required}
    match one.kind:
        case FieldKind.NUMBER:
            # `localize`: with the decimal comma, too, where the language has it.
            digits: dict[str, Any] = {"max_digits": 18, "decimal_places": 6, "localize": True}
            return forms.DecimalField(**common, **digits, widget=_text(inputmode="decimal"))
        case FieldKind.DATE:
            return forms.DateField(
                **common, widget=forms.DateInput(format="%Y-%m-%d", attrs={"type": "date"}), input_formats=["%Y-%m-%d"]
            )
        case FieldKind.CHOICE:
            return forms.ChoiceField(**common, choices=[("", "–"), *((choice, choice) for choice in one.choices)])
        case FieldKind.YESNO:
            answers = [("", "–"), ("yes", _("Yes")), ("no", _("No"))]
            return forms.ChoiceField(**common, choices=answers)
        case _:
            return PlainText(**common, max_length=500)


def _text(**attrs: str) -> forms.TextInput:
    return forms.TextInput(attrs=attrs)


def value_of(lead: Lead, name: str) -> Any:
    """What a form shows of a field."""
    if name == "time_zone":
        return lead.time_zones[0] if len(lead.time_zones) == 1 else ""
    if not name.startswith(CUSTOM):
        return getattr(lead, name)
    value = lead.custom.get(name.removeprefix(CUSTOM))
    if isinstance(value, bool):
        return "yes" if value else "no"
    return value


def shown(value: Any) -> str:
    """A custom field's stored value as text, e.g. for a script."""
    if isinstance(value, bool):
        return _("yes") if value else _("no")
    return "" if value is None else str(value)


def save(*, lead: Lead, name: str, value: Any, kind: str = "") -> None:
    """Write one field of a lead: `value` is the form's cleaned one, `kind` a custom field's."""
    rows = Lead.objects.for_tenant(lead.tenant_id).filter(pk=lead.pk)
    if name == "time_zone":
        rows.update(time_zones=[value] if value else zones_of_number(lead.phone), refused_rule="")
    elif name == "postal_code":
        # It says where somebody is, so it counts for the zones beside what the number says, and all of them decide.
        place = place_of(value, "")
        zones = dict.fromkeys((*zones_of_number(lead.phone), *place.zones))
        rows.update(postal_code=place.postal_code, region=place.region, time_zones=list(zones), refused_rule="")
    elif not name.startswith(CUSTOM):
        rows.update(**{name: value})
    else:
        with transaction.atomic():
            custom = dict(rows.select_for_update(no_key=True).values_list("custom", flat=True).get())
            stored = _stored(value, kind)
            if stored is None:
                custom.pop(name.removeprefix(CUSTOM), None)
            else:
                custom[name.removeprefix(CUSTOM)] = stored
            rows.update(custom=custom)


def _stored(value: Any, kind: str) -> Any:
    if value in (None, ""):
        return None
    if kind == FieldKind.YESNO:
        return value == "yes"
    if isinstance(value, Decimal):
        return f"{value.normalize():f}"
    return value.isoformat() if isinstance(value, date) else value
