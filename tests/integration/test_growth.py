"""Pacing's ticks leave nothing behind: whatever one makes is gone, or in the database, when the next begins."""

from __future__ import annotations

import gc
import random

import pytest
from django.db import connection
from psycopg._queries import QueryPart

from dialer.calls import placing
from tests.bench.tick import floor_of, stir

pytestmark = pytest.mark.django_db
WARM_UP, TICKS = 25, 40


def test_ticks_leave_no_objects(db: None) -> None:
    """Statements that psycopg has taken to pieces are not counted: it keeps the last hundred or so."""
    campaign, chance = floor_of(10), random.Random(1)

    def alive_after(ticks: int) -> int:
        for number in range(ticks):
            placing.pace(campaign_id=campaign.pk)
            stir(campaign, chance, number)
        connection.run_on_commit.clear()  # the test's own transaction never commits
        gc.collect()
        return sum(type(one) is not QueryPart for one in gc.get_objects())

    alive_after(WARM_UP)
    before = alive_after(5)
    assert alive_after(TICKS) - before < TICKS, "not one object for each tick"
