"""What the switchboard reads every second: right, and no slower for all the days before."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from dialer.agents.models import LegState
from dialer.agents.rules import AgentState
from dialer.calls import board, services
from dialer.calls.models import CallTask
from dialer.campaigns.models import Campaign, DialMethod
from dialer.core.clock import now
from tests.factories import make_call, make_campaign, make_session

OLD_SESSIONS = """
INSERT INTO agents_agentsession (public_id, tenant_id, user_id, campaign_id, endpoint, state, pause_code, pause_after,
    state_since, leg, notice, guest, started_at, ended_at)
SELECT gen_random_uuid(), tenant_id, user_id, campaign_id, '', 'offline', '', '', now(), 'down', '', false, now(), now()
FROM agents_agentsession, generate_series(1, 5000) LIMIT 5000
"""
READS: list[Callable[[], object]] = [
    lambda: board.campaigns_to_pace(),
    lambda: board.overdue_wrapups(now()),
    lambda: board.due_callbacks(now()),
    lambda: board.unseen_agents(now()),
    lambda: board.deserted_sessions(now()),
    lambda: board.open_sessions(),
]


def rows_read(plan: dict[str, Any], table: str) -> float:
    own = 0.0
    if plan.get("Relation Name") == table:
        own = (plan["Actual Rows"] + plan.get("Rows Removed by Filter", 0)) * plan["Actual Loops"]
    return own + sum(rows_read(below, table) for below in plan.get("Plans", ()))


def test_sessions_of_days_before_are_not_read(campaign: Campaign) -> None:
    for state in (AgentState.READY, AgentState.PAUSED):
        make_session(campaign, state=state)
    with connection.cursor() as cursor:
        cursor.execute(OLD_SESSIONS)
        cursor.execute("ANALYZE agents_agentsession")
        for read in READS:
            with CaptureQueriesContext(connection) as caught:
                read()
            for query in caught.captured_queries:
                cursor.execute(f"EXPLAIN (ANALYZE, FORMAT JSON) {query['sql']}")
                found = cursor.fetchone()[0]
                [plan] = json.loads(found) if isinstance(found, str) else found
                assert rows_read(plan["Plan"], "agents_agentsession") < 50, query["sql"]


def test_campaigns_to_pace(campaign: Campaign) -> None:
    make_session(make_campaign(campaign.tenant, dial_method=DialMethod.MANUAL))
    make_session(make_campaign(campaign.tenant, status="stopped"))
    make_session(make_campaign(campaign.tenant), state=AgentState.PAUSED)
    assert board.campaigns_to_pace() == []
    for _ in range(2):
        make_session(campaign)
    assert board.campaigns_to_pace() == [campaign.pk]


@pytest.mark.parametrize(
    ("wrapup_s", "extended", "age_s", "late"),
    [
        (60, False, 61, True),
        (60, False, 59, False),
        (0, False, 9999, False),
        (60, True, 99, False),
        (60, True, 101, True),
        (0, True, 9999, False),
    ],
)
def test_overdue_wrapups(campaign: Campaign, wrapup_s: int, extended: bool, age_s: int, late: bool) -> None:
    Campaign.objects.for_tenant(campaign.tenant).update(wrapup_s=wrapup_s, wrapup_extension_s=40)
    moment = now()
    call = make_call(campaign)
    session = make_session(
        campaign,
        state=AgentState.WRAPUP,
        call=call,
        since=moment - timedelta(seconds=age_s),
        leg=LegState.UP,
        wrapup_extended=extended,
    )
    assert board.overdue_wrapups(moment) == ([session.pk] if late else [])


def test_unseen_and_deserted(campaign: Campaign) -> None:
    moment = now()
    ready, paused = make_session(campaign), make_session(campaign, state=AgentState.PAUSED)
    assert (board.unseen_agents(moment), board.deserted_sessions(moment)) == ([], [])
    later = moment + timedelta(minutes=16)
    assert board.unseen_agents(later) == [ready.pk]
    assert board.deserted_sessions(later) == [paused.pk]


def test_queued_expired_placed_and_live_calls(campaign: Campaign) -> None:
    queued, placed = make_call(campaign), make_call(campaign)
    services.begin_placing(call_id=placed.pk)
    assert board.queued_calls() == [queued.pk]
    assert [call.pk for call in board.placed_calls()] == [placed.pk]
    assert board.expired_calls(queued.deadline) == []
    assert board.expired_calls(queued.deadline + timedelta(seconds=1)) == [queued.pk]
    CallTask.objects.across_tenants().filter(pk=placed.pk).update(state="ended", outcome="lost", ended_at=now())
    assert board.live_ids([queued.pk, placed.pk]) == {queued.pk}


def test_phone_accounts_are_those_of_people_who_may_sign_in(campaign: Campaign) -> None:
    mine = make_session(campaign).user
    gone = make_session(campaign).user
    gone.is_active = False
    gone.save()
    assert [account.endpoint for account in board.phone_accounts()] == [mine.endpoint]
