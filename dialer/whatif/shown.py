"""A simulation's figures as the page shows them: rows, sentences, and the coordinates of its pictures."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from math import hypot
from typing import Any

from django.utils.formats import date_format
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy as lazy
from django.utils.translation import ngettext

from .models import Simulation
from .rules import LARGEST_FLOOR, Settings

WIDTH, HEIGHT = 1000.0, 100.0
"""Units of a picture; it is stretched to its place, so only lines are drawn in it."""


@dataclass(frozen=True, slots=True)
class Figure:
    """A mean and half the width of its 95 % interval, as text and as places in the row's picture (0 to WIDTH)."""

    text: str
    margin: str
    at: str
    low: str
    high: str


@dataclass(frozen=True, slots=True)
class Row:
    """One figure of a shift: really, with today's settings, with the others."""

    name: str
    unit: str
    measured: str
    measured_at: str
    now: Figure
    other: Figure | None
    verdict: str


@dataclass(frozen=True, slots=True)
class Chart:
    """One figure over the shift: lines of today's and the other settings, and the limit, as SVG paths."""

    name: str
    top: str
    now: str
    other: str
    limit: str


@dataclass(frozen=True, slots=True)
class Shown:
    """All that the page says of a simulation that is done."""

    rows: tuple[Row, ...]
    changes: tuple[str, ...]
    summary: tuple[str, ...]
    basis: tuple[str, ...]
    charts: tuple[Chart, ...]
    ticks: tuple[str, ...]
    compared: bool
    stressed: bool
    measured: bool


def shown(simulation: Simulation) -> Shown | None:
    """What the page shows; None while there is no answer."""
    result = simulation.result
    if result is None:
        return None
    rows = _rows(result, simulation.stress)
    return Shown(
        rows=rows,
        changes=changes(Settings.from_json(result["now"]["settings"]), simulation.settings),
        summary=_summary(result, rows, simulation.stress),
        basis=_basis(result, simulation.stress),
        charts=_charts(result),
        ticks=_ticks(result, simulation.stress),
        compared=result["other"] is not None,
        stressed=simulation.stress is not None,
        measured=any(row.measured for row in rows),
    )


def changes(present: Settings, tried: Settings) -> tuple[str, ...]:
    """How the settings tried differ from those that the campaign had, one phrase each."""
    words: list[str] = []
    if tried.method != present.method:
        words.append(
            _("%(new)s instead of %(old)s")
            % {"new": _(tried.method.capitalize()).lower(), "old": _(present.method.capitalize()).lower()}
        )
    if tried.method == "ratio" and (tried.level != present.level or present.method != "ratio"):
        words.append(_("%(level)s lines per free agent") % {"level": f"{tried.level:.2f}"})
    if tried.agents != present.agents:
        words.append(_("%(new)s agents instead of %(old)s") % {"new": tried.agents, "old": present.agents})
    if tried.cap != present.cap:
        words.append(
            _("abandonment at most %(new)s %% instead of %(old)s %%")
            % {"new": f"{tried.cap * 100:g}", "old": f"{present.cap * 100:g}"}
        )
    if tried.ring_timeout != present.ring_timeout:
        words.append(
            _("ringing for %(new)s s instead of %(old)s s")
            % {"new": f"{tried.ring_timeout:g}", "old": f"{present.ring_timeout:g}"}
        )
    if tried.detection != present.detection:
        words.append(_("machine detection on") if tried.detection else _("machine detection off"))
    if tried.wrap is not None:
        words.append(_("a mean wrap-up of %(seconds)s s") % {"seconds": f"{tried.wrap:g}"})
    return tuple(words)


# -- rows

_FIGURES = (
    # name, key of the result, unit, what it is multiplied by, decimals, key of the day
    (lazy("Utilisation"), "utilisation", "%", 100.0, 1, "utilisation"),
    (lazy("Abandonment"), "abandonment", "%", 100.0, 2, "abandonment"),
    (lazy("Wait for a call"), "wait_s", "s", 1.0, 1, "wait_s"),
    (lazy("Calls an hour"), "calls_per_hour", "", 1.0, 0, "calls_per_hour"),
)


