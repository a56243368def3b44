"""A copy of a campaign: all that it is set to, stopped, without lists, leads, calls or agents. And putting it away."""

from __future__ import annotations

from typing import Any

from django.db import transaction

from dialer.core import audit
from dialer.core.clock import now
from dialer.core.ids import new_id
from dialer.people.models import User

from .models import Campaign, CampaignStatus, ScriptAnswer


class StillRuns(Exception):
    """A campaign that is not stopped, or in which agents work, is not put away."""


def copy(*, campaign: Campaign, name: str, by: User) -> Campaign:
    """Make a stopped campaign of another name with the same settings, fields, script and recycle rules."""
    with transaction.atomic():
        made = Campaign.objects.for_tenant(campaign.tenant_id).get(pk=campaign.pk)
        made.pk, made.public_id, made.name = None, new_id(), name
        made.status, made.halted_at, made.archived_at = CampaignStatus.STOPPED, None, None
        made._state.adding = True
        made.save()
        made.teams.set(campaign.teams.all())
        for row in (*campaign.custom_fields.all(), *campaign.recycle_rules.all()):
            _again(row, campaign=made)
        _copy_script(campaign, made)
        # What the campaign says of itself to the gate belongs to an app above this one.
        if (terms := getattr(campaign, "terms", None)) is not None:
            _again(terms, campaign=made)
        audit.record(
            tenant_id=made.tenant_id,
            actor=by,
            action="campaign.copied",
            subject=str(made.public_id),
            data={"from": str(campaign.public_id)},
        )
    assert isinstance(made, Campaign)
    return made


def _again(row: Any, **values: Any) -> Any:
    row.pk = None
    row._state.adding = True
    for name, value in values.items():
        setattr(row, name, value)
    row.save()
    return row


def _copy_script(campaign: Campaign, made: Campaign) -> None:
    pages = list(campaign.script_pages.all())
    answers = list(ScriptAnswer.objects.for_tenant(campaign.tenant_id).filter(page__campaign=campaign))
    new = {old: _again(page, campaign=made) for old, page in [(page.pk, page) for page in pages]}
    for answer in answers:
        _again(answer, page=new[answer.page_id], leads_to=new[answer.leads_to_id])


def archive(*, campaign: Campaign) -> None:
    """Put a stopped campaign away, within the caller's transaction. Raises StillRuns; twice is once."""
    rows = Campaign.objects.for_tenant(campaign.tenant_id)
    row = rows.select_for_update(no_key=True).get(pk=campaign.pk)
    if row.status != CampaignStatus.STOPPED or row.sessions.filter(ended_at=None).exists():
        raise StillRuns
    rows.filter(pk=row.pk, archived_at=None).update(archived_at=now())


def restore(*, campaign: Campaign) -> None:
    """Bring an archived campaign back, stopped."""
    Campaign.objects.for_tenant(campaign.tenant_id).filter(pk=campaign.pk).update(archived_at=None)
