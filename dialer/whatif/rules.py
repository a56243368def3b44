"""What-if, pure: settings to try, and the world that a campaign's own figures make of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, fields, replace
from statistics import fmean
from typing import Any, Literal, cast

from dialer.pacing import Method, Rules
from dialer.pacing.simulator import ENOUGH, World, incidence, thin

Played = Literal["progressive", "ratio", "predictive"]
PLAYED: tuple[Played, ...] = ("progressive", "ratio", "predictive")
"""Methods that can be simulated: with the others agents decide when to dial."""

PERSON, MACHINE, FAILED, OPEN = "person", "machine", "failed", "open"
"""How a dial ended: a person or a machine picked up, it was refused (busy …), or nobody knows (rang out, given up)."""

HOUR_WEIGHT = 40.0
"""An hour's own answer share counts against the whole day's as its dials count against these."""
LARGEST_FLOOR = 150
"""Agents that are played at most: more would not be done in time. Larger floors do a little better than this."""


@dataclass(frozen=True, slots=True)
class Settings:
    """What a simulation is asked to try. Times in seconds; `wrap`: mean wrap-up, None for as it was seen."""

    method: Played = "predictive"
    level: float = 1.0
    cap: float = 0.03
    ring_timeout: float = 22.0
    detection: bool = False
    agents: int = 10
    wrap: float | None = None

    def to_json(self) -> dict[str, Any]:
        """As it is stored."""
        return asdict(self)

    @classmethod
    def from_json(cls, stored: Mapping[str, Any]) -> Settings:
        """Read what `to_json` wrote; what is not known any more is left out."""
        known = {one.name for one in fields(cls)}
        return cls(**{name: value for name, value in stored.items() if name in known})


@dataclass(frozen=True, slots=True)
class Hour:
    """One hour of the day that is played again: how many were dialed and how many people answered."""

    hour: int
    dials: int
    persons: int


@dataclass(frozen=True, slots=True)
class Observed:
    """What a campaign's rows tell. Times in seconds, ages from the decision to dial."""

    ages: Sequence[float] = ()
    ends: Sequence[str] = ()
    """PERSON, MACHINE, FAILED or OPEN, one for each age."""
    screened: bool = False
    """Machine detection stood between these people and the agents."""
    talk: Sequence[float] = ()
    wrap: Sequence[float] = ()
    machine_talk: Sequence[float] = ()
    machine_wrap: Sequence[float] = ()
    originate: Sequence[float] = ()
    person_lag: Sequence[float] = ()
    machine_lag: Sequence[float] = ()
    pauses: Sequence[float] = ()
    worked_h: float = 0.0
    """Hours of agents who were not paused, over which `pauses` were taken."""
    hours: Sequence[Hour] = ()

    @property
    def machines_known(self) -> bool:
        """Whether anything says which of those who picked up were machines."""
        return self.screened or self.ends.count(MACHINE) > 0


@dataclass(frozen=True, slots=True)
class Guesses:
    """Which parts of a world rest on too few observations and are therefore a guess, in words."""

    words: tuple[str, ...] = field(default=())


def world_of(
    observed: Observed,
    settings: Settings,
    *,
    patience: float,
    lines: int,
    may_cancel: bool = True,
    wait: float | None = None,
) -> tuple[World, Guesses]:
    """The world in which the campaign runs with these settings, and what of it is a guess.

    `wait`: seconds that people are let wait after the verdict; None: `patience` after their greeting.
    Shares are cumulative incidences (dialer.pacing.simulator.fit), so that calls given up do not look unanswered.
    """
    guess = World(
        agents=min(settings.agents, LARGEST_FLOOR),
        rules=Rules(
            ring_timeout=settings.ring_timeout,
            detection=settings.detection,
            patience=patience,
            may_cancel=may_cancel,
            seats=min(settings.agents, LARGEST_FLOOR),
        ),
        wait=wait,
        cap=settings.cap,
        lines=scaled(lines, settings.agents),
    )
    world, words = _answers(guess, observed, settings)
    if settings.detection and not observed.machines_known and len(observed.ages) >= ENOUGH:
        words.append("how many machines answer (this campaign has never looked for them, so none are supposed)")
    for name, what, seen in (
        ("talk", "conversations", observed.talk),
        ("wrap", "wrap-up", observed.wrap),
        ("machine_talk", "", observed.machine_talk),
        ("machine_wrap", "", observed.machine_wrap),
        ("originate", "", observed.originate),
        ("person_lag", "", observed.person_lag if observed.screened else ()),
        ("machine_lag", "", observed.machine_lag if observed.screened else ()),
    ):
        if len(seen) >= ENOUGH:
            world = replace(world, **cast(Any, {name: thin(seen)}))
        elif what:
            words.append(what)
    world = _pauses(world, observed)
    if settings.wrap is not None:
        world = with_wrap(world, settings.wrap)
    return world, Guesses(tuple(words))


