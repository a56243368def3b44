"""Saved views: looks at the wallboard and the live lists under a name, per person, and shared with their team."""

from __future__ import annotations

from typing import Any

from django.db.models import Q
from django.urls import reverse
from django.utils.translation import gettext

from dialer.core.models import TenantQuerySet
from dialer.people.models import User

from .looks import strips_of, wanted_of
from .models import SavedView
from .scope import scope_of
from .topic import seen_by

MOST = 40
"""Views that one person keeps of a page."""
_PAGES = {SavedView.Page.BOARD: "floor:wallboard", SavedView.Page.PEOPLE: "floor:people"}


class TooMany(Exception):
    """The person keeps as many as there may be; the text says what to do."""


def visible_to(user: User) -> TenantQuerySet:
    """The views that somebody may open: their own, and those shared with their team or with everybody."""
    rows = SavedView.objects.for_tenant(user.tenant_id).select_related("owner")
    shared = Q(shared=True) & (Q(team=None) | Q(team=user.team_id))
    return rows.filter(Q(owner=user) | shared)


def save(*, by: User, page: str, name: str, query: dict[str, str], shared: bool) -> SavedView:
    """Keep a look under a name; one of that name that they have is replaced. Raises TooMany."""
    rows = SavedView.objects.for_tenant(by.tenant_id).filter(owner=by, page=page)
    if not rows.filter(name=name).exists() and rows.count() >= MOST:
        raise TooMany(gettext("You keep %(most)s views of this page. Remove one first.") % {"most": MOST})
    values = {"query": query_of(by, page, query), "shared": shared, "team_id": by.team_id}
    mine: dict[str, Any] = {"tenant_id": by.tenant_id, "owner": by, "page": page, "name": name}
    made, _ = SavedView.objects.for_tenant(by.tenant_id).update_or_create(**mine, defaults=values)
    assert isinstance(made, SavedView)
    return made


def query_of(user: User, page: str, query: dict[str, str]) -> str:
    """A query string with what the page knows and the user may see, and nothing else."""
    if page == SavedView.Page.BOARD:
        return strips_of(query).query()
    seen = seen_by(scope_of(user))
    return wanted_of(query, seen).query(seen)


def address_of(view: SavedView) -> str:
    """Where a view is seen."""
    return reverse(_PAGES[SavedView.Page(view.page)]) + (f"?{view.query}" if view.query else "")


def shown(user: User, page: str, query: str) -> dict[str, Any]:
    """What a page says of views: those there are, each with its address and whether it is the one that shows."""
    views = [(one, address_of(one), one.query == query) for one in visible_to(user).filter(page=page)]
    return {"page": page, "views": views}
