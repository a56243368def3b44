"""What templates need to show of leads."""

from __future__ import annotations

from django import template

register = template.Library()

_RULES = {
    "dnc": "On the do-not-call list",
    "calling_hours": "Outside calling hours",
    "zone_unknown": "Time zone unknown: set it",
    "bad_number": "Not an international number: correct it",
    "allowed": "Allowed",
}


@register.filter
def rule_words(rule: str) -> str:
    """A rule of the gate in words; a rule that is new here as it is called."""
    return _RULES.get(rule, rule.replace("_", " ").capitalize())
