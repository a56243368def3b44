"""The floor's boards as live screens: who may look at which, and the HTML that all of its viewers are sent.

Each is rendered in the language that is active: live.shared keeps viewers of each language apart.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID

from django.template.loader import render_to_string
from django.utils.translation import get_language

from dialer.live.shared import SEQUENCE, Board, NoSuch
from dialer.people.access import tenants_clock

from . import tv
from .day import charts_on
from .looks import StripLook, strips_from, strips_of, wanted_from, wanted_of
from .panel import board_of
from .people import people_of
from .reading import Floor, read_floor, slowly
from .scope import Scope, reader_of

CHARTS_S = 10.0
"""How old the charts may be."""


def authorise_wallboard(user: Any, query: Mapping[str, str]) -> str:
    """Key: tenant.team.campaign (0 for all), then the look. A campaign that the viewer cannot see does not exist."""
    scope = reader_of(user)
    campaign_id = 0
    if wanted := query.get("campaign"):
        try:
            found = scope.campaigns().filter(public_id=UUID(wanted)).values_list("pk", flat=True).first()
        except ValueError as error:
            raise NoSuch from error
        if found is None:
            raise NoSuch
        campaign_id = found
    look = StripLook() if campaign_id else strips_of(query)
    return f"{scope.tenant_id}.{scope.team_id or 0}.{campaign_id}.{look.key()}"


def render_wallboards(keys: Sequence[str]) -> dict[str, tuple[object, str, str]]:
    """The wallboards of these keys, and aside the day's charts; each tenant's floor is read once."""
    shown: dict[str, tuple[object, str, str]] = {}
    for tenant_id, mine in by_tenant(keys).items():
        floor = read_floor(tenant_id)
        with tenants_clock(floor.tenant):
            for key in mine:
                _, team, campaign = (int(part) for part in key.split(".")[:3])
                board = board_of(floor, team or None, campaign or None)
                look = strips_from(key.split(".", 3)[3])
                shows = {"board": board, "look": look, "strips": look.arranged(board.strips), "sequence": SEQUENCE}
                html = render_to_string("floor/board.html#board", shows)
                shown[key] = (board.digest(), html.strip(), _charts(floor, team or None, campaign or None))
    return shown


def _charts(floor: Floor, team_id: int | None, campaign_id: int | None) -> str:
    """The day's charts, drawn every few seconds."""

    def drawn() -> str:
        charts = charts_on(floor, team_id, campaign_id)
        return render_to_string("floor/_charts.html", {"charts": charts}).strip()

    html: str = slowly(f"charts {get_language()}.{floor.tenant.pk}.{team_id}.{campaign_id}", drawn, CHARTS_S)
    return html


def authorise_people(user: Any, query: Mapping[str, str]) -> str:
    """Key: tenant.team, then the look. A campaign that the viewer cannot see is left out."""
    scope = reader_of(user)
    wanted = wanted_of(query, seen_by(scope))
    return f"{scope.tenant_id}.{scope.team_id or 0}.{wanted.key()}"


def seen_by(scope: Scope) -> dict[str, int]:
    """The campaigns in a scope by their outward ids."""
    return {str(public_id): pk for pk, public_id in scope.campaigns().values_list("pk", "public_id")}


def render_people(keys: Sequence[str]) -> dict[str, tuple[object, str]]:
    """The live lists of these keys; each tenant's floor is read once."""
    shown: dict[str, tuple[object, str]] = {}
    for tenant_id, mine in by_tenant(keys).items():
        floor = read_floor(tenant_id)
        with tenants_clock(floor.tenant):
            for key in mine:
                _, team, look = key.split(".", 2)
                people = people_of(floor, int(team) or None, wanted_from(look))
                html = render_to_string("floor/_people.html", {"people": people, "sequence": SEQUENCE})
                shown[key] = (people.digest(), html.strip())
    return shown


def render_tvs(keys: Sequence[str]) -> dict[str, tuple[object, str]]:
    """TVs of these keys; each tenant's floor is read once."""
    shown: dict[str, tuple[object, str]] = {}
    for tenant_id, mine in by_tenant(keys).items():
        floor = read_floor(tenant_id)
        with tenants_clock(floor.tenant):
            for key in mine:
                _, team, link = (int(part) for part in key.split("."))
                view = tv.view_of(floor, team or None, link)
                html = render_to_string("floor/_tv.html", {"tv": view, "sequence": SEQUENCE})
                shown[key] = (view.digest(), html.strip())
    return shown


def by_tenant(keys: Sequence[str]) -> dict[int, list[str]]:
    """Keys by the tenant that they begin with."""
    found: dict[int, list[str]] = defaultdict(list)
    for key in keys:
        found[int(key.split(".")[0])].append(key)
    return found


WALLBOARD = Board(name="wallboard", authorise=authorise_wallboard, render=render_wallboards)
PEOPLE = Board(name="people", authorise=authorise_people, render=render_people)
TV = Board(name="tv", authorise=tv.authorise, render=render_tvs)
BOARDS = [WALLBOARD, PEOPLE, TV]
