"""Agent sessions: joining, the phone's leg, leaving, and what each leaves behind."""

from __future__ import annotations

from datetime import timedelta
from functools import partial

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from dialer.agents import services
from dialer.agents.models import AgentSession, AgentStateChange, LegState
from dialer.agents.rules import JOINED, PHONE_LOST, AgentState, Event, Kind
from dialer.agents.services import NotNow
from dialer.calls import placing
from dialer.campaigns.models import Campaign, DialMethod
from dialer.core.clock import now
from dialer.leads.models import LeadState
from dialer.people.models import Tenant
from dialer.telephony.models import CommandKind, SwitchCommand
from tests.factories import (
    get_lead,
    get_session,
    make_campaign,
    make_lead,
    make_leads,
    make_list,
    make_session,
    make_user,
)
from tests.threads import at_once


def tell(session: AgentSession, kind: Kind, *, notice: str | None = None, code: str = "") -> AgentSession:
    return services.apply(session_id=session.pk, event=Event(kind, code=code), at=now(), notice=notice)


def commands(session: AgentSession) -> list[str]:
    rows = SwitchCommand.objects.for_tenant(session.tenant_id).filter(target=session.public_id)
    return list(rows.order_by("created_at").values_list("kind", flat=True))


def test_joining_calls_the_phone_and_begins_the_time_in_state(campaign: Campaign) -> None:
    session = services.join(user=make_user(campaign.tenant), campaign=campaign)
    assert (session.state, session.pause_code, session.leg) == (AgentState.PAUSED, JOINED, LegState.CALLING)
    assert commands(session) == [CommandKind.CALL_PHONE]
    [row] = AgentStateChange.objects.for_tenant(campaign.tenant)
    assert (row.state, row.at, row.until) == (AgentState.PAUSED, session.started_at, None)


def test_who_has_no_phone_or_is_in_a_campaign_cannot_join(campaign: Campaign) -> None:
    with pytest.raises(NotNow, match="no phone account"):
        services.join(user=make_user(campaign.tenant, endpoint=""), campaign=campaign)
    user = make_user(campaign.tenant)
    services.join(user=user, campaign=campaign)
    with pytest.raises(NotNow, match="in a campaign already"):
        services.join(user=user, campaign=make_campaign(campaign.tenant))


def test_nobody_joins_another_tenant_s_campaign(campaign: Campaign, stranger: Tenant) -> None:
    with pytest.raises(NotNow, match="no such campaign"):
        services.join(user=make_user(stranger), campaign=campaign)


@pytest.mark.django_db(transaction=True)
def test_joining_at_once_makes_one_session(campaign: Campaign) -> None:
    user = make_user(campaign.tenant)

    def join() -> bool:
        try:
            services.join(user=user, campaign=campaign)
        except NotNow:
            return False
        return True

    assert sum(at_once([join] * 4)) == 1
    assert SwitchCommand.objects.for_tenant(campaign.tenant).count() == 1


def test_a_phone_that_is_being_called_stays_so_whatever_else_happens(campaign: Campaign) -> None:
    session = make_session(campaign, state=AgentState.PAUSED, leg=LegState.CALLING)
    tell(session, Kind.PAUSE_ASKED, code="BREAK")
    tell(session, Kind.SCREEN_LOST)
    assert get_session(session.pk).leg == LegState.CALLING
    tell(session, Kind.LEG_UP)
    assert get_session(session.pk).leg == LegState.UP


@pytest.mark.parametrize("notice", [None, "Your phone did not answer."])
def test_a_phone_that_does_not_answer_is_down(campaign: Campaign, notice: str | None) -> None:
    session = make_session(campaign, state=AgentState.PAUSED, pause_code="BREAK", leg=LegState.CALLING)
    tell(session, Kind.LEG_LOST, notice=notice)
    assert get_session(session.pk).leg == LegState.DOWN
    services.call_phone_again(session_id=session.pk)
    assert get_session(session.pk).leg == LegState.CALLING
    with pytest.raises(NotNow, match="being called already"):
        services.call_phone_again(session_id=session.pk)


