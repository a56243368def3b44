"""What the desk's templates ask of its rules."""

from __future__ import annotations

from typing import Any

from django import template
from django.conf import settings
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _

from dialer.campaigns.models import Campaign
from dialer.desk import selectors
from dialer.desk.phone import BROWSER_PHONE, browser_session, words

register = template.Library()


@register.filter
def waits_for_start(campaign: Campaign) -> bool:
    """Whether joining would be in vain before a supervisor starts the campaign."""
    return selectors.waits_for_start(campaign)


@register.simple_tag
def off(desk: selectors.Desk, also: bool = False) -> SafeString:
    """What switches a button off that needs the switch, while that is gone, with the reason; `also`: another reason."""
    if desk.switch_down:
        why = _("The telephone switch does not answer")
        return format_html('disabled aria-describedby="switch-down" title="{}"', why)
    return SafeString("disabled" if also else "")


@register.inclusion_tag("desk/_phone.html", takes_context=True)
def phone_panel(context: Any) -> dict[str, object]:
    """The browser phone: always there on the desk, elsewhere while its user works with one."""
    request, user = context.get("request"), context.get("user")
    if request is None or user is None or not user.is_authenticated or user.tenant_id is None:
        return {}
    on_desk = request.resolver_match is not None and request.resolver_match.view_name == "desk:desk"
    session = browser_session(user) if not on_desk and request.session.get(BROWSER_PHONE) else None
    return {
        "user": user,
        "words": words(),
        "shown": on_desk or session is not None,
        "session": session.public_id if session is not None else "",
        "simulated": settings.SWITCH == "simulated",
    }
