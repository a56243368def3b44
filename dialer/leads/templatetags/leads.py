"""What templates need to show of leads."""

from __future__ import annotations

from django import template
from django.utils.formats import number_format
from django.utils.translation import gettext_lazy as _

from dialer.leads.bulk import WORDS

register = template.Library()

_RULES = {
    "dnc": _("On the do-not-call list"),
    "dnc_campaign": _("On this campaign's do-not-call list"),
    "dnc_pattern": _("Begins with digits that are not called"),
    "litigator": _("On the list of litigators"),
    "national_list": _("On the official do-not-call list"),
    "list_stale": _("The official do-not-call list is missing or too old: load it"),
    "state_hours": _("Outside the state's calling hours"),
    "state_stopped": _("An emergency stop is on for the state"),
    "calls_in_24_hours": _("Called as often as the state allows"),
    "calls_in_7_days": _("Called as often in 7 days as is allowed"),
    "campaign_attempts": _("Called as often as the campaign allows"),
    "after_conversation": _("Spoken to within 7 days"),
    "abandoned_lock": _("Abandoned within 72 hours"),
    "consent_needed": _("Consent needed: record it"),
    "consent_revoked": _("Consent was taken back"),
    "reassigned": _("The number has another owner"),
    "reassigned_unknown": _("Not checked for another owner: load results"),
    "by_hand_only": _("Dialed by hand only"),
    "no_common_hours": _("No calling hours in common: set the time zone"),
    "calling_hours": _("Outside calling hours"),
    "zone_unknown": _("Time zone unknown: set it"),
    "bad_number": _("Not an international number: correct it"),
    "allowed": _("Allowed"),
}


@register.filter
def rule_words(rule: str) -> str:
    """A rule of the gate in words; a rule that is new here as it is called."""
    return str(_RULES.get(rule, rule.replace("_", " ").capitalize()))


@register.filter
def grouped(number: int) -> str:
    """A whole number with its thousands marked, as the reader's language does."""
    return number_format(number, force_grouping=True)


@register.filter
def bulk_words(action: str) -> str:
    """What was done to many leads."""
    return str(WORDS.get(action, action))