def test_a_phone_lost_while_ready_pauses(campaign: Campaign) -> None:
    session = make_session(campaign)
    tell(session, Kind.LEG_LOST, notice="Your phone left the line.")
    after = get_session(session.pk)
    assert (after.state, after.pause_code, after.leg) == (AgentState.PAUSED, PHONE_LOST, LegState.DOWN)
    assert after.notice == "Your phone left the line."
    with pytest.raises(NotNow, match="phone is not on the line"):
        tell(session, Kind.READY_ASKED)


@pytest.mark.parametrize("leg", [LegState.UP, LegState.CALLING])
def test_leaving_hangs_up_the_phone(campaign: Campaign, leg: str) -> None:
    session = make_session(campaign, state=AgentState.PAUSED, leg=leg)
    tell(session, Kind.LEAVE_ASKED)
    after = get_session(session.pk)
    assert (after.state, after.leg, after.ended_at is not None) == (AgentState.OFFLINE, LegState.DOWN, True)
    assert commands(session) == [CommandKind.DROP_PHONE]
    tell(session, Kind.LEAVE_ASKED)
    tell(session, Kind.LEG_UP)  # a late word of the phone
    assert (get_session(session.pk).leg, commands(session)) == (LegState.DOWN, [CommandKind.DROP_PHONE])
    assert not AgentStateChange.objects.for_tenant(campaign.tenant).filter(until=None).exists()


def test_a_session_that_ends_because_the_phone_never_came_up_has_nothing_to_hang_up(campaign: Campaign) -> None:
    session = make_session(campaign, state=AgentState.PAUSED, leg=LegState.CALLING)
    tell(session, Kind.ENDED, notice="Your phone is not registered.")
    assert commands(session) == []
    assert get_session(session.pk).notice == "Your phone is not registered."


@pytest.mark.parametrize("end", [Kind.LEAVE_ASKED, Kind.ENDED])
def test_the_end_of_a_session_gives_back_the_lead_that_was_shown(tenant: Tenant, end: Kind) -> None:
    campaign = make_campaign(tenant, dial_method=DialMethod.PREVIEW)
    lead = make_lead(campaign)
    session = make_session(campaign, state=AgentState.PAUSED)
    placing.next_lead(session_id=session.pk)
    tell(session, end)
    assert get_session(session.pk).preview_lead_id is None
    assert get_lead(lead.pk).state == LeadState.WAITING


def test_time_in_state_runs_on_whatever_the_clocks_say(campaign: Campaign) -> None:
    session = make_session(campaign, since=now())
    for kind, seconds in ((Kind.PAUSE_ASKED, -3), (Kind.READY_ASKED, -2), (Kind.PAUSE_ASKED, 5)):
        services.apply(session_id=session.pk, event=Event(kind), at=session.started_at + timedelta(seconds=seconds))
    rows = list(AgentStateChange.objects.for_tenant(campaign.tenant).order_by("id"))
    assert [(row.until - row.at).total_seconds() for row in rows[:-1] if row.until] == [0, 0, 5]
    assert all(before.until == after.at for before, after in zip(rows, rows[1:], strict=False))  # noqa: RUF007


def test_nothing_changed_writes_and_tells_nothing(campaign: Campaign) -> None:
    session = make_session(campaign)
    with CaptureQueriesContext(connection) as caught:
        tell(session, Kind.READY_ASKED)
    assert len([query for query in caught if "SAVEPOINT" not in query["sql"]]) == 1


@pytest.mark.django_db(transaction=True)
def test_many_words_at_once_about_one_agent(campaign: Campaign) -> None:
    make_leads(make_list(campaign), 1)
    session = make_session(campaign)
    kinds = [Kind.PAUSE_ASKED, Kind.LEG_LOST, Kind.LEG_UP, Kind.SCREEN_LOST, Kind.PAUSE_ASKED, Kind.LEG_UP]
    at_once([partial(tell, session, kind) for kind in kinds])
    rows = list(AgentStateChange.objects.for_tenant(campaign.tenant).order_by("id"))
    assert [row.until is None for row in rows] == [False] * (len(rows) - 1) + [True]
    assert rows[-1].state == get_session(session.pk).state
