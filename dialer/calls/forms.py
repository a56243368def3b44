"""The filter of the list of calls."""

from __future__ import annotations

from datetime import date
from typing import Any

from django import forms

from dialer.campaigns.models import Campaign
from dialer.core.numbers import NotANumber, parse_number
from dialer.people.models import Tenant, User

from .models import OUTCOMES


class CallFilter(forms.Form):
    """Which calls to show; every part may be left empty. What cannot be read is said and leaves that part out."""

    campaign: Any = forms.ModelChoiceField(None, required=False, to_field_name="public_id", empty_label="All campaigns")
    outcome = forms.ChoiceField(required=False, choices=[("", "All outcomes"), ("live", "Live now"), *OUTCOMES])
    agent: Any = forms.ModelChoiceField(None, required=False, to_field_name="public_id", empty_label="All agents")
    day = forms.DateField(required=False, widget=forms.DateInput(attrs={"type": "date"}))
    number = forms.CharField(
        required=False, max_length=40, widget=forms.TextInput(attrs={"type": "tel", "autocomplete": "off"})
    )

    def __init__(self, *args: Any, tenant: Tenant, whole_numbers: bool, of_all: bool, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.tenant = tenant
        campaigns: Any = self.fields["campaign"]
        campaigns.queryset = Campaign.objects.for_tenant(tenant)
        agents: Any = self.fields["agent"]
        agents.queryset = User.objects.filter(tenant=tenant).order_by("first_name", "username")
        agents.label_from_instance = lambda user: user.shown_name
        if not whole_numbers:
            del self.fields["number"]
        if not of_all:
            del self.fields["agent"]

    def clean_day(self) -> date | None:
        """A day of this century; others are slips of the keyboard."""
        day: date | None = self.cleaned_data["day"]
        if day is not None and not 2000 <= day.year < 2100:
            raise forms.ValidationError(f"There are no calls of the year {day.year}. Choose another day.")
        return day

    def clean_number(self) -> str:
        """What was typed as E.164."""
        text: str = self.cleaned_data["number"].strip()
        if not text:
            return ""
        try:
            return parse_number(text, self.tenant.region)
        except NotANumber as error:
            raise forms.ValidationError(str(error)) from error
