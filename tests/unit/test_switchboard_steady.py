"""A clock that is stepped, forward or back, is noticed; one that is only slow is not."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from asterisk.switchboard.steady import PATIENCE_S, Steady


class Clocks:
    """Two clocks that a test moves."""

    def __init__(self) -> None:
        self.wall, self.steady = datetime(2027, 3, 14, 6, 59, 58, tzinfo=UTC), 100.0

    def run(self, seconds: float, step_s: float = 0.0) -> None:
        self.steady += seconds
        self.wall += timedelta(seconds=seconds + step_s)


@pytest.mark.parametrize("step_s", [3600.0, -3600.0, 5.0])
def test_a_step_gives_patience(step_s: float) -> None:
    clocks = Clocks()
    steady = Steady(lambda: clocks.wall, lambda: clocks.steady)
    clocks.run(1.0)
    assert steady.look()
    clocks.run(1.0, step_s)
    assert not steady.look()
    clocks.run(PATIENCE_S / 2)
    assert not steady.look()
    clocks.run(PATIENCE_S)
    assert steady.look()


def test_the_change_of_daylight_saving_time_and_a_slow_machine_are_no_steps() -> None:
    clocks = Clocks()
    steady = Steady(lambda: clocks.wall, lambda: clocks.steady)
    for _ in range(20):  # over 02:00 in New York
        clocks.run(7.0, 0.1)
        assert steady.look()
