"""Writes to campaigns. Pacing looks at once after each."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from django.db import transaction

from dialer.core import notify

from .models import Campaign, CampaignStatus
from .selectors import problems_of


class CannotStart(Exception):
    """A campaign cannot start; `problems` says why, and what to do about each."""

    def __init__(self, problems: list[str]) -> None:
        super().__init__(" ".join(problems))
        self.problems = problems


def start(*, campaign: Campaign) -> None:
    """Start dialing. Raises CannotStart; starting twice is once."""
    with transaction.atomic():
        row = _locked(campaign)
        if problems := problems_of(row):
            raise CannotStart(problems)
        Campaign.objects.for_tenant(row.tenant_id).filter(pk=row.pk).update(halted_at=None)
        _set_status(row, CampaignStatus.ACTIVE)


def stop(*, campaign: Campaign) -> None:
    """Stop dialing: nothing new is placed; calls under way go on to their end."""
    with transaction.atomic():
        _set_status(_locked(campaign), CampaignStatus.STOPPED)


def halt(*, tenant_id: int, campaigns: Sequence[int], at: datetime) -> None:
    """An emergency stop of these campaigns, in the caller's transaction: nobody dials in them until they are started.

    One statement that takes no lock which placing a call would wait for.
    """
    rows = Campaign.objects.for_tenant(tenant_id).filter(pk__in=campaigns)
    rows.update(status=CampaignStatus.STOPPED, halted_at=at)
    for pk in campaigns:
        notify.notify(notify.READY, str(pk))


def changed(campaign: Campaign) -> None:
    """Have pacing look at a campaign whose settings were just saved; call in the saving transaction."""
    notify.notify(notify.READY, str(campaign.pk))


def _locked(campaign: Campaign) -> Campaign:
    rows = Campaign.objects.for_tenant(campaign.tenant_id).select_related("disposition_set")
    row = rows.select_for_update(of=("self",)).get(pk=campaign.pk)
    assert isinstance(row, Campaign)
    return row


def _set_status(campaign: Campaign, status: CampaignStatus) -> None:
    Campaign.objects.for_tenant(campaign.tenant_id).filter(pk=campaign.pk).update(status=status)
    changed(campaign)
