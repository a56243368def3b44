"""What a campaign is made of beside its own row, as history keeps it: recycle rules, script, custom fields, its terms.

Each part is a plain value of JSON: taken of a campaign, told in words where two differ, and put back. What is put back
passes the model's own checks; rows that are there under the same name are changed in place.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import Any

from django.db import models
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy as lazy

from .models import Campaign, CustomField, Disposition, RecycleRule, ScriptAnswer, ScriptPage

LONGEST_TOLD = 80
"""Letters of a text that are shown of a change."""


class Part(ABC):
    """One part; `label` is how people call it."""

    label: Any

    @abstractmethod
    def taken(self, campaign: Campaign) -> dict[str, Any]:
        """What there is, by a name for each row."""

    @abstractmethod
    def put_back(self, campaign: Campaign, value: dict[str, Any]) -> None:
        """Make it so again. Raises ValidationError."""

    @abstractmethod
    def words(self, campaign: Campaign, name: str, row: Any) -> str:
        """One row as a person reads it."""

    def told(self, campaign: Campaign, this: dict[str, Any], other: dict[str, Any]) -> str:
        """The rows of one value that the other has not, or has otherwise."""
        rows = [self.words(campaign, name, row) for name, row in this.items() if other.get(name) != row]
        return "; ".join(rows) or "–"


class _Rows(Part):
    """Rows of a model, by a field whose value each has once in the campaign."""

    def __init__(self, label: Any, model: type[models.Model], key: str, fields: tuple[str, ...]) -> None:
        self.label, self._model, self._key, self._fields = label, model, key, fields

    def _of(self, campaign: Campaign) -> Any:
        rows: Any = self._model
        return rows.objects.for_tenant(campaign.tenant_id).filter(campaign=campaign)

    def taken(self, campaign: Campaign) -> dict[str, Any]:
        """The rows' values, by name."""
        return {getattr(row, self._key): [getattr(row, field) for field in self._fields] for row in self._of(campaign)}

    def put_back(self, campaign: Campaign, value: dict[str, Any]) -> None:
        """Change, add and remove rows."""
        there = {getattr(row, self._key): row for row in self._of(campaign)}
        self._of(campaign).exclude(**{f"{self._key}__in": list(value)}).delete()
        for name, told in value.items():
            row = there.get(name) or self._model(tenant_id=campaign.tenant_id, campaign=campaign, **{self._key: name})
            for field, one in zip(self._fields, told, strict=True):
                setattr(row, field, one)
            row.full_clean()
            row.save()

    def words(self, campaign: Campaign, name: str, row: Any) -> str:
        """The first of the values: its label, or how its text begins."""
        text = str(row[0])
        return f"{name}: {text[:LONGEST_TOLD]}{'…' if len(text) > LONGEST_TOLD else ''}"


class _Script(_Rows):
    """The script's pages, each with its answers and the titles that they lead to."""

    def __init__(self) -> None:
        super().__init__(lazy("Script"), ScriptPage, "title", ("body", "position"))

    def taken(self, campaign: Campaign) -> dict[str, Any]:
        """The pages' values and answers, by title."""
        found = super().taken(campaign)
        for answer in self._answers(campaign).select_related("page", "leads_to"):
            found[answer.page.title].append([answer.label, answer.leads_to.title, answer.position])
        return found

    def put_back(self, campaign: Campaign, value: dict[str, Any]) -> None:
        """The pages first, then their answers anew."""
        super().put_back(campaign, {title: told[:2] for title, told in value.items()})
        self._answers(campaign).delete()
        pages = {page.title: page for page in self._of(campaign)}
        for title, told in value.items():
            for label, leads_to, position in told[2:]:
                row = ScriptAnswer(tenant_id=campaign.tenant_id, page=pages[title], leads_to=pages[leads_to])
                row.label, row.position = label, position
                row.full_clean()
                row.save()

    def words(self, campaign: Campaign, name: str, row: Any) -> str:
        """How the text begins, and the answers."""
        answers = [f"{label} → {leads_to}" for label, leads_to, _position in row[2:]]
        return ", ".join([super().words(campaign, name, row), *answers])

    def _answers(self, campaign: Campaign) -> Any:
        return ScriptAnswer.objects.for_tenant(campaign.tenant_id).filter(page__campaign=campaign).order_by("pk")