def _part(of: dict[str, Any], stress: float | None) -> dict[str, Any]:
    """The figures that count: of a stress those after the change, when it was reached."""
    part: dict[str, Any] = of.get("after", of) if stress is not None else of
    return part


def _rows(result: dict[str, Any], stress: float | None) -> tuple[Row, ...]:
    rows = []
    for name, key, unit, times, decimals, day_key in _FIGURES:
        values = [
            (_value(_part(of, stress)[key], times), of) for of in (result["now"], result["other"]) if of is not None
        ]
        measured = None if stress is not None else result["day"].get(day_key)
        if key == "calls_per_hour":  # of the whole floor, when only a part of it was played
            values = [((mean * _floor(of), margin * _floor(of)), of) for (mean, margin), of in values]
        most = max([mean + margin for (mean, margin), *_rest in values] + [(measured or 0.0) * times, 1e-9]) * 1.05
        figures = [_figure(mean, margin, most, decimals) for (mean, margin), *_rest in values]
        rows.append(
            Row(
                name=str(name),
                unit=unit,
                measured="" if measured is None else f"{measured * times:,.{decimals}f}",
                measured_at="" if measured is None else _place(measured * times / most),
                now=figures[0],
                other=figures[1] if len(figures) > 1 else None,
                verdict=_verdict([value for value, _ in values], unit, decimals),
            )
        )
    return tuple(rows)


def _value(interval: dict[str, float], times: float) -> tuple[float, float]:
    return interval["mean"] * times, interval["give_or_take"] * times


def _floor(of: dict[str, Any]) -> float:
    """The whole floor's agents to those played."""
    return float(of["settings"]["agents"]) / float(of["agents"])


def _figure(mean: float, margin: float, most: float, decimals: int) -> Figure:
    return Figure(
        text=f"{mean:,.{decimals}f}",
        margin=f"± {margin:,.{decimals}f}",
        at=_place(mean / most),
        low=_place(max(0.0, mean - margin) / most),
        high=_place((mean + margin) / most),
    )


def _place(share: float) -> str:
    return f"{share * WIDTH:.1f}"


def _verdict(values: Sequence[tuple[float, float]], unit: str, decimals: int) -> str:
    """How the other settings compare, or that nobody can tell."""
    if len(values) < 2:
        return ""
    (one, margin), (two, other_margin) = values
    if abs(two - one) <= hypot(margin, other_margin):
        return _("no clear difference")
    points = " " + _("points") if unit == "%" else f" {unit}" if unit else ""
    return f"{two - one:+,.{decimals}f}{points}".replace("-", "−")


# -- words


def _summary(result: dict[str, Any], rows: Sequence[Row], stress: float | None) -> tuple[str, ...]:
    """The answer in sentences: what a screen reader, or somebody in a hurry, needs."""
    said: list[str] = []
    for key, whose in (("now", _("With today's settings")), ("other", _("With the other settings"))):
        of = result[key]
        if of is None:
            continue
        if stress is not None and "after" in of:
            before, after = of["before"], of["after"]
            said.append(
                _(
                    "%(whose)s abandonment goes from %(one)s to %(two)s of the people who answer, at its worst "
                    "%(worst)s %% in five minutes, and utilisation from %(busy)s to %(then)s."
                )
                % {
                    "whose": whose,
                    "one": _percent(before["abandonment"]),
                    "two": _percent(after["abandonment"]),
                    "worst": f"{_worst(of):.1f}",
                    "busy": _percent(before["utilisation"]),
                    "then": _percent(after["utilisation"]),
                }
            )
            continue
        said.append(
            _(
                "%(whose)s agents are busy %(busy)s of their time and wait %(wait)s s for a call; %(lost)s of the "
                "people who answer are abandoned."
            )
            % {
                "whose": whose,
                "busy": _percent(of["utilisation"]),
                "wait": f"{of['wait_s']['mean']:.0f}",
                "lost": _percent(of["abandonment"], 2),
            }
        )
    return tuple(said)


def _percent(interval: dict[str, float], decimals: int = 1) -> str:
    return f"{interval['mean'] * 100:.{decimals}f} % (± {interval['give_or_take'] * 100:.{decimals}f})"


def _worst(of: dict[str, Any]) -> float:
    half = len(of["series"]) // 2
    return 100.0 * max((abandoned for _busy, abandoned in of["series"][half:]), default=0.0)


