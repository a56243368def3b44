"""Forms of what a campaign puts on its agents' desks: goals, custom fields, the script."""

from __future__ import annotations

from typing import Any

from django import forms
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from dialer.core.forms import TenantForm

from .models import Campaign, CustomField, FieldKind, ScriptAnswer, ScriptPage
from .rules import FIELDS, problems_in

MOST_CHOICES = 50
SPARE_ANSWERS = 2


class DeskForm(TenantForm):
    """The wrap-up's extension, how long leads are shown, and the goals of the day."""

    class Meta:
        model = Campaign
        fields = ("wrapup_extension_s", "preview_s", "preview_then", "goal_calls", "goal_talk_min", "goal_conversions")
        labels = {
            "wrapup_extension_s": gettext_lazy("Wrap-up extension (seconds)"),
            "preview_s": gettext_lazy("Preview for at most (seconds)"),
            "preview_then": gettext_lazy("Then"),
            "goal_calls": gettext_lazy("Goal: conversations"),
            "goal_talk_min": gettext_lazy("Goal: minutes of talk"),
            "goal_conversions": gettext_lazy("Goal: conversions"),
        }
        help_texts = {
            "wrapup_extension_s": gettext_lazy("What an agent may add once per call. 0: nothing."),
            "preview_s": gettext_lazy(
                "How long a lead is shown before it is dialed or skipped by itself. 0: no limit."
            ),
            "goal_calls": gettext_lazy("Per agent and day. 0: no goal."),
            "goal_talk_min": gettext_lazy("Per agent and day. 0: no goal."),
            "goal_conversions": gettext_lazy("Per agent and day. 0: no goal."),
        }


class CustomFieldForm(TenantForm):
    """Something that the campaign wants to know of its leads."""

    class Meta:
        model = CustomField
        fields = ("label", "name", "kind", "choices", "required", "position")
        labels = {
            "label": gettext_lazy("Label"),
            "name": gettext_lazy("Name"),
            "kind": gettext_lazy("Kind"),
            "choices": gettext_lazy("Choices, one per line"),
            "required": gettext_lazy("Needed: an agent cannot empty it"),
            "position": gettext_lazy("Place on the card"),
        }
        help_texts = {
            "name": gettext_lazy("As scripts and files call it: small letters, digits and _, e.g. berth_length."),
            "required": "",
        }

    thing = "a field"

    def __init__(self, *args: Any, campaign: Campaign, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.instance.campaign = campaign
        self.fields["choices"] = forms.CharField(
            label=self.Meta.labels["choices"],
            help_text=_("Only for the kind “Choice”."),
            required=False,
            max_length=5000,
            widget=forms.Textarea(attrs={"rows": 4}),
        )
        self.initial["choices"] = "\n".join(self.instance.choices)
        if self.instance.pk is not None:  # leads' values lie under it
            self.fields["name"].disabled = True

    def _rivals(self) -> Any:
        return super()._rivals().filter(campaign=self.instance.campaign)

    def clean_choices(self) -> list[str]:
        """One per line, each once, none too long."""
        lines = [line.strip() for line in self.cleaned_data["choices"].splitlines()]
        chosen = list(dict.fromkeys(line for line in lines if line))
        if len(chosen) > MOST_CHOICES:
            raise forms.ValidationError(_("These are %(n)d choices; 50 are the most.") % {"n": len(chosen)})
        for choice in chosen:
            if len(choice) > 80:
                raise forms.ValidationError(_("“%(text)s…” is longer than 80 letters.") % {"text": choice[:30]})
        return chosen

    def clean(self) -> dict[str, Any]:
        """A choice has something to choose from; nothing else has."""
        data = super().clean() or {}
        if data.get("kind") == FieldKind.CHOICE and not data.get("choices") and "choices" not in self.errors:
            self.add_error("choices", _("There is nothing to choose from. Write one choice per line."))
        if data.get("kind") != FieldKind.CHOICE:
            data["choices"] = []
        return data


def merge_fields(campaign: Campaign) -> dict[str, str]:
    """The merge fields that this campaign's script may use, and what each is."""
    return {**FIELDS, **{f"lead.custom.{one.name}": one.label for one in campaign.custom_fields.all()}}


class ScriptPageForm(TenantForm):
    """A page of the script."""

    class Meta:
        model = ScriptPage
        fields = ("title", "position", "body")
        labels = {
            "title": gettext_lazy("Title"),
            "position": gettext_lazy("Place"),
            "body": gettext_lazy("What the agent says"),
        }
        help_texts = {"position": gettext_lazy("A call begins with the page of the lowest place.")}
        widgets = {"body": forms.Textarea(attrs={"rows": 12, "spellcheck": "true"})}

    thing = "a page"

    def __init__(self, *args: Any, campaign: Campaign, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.instance.campaign = campaign
        self.known = merge_fields(campaign)

    def _rivals(self) -> Any:
        return super()._rivals().filter(campaign=self.instance.campaign)

    def clean_title(self) -> str:
        """Once in the script."""
        return self._own("title")

    def clean_body(self) -> str:
        """Merge fields that do not exist are named here, not found out on a call."""
        body: str = self.cleaned_data["body"]
        if problems := problems_in(body, self.known):
            raise forms.ValidationError(problems)
        return body


class AnswerForm(TenantForm):
    """An answer and the page that it leads to; without a label it is left out."""

    class Meta:
        model = ScriptAnswer
        fields = ("label", "leads_to")
        labels = {"label": gettext_lazy("The customer says"), "leads_to": gettext_lazy("Leads to")}

    def __init__(self, *args: Any, campaign: Campaign, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["label"].required = False
        pages: Any = self.fields["leads_to"]
        pages.queryset = ScriptPage.objects.for_tenant(campaign.tenant_id).filter(campaign=campaign)
        pages.required, pages.empty_label = False, "–"

    def clean(self) -> dict[str, Any]:
        """Both or neither."""
        data = super().clean() or {}
        if data.get("label") and not data.get("leads_to") and "leads_to" not in self.errors:
            self.add_error("leads_to", _("Choose the page that “%(label)s” leads to.") % {"label": data["label"]})
        if data.get("leads_to") and not data.get("label"):
            self.add_error("label", _("Say what the customer answers, or choose no page."))
        return data


def answer_forms(page: ScriptPage, campaign: Campaign, data: Any = None) -> list[AnswerForm]:
    """A form for each answer of a page, and some spare ones."""
    there: list[ScriptAnswer | None] = list(page.answers.all()) if page.pk is not None else []
    rows = there + [None] * SPARE_ANSWERS
    return [
        AnswerForm(data, instance=row, tenant=campaign.tenant, campaign=campaign, prefix=f"answer-{place}")
        for place, row in enumerate(rows)
    ]
