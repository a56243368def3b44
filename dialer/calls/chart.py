"""The picture of pacing's calibration: forecast and actual answers as two lines of an SVG. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from .decisions import Bucket

WIDTH, HEIGHT, LEFT, BOTTOM = 640, 180, 34, 22


@dataclass(frozen=True, slots=True)
class Dot:
    """A point of a line, and what it stands for."""

    x: float
    y: float
    words: str


@dataclass(frozen=True, slots=True)
class Grid:
    """A horizontal line of the scale."""

    y: float
    words: str


@dataclass(frozen=True, slots=True)
class Chart:
    """What the template draws, in a box of `width` x `height`."""

    width: int
    height: int
    foreseen: list[Dot]
    came: list[Dot]
    scale: list[Grid]
    hours: list[Dot]

    @property
    def foreseen_points(self) -> str:
        """The forecast's line."""
        return _points(self.foreseen)

    @property
    def came_points(self) -> str:
        """The line of what came."""
        return _points(self.came)


def chart_of(buckets: Sequence[Bucket], clock: Sequence[str]) -> Chart | None:
    """Answers within the horizon, a decision: foreseen and come. None when there are too few stretches for a line.

    `clock`: each bucket's beginning, in words.
    """
    if len(buckets) < 2:
        return None
    top = max(1.0, *(max(one.answers_foreseen, one.answers) for one in buckets)) * 1.1
    starts, ends = buckets[0].at, buckets[-1].at
    span = (ends - starts).total_seconds()

    def x(one: Bucket) -> float:
        return round(LEFT + (WIDTH - LEFT - 12) * (one.at - starts).total_seconds() / span, 1)

    def y(value: float) -> float:
        return round((HEIGHT - BOTTOM) * (1.0 - value / top) + 4, 1)

    hours = [Dot(x(one), HEIGHT - 4, words) for one, words in zip(buckets, clock, strict=True)]
    return Chart(
        WIDTH,
        HEIGHT,
        [Dot(x(one), y(one.answers_foreseen), f"{one.answers_foreseen:.1f}") for one in buckets],
        [Dot(x(one), y(one.answers), f"{one.answers:.1f}") for one in buckets],
        [Grid(y(top * part / 1.1), f"{top * part / 1.1:.1f}") for part in (0.0, 0.5, 1.0)],
        hours[:: max(1, len(hours) // 4)],
    )


def _points(dots: Sequence[Dot]) -> str:
    return " ".join(f"{dot.x},{dot.y}" for dot in dots)
