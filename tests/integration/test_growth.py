"""Pacing's ticks leave nothing behind: whatever one makes is gone, or in the database, when the next begins."""

from __future__ import annotations

import gc
import random

import pytest

from dialer.calls import placing
from tests.bench.tick import floor_of, stir

pytestmark = pytest.mark.django_db
WARM_UP, TICKS = 25, 40


def test_ticks_leave_no_objects(db: None) -> None:
    campaign, chance = floor_of(10), random.Random(1)

    def alive_after(ticks: int) -> int:
        for number in range(ticks):
            placing.pace(campaign_id=campaign.pk)
            stir(campaign, chance, number)
        gc.collect()
        return len(gc.get_objects())

    alive_after(WARM_UP)
    before = alive_after(5)
    assert alive_after(TICKS) - before < TICKS, "not one object for each tick"
