"""The navigation: what each role finds in it."""

from __future__ import annotations

from dataclasses import dataclass

from django import template
from django.urls import reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext_lazy as _

from dialer.core.language import translated
from dialer.people import shortcuts
from dialer.people.access import ADMINS, LEADERS, READERS
from dialer.people.models import Role, User

register = template.Library()

_ANYBODY = frozenset(Role)
_CAMPAIGNS = (
    *("campaigns:list", "campaigns:detail", "campaigns:create", "campaigns:edit", "campaigns:desk", "campaigns:wizard"),
    *(
        "campaigns:changes",
        "campaigns:copy",
        "leads:",
        "whatif:",
        "planning:",
        "calls:recycling",
        "calls:caller",
        "inbound:",
    ),
)
_ENTRIES = (
    # word, view, who, the apps or views whose pages belong under it
    (_("Desk"), "desk:desk", _ANYBODY, ("desk:",)),
    (_("Floor"), "floor:wallboard", READERS, ("floor:",)),
    (_("Campaigns"), "campaigns:list", LEADERS, _CAMPAIGNS),
    (_("Calls"), "calls:list", _ANYBODY, ("calls:list", "calls:detail")),
    (_("Agents"), "agents:list", _ANYBODY, ("agents:",)),
    (_("Do not call"), "compliance:dnc", LEADERS, ("compliance:", "privacy:")),
    (_("Users"), "people:users", ADMINS, ("people:user",)),
    (_("Teams"), "people:teams", ADMINS, ("people:team",)),
    (_("Dispositions"), "campaigns:disposition-sets", ADMINS, ("campaigns:disposition",)),
    (_("Pause codes"), "campaigns:pause-codes", ADMINS, ("campaigns:pause",)),
)


@dataclass(frozen=True, slots=True)
class Item:
    """One link of the navigation."""

    word: str
    address: str
    current: bool


@register.simple_tag(takes_context=True)
def kbd(context: template.Context, action: str) -> SafeString:
    """The key of an action (named by its default key) as this person has it, to be printed on a button."""
    desk = context.get("desk")
    user = desk.user if desk is not None else context.get("user")
    own = user.shortcuts if isinstance(user, User) else {}
    return format_html("<kbd>{}</kbd>", shortcuts.shown(action, own))


@register.simple_tag
def key_actions() -> list[tuple[str, str]]:
    """Every action that has a key, with what it does."""
    return [(action, translated(words)) for action, words in shortcuts.ACTIONS.items()]


@register.simple_tag(takes_context=True)
def may_stop(context: template.Context) -> bool:
    """Whether the page's user may stop all dialing at once."""
    user = context.get("user")
    return isinstance(user, User) and user.tenant_id is not None and user.role in LEADERS


@register.simple_tag(takes_context=True)
def nav_items(context: template.Context) -> list[Item]:
    """The links that the page's user finds, with the one that is open marked."""
    user = context.get("user")
    if not isinstance(user, User):
        return []
    match = context["request"].resolver_match if "request" in context else None
    return pages_of(user, match.view_name if match is not None else "")


def pages_of(user: User, here: str = "") -> list[Item]:
    """The pages that a user finds, with the one of the view `here` marked."""
    if user.tenant_id is None:
        return []
    return [
        Item(str(word), reverse(view), here.startswith(under))
        for word, view, who, under in _ENTRIES
        if user.role in who
    ]
