"""A wallboard's charts of the day, worked out as places in SVG boxes: the template only writes them down. Pure.

Three pictures of the same stretches of time, each with its figures in one table: how calls ended, the dial level above
the share of live answers that were abandoned, and occupancy. Coordinates are strings, because a template would write
numbers in the reader's language.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from dialer.core.words import _

WIDTH, LEFT, RIGHT = 420, 42, 8
MOST = 48
"""Stretches drawn at most: more are put together."""
GROUPS = {
    "connected": _("Connected"),
    "abandoned": _("Abandoned"),
    "machine": _("Machine"),
    "unanswered": _("No answer or busy"),
    "other": _("Other"),
}
"""What is told apart in the chart, from the bottom up."""
GROUP_OF = {
    "connected": "connected",
    "abandoned": "abandoned",
    "machine": "machine",
    "message_left": "machine",
    "no_answer": "unanswered",
    "busy": "unanswered",
}


@dataclass(frozen=True, slots=True)
class Stretch:
    """What was booked in a stretch of time that begins at `at`. `level` is the mean of pacing's decisions in it."""

    at: datetime
    outcomes: dict[str, int] = field(default_factory=dict)
    """Calls that ended, by outcome."""
    working_ms: int = 0
    manned_ms: int = 0
    level_sum: float = 0.0
    decisions: int = 0

    def group(self, name: str) -> int:
        """How many calls ended in one of the outcomes that are drawn as one."""
        return sum(n for outcome, n in self.outcomes.items() if GROUP_OF.get(outcome, "other") == name)

    @property
    def groups(self) -> list[tuple[str, int]]:
        """The same of each group, with its word."""
        return [(word, self.group(name)) for name, word in GROUPS.items()]

    @property
    def calls(self) -> int:
        """All calls that ended."""
        return sum(self.outcomes.values())

    @property
    def level(self) -> float | None:
        """Lines per agent that is free soon; None when nothing was decided."""
        return self.level_sum / self.decisions if self.decisions else None

    @property
    def abandonment(self) -> float | None:
        """The share of live answers that found no agent in time; None without live answers."""
        lost = self.outcomes.get("abandoned", 0)
        live = self.outcomes.get("connected", 0) + lost
        return lost / live if live else None

    @property
    def occupancy(self) -> float | None:
        """The share of the time of agents at work that they spent on calls; None when no such time was booked."""
        return min(1.0, self.working_ms / self.manned_ms) if self.manned_ms > 0 else None

    def __add__(self, other: Stretch) -> Stretch:
        """Both together, from the earlier beginning."""
        names = self.outcomes.keys() | other.outcomes.keys()
        return Stretch(
            min(self.at, other.at),
            {name: self.outcomes.get(name, 0) + other.outcomes.get(name, 0) for name in names},
            self.working_ms + other.working_ms,
            self.manned_ms + other.manned_ms,
            self.level_sum + other.level_sum,
            self.decisions + other.decisions,
        )


@dataclass(frozen=True, slots=True)
class Shape:
    """One path of a picture, drawn in the style of its name."""

    name: str
    word: str
    path: str


@dataclass(frozen=True, slots=True)
class Mark:
    """A line of a scale, `y` from the top."""

    y: str
    words: str


@dataclass(frozen=True, slots=True)
class Tick:
    """A moment under a picture, `x` from the left."""

    x: str
    at: datetime


@dataclass(frozen=True, slots=True)
class Picture:
    """A box of WIDTH x `height`."""

    height: int
    shapes: list[Shape]
    scale: list[Mark]
    clock: list[Tick]

    @property
    def width(self) -> int:
        """How wide the box is."""
        return WIDTH

    @property
    def left(self) -> int:
        """Where the plot begins; the words of the scale end before it."""
        return LEFT

    @property
    def right(self) -> int:
        """Where the plot ends."""
        return WIDTH - RIGHT

    @property
    def foot(self) -> int:
        """Where the words under it stand."""
        return self.height - 4


@dataclass(frozen=True, slots=True)
class Charts:
    """The day in pictures, and in figures: `rows` are the stretches, the newest first. `minutes`: how long each is."""

    minutes: int
    calls: Picture
    level: Picture | None
    abandonment: Picture
    occupancy: Picture
    rows: list[Stretch]
    total: Stretch


def charts_of(stretches: Sequence[Stretch], *, width: timedelta, cap: float) -> Charts | None:
    """The pictures of stretches that are `width` long each; gaps among them are stretches in which nothing was booked.

    `cap`: the share that may be abandoned, drawn as a line. None when there is nothing to draw yet.
    """
    if not stretches:
        return None
    filled, width = _together(_without_gaps(sorted(stretches, key=lambda one: one.at), width), width)
    plot = _Plot(filled, width)
    total = filled[0]
    for one in filled[1:]:
        total += one
    has_level = any(one.level is not None for one in filled)
    return Charts(
        minutes=round(width.total_seconds() / 60),
        calls=_calls(plot),
        level=_line(plot, [one.level for one in filled], "level", _("Dial level"), height=96) if has_level else None,
        abandonment=_abandonment(plot, cap),
        occupancy=_line(plot, [one.occupancy for one in filled], "occupancy", _("Occupancy"), top=1.0, percent=True),
        rows=[one for one in reversed(filled) if one.calls or one.manned_ms or one.decisions],
        total=total,
    )