class _Recycling(Part):
    """The recycle rules, by the outcome's word or `#` and the disposition's key."""

    label = lazy("Recycle rules")
    _fields = ("again", "delay_min", "times", "best_hour")

    def taken(self, campaign: Campaign) -> dict[str, Any]:
        """The rules that differ from the defaults."""
        rules = RecycleRule.objects.for_tenant(campaign.tenant_id).filter(campaign=campaign)
        return {
            rule.outcome or f"#{rule.disposition_id}": [getattr(rule, name) for name in self._fields] for rule in rules
        }

    def put_back(self, campaign: Campaign, value: dict[str, Any]) -> None:
        """All of them anew."""
        RecycleRule.objects.for_tenant(campaign.tenant_id).filter(campaign=campaign).delete()
        for key, rule in value.items():
            of: dict[str, Any] = {"disposition_id": int(key[1:])} if key.startswith("#") else {"outcome": key}
            told = dict(zip(self._fields, rule, strict=True))
            row = RecycleRule(tenant_id=campaign.tenant_id, campaign=campaign, **of, **told)
            row.full_clean()
            row.save()

    def words(self, campaign: Campaign, name: str, row: Any) -> str:
        """When the lead is called again."""
        again, delay_min, times, best_hour = row
        label = name.replace("_", " ")
        if name.startswith("#"):
            label = str(Disposition.objects.for_tenant(campaign.tenant_id).filter(pk=name[1:]).first() or name)
        if not again:
            return _("%(end)s: not again") % {"end": label}
        words = _("%(end)s: after %(minutes)s min") % {"end": label, "minutes": delay_min}
        words += f", ×{times}" if times else ""
        return words + (", " + _("at the best hour") if best_hour else "")


class _Terms(Part):
    """What the campaign says of itself to the gate: one row of an app above this one, or none."""

    label = lazy("Calling rules")
    _not_told = frozenset({"id", "tenant", "campaign"})

    def _fields(self) -> list[models.Field[Any, Any]]:
        model: Any = Campaign._meta.get_field("terms").related_model
        return [field for field in model._meta.concrete_fields if field.name not in self._not_told]

    def taken(self, campaign: Campaign) -> dict[str, Any]:
        """Its values; none before it said anything."""
        model: Any = Campaign._meta.get_field("terms").related_model
        row = model.objects.for_tenant(campaign.tenant_id).filter(campaign=campaign).first() or model()
        return {field.name: field.value_from_object(row) for field in self._fields()}

    def put_back(self, campaign: Campaign, value: dict[str, Any]) -> None:
        """Say it again."""
        model: Any = Campaign._meta.get_field("terms").related_model
        row = model.objects.for_tenant(campaign.tenant_id).filter(campaign=campaign).first()
        row = row or model(tenant_id=campaign.tenant_id, campaign=campaign)
        for name, one in value.items():
            setattr(row, name, one)
        row.full_clean()
        row.save()

    def words(self, campaign: Campaign, name: str, row: Any) -> str:
        """The field and its value."""
        field = next(field for field in self._fields() if field.name == name)
        shown = dict(field.flatchoices).get(row, row)
        shown = (_("yes") if row else _("no")) if isinstance(row, bool) else shown
        return f"{str(field.verbose_name).capitalize()}: {shown}"


PARTS: dict[str, Part] = {
    "recycling": _Recycling(),
    "script": _Script(),
    "fields": _Rows(lazy("Custom fields"), CustomField, "name", ("label", "kind", "choices", "required", "position")),
    "terms": _Terms(),
}
"""By the name that changes are kept under."""
