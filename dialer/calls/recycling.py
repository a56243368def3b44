"""The recycle rules of a campaign as one form: a row for each outcome, and for each disposition that is recycled."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from django import forms
from django.db import transaction
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from dialer.campaigns.models import Campaign, Disposition, RecycleRule
from dialer.leads.rules import AFTER_DISPOSITION, AT_LEAST, DEFAULTS, Recycling

from .words import OUTCOME_WORDS

LONGEST_MIN = 60 * 24 * 90


class RowForm(forms.Form):
    """What follows on one end of a call. Rows that say what is so anyway are not kept."""

    again = forms.BooleanField(required=False, label=gettext_lazy("Call again"))
    delay_min = forms.IntegerField(
        min_value=1, max_value=LONGEST_MIN, label=gettext_lazy("After (minutes)"), widget=forms.NumberInput
    )
    times = forms.IntegerField(min_value=0, max_value=50, label=gettext_lazy("At most (times)"))
    best_hour = forms.BooleanField(required=False, label=gettext_lazy("At the best hour"))

    def __init__(self, *args: Any, at_least: timedelta = timedelta(0), **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.least = int(at_least.total_seconds() // 60)
        for field in self.fields.values():
            field.widget.attrs["aria-label"] = field.label

    def clean_delay_min(self) -> int:
        """No rule goes below what must be."""
        minutes: int = self.cleaned_data["delay_min"]
        if minutes < self.least:
            raise forms.ValidationError(
                _("Not before %(least)s minutes (72 hours) after such a call.") % {"least": self.least}
            )
        return minutes

    def chosen(self) -> Recycling:
        """The row as the rule reads it."""
        data = self.cleaned_data
        return Recycling(timedelta(minutes=data["delay_min"]), data["again"], data["times"], data["best_hour"])


@dataclass(frozen=True, slots=True)
class Row:
    """One row of the form: what ended so, and what is so unless the campaign says otherwise."""

    label: str
    key: dict[str, Any]
    default: Recycling
    form: RowForm
    own: bool


def rows_of(campaign: Campaign, data: Any = None) -> list[Row]:
    """All rows of a campaign, filled with its rules; `data`: what was sent."""
    kept = {
        (rule.outcome, rule.disposition_id): Recycling(
            timedelta(minutes=rule.delay_min), rule.again, rule.times, rule.best_hour
        )
        for rule in campaign.recycle_rules.all()
    }
    return [
        Row(
            label=label,
            key={"outcome": outcome, "disposition_id": disposition},
            default=default,
            form=RowForm(
                data,
                prefix=f"outcome-{outcome}" if outcome else f"disposition-{disposition}",
                initial=_values(kept.get((outcome, disposition), default)),
                at_least=AT_LEAST.get(outcome, timedelta(0)),
            ),
            own=(outcome, disposition) in kept,
        )
        for label, outcome, disposition, default in _ends(campaign)
    ]


def _ends(campaign: Campaign) -> Iterable[tuple[str, str, int | None, Recycling]]:
    for outcome, default in DEFAULTS.items():
        yield _(OUTCOME_WORDS[outcome]), outcome, None, default
    recycled = Disposition.objects.for_tenant(campaign.tenant_id).filter(
        disposition_set=campaign.disposition_set_id, is_recycled=True
    )
    for one in recycled:
        yield one.label, "", one.pk, AFTER_DISPOSITION


def _values(rule: Recycling) -> dict[str, Any]:
    minutes = int(rule.delay.total_seconds() // 60)
    return {"again": rule.again, "delay_min": minutes, "times": rule.times, "best_hour": rule.best_hour}


def save(*, campaign: Campaign, rows: Iterable[Row]) -> None:
    """Keep what the rows of a valid form say."""
    with transaction.atomic():
        for row in rows:
            rule = row.form.chosen()
            there = RecycleRule.objects.across_tenants()
            key = {"tenant_id": campaign.tenant_id, "campaign": campaign, **row.key}
            if rule == row.default:
                there.filter(**key).delete()
            else:
                there.update_or_create(**key, defaults=_values(rule))