def _basis(result: dict[str, Any], stress: float | None) -> tuple[str, ...]:
    """What the answer rests on."""
    said = [
        _(
            "It rests on %(dials)s dials, %(talks)s conversations and %(wrapups)s wrap-ups of this campaign, "
            "of the last fortnight."
        )
        % {
            "dials": f"{result['dials']:,}",
            "talks": f"{result['conversations']:,}",
            "wrapups": f"{result['wrapups']:,}",
        }
    ]
    if result["guessed"]:
        said.append(
            _("Too few were seen of these, so what is usual in the field stands for them: %(what)s.")
            % {"what": ", ".join(_(word) for word in result["guessed"])}
        )
    runs = " + ".join(
        ngettext("%(n)s shift", "%(n)s shifts", of["runs"]) % {"n": of["runs"]}
        for of in (result["now"], result["other"])
        if of is not None
    )
    if stress is not None:
        said.append(
            _("Shifts of %(minutes)s minutes were played; the answer rate changes half-way (%(runs)s).")
            % {"minutes": result["now"]["minutes"], "runs": runs}
        )
    elif result["day"]["day"] and result["hours"]:
        played = date.fromisoformat(result["day"]["day"])
        minutes = min(of["minutes"] for of in (result["now"], result["other"]) if of is not None)
        words = _("The answer rate of each hour is that of %(day)s (%(runs)s).")
        if minutes < 60:
            words = _(
                "The answer rate of each hour is that of %(day)s, each hour as at least %(minutes)s minutes (%(runs)s)."
            )
        said.append(words % {"day": date_format(played, "l j F"), "minutes": minutes, "runs": runs})
    else:
        said.append(
            _("No day of calls is known, so the answer rate stays the same all along (%(runs)s).") % {"runs": runs}
        )
    if any(of["settings"]["agents"] > LARGEST_FLOOR for of in (result["now"], result["other"]) if of is not None):
        said.append(
            _("%(most)s agents were played for all of them; a larger floor does a little better.")
            % {"most": LARGEST_FLOOR}
        )
    return tuple(said)


# -- pictures


def _charts(result: dict[str, Any]) -> tuple[Chart, ...]:
    """Utilisation and abandonment over the shift."""
    now, other = result["now"], result["other"]
    of = [now] if other is None else [now, other]
    worst = max((abandoned for one in of for _busy, abandoned in one["series"]), default=0.0)
    cap = Settings.from_json((other or now)["settings"]).cap
    top = max(0.05, worst * 1.1, cap * 1.5)
    return (
        Chart(_("Utilisation"), "100 %", _path(now, 0, 1.0), _path(other, 0, 1.0) if other else "", ""),
        Chart(
            _("Abandonment"),
            f"{top * 100:.0f} %",
            _path(now, 1, top),
            _path(other, 1, top) if other else "",
            f"M0 {HEIGHT * (1.0 - cap / top):.1f}H{WIDTH:.0f}",
        ),
    )


def _path(of: dict[str, Any], which: int, top: float) -> str:
    """A line through the middles of the spans."""
    series = of["series"]
    points = [
        f"{(place + 0.5) / len(series) * WIDTH:.1f} {HEIGHT * (1.0 - min(1.0, span[which] / top)):.1f}"
        for place, span in enumerate(series)
    ]
    return "M" + "L".join(points)


def _ticks(result: dict[str, Any], stress: float | None) -> tuple[str, ...]:
    """Five evenly spaced words under the pictures."""
    if stress is not None or not result["hours"]:
        length = result["now"]["minutes"] if stress is not None else len(result["now"]["series"]) * 5
        return tuple(f"{share * length:.0f} min" for share in (0.0, 0.25, 0.5, 0.75, 1.0))
    hours = result["hours"]
    return tuple(_clock(hours, share) for share in (0.0, 0.25, 0.5, 0.75, 1.0))


def _clock(hours: Sequence[int], share: float) -> str:
    place = min(share * len(hours), len(hours) - 1e-6)
    minute = round((place - int(place)) * 60)
    return f"{(hours[int(place)] + minute // 60) % 24:02d}:{minute % 60:02d}"
