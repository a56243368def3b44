"""The desk as a live screen: each agent sees their own, and nobody else's."""

from __future__ import annotations

from typing import Any

from django.template.loader import render_to_string

from dialer.agents.services import DESK
from dialer.core.language import speaking
from dialer.live.topics import Refused, Topic
from dialer.people.access import tenants_clock

from .selectors import desk_of
from .services import screen_seen


def authorise(user: Any) -> int:
    """Every active user of a tenant has a desk: their own."""
    if not user.is_active or user.tenant_id is None:
        raise Refused
    return int(user.pk)


def render(user_id: Any, at: str) -> str:
    """The desk's fragment, as the page takes it from the socket."""
    desk = desk_of(user_id)
    if not desk.user.is_active:
        raise Refused
    with tenants_clock(desk.tenant), speaking(desk.user.language):
        return render_to_string("desk/desk.html#desk", {"desk": desk, "at": at, "pushed": True}).strip()


TOPIC = Topic(name=DESK, authorise=authorise, render=render, heartbeat=screen_seen, of_switch=True)
