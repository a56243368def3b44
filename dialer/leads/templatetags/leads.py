"""What templates need to show of leads."""

from __future__ import annotations

from django import template
from django.utils.formats import number_format

from dialer.leads.bulk import ACTIONS

register = template.Library()

_RULES = {
    "dnc": "On the do-not-call list",
    "dnc_campaign": "On this campaign's do-not-call list",
    "dnc_pattern": "Begins with digits that are not called",
    "litigator": "On the list of litigators",
    "national_list": "On the official do-not-call list",
    "list_stale": "The official do-not-call list is missing or too old: load it",
    "state_hours": "Outside the state's calling hours",
    "state_stopped": "An emergency stop is on for the state",
    "calls_in_24_hours": "Called as often as the state allows",
    "calls_in_7_days": "Called as often in 7 days as is allowed",
    "campaign_attempts": "Called as often as the campaign allows",
    "after_conversation": "Spoken to within 7 days",
    "abandoned_lock": "Abandoned within 72 hours",
    "consent_needed": "Consent needed: record it",
    "consent_revoked": "Consent was taken back",
    "reassigned": "The number has another owner",
    "reassigned_unknown": "Not checked for another owner: load results",
    "by_hand_only": "Dialed by hand only",
    "no_common_hours": "No calling hours in common: set the time zone",
    "calling_hours": "Outside calling hours",
    "zone_unknown": "Time zone unknown: set it",
    "bad_number": "Not an international number: correct it",
    "allowed": "Allowed",
}


@register.filter
def rule_words(rule: str) -> str:
    """A rule of the gate in words; a rule that is new here as it is called."""
    return _RULES.get(rule, rule.replace("_", " ").capitalize())


@register.filter
def grouped(number: int) -> str:
    """A whole number with its thousands marked, as the reader's language does."""
    return number_format(number, force_grouping=True)


@register.filter
def bulk_words(action: str) -> str:
    """What was done to many leads."""
    return str(ACTIONS.get(action, action))
