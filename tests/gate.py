"""What tests ask the dial gate: a sales call under the law of where the number is."""

from __future__ import annotations

from datetime import UTC, datetime

from dialer.compliance import rulebook
from dialer.compliance.laws import Purpose
from dialer.compliance.rules import Allow, CampaignFacts, Deny, LeadFacts, NumberFacts, gate

NUMBER = "+12125550142"
NEW_YORK = ("America/New_York",)
NOON = datetime(2026, 6, 1, 16, 0, tzinfo=UTC)  # a Monday in New York


def sales(
    now: datetime, number: NumberFacts | None = None, lead: LeadFacts | None = None, **how: object
) -> Allow | Deny:
    """A sales call under the law of where the number is; the lists are fresh."""
    by_hand, purpose = bool(how.pop("by_hand", False)), Purpose(str(how.pop("purpose", "sales")))
    campaign = {"lists": dict.fromkeys(("national-us", "national-ca", "tps-uk"), now), **how}
    number = number or NumberFacts(NUMBER, rulebook.regions_of_number(NUMBER))
    facts = CampaignFacts(rulebook.laws_for(purpose, by_hand), **campaign)  # type: ignore[arg-type]
    return gate(lead or LeadFacts(NEW_YORK), number, facts, now)