def scaled(lines: int, agents: int) -> int:
    """Lines for the part of the floor that is played."""
    return lines if agents <= LARGEST_FLOOR else max(1, round(lines * LARGEST_FLOOR / agents))


def _answers(guess: World, observed: Observed, settings: Settings) -> tuple[World, list[str]]:
    """Who picks up, and after how long."""
    if len(observed.ages) < ENOUGH:
        return guess, ["answers"]
    found = incidence(observed.ages, observed.ends, kinds=(PERSON, MACHINE, FAILED), beyond=settings.ring_timeout + 2.0)
    # Screening takes some people for machines; they answered all the same.
    person = found[PERSON].share / (1.0 - guess.person_lost if observed.screened else 1.0)
    person = min(0.9, max(0.005, person))
    rest = 1.0 - person
    machine = min(1.0, found[MACHINE].share / rest) if observed.machines_known else 0.0
    failed = min(1.0 - machine, found[FAILED].share / rest)
    world = replace(guess, answer=(person,), machine=machine, fail=failed)
    words: list[str] = []
    for name, what, kind in (
        ("answer_age", "how long people let it ring", PERSON),
        ("machine_age", "", MACHINE),
        ("fail_age", "", FAILED),
    ):
        if list(observed.ends).count(kind) >= ENOUGH:
            world = replace(world, **cast(Any, {name: found[kind].ages}))
        elif what:
            words.append(what)
    return world, words


def _pauses(world: World, observed: Observed) -> World:
    if len(observed.pauses) < ENOUGH or observed.worked_h <= 0.0:
        return world
    return replace(world, pauses_per_hour=len(observed.pauses) / observed.worked_h, pause=thin(observed.pauses))


def with_wrap(world: World, mean: float) -> World:
    """The same wrap-ups, all longer or shorter by one factor, so that their mean is the one asked for."""
    seen = fmean(world.wrap)
    if seen <= 0.0:
        return replace(world, wrap=(mean,))
    factor = mean / seen
    return replace(world, wrap=tuple(value * factor for value in world.wrap))


def day_of(world: World, hours: Sequence[Hour]) -> tuple[tuple[int, float], ...]:
    """The answer share of each hour of the day that is played again, as (hour of the clock, share).

    An hour's share is the world's, times how the hour compares with its day, drawn towards 1 when it has few dials.
    """
    day = world.answer[0]
    dials, persons = sum(one.dials for one in hours), sum(one.persons for one in hours)
    if dials < ENOUGH or persons == 0:
        return tuple((one.hour, day) for one in hours)
    raw = persons / dials
    return tuple(
        (one.hour, min(0.9, day * (one.persons + raw * HOUR_WEIGHT) / (one.dials + HOUR_WEIGHT) / raw)) for one in hours
    )


def world_to_json(world: World) -> dict[str, Any]:
    """The world as it is handed to the process that plays it."""
    return asdict(world)


def world_from_json(stored: Mapping[str, Any]) -> World:
    """Read what `world_to_json` wrote."""
    values: dict[str, Any] = {
        name: tuple(value) if isinstance(value, list) else value for name, value in stored.items()
    }
    values["rules"] = Rules(**values["rules"])
    return World(**values)


def may_simulate(method: str) -> bool:
    """Whether pacing dials with this method, so that it can be played."""
    return method in PLAYED


def played_method(method: str) -> Method:
    """The method's name as pacing knows it. ValueError for one that is not played."""
    if not may_simulate(method):
        raise ValueError(f"{method!r} cannot be simulated: choose one of {', '.join(PLAYED)}")
    return cast(Method, method)
