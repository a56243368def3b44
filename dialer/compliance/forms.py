"""Forms of the do-not-call list."""

from __future__ import annotations

from typing import Any

from django import forms

from dialer.core.numbers import NotANumber, parse_number


class NumberForm(forms.Form):
    """A number to look up or to add, kept in E.164."""

    number = forms.CharField(
        max_length=40, widget=forms.TextInput(attrs={"type": "tel", "autocomplete": "off", "inputmode": "tel"})
    )

    def __init__(self, *args: Any, region: str, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.region = region

    def clean_number(self) -> str:
        """What was typed as E.164."""
        try:
            return parse_number(self.cleaned_data["number"], self.region)
        except NotANumber as error:
            raise forms.ValidationError(str(error)) from error
