"""What the desk's templates ask of its rules."""

from __future__ import annotations

from django import template

from dialer.campaigns.models import Campaign
from dialer.desk import selectors

register = template.Library()


@register.filter
def waits_for_start(campaign: Campaign) -> bool:
    """Whether joining would be in vain before a supervisor starts the campaign."""
    return selectors.waits_for_start(campaign)
