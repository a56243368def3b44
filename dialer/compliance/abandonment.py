"""The abandonment ledger's rules, pure: what counts, over which days, and what is left of what the law allows.

16 CFR 310.4(b)(4)(i): no more than three percent of all calls answered by a person may be abandoned, "measured over the
duration of a single calling campaign, if less than 30 days, or separately over each successive 30-day period or
portion thereof that the campaign continues" (47 CFR 64.1200(a)(7) likewise). A call is abandoned when the person is not
connected with an agent within two seconds of their completed greeting.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta


@dataclass(frozen=True, slots=True)
class AbandonmentRule:
    """One country's limit: at most `cap` of the live answers of each successive period of `days`."""

    name: str
    cap: float
    days: int
    source: str


US = AbandonmentRule("US, 3 % in 30 days", 0.03, 30, "16 CFR 310.4(b)(4)(i), 47 CFR 64.1200(a)(7)")
"""Where no pack has a limit (rulebook.abandonment_rule)."""


@dataclass(frozen=True, slots=True)
class Counts:
    """Live answers, and how many of them were abandoned."""

    answered: int = 0
    abandoned: int = 0

    def __add__(self, other: Counts) -> Counts:
        return Counts(self.answered + other.answered, self.abandoned + other.abandoned)

    def __sub__(self, other: Counts) -> Counts:
        return Counts(self.answered - other.answered, self.abandoned - other.abandoned)

    @property
    def rate(self) -> float:
        """The share abandoned; 0 of nothing."""
        return self.abandoned / self.answered if self.answered else 0.0


NOTHING = Counts()
PEOPLE = frozenset({"HUMAN", "NONE"})
"""Verdicts of screening that stand for a person (NONE: not screened, so taken for one)."""


def counted(*, verdict: str, unsure_to_agent: bool, own_agent: bool, abandoned: bool, found_machine: bool) -> Counts:
    """What one call adds to the ledger, as it stands now.

    Every doubt counts against us. An abandoned call is a live answer whoever dialed it and whatever detection said of
    it later; one that an agent dialed is no other live answer (it would thin the rate out), nor is one in which the
    agent found a machine.
    """
    if abandoned:
        return Counts(1, 1)
    person = verdict in PEOPLE or (verdict == "NOTSURE" and unsure_to_agent)
    return Counts(1, 0) if person and not own_agent and not found_machine else NOTHING


def period_of(first: date, today: date, days: int) -> tuple[date, date]:
    """First and last day of the period that holds `today`, of the successive ones that begin with `first`."""
    past = max(0, (today - first).days) // days
    starts = first + timedelta(days=past * days)
    return starts, starts + timedelta(days=days - 1)


LEAST_ANSWERS = 100
"""A day or window with fewer live answers is judged as if it had so many: one abandonment is no rate."""
BREAKER_FACTOR = 2.0
BREAKER_COUNT = 3


def spent(day: Counts, cap: float) -> bool:
    """Whether the gate closes paced dialing until tomorrow: twice a day's allowance was abandoned, and some more.

    Pacing turns progressive long before. Getting here means that people are abandoned although each call had an agent
    to go to (phones that drop, a switch in trouble), and only not dialing helps.
    """
    return day.abandoned > BREAKER_FACTOR * cap * max(day.answered, LEAST_ANSWERS) + BREAKER_COUNT


@dataclass(frozen=True, slots=True)
class Standing:
    """A campaign's ledger at one moment. `why` says why the counters are not `certain`, when they are not."""

    window: Counts
    day: Counts
    cap: float
    starts: date
    ends: date
    rule: AbandonmentRule = US
    certain: bool = True
    why: str = ""

    @property
    def spent(self) -> bool:
        """Whether paced dialing is closed for today."""
        return spent(self.day, self.cap)

    @property
    def allowed(self) -> int:
        """Abandonments that the window allows so far (of LEAST_ANSWERS at least)."""
        return int(self.cap * max(self.window.answered, LEAST_ANSWERS) + 1e-9)

    @property
    def left(self) -> int:
        """Those of them that are left."""
        return max(0, self.allowed - self.window.abandoned)
