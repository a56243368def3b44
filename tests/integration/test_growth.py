"""Pacing's ticks leave nothing behind: whatever one makes is gone, or in the database, when the next begins."""

from __future__ import annotations

import gc
import random
from collections import Counter
from collections.abc import Callable

import pytest
from django.db import connection, models
from psycopg._queries import QueryPart

from dialer.calls import placing, services
from dialer.calls.rules import Event, Kind
from dialer.campaigns.models import Campaign
from dialer.core.clock import now
from tests import factories
from tests.bench.tick import floor_of, stir
from tests.switchboards import queue

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


def rows_in_circles(deed: Callable[[], object]) -> Counter[str]:
    """Rows that a deed leaves for Python to look for, instead of being freed when nobody knows them any more."""
    deed()
    gc.collect()
    gc.set_debug(gc.DEBUG_SAVEALL)
    try:
        deed()
        gc.collect()
        return Counter(type(one).__name__ for one in gc.garbage if isinstance(one, models.Model))
    finally:
        gc.set_debug(0)
        gc.garbage.clear()


def test_a_tick_leaves_no_rows_in_circles(db: None) -> None:
    campaign, chance = floor_of(10), random.Random(1)
    placing.pace(campaign_id=campaign.pk)
    stir(campaign, chance, 1)
    assert not rows_in_circles(lambda: placing.pace(campaign_id=campaign.pk))


def test_a_call_leaves_no_rows_in_circles(campaign: Campaign) -> None:
    """From the queue to its end, with an agent and without."""
    factories.make_leads(factories.make_list(campaign), 8)
    factories.make_session(campaign)

    def call_two() -> None:
        talks, busy = queue(campaign, 2)
        for call_id in (talks, busy):
            services.begin_placing(call_id=call_id)
            services.apply_event(call_id=call_id, event=Event(Kind.RINGING), at=now())
        services.apply_event(call_id=busy, event=Event(Kind.HUNG_UP, cause=17), at=now())
        applied = services.apply_event(call_id=talks, event=Event(Kind.READY, verdict="HUMAN"), at=now())
        assert applied is not None
        for event in (Event(Kind.BRIDGED, session=applied.call.session_id), Event(Kind.HUNG_UP, cause=16)):
            services.apply_event(call_id=talks, event=event, at=now())

    assert not rows_in_circles(call_two)
