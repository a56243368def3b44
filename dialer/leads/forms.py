"""The form that makes a list of leads."""

from __future__ import annotations

from typing import Any

from django import forms

from dialer.campaigns.models import Campaign, LeadList

from .imports import MAX_BYTES, BadFile, decode

EXAMPLE = "phone,first_name,last_name,company\n+1 212 555 0100,Ada,Byron,Analytical Ltd"


class NewListForm(forms.Form):
    """A name, and leads as a file or as pasted text."""

    name = forms.CharField(max_length=80)
    priority = forms.IntegerField(
        initial=0, min_value=-1000, max_value=1000, help_text="Leads of a list with a higher number are called first."
    )
    file = forms.FileField(
        required=False,
        label="CSV file",
        help_text="The first row names the columns: phone, first_name, last_name, company, notes, time_zone, "
        "mobile_phone, home_phone, work_phone, other_phone, and the campaign's custom fields by their names.",
        widget=forms.ClearableFileInput(attrs={"accept": ".csv,.txt,text/csv,text/plain"}),
    )
    pasted = forms.CharField(
        required=False,
        strip=False,
        label="Or paste the rows",
        widget=forms.Textarea(attrs={"rows": 8, "spellcheck": "false", "placeholder": EXAMPLE}),
    )

    def __init__(self, *args: Any, campaign: Campaign, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.campaign = campaign

    def clean_name(self) -> str:
        """Once in the campaign."""
        name: str = self.cleaned_data["name"]
        if LeadList.objects.for_tenant(self.campaign.tenant_id).filter(campaign=self.campaign, name=name).exists():
            raise forms.ValidationError(f"There is a list called “{name}” in this campaign already. Choose another.")
        return name

    def clean_file(self) -> Any:
        """No larger than can be read at once."""
        file = self.cleaned_data["file"]
        if file is not None and file.size > MAX_BYTES:
            raise forms.ValidationError(f"The file is larger than {MAX_BYTES // 1024 // 1024} MB. Split it.")
        return file

    def clean(self) -> dict[str, Any]:
        """Exactly one source; its text is `cleaned_data["text"]`."""
        data = super().clean() or {}
        file, pasted = data.get("file"), data.get("pasted", "")
        if file and pasted.strip():
            raise forms.ValidationError("There is a file and pasted text. Give one of them.")
        try:
            data["text"] = decode(file.read()) if file else pasted
        except BadFile as error:
            self.add_error("file", str(error))
            return data
        if not data["text"].strip() and "file" not in self.errors:
            raise forms.ValidationError("A list without leads is not kept. Choose a CSV file, or paste the rows.")
        return data
