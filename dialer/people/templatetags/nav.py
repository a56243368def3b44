"""The navigation: what each role finds in it."""

from __future__ import annotations

from dataclasses import dataclass

from django import template
from django.urls import reverse

from dialer.people.access import ADMINS, LEADERS, READERS
from dialer.people.models import Role, User

register = template.Library()

_ANYBODY = frozenset(Role)
_CAMPAIGNS = ("campaigns:list", "campaigns:detail", "campaigns:create", "campaigns:edit", "leads:", "whatif:")
_ENTRIES = (
    # word, view, who, the apps or views whose pages belong under it
    ("Desk", "desk:desk", _ANYBODY, ("desk:",)),
    ("Floor", "floor:wallboard", READERS, ("floor:",)),
    ("Campaigns", "campaigns:list", LEADERS, _CAMPAIGNS),
    ("Calls", "calls:list", _ANYBODY, ("calls:",)),
    ("Agents", "agents:list", _ANYBODY, ("agents:",)),
    ("Do not call", "compliance:dnc", LEADERS, ("compliance:",)),
    ("Users", "people:users", ADMINS, ("people:user",)),
    ("Teams", "people:teams", ADMINS, ("people:team",)),
    ("Dispositions", "campaigns:disposition-sets", ADMINS, ("campaigns:disposition",)),
    ("Pause codes", "campaigns:pause-codes", ADMINS, ("campaigns:pause",)),
)


@dataclass(frozen=True, slots=True)
class Item:
    """One link of the navigation."""

    word: str
    address: str
    current: bool


@register.simple_tag(takes_context=True)
def nav_items(context: template.Context) -> list[Item]:
    """The links that the page's user finds, with the one that is open marked."""
    user = context.get("user")
    if not isinstance(user, User) or user.tenant_id is None:
        return []
    match = context["request"].resolver_match if "request" in context else None
    here = match.view_name if match is not None else ""
    return [
        Item(word, reverse(view), here.startswith(under)) for word, view, who, under in _ENTRIES if user.role in who
    ]
