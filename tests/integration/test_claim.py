"""Claiming an agent: the longest idle one, one call each, and nothing but what the lifecycle allows."""

from __future__ import annotations

from datetime import timedelta
from itertools import cycle
from uuid import UUID

import pytest
from django.db import connection, transaction

from dialer.agents import rules, services
from dialer.agents.models import AgentSession, AgentStateChange, LegState
from dialer.agents.rules import AgentState, Event, Kind
from dialer.campaigns.models import Campaign
from dialer.core.clock import now
from tests.factories import get_session, make_call, make_campaign, make_session
from tests.threads import at_once


def claim(campaign: Campaign, call_id: UUID) -> int | None:
    with transaction.atomic():
        return services.claim(campaign_id=campaign.pk, call_id=call_id, at=now())


def ready_agents(campaign: Campaign, how_many: int) -> list[AgentSession]:
    """Agents who have been ready for different times; the first the longest."""
    return [make_session(campaign, since=now() - timedelta(seconds=100 - place)) for place in range(how_many)]


def test_the_longest_idle_agent_comes_first(campaign: Campaign) -> None:
    sessions = ready_agents(campaign, 4)
    claimed = [claim(campaign, make_call(campaign).pk) for _ in range(5)]
    assert claimed == [*(session.pk for session in sessions), None]


def test_only_ready_agents_of_the_campaign_with_a_phone_are_claimed(campaign: Campaign) -> None:
    make_session(campaign, state=AgentState.PAUSED)
    make_session(campaign, leg=LegState.DOWN)  # no such row can come about; the claim refuses it all the same
    make_session(campaign, leg=LegState.CALLING)
    make_session(make_campaign(campaign.tenant))
    assert claim(campaign, make_call(campaign).pk) is None


def columns(session: AgentSession) -> dict[str, object]:
    names = ("state", "pause_code", "pause_after", "leg", "call_id", "notice", "state_since", "ended_at")
    return {name: getattr(get_session(session.pk), name) for name in names}


def changes(session: AgentSession) -> list[dict[str, object]]:
    rows = AgentStateChange.objects.across_tenants().filter(session=session).order_by("id")
    return list(rows.values("tenant_id", "state", "pause_code", "event", "at", "until", "call_id"))


@pytest.mark.parametrize("late_s", [0, 60])
def test_the_statement_agrees_with_the_lifecycle(campaign: Campaign, late_s: int) -> None:
    """The same agent claimed by the statement and by the rules; also when the claim's clock is behind the agent's."""
    since = now()
    at = since + timedelta(seconds=30 - late_s)
    by_rules, by_claim = make_session(campaign, since=since), make_session(campaign, since=since)
    one, two = make_call(campaign), make_call(campaign)
    services.apply(session_id=by_rules.pk, event=Event(Kind.RESERVED, call=one.pk), at=at)
    with transaction.atomic():
        assert services.claim(campaign_id=campaign.pk, call_id=two.pk, at=at) == by_claim.pk
    assert {**columns(by_rules), "call_id": two.pk} == columns(by_claim)
    assert [{**row, "call_id": row["call_id"] and two.pk} for row in changes(by_rules)] == changes(by_claim)
    stored = rules.Agent(AgentState.RESERVED, pause_code="", leg_up=True, call=two.pk)
    assert get_session(by_claim.pk).as_agent() == stored


@pytest.mark.django_db(transaction=True)
def test_forty_calls_at_once_get_twenty_agents_once_each(campaign: Campaign) -> None:
    sessions = {session.pk for session in ready_agents(campaign, 20)}
    calls = [make_call(campaign).pk for _ in range(40)]
    claimed = at_once([lambda call=call: claim(campaign, call) for call in calls])
    got = [session for session in claimed if session is not None]
    assert sorted(got) == sorted(sessions)
    for call, session in zip(calls, claimed, strict=True):
        if session is not None:
            assert get_session(session).call_id == call
    open_rows = AgentStateChange.objects.across_tenants().filter(session__campaign=campaign, until=None)
    assert set(open_rows.values_list("state", flat=True)) == {AgentState.RESERVED}
    assert open_rows.count() == 20


@pytest.mark.django_db(transaction=True)
def test_claims_while_agents_come_and_go(campaign: Campaign) -> None:
    """Agents change state between a claim's snapshot and its lock: no agent is lost, no row of a state is left open."""
    sessions = ready_agents(campaign, 3)
    calls = [make_call(campaign).pk for _ in range(4)]

    def churn(session: AgentSession) -> int:
        for kind in [Kind.PAUSE_ASKED, Kind.READY_ASKED] * 25:
            services.apply(session_id=session.pk, event=Event(kind), at=now())
        return 0

    def claim_and_release(call_id: UUID) -> int:
        got = 0
        for _ in range(50):
            session_id = claim(campaign, call_id)
            if session_id is not None:
                got += 1
                services.apply(session_id=session_id, event=Event(Kind.RELEASED, call=call_id), at=now())
        return got

    jobs = [lambda session=session: churn(session) for session in sessions]
    at_once(jobs + [lambda call=call: claim_and_release(call) for call in calls])
    for session in sessions:
        rows = changes(session)
        for before, after in zip(rows, [*rows[1:], None], strict=True):
            assert before["until"] == (after["at"] if after else None)
            assert before["until"] is None or before["at"] <= before["until"]  # type: ignore[operator]
        assert rows[-1]["state"] == get_session(session.pk).state


@pytest.mark.django_db(transaction=True)
def test_an_agent_whose_row_is_being_written_is_passed_over_not_waited_for(campaign: Campaign) -> None:
    first, second = ready_agents(campaign, 2)
    call = make_call(campaign)
    with transaction.atomic():
        services.apply_within(session_id=first.pk, event=Event(Kind.PAUSE_ASKED), at=now())
        [claimed] = at_once([lambda: claim(campaign, call.pk)])
    assert claimed == second.pk


@pytest.mark.django_db(transaction=True)
def test_rows_that_refer_to_an_agent_do_not_hide_them(campaign: Campaign) -> None:
    [session] = ready_agents(campaign, 1)
    call = make_call(campaign)
    with transaction.atomic(), connection.cursor() as cursor:
        # What a row that refers to the session takes when it is committed.
        cursor.execute("SELECT id FROM agents_agentsession WHERE id = %s FOR KEY SHARE", [session.pk])
        assert at_once([lambda: claim(campaign, call.pk)]) == [session.pk]


def test_everybody_gets_a_turn(campaign: Campaign) -> None:
    sessions = ready_agents(campaign, 3)
    call = make_call(campaign)
    for expected in [next(turn) for turn in [cycle(sessions)] for _ in range(6)]:
        assert claim(campaign, call.pk) == expected.pk
        services.apply(session_id=expected.pk, event=Event(Kind.RELEASED, call=call.pk), at=now())
