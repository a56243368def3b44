"""How a viewer looks at a page of the floor: filter, order, columns. Read from a query string, and written as one.

A look is a part of a board's key, so that all who look in the same way are sent one rendering. What a query string says
that is not known here is left out: it may have been saved when a campaign or a column still existed.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from dialer.agents.selectors import STATE_WORDS
from dialer.core.templatetags.cordboard import level, rate

from .panel import Panel
from .reading import AgentNow

SORTS: dict[str, tuple[str | Promise, Callable[[AgentNow], Any]]] = {
    "time": (_("Longest in state"), lambda one: one.since),
    "name": (_("Name"), lambda one: one.name.lower()),
    "state": (_("State"), lambda one: (one.state, one.since)),
    "team": (_("Team"), lambda one: (one.team.lower(), one.name.lower())),
}
STATES = [(state.value, word) for state, word in STATE_WORDS.items()]
COLUMNS = {
    "state": _("State"),
    "for": _("Time in state"),
    "campaign": _("Campaign"),
    "team": _("Team"),
    "phone": _("Phone"),
    "calls": _("Live calls"),
}
"""What the list of agents can show beside their names; the last is a table of its own."""
STRIP_SORTS: dict[str, tuple[str | Promise, Callable[[Panel], Any]]] = {
    "dials": (_("Those that dial first"), lambda one: (one.campaign is None or one.campaign.status != "active",)),
    "name": (_("Name"), lambda one: ()),
    "ready": (_("Fewest agents ready"), lambda one: one.count("ready")),
    "waiting": (_("Most customers waiting"), lambda one: -one.waiting),
    "budget": (_("Least budget left"), lambda one: one.budget_left if one.budget_left is not None else 10**9),
    "leads": (_("Fewest leads left"), lambda one: one.leads_left),
}
STRIP_COLUMNS: dict[str, tuple[str | Promise, Callable[[Panel], object]]] = {
    "ready": (_("Ready"), lambda one: one.count("ready")),
    "in_call": (_("In call"), lambda one: one.count("in_call")),
    "ringing": (_("Ringing"), lambda one: one.ringing),
    "waiting": (_("Waiting"), lambda one: one.waiting),
    "level": (_("Level"), lambda one: level(one.level)),
    "abandoned": (_("Abandoned"), lambda one: rate(one.abandonment)),
    "budget": (_("Budget left"), lambda one: one.budget_left),
    "conversions": (_("Conversions"), lambda one: one.conversions),
    "leads": (_("Leads left"), lambda one: one.leads_left),
}


@dataclass(frozen=True, slots=True)
class Wanted:
    """How the live list of agents is looked at: a campaign (0: all), a state (empty: all), the order, the columns."""

    campaign_id: int = 0
    state: str = ""
    sort: str = "time"
    columns: tuple[str, ...] = tuple(COLUMNS)

    def key(self) -> str:
        """As a part of a board's key."""
        return f"{self.campaign_id}.{self.state or 'all'}.{self.sort}.{_mask(self.columns, COLUMNS)}"

    def query(self, campaigns: Mapping[str, int]) -> str:
        """As a query string; empty when it is the plain list. `campaigns`: by outward id."""
        public = {pk: public_id for public_id, pk in campaigns.items()}.get(self.campaign_id, "")
        columns = _columns_text(self.columns, COLUMNS)
        return _query(campaign=public, state=self.state, sort=_but(self.sort, "time"), columns=columns)


