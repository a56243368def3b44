"""Simulations as a live screen: whoever asked sees how far theirs are, and then what came of them."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from django.template.loader import render_to_string

from dialer.core.clock import now
from dialer.live.topics import Refused, Topic
from dialer.people.access import LEADERS, tenants_clock
from dialer.people.models import User

from .selectors import latest_of
from .services import TOPIC as NAME
from .shown import shown

_LOOKED_FOR = timedelta(minutes=2)
"""A page that was away for longer shows what it had; reloading it helps."""


def authorise(user: Any) -> int:
    """Supervisors and admins of a tenant; each sees their own."""
    if not user.is_active or user.tenant_id is None or user.role not in LEADERS:
        raise Refused
    return int(user.pk)


def render(user_id: Any, at: str) -> str:
    """The fragments of what the user asked lately, as the page takes them from the socket."""
    user = User.objects.select_related("tenant").get(pk=user_id)
    if user.tenant is None or not user.is_active or user.role not in LEADERS:
        raise Refused
    with tenants_clock(user.tenant):
        parts = [
            render_to_string("whatif/whatif.html#simulation", {"simulation": one, "shown": shown(one)})
            for one in latest_of(user, now() - _LOOKED_FOR)
        ]
    return "\n".join(part.strip() for part in parts) or " "


TOPIC = Topic(name=NAME, authorise=authorise, render=render)
