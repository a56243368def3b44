"""The wallboard's charts: every call is drawn once, inside its box, and gaps stay gaps."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from dialer.floor.charts import GROUPS, LEFT, MOST, WIDTH, Stretch, charts_of

WIDTH_OF_ONE = timedelta(minutes=15)
MORNING = datetime(2026, 3, 2, 14, 0, tzinfo=UTC)
OUTCOMES = ("connected", "abandoned", "machine", "message_left", "no_answer", "busy", "failed", "lost", "cancelled")

stretches = st.builds(
    Stretch,
    at=st.integers(0, 95).map(lambda n: MORNING + n * WIDTH_OF_ONE),
    outcomes=st.dictionaries(st.sampled_from(OUTCOMES), st.integers(0, 5000)),
    working_ms=st.integers(0, 10**8),
    manned_ms=st.integers(0, 10**8),
    level_sum=st.floats(0, 500),
    decisions=st.integers(0, 60),
)


def bars(path: str) -> list[tuple[float, float, float, float]]:
    """Left, top, width and height of the bars of a path."""
    number = r"(-?[\d.]+)"
    found = re.findall(f"M{number} {number}h{number}v{number}h-{number}z", path)
    return [tuple(float(one) for one in bar[:4]) for bar in found]  # type: ignore[misc]


def test_nothing_is_drawn_of_nothing() -> None:
    assert charts_of([], width=WIDTH_OF_ONE, cap=0.03) is None


@given(st.lists(stretches, min_size=1, max_size=120))
def test_every_call_is_drawn_once_and_inside(day: list[Stretch]) -> None:
    charts = charts_of(day, width=WIDTH_OF_ONE, cap=0.03)
    assert charts is not None
    calls = sum(one.calls for one in day)
    assert charts.total.calls == calls == sum(row.calls for row in charts.rows)
    assert len(charts.rows) <= MOST
    pictures = [charts.calls, charts.abandonment, charts.occupancy, *([charts.level] if charts.level else [])]
    for picture in pictures:
        assert len(picture.clock) <= 6
        for shape in picture.shapes:
            for left, top, wide, high in bars(shape.path):
                assert left >= LEFT and left + wide <= WIDTH
                assert top >= 7.9 and top + high <= picture.height - 19.9
            for x, y in re.findall(r"[ML]([\d.]+) ([\d.]+)", shape.path):
                assert LEFT <= float(x) <= WIDTH and 7.9 <= float(y) <= picture.height - 19.9
    top = float(charts.calls.scale[-1].words)
    drawn = sum(high for shape in charts.calls.shapes for *_, high in bars(shape.path))
    assert top >= max(row.calls for row in charts.rows) if charts.rows else True
    assert abs(drawn * top / (charts.calls.height - 28) - calls) <= 0.11 * top / 160 * len(charts.rows) * len(GROUPS)


@given(st.lists(stretches, min_size=1, max_size=120))
def test_the_order_in_which_it_is_told_does_not_matter(day: list[Stretch]) -> None:
    assert charts_of(day, width=WIDTH_OF_ONE, cap=0.03).rows == charts_of(day[::-1], width=WIDTH_OF_ONE, cap=0.03).rows  # type: ignore[union-attr]


def test_a_gap_breaks_the_line() -> None:
    busy = [Stretch(MORNING + n * WIDTH_OF_ONE, working_ms=50, manned_ms=100) for n in (0, 1, 4, 5)]
    charts = charts_of(busy, width=WIDTH_OF_ONE, cap=0.03)
    assert charts is not None
    assert charts.level is None
    assert charts.occupancy.shapes[0].path.count("M") == 2
    assert [row.occupancy for row in charts.rows] == [0.5] * 4


def test_the_cap_is_a_line_that_is_always_seen() -> None:
    day = [Stretch(MORNING, {"connected": 97, "abandoned": 3}), Stretch(MORNING + WIDTH_OF_ONE, {"connected": 5})]
    charts = charts_of(day, width=WIDTH_OF_ONE, cap=0.03)
    assert charts is not None
    assert [mark.words for mark in charts.abandonment.scale] == ["0 %", "3 %", "6 %"]
    assert charts.abandonment.shapes[1].path == f"M{LEFT} {charts.abandonment.scale[1].y}H{WIDTH - 8}"
    assert [row.abandonment for row in charts.rows] == [0.0, 0.03]
    assert len(bars(charts.abandonment.shapes[0].path)) == 1


def test_a_long_day_is_put_together() -> None:
    day = [Stretch(MORNING + n * WIDTH_OF_ONE, {"busy": 1}, level_sum=2.0 * n, decisions=2) for n in range(60)]
    charts = charts_of(day, width=WIDTH_OF_ONE, cap=0.03)
    assert charts is not None
    assert (charts.minutes, len(charts.rows)) == (30, 30)
    assert charts.rows[0].level == 58.5
