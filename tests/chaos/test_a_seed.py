"""A short run of `./run bench chaos`: every kind of harm that its seed chooses, and a history that adds up."""

from __future__ import annotations

import pytest
from pytest_django import DjangoDbBlocker

from tests.chaos.run import chaos

SEED = 7
KINDS = (
    *("switchboard_killed", "no_switchboard", "takeover", "postgres_hangs", "events_disturbed"),
    *("asterisk_killed", "clock_forward", "disk_full"),
)


@pytest.fixture(autouse=True)
def in_order() -> None:
    """This run has a floor of its own."""


@pytest.mark.timeout(480)
def test_nothing_is_lost(django_db_blocker: DjangoDbBlocker) -> None:
    told: list[str] = []
    with django_db_blocker.unblock():
        found = chaos(
            name="chaos-seed", seed=SEED, faults=8, robots=4, say=told.append, only=KINDS, rest_s=0.5, patience=3.0
        )
    wrong = {name: count for name, count in found["violations"].items() if count and name != "not_right_again_in_time"}
    assert not wrong, "\n".join(told)
    assert not found["talking_calls_dropped_by_our_faults"], "\n".join(told)
    assert found["calls"] > 20
