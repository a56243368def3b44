"""Finding leads of a campaign: by number or name, list, state, and the conditions of which filters are built.

Search, export and changes of many share it.
"""

from __future__ import annotations

import re
from zoneinfo import ZoneInfo

from django import forms
from django.db.models import Q
from django.http import QueryDict
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy as lazy

from dialer.campaigns.models import Campaign, LeadList
from dialer.core.models import TenantQuerySet
from dialer.core.numbers import NotANumber, parse_number
from dialer.core.zones import known_zone

from .fields import custom_fields
from .filter_forms import Editor
from .filters import fields_of, q_of
from .models import Lead, LeadNumber, LeadState

LEAST_DIGITS = 7
"""From so many digits on a word is taken for a number."""
_OF_CONDITIONS = re.compile(r"match|(?:field|op|value)-[0-9]{1,2}")


class SearchForm(forms.Form):
    """What is looked for. Every field is optional."""

    q = forms.CharField(
        required=False, max_length=100, label=lazy("Number or name"), widget=forms.TextInput(attrs={"type": "search"})
    )
    state = forms.ChoiceField(required=False, label=lazy("State"))

    def __init__(self, data: QueryDict, *, campaign: Campaign) -> None:
        super().__init__(data)
        self.campaign = campaign
        self.editor = Editor(fields_of(custom_fields(campaign.pk, campaign.tenant_id)), data)
        lists = LeadList.objects.for_tenant(campaign.tenant_id).filter(campaign=campaign)
        self.fields["list"] = forms.ModelChoiceField(
            lists, required=False, to_field_name="public_id", label=lazy("List"), empty_label=_("Every list")
        )
        self.fields["state"].choices = [("", _("Every state")), *LeadState.choices]  # type: ignore[attr-defined]
        said = [name for name in data if name in self.fields or _OF_CONDITIONS.fullmatch(name)]
        self.asked = {name: data[name] for name in said if data[name]}
        """What was asked, to be asked again: for the next page, the file, the change of all."""

    @property
    def found(self) -> TenantQuerySet:
        """The leads in the order they were added; nobody when the form is not valid."""
        rows = Lead.objects.for_tenant(self.campaign.tenant_id).filter(campaign=self.campaign).order_by("pk")
        if not self.is_valid() or self.editor.filter is None:
            return rows.none()
        asked = self.cleaned_data
        if asked.get("list"):
            rows = rows.filter(list=asked["list"])
        if asked["state"]:
            rows = rows.filter(state=asked["state"])
        zone = known_zone(self.campaign.tenant.time_zone) or ZoneInfo("UTC")
        conditions = q_of(self.editor.filter, self.editor.known, zone)
        return rows.filter(self._words(asked["q"].replace("\0", "")), conditions)

    def _words(self, text: str) -> Q:
        if sum(sign.isdigit() for sign in text) >= LEAST_DIGITS:
            try:
                phone = parse_number(text, self.campaign.tenant.region)
            except NotANumber:
                return Q(pk=None)
            return Q(phone=phone) | Q(pk__in=self._with_other_number(phone))
        found = Q()
        for word in text.split():
            found &= Q(first_name__istartswith=word) | Q(last_name__istartswith=word) | Q(company__istartswith=word)
        return found

    def _with_other_number(self, phone: str) -> list[int]:
        rows = LeadNumber.objects.for_tenant(self.campaign.tenant_id).filter(phone=phone)
        return list(rows.values_list("lead_id", flat=True)[:1000])
