"""The rule packs: dated data files in packs/, read strictly, and where a number may be by its digits.

A file that says something unknown is refused when it is read (at start), never passed over.
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from datetime import date, timedelta
from functools import cache, lru_cache
from pathlib import Path
from typing import Any

import holidays
from phonenumbers import COUNTRY_CODE_TO_REGION_CODE

from .abandonment import US, AbandonmentRule
from .laws import CLOSED, DAY_MINUTES, Hours, Laws, Level, Notice, Pack, Purpose, Rule

FOLDER = Path(__file__).parent / "packs"
FILES = ("us-federal", "us-states", "canada", "uk", "generic")
DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
UNKNOWN = ("??",)
"""Where a number is of which nothing is known: the generic pack's rules hold."""

_KINDS: Mapping[str, frozenset[str]] = {
    "window": frozenset({"hours", "holidays"}),
    "national": frozenset({"list", "max_age_days"}),
    "attempts": frozenset({"per", "calls", "hours"}),
    "conversation": frozenset({"days"}),
    "abandoned": frozenset({"hours"}),
    "consent": frozenset({"level"}),
    "recording": frozenset({"notice"}),
}
_ANY_KIND = frozenset({"id", "kind", "source", "regions", "purposes", "paced", "fallback", "from", "until"})
_OPTIONAL = frozenset({"holidays"})


class BadPack(ValueError):
    """A pack's file does not say what it must; the message names the rule and the word."""


@cache
def packs() -> tuple[Pack, ...]:
    """Every pack, read once per process. Raises BadPack."""
    return tuple(read(FOLDER / f"{name}.toml") for name in FILES)


def read(path: Path) -> Pack:
    """One pack from its file. Raises BadPack."""
    data = tomllib.loads(path.read_text())
    try:
        name, countries = f"{data['id']}/{data['version']}", tuple(data["countries"])
        rules = tuple(_rule(entry, name, countries) for entry in data["rule"])
        limit = AbandonmentRule(**data["abandonment"]) if "abandonment" in data else None
        return Pack(data["id"], data["version"], countries, rules, limit, tuple(data.get("vector", ())))
    except (KeyError, TypeError, ValueError) as error:
        raise BadPack(f"{path.name}: {error!r}") from error


def _rule(entry: Mapping[str, Any], pack: str, countries: tuple[str, ...]) -> Rule:
    kind = entry["kind"]
    words = _KINDS[kind]
    unknown = set(entry) - _ANY_KIND - words
    missing = (words - _OPTIONAL | {"id", "source"}) - set(entry)
    if unknown or missing:
        raise ValueError(f"rule {entry.get('id')}: unknown {sorted(unknown)}, missing {sorted(missing)}")
    days = timedelta(days=entry.get("days", entry.get("max_age_days", 0)))
    within = timedelta(hours=entry["hours"]) if kind in ("attempts", "abandoned") else days
    return Rule(
        id=entry["id"],
        kind=kind,
        pack=pack,
        source=entry["source"],
        countries=countries,
        regions=tuple(entry.get("regions", ())),
        purposes=tuple(Purpose(purpose) for purpose in entry.get("purposes", ())),
        paced=entry.get("paced", False),
        fallback=entry.get("fallback", False),
        starts=entry.get("from", date.min),
        ends=entry.get("until", date.max),
        hours=_week(entry["hours"]) if kind == "window" else (),
        holidays=entry.get("holidays", False),
        calls=entry.get("calls", 0),
        within=within,
        per=_one_of(entry.get("per", ""), ("", "lead", "number")),
        list=entry.get("list", ""),
        level=Level(entry["level"]) if kind == "consent" else "",
        notice=Notice(entry["notice"]) if kind == "recording" else "",
    )


def _one_of(value: str, known: tuple[str, ...]) -> str:
    if value not in known:
        raise ValueError(f"“{value}” is none of {known}")
    return value


def _week(hours: Mapping[str, str]) -> tuple[Hours, ...]:
    if unknown := set(hours) - set(DAYS):
        raise ValueError(f"unknown days {sorted(unknown)}")
    return tuple(_span(hours[day]) if day in hours else CLOSED for day in DAYS)


def _span(text: str) -> Hours:
    opens, closes = (int(part[:2]) * 60 + int(part[3:]) for part in text.split("-"))
    if not 0 <= opens < closes <= DAY_MINUTES:
        raise ValueError(f"“{text}” is no span of a day")
    return opens, closes


@cache
def laws_for(purpose: Purpose, by_hand: bool) -> Laws:
    """The law for calls of one purpose and way of dialing, with this installation's packs."""
    return Laws(packs(), purpose=purpose, by_hand=by_hand, is_holiday=is_holiday)


def is_holiday(region: str, day: date) -> bool:
    """Whether a day is a public holiday of a region (US-AL) or country (GB), observed days included."""
    return day in _holidays(region, day.year)


@lru_cache(maxsize=500)
def _holidays(region: str, year: int) -> frozenset[date]:
    country, _dash, subdivision = region.partition("-")
    try:
        return frozenset(holidays.country_holidays(country, subdiv=subdivision or None, years=year))
    except NotImplementedError:  # a country or part of one that the library does not know
        return frozenset()


def abandonment_rule(region: str) -> AbandonmentRule:
    """The limit of abandoned calls of a country (ISO 3166 code); where no pack has one, that of the United States."""
    limits = (pack.abandonment for pack in packs() if region in pack.countries and pack.abandonment is not None)
    return next(limits, US)


@cache
def _areas() -> tuple[Mapping[str, tuple[str, ...]], tuple[str, ...]]:
    """The regions of each North American area code, and every state of the United States for one that is unknown."""
    data = tomllib.loads((FOLDER / "areas.toml").read_text())
    found: dict[str, list[str]] = {}
    for region, codes in data["areas"].items():
        for code in codes.split():
            found.setdefault(code, []).append(region)
    states = tuple(sorted(region for region in data["areas"] if region.startswith("US-")))
    return {code: tuple(sorted(regions)) for code, regions in found.items()}, states


def known_regions() -> list[str]:
    """Every state, province and country that a pack or an area code tells of, e.g. for a choice."""
    countries = {country for pack in packs() for country in pack.countries if country != "*"}
    areas, states = _areas()
    return sorted(countries | {region for regions in areas.values() for region in regions} | set(states))


def regions_of_number(e164: str) -> tuple[str, ...]:
    """Every region where a number may be by its digits, e.g. ("US-FL",), ("GB",); ("??",) where nothing is known.

    A North American number whose area code says nothing (toll-free ones, for one) may be in any state.
    """
    if e164.startswith("+1"):
        areas, anywhere = _areas()
        return areas.get(e164[2:5], anywhere)
    for length in (1, 2, 3):
        countries = (
            COUNTRY_CODE_TO_REGION_CODE.get(int(e164[1 : 1 + length])) if e164[1 : 1 + length].isdigit() else None
        )
        if countries:
            return countries[:1] if countries[0] != "001" else UNKNOWN
    return UNKNOWN
