"""Forms of privacy: how long things are kept, and one person."""

from __future__ import annotations

from typing import Any

from django import forms
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy as lazy

from dialer.compliance.forms import NumberForm
from dialer.compliance.models import EVIDENCE_DAYS, Retention
from dialer.people.models import Role


class RetentionForm(forms.Form):
    """Days for which each kind of data is kept; 0 keeps it."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for kind in Retention.Kind:
            least = EVIDENCE_DAYS if kind == Retention.Kind.REFUSALS else 1
            self.fields[kind.value] = forms.IntegerField(
                label=kind.label,
                min_value=0,
                max_value=36500,
                help_text=_("Days, %(least)s at least; 0 keeps them.") % {"least": least}
                if least > 1
                else _("Days; 0 keeps them."),
                widget=forms.NumberInput(attrs={"inputmode": "numeric"}),
            )

    def clean(self) -> dict[str, Any]:
        """Evidence is kept for as long as the law wants it."""
        data = super().clean() or {}
        days = data.get(Retention.Kind.REFUSALS.value)
        if days and days < EVIDENCE_DAYS:
            self.add_error(
                Retention.Kind.REFUSALS.value,
                _("The law wants records of calls for five years. Type %(evidence_days)s or more, or 0.")
                % {"evidence_days": EVIDENCE_DAYS},
            )
        return data


class PersonForm(NumberForm):
    """Whom it is about."""


class EraseForm(NumberForm):
    """Whom to forget, and why; the number is typed again, so that nobody is forgotten by a slip."""

    again = forms.CharField(
        label=lazy("The number once more"), max_length=40, widget=forms.TextInput(attrs={"type": "tel"})
    )
    why = forms.CharField(label=lazy("Why"), max_length=200, help_text=lazy("E.g. request by letter of 3 March."))

    def clean(self) -> dict[str, Any]:
        """Both must be the same number."""
        data = super().clean() or {}
        other = NumberForm({"number": data.get("again", "")}, region=self.region)
        if "number" in data and (not other.is_valid() or other.cleaned_data["number"] != data["number"]):
            self.add_error("again", _("This is another number. Type the same one again."))
        return data


class HiddenForm(forms.Form):
    """From which roles numbers are hidden."""

    roles = forms.MultipleChoiceField(
        label=lazy("These see only the last two digits"),
        choices=[(role.value, role.label) for role in Role if role != Role.ADMIN],
        widget=forms.CheckboxSelectMultiple,
        required=False,
    )
