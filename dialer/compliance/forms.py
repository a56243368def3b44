"""Forms of compliance: numbers, lists, patterns, consents, stops, and what a campaign says of itself."""

from __future__ import annotations

from datetime import datetime, time
from typing import Any

from django import forms
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy as lazy

from dialer.campaigns.models import Campaign
from dialer.core.forms import TenantForm
from dialer.core.language import translated
from dialer.core.numbers import NotANumber, parse_beginning, parse_number
from dialer.core.regions import country_of, region_words
from dialer.people.models import Tenant

from .models import CampaignTerms, Consent, DncEntry, NumberNote
from .rulebook import known_regions

MANY = 20_000
"""Numbers that may be pasted at once; more come as a file through an import."""


class NumberForm(forms.Form):
    """A number to look up or to add, kept in E.164."""

    number = forms.CharField(
        label=lazy("Number"),
        max_length=40,
        widget=forms.TextInput(attrs={"type": "tel", "autocomplete": "off", "inputmode": "tel"}),
    )

    def __init__(self, *args: Any, region: str, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.region = region

    def clean_number(self) -> str:
        """What was typed as E.164."""
        try:
            return parse_number(self.cleaned_data["number"], self.region)
        except NotANumber as error:
            raise forms.ValidationError(translated(error.args[0])) from error


class StoryForm(NumberForm):
    """A number, and the moment that is asked about, on the tenant's clock."""

    at = forms.DateTimeField(
        label=lazy("At (your clock)"),
        required=False,
        widget=forms.DateTimeInput(format="%Y-%m-%dT%H:%M", attrs={"type": "datetime-local"}),
    )


class CampaignChoice(forms.ModelChoiceField):
    """One of the tenant's campaigns, or every one."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(queryset=None, required=False, empty_label=_("Every campaign"), **kwargs)


class _OfTenant(forms.Form):
    def __init__(self, *args: Any, tenant: Tenant, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.tenant = tenant
        choice: Any = self.fields.get("campaign")
        if choice is not None:
            choice.queryset = Campaign.objects.for_tenant(tenant)


class ManyNumbersForm(_OfTenant):
    """Numbers to put on a list, one per line."""

    numbers = forms.CharField(
        label=lazy("Numbers"),
        widget=forms.Textarea(attrs={"rows": 6, "autocomplete": "off"}),
        help_text=lazy("One per line."),
    )
    kind = forms.ChoiceField(label=lazy("List"), choices=DncEntry.Kind.choices)
    campaign = CampaignChoice(label=lazy("For"))

    def clean_numbers(self) -> list[str]:
        """All of them as E.164, each once; the first that is none is named with its line."""
        lines = [line.strip() for line in self.cleaned_data["numbers"].splitlines()]
        if len(lines) > MANY:
            raise forms.ValidationError(
                _("These are %(lines)s lines; %(many)s can be added at once.") % {"lines": len(lines), "many": MANY}
            )
        found: dict[str, None] = {}
        for place, line in enumerate(lines, start=1):
            if not line:
                continue
            try:
                found[parse_number(line, self.tenant.region)] = None
            except NotANumber as error:
                raise forms.ValidationError(
                    _("Line %(place)s: %(error)s") % {"place": place, "error": translated(error.args[0])}
                ) from error
        return list(found)


class PatternForm(_OfTenant):
    """The first digits of numbers that are never dialed."""

    digits = forms.CharField(
        label=lazy("Begins with"),
        max_length=20,
        help_text=lazy("With + and the country code, or an area code, e.g. 900."),
        widget=forms.TextInput(attrs={"inputmode": "tel", "autocomplete": "off"}),
    )
    campaign = CampaignChoice(label=lazy("For"))
    note = forms.CharField(label=lazy("Note"), max_length=200, required=False)

    def clean_digits(self) -> str:
        """The digits in international form; digits without + are of the tenant's own country."""
        try:
            return parse_beginning(self.cleaned_data["digits"], self.tenant.region)
        except NotANumber as error:
            raise forms.ValidationError(translated(error.args[0])) from error


class ConsentForm(forms.ModelForm):
    """A consent or a business relationship, with its source and proof."""

    class Meta:
        model = Consent
        fields = ("kind", "source", "proof", "given_at", "expires_at")
        labels = {
            "kind": lazy("Kind"),
            "source": lazy("Source"),
            "proof": lazy("Proof"),
            "given_at": lazy("Given at (your clock)"),
            "expires_at": lazy("Ends at (empty: never)"),
        }
        help_texts = {
            "source": lazy("Where it was given: a form, a call, a contract."),
            "proof": lazy("What proves it: an address, a file, a wording."),
        }
        widgets = {
            name: forms.DateTimeInput(format="%Y-%m-%dT%H:%M", attrs={"type": "datetime-local"})
            for name in ("given_at", "expires_at")
        }

    def clean(self) -> dict[str, Any]:
        """Consent is given before now, and ends after it is given; written consent says what proves it."""
        data = super().clean() or {}
        given_at, expires_at = data.get("given_at"), data.get("expires_at")
        if given_at and given_at > timezone.now():
            self.add_error("given_at", _("This is in the future. Record a consent when it has been given."))
        if given_at and expires_at and expires_at <= given_at:
            self.add_error("expires_at", _("It would end before it was given. Choose a later time, or none."))
        if data.get("kind") == Consent.Kind.WRITTEN and not data.get("proof"):
            self.add_error("proof", _("Written consent needs its proof: where the document or form is kept."))
        return data


class EntryChoice(forms.ModelChoiceField):
    """One of a number's entries on do-not-call lists."""

    def label_from_instance(self, obj: DncEntry) -> str:
        """The list, and whose it is."""
        return f"{obj.get_kind_display()}, {obj.campaign.name if obj.campaign else _('every campaign')}"


class RemovalForm(forms.Form):
    """Which entry of a number is taken off the do-not-call list, and why."""

    entry = EntryChoice(label=lazy("List"), queryset=None, empty_label=None)
    why = forms.CharField(label=lazy("Why it is taken off"), max_length=200)

    def __init__(self, *args: Any, tenant: Tenant, number: str, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        entries = DncEntry.objects.for_tenant(tenant).filter(phone=number)
        self.fields["entry"].queryset = entries.select_related("campaign")  # type: ignore[attr-defined]


class RevokeForm(forms.Form):
    """How somebody took their consent back."""

    how = forms.CharField(label=lazy("How they said so"), max_length=200)


class NoteForm(forms.ModelForm):
    """What is known of a number itself."""

    class Meta:
        model = NumberNote
        fields = ("wireless", "by_hand_only", "legal_hold", "reassigned", "reassigned_since")
        labels = {
            "wireless": lazy("Wireless"),
            "by_hand_only": lazy("Dialed by hand only"),
            "legal_hold": lazy("Legal hold: nothing of it is removed"),
            "reassigned": lazy("Reassigned since that date"),
            "reassigned_since": lazy("Date asked about"),
        }
        help_texts = {"legal_hold": "", "reassigned_since": lazy("The consent's, for instance.")}
        widgets = {"reassigned_since": forms.DateInput(format="%Y-%m-%d", attrs={"type": "date"})}

    asked_on = forms.DateField(
        required=False,
        label=lazy("Asked on"),
        help_text=lazy("Its age counts from here. Empty: today."),
        widget=forms.DateInput(format="%Y-%m-%d", attrs={"type": "date"}),
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["reassigned_since"].required = False
        self._asked_at: datetime | None = self.instance.reassigned_at
        if self._asked_at is not None:
            self.initial["asked_on"] = timezone.localdate(self._asked_at)

    def clean(self) -> dict[str, Any]:
        """An answer about reassignment is about a date, and has one itself, which nothing else makes younger."""
        data = super().clean() or {}
        if data.get("reassigned") and not data.get("reassigned_since"):
            self.add_error("reassigned_since", _("Give the date that the database was asked about (the consent's)."))
        today = timezone.localdate()
        asked_on = data.get("asked_on") or today
        if asked_on > today:
            self.add_error("asked_on", _("This is in the future. Give the day on which the database was asked."))
        if self._asked_at is not None and asked_on == timezone.localdate(self._asked_at):
            data["reassigned_at"] = self._asked_at
        else:
            start = timezone.make_aware(datetime.combine(asked_on, time.min))
            data["reassigned_at"] = timezone.now() if asked_on == today else start
        if not data.get("reassigned"):
            data["reassigned_at"] = None
        return data


class StopForm(forms.Form):
    """A state or country in which nothing is to be dialed."""

    region = forms.ChoiceField(label=lazy("State or country"))
    why = forms.CharField(label=lazy("Why"), max_length=200, required=False)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        choice: Any = self.fields["region"]
        groups: dict[str, list[tuple[str, str]]] = {}
        for region in known_regions():
            groups.setdefault(country_of(region), []).append((region, region_words(region)))
        choice.choices = [("", _("Choose …")), *groups.items()]


class TermsForm(TenantForm):
    """What a campaign says of itself to the gate."""

    class Meta:
        model = CampaignTerms
        fields = ("purpose", "consent", "attempts", "wireless_by_hand", "reassigned_days")
        labels = {"purpose": lazy("Purpose"), "consent": lazy("Consent")}