@dataclass(frozen=True, slots=True)
class StripLook:
    """How the campaigns' strips on the wallboard are looked at."""

    status: str = ""
    sort: str = "dials"
    columns: tuple[str, ...] = tuple(STRIP_COLUMNS)

    def key(self) -> str:
        """As a part of a board's key."""
        return f"{self.status or 'all'}.{self.sort}.{_mask(self.columns, STRIP_COLUMNS)}"

    def query(self) -> str:
        """As a query string; empty when it is the plain board."""
        columns = _columns_text(self.columns, STRIP_COLUMNS)
        return _query(status=self.status, sort=_but(self.sort, "dials"), columns=columns)

    @property
    def heads(self) -> list[tuple[str, str]]:
        """The columns with their words."""
        return [(name, str(STRIP_COLUMNS[name][0])) for name in self.columns]

    def arranged(self, strips: Sequence[Panel]) -> list[Strip]:
        """The strips that are to be seen, in their order, each with what its cells say."""
        shown = [one for one in strips if one.campaign is not None and self.status in ("", one.campaign.status)]
        shown.sort(key=lambda one: (STRIP_SORTS[self.sort][1](one), one.name.lower()))
        return [Strip(one, [Cell(*_cell(name, one)) for name in self.columns]) for one in shown]


@dataclass(frozen=True, slots=True)
class Cell:
    """One cell of a strip."""

    word: str
    text: str
    warns: bool


@dataclass(frozen=True, slots=True)
class Strip:
    """A campaign's line on the wallboard."""

    panel: Panel
    cells: list[Cell]


def wanted_of(query: Mapping[str, str], campaigns: Mapping[str, int]) -> Wanted:
    """Read a look at the list. `campaigns`: by outward id, those that may be seen."""
    state, sort = query.get("state", ""), query.get("sort", "")
    return Wanted(
        campaigns.get(query.get("campaign", ""), 0),
        state if state in dict(STATES) else "",
        sort if sort in SORTS else "time",
        _columns_of(query, COLUMNS),
    )


def wanted_from(key: str) -> Wanted:
    """The look that a key stands for."""
    campaign, state, sort, mask = key.split(".")
    return Wanted(int(campaign), "" if state == "all" else state, sort, _unmasked(mask, COLUMNS))


def strips_of(query: Mapping[str, str]) -> StripLook:
    """Read a look at the wallboard."""
    status, sort = query.get("status", ""), query.get("sort", "")
    return StripLook(
        status if status in ("active", "stopped") else "",
        sort if sort in STRIP_SORTS else "dials",
        _columns_of(query, STRIP_COLUMNS),
    )


def strips_from(key: str) -> StripLook:
    """The look that a key stands for."""
    status, sort, mask = key.split(".")
    return StripLook("" if status == "all" else status, sort, _unmasked(mask, STRIP_COLUMNS))


def plain(query: Any) -> dict[str, str]:
    """A request's query (or form) with the boxes ticked for columns as one word, as looks are written."""
    found: dict[str, str] = {name: str(query.get(name, "")) for name in query}
    if ticked := query.getlist("column"):
        found["columns"] = ".".join(ticked)
    return found


def _cell(name: str, panel: Panel) -> tuple[str, str, bool]:
    word, read = STRIP_COLUMNS[name]
    warns = (name == "budget" and panel.over_budget and panel.live_answers > 0) or (name == "waiting" and panel.waiting)
    return str(word), str(read(panel)), bool(warns)


def _columns_of(query: Mapping[str, str], known: Mapping[str, Any]) -> tuple[str, ...]:
    """Those that are named, in their own order; none named: all."""
    named = set(query.get("columns", "").split("."))
    return tuple(name for name in known if name in named) or tuple(known)


def _columns_text(columns: tuple[str, ...], known: Mapping[str, Any]) -> str:
    return "" if columns == tuple(known) else ".".join(columns)


def _mask(columns: tuple[str, ...], known: Mapping[str, Any]) -> str:
    return f"{sum(1 << place for place, name in enumerate(known) if name in columns):x}"


def _unmasked(mask: str, known: Mapping[str, Any]) -> tuple[str, ...]:
    return tuple(name for place, name in enumerate(known) if int(mask, 16) >> place & 1)


def _but(value: str, usual: str) -> str:
    return "" if value == usual else value


def _query(**values: str) -> str:
    return urlencode({name: value for name, value in values.items() if value})