def _without_gaps(stretches: Sequence[Stretch], width: timedelta) -> list[Stretch]:
    """One stretch per width, from the first to the last; several of the same beginning are one."""
    at: dict[datetime, Stretch] = {}
    for one in stretches:
        at[one.at] = at[one.at] + one if one.at in at else one
    starts, count = stretches[0].at, round((stretches[-1].at - stretches[0].at) / width) + 1
    places = (starts + n * width for n in range(count))
    return [at.get(place) or Stretch(place) for place in places]


def _together(stretches: list[Stretch], width: timedelta) -> tuple[list[Stretch], timedelta]:
    """No more than MOST of them: pairs are put together until it is so."""
    while len(stretches) > MOST:
        pairs = [stretches[n : n + 2] for n in range(0, len(stretches), 2)]
        stretches, width = [pair[0] if len(pair) == 1 else pair[0] + pair[1] for pair in pairs], width * 2
    return stretches, width


@dataclass(frozen=True, slots=True)
class _Plot:
    """Where things are drawn, along the time."""

    stretches: list[Stretch]
    width: timedelta

    @property
    def step(self) -> float:
        """How wide a stretch is drawn."""
        return (WIDTH - LEFT - RIGHT) / len(self.stretches)

    def x(self, place: int) -> float:
        """Where a stretch begins."""
        return LEFT + place * self.step

    def clock(self) -> list[Tick]:
        """The beginnings that are named under a picture: six at most."""
        every = -(-len(self.stretches) // 6)
        return [Tick(_n(self.x(place)), self.stretches[place].at) for place in range(0, len(self.stretches), every)]


def _calls(plot: _Plot, height: int = 190) -> Picture:
    top = _round_up(max((one.calls for one in plot.stretches), default=0))
    drawn = [0.0] * len(plot.stretches)
    shapes = []
    for name, word in GROUPS.items():
        path = []
        for place, one in enumerate(plot.stretches):
            if n := one.group(name):
                path.append(_bar(plot, place, drawn[place], drawn[place] + n, top, height))
                drawn[place] += n
        shapes.append(Shape(name, word, "".join(path)))
    return Picture(height, shapes, _scale(top, height), plot.clock())


def _abandonment(plot: _Plot, cap: float, height: int = 96) -> Picture:
    shares = [one.abandonment for one in plot.stretches]
    top = max(2 * cap, *(share or 0.0 for share in shares))
    path = [_bar(plot, place, 0.0, share, top, height) for place, share in enumerate(shares) if share]
    line = f"M{LEFT} {_n(_y(cap, top, height))}H{WIDTH - RIGHT}"
    shapes = [Shape("abandoned", _("Abandonment"), "".join(path)), Shape("cap", _("The cap"), line)]
    return Picture(height, shapes, _scale(top, height, percent=True, steps=2), plot.clock())


def _line(
    plot: _Plot,
    values: Sequence[float | None],
    name: str,
    word: str,
    *,
    height: int = 120,
    top: float = 0.0,
    percent: bool = False,
) -> Picture:
    """A line through the middles of the stretches, broken where there is no figure."""
    top = top or _round_up(max((value for value in values if value is not None), default=0.0))
    path, pen_down = [], False
    for place, value in enumerate(values):
        if value is None:
            pen_down = False
            continue
        where = f"{_n(plot.x(place) + plot.step / 2)} {_n(_y(value, top, height))}"
        path.append(f"L{where}" if pen_down else f"M{where}h0.1")
        pen_down = True
    return Picture(
        height, [Shape(name, word, "".join(path))], _scale(top, height, percent=percent, steps=2), plot.clock()
    )


def _bar(plot: _Plot, place: int, low: float, high: float, top: float, height: int) -> str:
    left, wide = plot.x(place) + plot.step * 0.08, plot.step * 0.84
    ceiling = _y(high, top, height)
    return f"M{_n(left)} {_n(ceiling)}h{_n(wide)}v{_n(_y(low, top, height) - ceiling)}h-{_n(wide)}z"


def _y(value: float, top: float, height: int) -> float:
    return 8 + (height - 28) * (1.0 - value / top)


def _scale(top: float, height: int, *, percent: bool = False, steps: int = 2) -> list[Mark]:
    marks = []
    for n in range(steps + 1):
        value = top * n / steps
        words = f"{value * 100:.3g} %" if percent else f"{value:.3g}"
        marks.append(Mark(_n(_y(value, top, height)), words))
    return marks


def _round_up(value: float) -> float:
    """The next figure that a scale can end with: 2, 4, 10, 20, 40, 100 …"""
    nice, steps = 2.0, (2.0, 2.5, 2.0)  # 2 → 4 → 10 → 20 → 40 → 100
    n = 0
    while nice < value:
        nice, n = nice * steps[n % 3], n + 1
    return nice


def _n(value: float) -> str:
    return f"{value:.1f}".removesuffix(".0")
