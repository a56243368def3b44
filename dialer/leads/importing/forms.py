"""The forms of an import: the file, and what is to be done with it."""

from __future__ import annotations

from typing import Any

import phonenumbers
from django import forms
from django.core.files.base import ContentFile
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy as lazy

from dialer.campaigns.models import LeadList
from dialer.leads.fields import LABELS

from .columns import CUSTOM, TARGETS
from .models import Import, OnDuplicate, Scope
from .reading import DELIMITERS, ENCODINGS
from .services import own_fields

EXAMPLE = "phone,first_name,last_name,company\n+1 212 555 0100,Ada,Byron,Analytical Ltd"
WORDS = {
    **LABELS,
    "phone": lazy("Phone number"),
    "address": lazy("Address"),
    "city": lazy("City"),
    "region": lazy("State or province"),
    "postal_code": lazy("Postal code"),
    "mobile_phone": lazy("Mobile number"),
    "home_phone": lazy("Home number"),
    "work_phone": lazy("Work number"),
    "other_phone": lazy("Other number"),
}
_SIGNS = {",": lazy("Comma"), ";": lazy("Semicolon"), "\t": lazy("Tab"), "|": lazy("Bar")}


class UploadForm(forms.Form):
    """Leads as a file or as pasted text."""

    file = forms.FileField(
        required=False,
        label=lazy("CSV or XLSX file"),
        help_text=lazy(
            "The first row names the columns, in any order and language: on the next page you say what they mean."
        ),
        widget=forms.ClearableFileInput(attrs={"accept": ".csv,.txt,.tsv,.xlsx,text/csv,text/plain"}),
    )
    pasted = forms.CharField(
        required=False,
        strip=False,
        label=lazy("Or paste the rows"),
        widget=forms.Textarea(attrs={"rows": 6, "spellcheck": "false", "placeholder": EXAMPLE}),
    )

    def clean(self) -> dict[str, Any]:
        """Exactly one source, as a file in any case."""
        data = super().clean() or {}
        file, pasted = data.get("file"), data.get("pasted", "")
        if file and pasted.strip():
            raise forms.ValidationError(_("There is a file and pasted text. Give one of them."))
        if not file and pasted.strip():
            data["file"] = ContentFile(pasted.encode("utf-8", "replace"), name=_("Pasted rows"))
        elif not file and "file" not in self.errors:
            raise forms.ValidationError(_("A list without leads is not kept. Choose a file, or paste the rows."))
        return data


class SettingsForm(forms.ModelForm):
    """Where the rows go and what is done with duplicates, and what each column means."""

    class Meta:
        model = Import
        fields = ["list", "list_name", "priority", "region", "scope", "on_duplicate", "days"]
        labels = {
            "list": lazy("Into"),
            "list_name": lazy("Name of the new list"),
            "region": lazy("Country of numbers without a country code"),
            "scope": lazy("A number counts as a duplicate"),
            "on_duplicate": lazy("Then"),
            "days": lazy("Only if added within so many days"),
        }
        help_texts = {
            "priority": lazy("Of the new list. Leads of a list with a higher number are called first."),
            "days": lazy("0: whenever it was added."),
            "on_duplicate": lazy("A lead that is moved keeps its attempts; one on a call or with a callback is left."),
        }

    def __init__(self, data: Any = None, *, instance: Import) -> None:
        super().__init__(data, instance=instance)
        lists = LeadList.objects.for_tenant(instance.tenant_id).filter(campaign=instance.campaign_id)
        self.fields["list"] = forms.ModelChoiceField(
            lists, required=False, label=lazy("Into"), empty_label=_("A new list")
        )
        self.fields["priority"] = forms.IntegerField(
            min_value=-1000, max_value=1000, label=lazy("Priority"), help_text=self.Meta.help_texts["priority"]
        )
        self.fields["region"] = forms.ChoiceField(
            choices=[(name, name) for name in sorted(phonenumbers.SUPPORTED_REGIONS)], label=self.Meta.labels["region"]
        )
        self.fields["scope"].choices = Scope.choices  # type: ignore[attr-defined]
        self.fields["on_duplicate"].choices = OnDuplicate.choices  # type: ignore[attr-defined]
        self.own = own_fields(instance)
        choices = [("", _("– leave out –")), *((name, WORDS[name]) for name in TARGETS)]
        choices += [(CUSTOM + one.name, one.label) for one in self.own]
        self.columns = []
        for place, title in enumerate(instance.header):
            name = f"column-{place}"
            label = title or _("Column %(number)s") % {"number": place + 1}
            self.fields[name] = forms.ChoiceField(
                choices=choices,
                required=False,
                label=label,
                initial=instance.mapping.get(str(place), ""),
                widget=forms.Select(attrs={"aria-label": label}),
            )
            self.columns.append(name)
        if instance.kind == "csv":
            self.fields["encoding"] = forms.ChoiceField(
                choices=[(name, name) for name in ENCODINGS],
                initial=instance.encoding,
                label=lazy("Encoding"),
                help_text=lazy("Change it if letters look wrong."),
            )
            self.fields["delimiter"] = forms.ChoiceField(
                choices=[(sign, _SIGNS[sign]) for sign in DELIMITERS],
                initial=instance.delimiter,
                label=lazy("Delimiter"),
            )

    @property
    def column_rows(self) -> list[tuple[Any, list[str]]]:
        """Each column's field with what stands in its first rows."""
        sample = self.instance.sample
        return [
            (self[name], [row[place] for row in sample if place < len(row) and row[place].strip()][:3])
            for place, name in enumerate(self.columns)
        ]

    @property
    def other_fields(self) -> list[Any]:
        """The fields that are no columns."""
        return [self[name] for name in self.fields if name not in self.columns]

    @property
    def mapping(self) -> dict[int, str]:
        """What the columns mean."""
        told = ((place, self.cleaned_data.get(name, "")) for place, name in enumerate(self.columns))
        return {place: target for place, target in told if target}

    @property
    def reading_changed(self) -> bool:
        """Whether the file is to be read in another way, so that its columns must be looked at first."""
        return bool({"encoding", "delimiter"} & set(self.changed_data))

    def clean(self) -> dict[str, Any]:
        """A number, each field once, and a list."""
        data = super().clean() or {}
        if not self.is_bound or self.reading_changed:
            return data
        targets = list(self.mapping.values())
        if "phone" not in targets:
            raise forms.ValidationError(_("Say which column is the phone number."))
        words = {**WORDS, **{CUSTOM + one.name: one.label for one in self.own}}
        for target in sorted({target for target in targets if targets.count(target) > 1}):
            raise forms.ValidationError(
                _("Two columns are “%(field)s”. Leave one of them out.") % {"field": words[target]}
            )
        if data.get("list") is None and not data.get("list_name", "").strip():
            self.add_error("list_name", _("Give the new list a name, or choose a list."))
        return data

    @property
    def values(self) -> dict[str, Any]:
        """What is kept of the import itself."""
        return {name: self.cleaned_data[name] for name in self.Meta.fields}
