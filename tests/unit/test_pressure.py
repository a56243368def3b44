"""Back pressure: the later we are, the less is dialed; nothing when nobody is there to serve who answers."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from dialer.calls.pressure import EVENTS_SLOW_MS, EVENTS_STOP_MS, UNHEARD_S, Pressure, Signs, pressure

lags = st.none() | st.floats(0, 20_000, allow_nan=False)
wanted = st.integers(0, 500)


@given(events=lags, screens=lags, more=st.floats(0, 5000), launch=wanted)
def test_later_never_dials_more(events: float | None, screens: float | None, more: float, launch: int) -> None:
    before = pressure(Signs(events, screens)).cut(launch)
    after = pressure(Signs((events or 0.0) + more, screens)).cut(launch)
    assert 0 <= after <= before <= launch


@given(events=lags, screens=lags, launch=st.integers(1, 500))
def test_what_is_not_dialed_is_explained(events: float | None, screens: float | None, launch: int) -> None:
    found = pressure(Signs(events, screens))
    assert (found.cut(launch) < launch) <= bool(found.why)
    assert ("stops" in found.why) == (found.share <= 0.0)


def test_slow_and_stopped() -> None:
    assert pressure(Signs()) == Pressure()
    assert pressure(Signs(EVENTS_SLOW_MS, 0.0, 1.0)).share == 1.0
    half = pressure(Signs((EVENTS_SLOW_MS + EVENTS_STOP_MS) / 2))
    assert (half.cut(10), half.cut(1)) == (5, 1)
    assert half.why == "Dialing slows: events are 1.2 s late."
    assert pressure(Signs(EVENTS_STOP_MS)).cut(10) == 0
    assert pressure(Signs(0.0, 5000.0)).why == "Dialing stops: screens are 5.0 s late."


def test_no_switchboard_no_dialing() -> None:
    found = pressure(Signs(0.0, 0.0, UNHEARD_S + 3))
    assert (found.cut(100), found.why) == (0, "Dialing stops: no switchboard has been heard of for 13 s.")
