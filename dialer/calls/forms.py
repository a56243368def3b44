"""The filter of the list of calls."""

from __future__ import annotations

from datetime import date
from typing import Any

from django import forms
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from dialer.campaigns.selectors import seen_by
from dialer.core.language import translated
from dialer.core.numbers import NotANumber, parse_number
from dialer.people.access import team_limit
from dialer.people.models import User

from .models import OUTCOMES


class CallFilter(forms.Form):
    """Which calls to show; every part may be left empty. What cannot be read is said and leaves that part out."""

    campaign: Any = forms.ModelChoiceField(
        None, required=False, to_field_name="public_id", empty_label=_("All campaigns"), label=_("Campaign")
    )
    outcome = forms.ChoiceField(
        required=False, choices=[("", _("All outcomes")), ("live", _("Live now")), *OUTCOMES], label=_("Outcome")
    )
    agent: Any = forms.ModelChoiceField(
        None, required=False, to_field_name="public_id", empty_label=_("All agents"), label=_("Agent")
    )
    day = forms.DateField(required=False, label=_("Day"), widget=forms.DateInput(attrs={"type": "date"}))
    number = forms.CharField(
        required=False,
        label=_("Number"),
        max_length=40,
        widget=forms.TextInput(attrs={"type": "tel", "autocomplete": "off"}),
    )

    def __init__(self, *args: Any, user: User, whole_numbers: bool, of_all: bool, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        assert user.tenant is not None
        self.tenant, team = user.tenant, team_limit(user)
        campaigns: Any = self.fields["campaign"]
        campaigns.queryset = seen_by(user)
        agents: Any = self.fields["agent"]
        people = User.objects.filter(tenant=self.tenant) if team is None else User.objects.filter(team=team)
        agents.queryset = people.order_by("first_name", "username")
        agents.label_from_instance = lambda user: user.shown_name
        if not whole_numbers:
            del self.fields["number"]
        if not of_all:
            del self.fields["agent"]

    def clean_day(self) -> date | None:
        """A day of this century; others are slips of the keyboard."""
        day: date | None = self.cleaned_data["day"]
        if day is not None and not 2000 <= day.year < 2100:
            raise forms.ValidationError(
                gettext("There are no calls of the year %(year)s. Choose another day.") % {"year": day.year}
            )
        return day

    def clean_number(self) -> str:
        """What was typed as E.164."""
        text: str = self.cleaned_data["number"].strip()
        if not text:
            return ""
        try:
            return parse_number(text, self.tenant.region)
        except NotANumber as error:
            raise forms.ValidationError(translated(error.args[0])) from error
