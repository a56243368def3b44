"""Back pressure: how much of what pacing wants may be dialed while the dialer itself is behind. Pure.

Dialing is what makes all other work, so it slows first: before events are late for people on the line, and before
screens are.
"""

from __future__ import annotations

from dataclasses import dataclass

EVENTS_SLOW_MS, EVENTS_STOP_MS = 400.0, 2000.0
"""From the first, dialing slows; at the second it stops: a person who answers would not be connected in time."""
SCREENS_SLOW_MS, SCREENS_STOP_MS = 1000.0, 5000.0
UNHEARD_S = 10.0
"""A switchboard that has said nothing for so long is not there to place a call, nor to serve who answers."""


@dataclass(frozen=True, slots=True)
class Signs:
    """What the processes say of themselves. None: there is nobody to say it.

    `unheard_s`: since the last word of any switchboard; None when there never was one.
    """

    events_ms: float | None = None
    screens_ms: float | None = None
    unheard_s: float | None = None


@dataclass(frozen=True, slots=True)
class Pressure:
    """The share of the wanted calls that may be placed, and why it is not all; a reason for people."""

    share: float = 1.0
    why: str = ""

    def cut(self, wanted: int) -> int:
        """How many of the wanted calls may be placed. One call is always possible unless dialing stops."""
        if self.share >= 1.0 or wanted <= 0:
            return wanted
        return max(1, int(wanted * self.share)) if self.share > 0.0 else 0


def pressure(signs: Signs) -> Pressure:
    """How hard it is for the dialer now."""
    if signs.unheard_s is not None and signs.unheard_s > UNHEARD_S:
        return Pressure(0.0, f"Dialing stops: no switchboard has been heard of for {signs.unheard_s:.0f} s.")
    events = _share(signs.events_ms, EVENTS_SLOW_MS, EVENTS_STOP_MS)
    screens = _share(signs.screens_ms, SCREENS_SLOW_MS, SCREENS_STOP_MS)
    if min(events, screens) >= 1.0:
        return Pressure()
    what, late = ("events", signs.events_ms) if events <= screens else ("screens", signs.screens_ms)
    share = min(events, screens)
    verb = "stops" if share <= 0.0 else "slows"
    return Pressure(share, f"Dialing {verb}: {what} are {(late or 0.0) / 1000.0:.1f} s late.")


def _share(late_ms: float | None, slow: float, stop: float) -> float:
    if late_ms is None:
        return 1.0
    return min(1.0, max(0.0, (stop - late_ms) / (stop - slow)))
