"""Finding leads of a campaign: by number or name, list, state and last outcome. Search, export and bulk share it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django import forms
from django.db.models import Q
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy as lazy

from dialer.campaigns.models import Campaign, LeadList
from dialer.core.models import TenantQuerySet
from dialer.core.numbers import NotANumber, parse_number

from .models import Lead, LeadNumber, LeadState

LEAST_DIGITS = 7
"""From so many digits on a word is taken for a number."""


class SearchForm(forms.Form):
    """What is looked for. Every field is optional."""

    q = forms.CharField(
        required=False, max_length=100, label=lazy("Number or name"), widget=forms.TextInput(attrs={"type": "search"})
    )
    state = forms.ChoiceField(required=False, label=lazy("State"))

    def __init__(self, data: Mapping[str, Any] | None = None, *, campaign: Campaign) -> None:
        super().__init__(data)
        self.campaign = campaign
        lists = LeadList.objects.for_tenant(campaign.tenant_id).filter(campaign=campaign)
        self.fields["list"] = forms.ModelChoiceField(
            lists, required=False, to_field_name="public_id", label=lazy("List"), empty_label=_("Every list")
        )
        self.fields["state"].choices = [("", _("Every state")), *LeadState.choices]  # type: ignore[attr-defined]

    @property
    def found(self) -> TenantQuerySet:
        """The leads in the order they were added; nobody when the form is not valid."""
        rows = Lead.objects.for_tenant(self.campaign.tenant_id).filter(campaign=self.campaign).order_by("pk")
        if not self.is_valid():
            return rows.none()
        asked = self.cleaned_data
        if asked.get("list"):
            rows = rows.filter(list=asked["list"])
        if asked["state"]:
            rows = rows.filter(state=asked["state"])
        return rows.filter(self._words(asked["q"].replace("\0", "")))

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
