"""What was changed in a campaign's settings, by whom and when; and undoing it, which is a change like any other.

Every view that changes settings does so within `change`: what differs afterwards becomes one row and one entry of the
audit trail, in the same transaction.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from django.core.exceptions import ValidationError
from django.db import IntegrityError, models, transaction
from django.utils.translation import gettext as _

from dialer.core import audit
from dialer.core.clock import now
from dialer.people.models import Team, User

from .desk_forms import DeskForm
from .forms import CampaignForm
from .models import Campaign, CampaignChange
from .parts import PARTS
from .rework import EVERY, replan
from .services import changed as tell_pacing

_NO_SETTING = frozenset({"id", "tenant", "public_id", "status", "halted_at"})
TEAMS, RECYCLING = "teams", "recycling"


class CannotUndo(Exception):
    """A change cannot be undone any more; the message says why and what to do."""


def _settings() -> list[models.Field[Any, Any]]:
    return [field for field in Campaign._meta.concrete_fields if field.name not in _NO_SETTING]


def snapshot(campaign_id: int) -> dict[str, Any]:
    """Every setting of a campaign as JSON keeps it."""
    row = Campaign.objects.across_tenants().get(pk=campaign_id)
    found: dict[str, Any] = {}
    for field in _settings():
        value = field.value_from_object(row)
        plain = value is None or isinstance(value, (bool, int, str, dict))
        found[field.name] = value if plain else field.value_to_string(row)
    found[TEAMS] = sorted(row.teams.values_list("pk", flat=True))
    return found | {name: part.taken(row) for name, part in PARTS.items()}


@contextmanager
def change(
    campaign: Campaign, *, by: User | None, action: str = "campaign.saved", undoes: CampaignChange | None = None
) -> Iterator[None]:
    """A transaction that changes settings; what it changed is kept, and pacing looks at the campaign anew."""
    with transaction.atomic():
        Campaign.objects.across_tenants().select_for_update(no_key=True).get(pk=campaign.pk)
        before = snapshot(campaign.pk)
        yield
        after = snapshot(campaign.pk)
        tell_pacing(campaign)
        different = [name for name in after if before[name] != after[name]]
        audit.record(
            tenant_id=campaign.tenant_id,
            actor=by,
            action=action,
            subject=str(campaign.public_id),
            # No telephone numbers and no names there: of words only that they changed.
            data={name: after[name] if isinstance(after[name], int) else "changed" for name in different},
        )
        if RECYCLING in different:
            old, new = before[RECYCLING], after[RECYCLING]
            replan(campaign=campaign, keys=[key for key in {**old, **new} if old.get(key) != new.get(key)])
        if "max_attempts" in different:
            replan(campaign=campaign, keys=[EVERY])
        if different:
            _keep(campaign, by, {name: _told(campaign, name, before, after) for name in different}, undoes)


def _keep(campaign: Campaign, by: User | None, told: dict[str, Any], undoes: CampaignChange | None) -> None:
    rows = CampaignChange.objects.for_tenant(campaign.tenant_id).filter(campaign=campaign)
    last = rows.order_by("-number").values_list("number", flat=True).first() or 0
    CampaignChange.objects.create(
        tenant_id=campaign.tenant_id,
        campaign=campaign,
        number=last + 1,
        at=now(),
        by=by,
        by_name=by.shown_name if by is not None else "",
        changed=told,
        undoes=undoes,
    )


def _told(campaign: Campaign, name: str, before: Mapping[str, Any], after: Mapping[str, Any]) -> dict[str, Any]:
    old, new = before[name], after[name]
    if (part := PARTS.get(name)) is not None:
        was, now_is = part.told(campaign, old, new), part.told(campaign, new, old)
    else:
        was, now_is = _shown(campaign, name, old), _shown(campaign, name, new)
    return {"before": old, "after": new, "was": was, "is": now_is}


def _shown(campaign: Campaign, name: str, value: Any) -> str:
    """A setting's value as a person reads it."""
    if value in (None, "", [], {}):
        return "–"
    if name == TEAMS:
        return ", ".join(
            Team.objects.for_tenant(campaign.tenant_id).filter(pk__in=value).values_list("name", flat=True)
        )
    field = Campaign._meta.get_field(name)
    if isinstance(field, models.ForeignKey):
        other: Any = field.related_model
        return str(other.objects.for_tenant(campaign.tenant_id).filter(pk=value).first() or value)
    if isinstance(value, dict):
        rows = value.get("conditions", [])
        return ", ".join(f"{row['field']} {row['op']} {row['value']}".replace("_", " ").strip() for row in rows)
    return str(dict(field.flatchoices).get(value, value)) if isinstance(field, models.Field) else str(value)


def label_of(name: str) -> str:
    """A setting's name as a person reads it."""
    if name in PARTS:
        return str(PARTS[name].label)
    if name == "lead_filter":
        return _("Filter")
    labels = {**DeskForm.Meta.labels, **CampaignForm.Meta.labels}
    if name in labels:
        return str(labels[name])
    if name in CampaignForm.base_fields and CampaignForm.base_fields[name].label:
        return str(CampaignForm.base_fields[name].label)
    return str(getattr(Campaign._meta.get_field(name), "verbose_name", name)).replace("_", " ").capitalize()


def undo(*, change_row: CampaignChange, by: User) -> None:
    """Give the settings of a change the values from before it. Raises CannotUndo; what is not lawful stays refused."""
    campaign = Campaign.objects.for_tenant(change_row.tenant_id).get(pk=change_row.campaign_id)
    try:
        with change(campaign, by=by, action="campaign.undone", undoes=change_row):
            campaign.refresh_from_db()
            _put_back(campaign, {name: told["before"] for name, told in change_row.changed.items()})
    except (ValidationError, IntegrityError) as error:
        words = " ".join(error.messages) if isinstance(error, ValidationError) else ""
        raise CannotUndo(
            _("It cannot be undone, for what it was before is not possible any more. %(why)s") % {"why": words}
        ) from error


def _put_back(campaign: Campaign, values: Mapping[str, Any]) -> None:
    plain = {name: value for name, value in values.items() if name != TEAMS and name not in PARTS}
    for name, value in plain.items():
        field = Campaign._meta.get_field(name)
        assert isinstance(field, models.Field)
        setattr(campaign, field.attname, field.to_python(value) if not field.is_relation else value)
    campaign.full_clean()
    campaign.save(update_fields=list(plain) or None)
    if TEAMS in values:
        campaign.teams.set(Team.objects.for_tenant(campaign.tenant_id).filter(pk__in=values[TEAMS]))
    for name in values.keys() & PARTS.keys():
        PARTS[name].put_back(campaign, values[name])
