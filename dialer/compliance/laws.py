"""What the law asks of a call, compiled: rules of dated packs, and what those of several places come to together. Pure.

A `Law` is what holds for one set of places (a number may be in several states: the strictest of all decides), one
purpose and one way of dialing. Rules that begin or end at a date are in it, and looked at for the day of the call.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from enum import StrEnum
from functools import partial

from .abandonment import AbandonmentRule

DAY_MINUTES = 1440
Hours = tuple[int, int]
"""First minute of the local day at which calls may be made, and the first after it at which they may not."""
CLOSED: Hours = (0, 0)


class Purpose(StrEnum):
    """Why a campaign calls people. Rules of law differ by it."""

    SALES = "sales"
    DEBT = "debt"
    SERVICE = "service"


class Notice(StrEnum):
    """What the people on a call must hear of its being recorded; the later the stricter."""

    NONE = "none"
    BEEP = "beep"
    ANNOUNCE = "announce"


class Level(StrEnum):
    """What somebody agreed to, or what there is instead; the later of express and written includes the earlier."""

    RELATIONSHIP = "relationship"
    EXPRESS = "express"
    WRITTEN = "written"


_STRENGTH: Mapping[str, int] = {Level.EXPRESS: 1, Level.WRITTEN: 2}


def strength(level: str) -> int:
    """How much a level of consent is or asks for; 0 for none, and for a relationship, which is no consent."""
    return _STRENGTH.get(level, 0)


@dataclass(frozen=True, slots=True)
class Rule:
    """One rule of a pack. What a kind does not use is empty; `hours` are by weekday, Monday first."""

    id: str
    kind: str
    pack: str
    source: str
    countries: tuple[str, ...]
    regions: tuple[str, ...] = ()
    purposes: tuple[str, ...] = ()
    paced: bool = False
    fallback: bool = False
    starts: date = date.min
    ends: date = date.max
    hours: tuple[Hours, ...] = ()
    holidays: bool = False
    calls: int = 0
    within: timedelta = timedelta(0)
    per: str = ""
    list: str = ""
    level: str = ""
    notice: str = ""

    def holds_on(self, day: date) -> bool:
        """Whether the rule is in force on a day: from its first to the one before its end."""
        return self.starts <= day < self.ends

    def concerns(self, region: str, purpose: Purpose, by_hand: bool) -> bool:
        """Whether the rule is for calls of this kind to this region (US-FL; or a country alone: GB)."""
        country = region.partition("-")[0]
        return (
            ("*" in self.countries or country in self.countries)
            and (not self.regions or region in self.regions)
            and (not self.purposes or purpose in self.purposes)
            and not (self.paced and by_hand)
        )


@dataclass(frozen=True, slots=True)
class Pack:
    """A dated set of rules of one law-giver, with the cases that it must decide as its file says."""

    id: str
    version: str
    countries: tuple[str, ...]
    rules: tuple[Rule, ...]
    abandonment: AbandonmentRule | None = None
    vectors: tuple[Mapping[str, object], ...] = ()

    @property
    def name(self) -> str:
        """How verdicts name it."""
        return f"{self.id}/{self.version}"


@dataclass(frozen=True, slots=True)
class Window:
    """When calls may be made by one rule, in the places that it is for."""

    rule: Rule
    is_holiday: Callable[[date], bool]

    def on(self, day: date) -> Hours | None:
        """The hours of a day; None when the rule says nothing of that day."""
        if not self.rule.holds_on(day):
            return None
        if self.rule.holidays and self.is_holiday(day):
            return CLOSED
        return self.rule.hours[day.weekday()]


@dataclass(slots=True)
class Law:
    """All that holds for calls of one kind to one set of places."""

    pack: str
    windows: tuple[Window, ...] = ()
    attempts: tuple[Rule, ...] = ()
    conversation: tuple[Rule, ...] = ()
    abandoned: tuple[Rule, ...] = ()
    national: tuple[Rule, ...] = ()
    consent: tuple[Rule, ...] = ()
    recording: tuple[Rule, ...] = ()
    _days: dict[date, tuple[int, int, Rule | None]] = field(default_factory=dict)

    def hours(self, day: date) -> tuple[int, int, Rule | None]:
        """When calls may be made on a local day by every rule: opens, closes, and the rule that binds most."""
        found = self._days.get(day)
        if found is None:
            if len(self._days) > 400:
                self._days.clear()
            found = self._days[day] = self._hours(day)
        return found

    def _hours(self, day: date) -> tuple[int, int, Rule | None]:
        opens, closes, binding = 0, DAY_MINUTES, None
        for window in self.windows:
            hours = window.on(day)
            if hours is None:
                continue
            if hours[0] > opens or hours[1] < closes:
                binding = window.rule
            opens, closes = max(opens, hours[0]), min(closes, hours[1])
        return (opens, closes, binding) if opens < closes else (0, 0, binding)

    def consent_on(self, day: date) -> Rule | None:
        """The rule that asks for the strongest consent on a day, if any does."""
        asking = [rule for rule in self.consent if rule.holds_on(day)]
        return max(asking, key=lambda rule: strength(rule.level), default=None)

    def notice_on(self, day: date) -> Notice:
        """What must be heard of a recording on a day; the strictest of all places."""
        order = list(Notice)
        notices = [Notice(rule.notice) for rule in self.recording if rule.holds_on(day)]
        return max(notices, key=order.index, default=Notice.NONE)


class Laws:
    """The law for each set of places, for calls of one purpose and way of dialing; each compiled once."""

    def __init__(
        self,
        packs: Sequence[Pack],
        *,
        purpose: Purpose,
        by_hand: bool,
        is_holiday: Callable[[str, date], bool] = lambda region, day: False,
    ) -> None:
        self._packs, self.purpose, self.by_hand, self._is_holiday = packs, purpose, by_hand, is_holiday
        self._compiled: dict[tuple[str, ...], Law] = {}

    def of(self, regions: tuple[str, ...]) -> Law:
        """What holds where somebody may be in any of these regions (US-FL, CA-ON, GB; ?? for a country unknown)."""
        found = self._compiled.get(regions)
        if found is None:
            if len(self._compiled) > 5000:
                self._compiled.clear()
            found = self._compiled[regions] = self._compile(regions)
        return found

    def _compile(self, regions: tuple[str, ...]) -> Law:
        windows: list[Window] = []
        found: dict[str, list[Rule]] = {}
        used: dict[str, None] = {}
        for region in regions or ("??",):
            for pack, rule in self._rules_of(region):
                used[pack.name] = None
                if rule.kind == "window":
                    windows.append(Window(rule, partial(self._is_holiday, region)))
                elif rule not in found.setdefault(rule.kind, []):
                    found[rule.kind].append(rule)
        rules = {kind: tuple(of_kind) for kind, of_kind in found.items()}
        return Law(
            pack=" ".join(used),
            windows=tuple(windows),
            attempts=rules.get("attempts", ()),
            conversation=rules.get("conversation", ()),
            abandoned=rules.get("abandoned", ()),
            national=rules.get("national", ()),
            consent=rules.get("consent", ()),
            recording=rules.get("recording", ()),
        )

    def _rules_of(self, region: str) -> Iterable[tuple[Pack, Rule]]:
        country = region.partition("-")[0]
        known = any(country in pack.countries for pack in self._packs)
        for pack in self._packs:
            for rule in pack.rules:
                if rule.concerns(region, self.purpose, self.by_hand) and not (rule.fallback and known):
                    yield pack, rule
