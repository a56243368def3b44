"""The floor's boards as live screens: who may look at which, and the HTML that all of its viewers are sent."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID

from django.template.loader import render_to_string

from dialer.live.shared import SEQUENCE, Board, NoSuch
from dialer.people.access import tenants_clock

from . import tv
from .panel import board_of
from .people import Wanted, people_of, wanted_of
from .reading import read_floor
from .scope import Scope, reader_of


def authorise_wallboard(user: Any, query: Mapping[str, str]) -> str:
    """Key: tenant.team.campaign, 0 for all. A campaign that the viewer cannot see does not exist."""
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
    return f"{scope.tenant_id}.{scope.team_id or 0}.{campaign_id}"


def render_wallboards(keys: Sequence[str]) -> dict[str, tuple[object, str]]:
    """The wallboards of these keys; each tenant's floor is read once."""
    shown: dict[str, tuple[object, str]] = {}
    for tenant_id, mine in by_tenant(keys).items():
        floor = read_floor(tenant_id)
        with tenants_clock(floor.tenant):
            for key in mine:
                _, team, campaign = (int(part) for part in key.split("."))
                board = board_of(floor, team or None, campaign or None)
                html = render_to_string("floor/board.html#board", {"board": board, "sequence": SEQUENCE})
                shown[key] = (board.digest(), html.strip())
    return shown


def authorise_people(user: Any, query: Mapping[str, str]) -> str:
    """Key: tenant.team.campaign.state.sort. A campaign that the viewer cannot see is left out."""
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
                _, team, campaign, state, sort = key.split(".")
                wanted = Wanted(int(campaign), "" if state == "all" else state, sort)
                people = people_of(floor, int(team) or None, wanted)
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
