"""From the decision to dial to a queued call: pacing's tick and an agent's own dialing, alone and at once."""

from __future__ import annotations

from contextlib import suppress
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any
from uuid import UUID

import pytest
from django.db import connection, transaction

from dialer.agents.models import AgentSession, LegState
from dialer.agents.rules import AgentState
from dialer.agents.services import NotNow
from dialer.calls import placing, services
from dialer.calls.models import CallTask
from dialer.calls.outcomes import Outcome
from dialer.calls.rules import CallState, Event, Kind
from dialer.campaigns.models import Campaign, CampaignStatus, DialMethod
from dialer.compliance.models import DncEntry, GateVerdict
from dialer.compliance.services import add_to_dnc
from dialer.core.clock import now
from dialer.leads import services as leads
from dialer.leads.models import Lead, LeadState
from dialer.leads.services import NewLead
from dialer.people.models import Tenant
from tests.factories import (
    get_call,
    get_lead,
    get_session,
    make_call,
    make_campaign,
    make_lead,
    make_leads,
    make_list,
    make_session,
    make_tenant,
    number_of,
)
from tests.threads import at_once

HOSTILE = "Robert'); DROP TABLE leads;--\r\nAction: Originate\r\n${SHELL(reboot)}\"<b>&\u202e"
LATE = datetime(2026, 6, 2, 2, 30, tzinfo=UTC)
"""Half past ten in the evening in New York."""


def dial(campaign: Campaign) -> list[CallTask]:
    return [get_call(call_id) for call_id in placing.pace(campaign_id=campaign.pk).queued]


def live(campaign: Campaign) -> int:
    return CallTask.objects.for_tenant(campaign.tenant_id).exclude(state=CallState.ENDED).count()


@pytest.fixture
def office_hours(db: None) -> Tenant:
    """A tenant that may call from eight to nine."""
    return make_tenant(window_opens=480, window_closes=1260)


@pytest.fixture
def late(monkeypatch: pytest.MonkeyPatch) -> datetime:
    """It is LATE wherever placing looks at the clock."""
    monkeypatch.setattr(placing, "now", lambda: LATE)
    return LATE


# --- pacing's tick ---


def test_a_tick_queues_a_call_for_each_free_agent(campaign: Campaign) -> None:
    for _ in range(3):
        make_session(campaign)
    due = make_leads(make_list(campaign), 5)
    calls = dial(campaign)
    assert [call.lead_id for call in sorted(calls, key=lambda call: call.phone)] == [lead.pk for lead in due[:3]]
    for call in calls:
        assert call.state == CallState.QUEUED
        assert call.deadline - call.queued_at == placing.QUEUE_PATIENCE
        assert call.verdict_row.allowed
        assert get_lead(call.lead_id or 0).state == LeadState.RESERVED
    assert dial(campaign) == []


def test_higher_priority_then_longer_due_then_older_leads_come_first(campaign: Campaign) -> None:
    moment = now()
    low, high = make_list(campaign, priority=0), make_list(campaign, priority=5)
    last = make_leads(low, 1, next_attempt_at=moment - timedelta(hours=9))[0]
    second = make_leads(high, 1, priority=5, next_attempt_at=moment - timedelta(hours=1))[0]
    first = make_leads(high, 1, priority=5, next_attempt_at=moment - timedelta(hours=2))[0]
    make_leads(high, 1, priority=9, next_attempt_at=moment + timedelta(hours=1))
    make_leads(make_list(campaign, is_active=False), 1, priority=9)
    with transaction.atomic():
        chosen = leads.reserve(campaign_id=campaign.pk, count=9, at=moment)
    assert [lead.pk for lead in chosen] == [first.pk, second.pk, last.pk]


@pytest.mark.parametrize("change", [{"status": CampaignStatus.STOPPED}, {"dial_method": DialMethod.MANUAL}])
def test_what_is_stopped_or_dialed_by_hand_is_not_paced(campaign: Campaign, change: dict[str, str]) -> None:
    make_session(campaign)
    make_leads(make_list(campaign), 1)
    Campaign.objects.for_tenant(campaign.tenant_id).filter(pk=campaign.pk).update(**change)
    assert placing.pace(campaign_id=campaign.pk).decision is None
    assert live(campaign) == 0


def test_a_number_on_the_do_not_call_list_never_becomes_a_call(campaign: Campaign) -> None:
    make_session(campaign)
    lead = make_lead(campaign)
    add_to_dnc(tenant_id=campaign.tenant_id, number=lead.phone, source="test", by=None)
    paced = placing.pace(campaign_id=campaign.pk)
    assert (paced.queued, paced.refused) == ((), 1)
    assert not CallTask.objects.for_tenant(campaign.tenant_id).exists()
    after = get_lead(lead.pk)
    assert (after.state, after.refused_rule) == (LeadState.DONE, "dnc")
    [verdict] = GateVerdict.objects.for_tenant(campaign.tenant_id)
    assert (verdict.allowed, verdict.rule, verdict.lead_id) == (False, "dnc", lead.pk)


def test_out_of_hours_leads_wait_for_the_window(office_hours: Tenant, late: datetime) -> None:
    campaign = make_campaign(office_hours)
    make_session(campaign)
    east = make_leads(make_list(campaign), 1, next_attempt_at=late - timedelta(hours=1))[0]
    assert placing.pace(campaign_id=campaign.pk).queued == ()
    after = get_lead(east.pk)
    eight = datetime(2026, 6, 2, 12, 0, tzinfo=UTC)
    assert (after.state, after.refused_rule, after.next_attempt_at) == (LeadState.WAITING, "calling_hours", eight)
    assert placing.pace(campaign_id=campaign.pk).refused == 0  # not asked for again before


def test_leads_in_an_open_zone_are_dialed_past_those_in_a_closed_one(
    office_hours: Tenant, late: datetime, monkeypatch: pytest.MonkeyPatch
) -> None:
    campaign = make_campaign(office_hours)
    make_session(campaign)
    one_list = make_list(campaign)
    when = late - timedelta(hours=1)
    make_leads(one_list, 300, next_attempt_at=when)
    west = make_leads(one_list, 5, next_attempt_at=when + timedelta(minutes=1), time_zones=["America/Los_Angeles"])
    rows = Lead.objects.for_tenant(campaign.tenant_id).filter(state=LeadState.WAITING)
    monkeypatch.setattr("dialer.calls.lookout.LOOK_ON_S", 60)  # however slow the machine
    assert dial(campaign) == [], "the one that it wanted may not be called"
    assert rows.filter(refused_rule="calling_hours", next_attempt_at__gt=late).count() == 300, "nor those behind it"
    assert rows.filter(next_attempt_at__lte=late).count() == 5, "who may be called are left for the next tick"
    assert [call.lead_id for call in dial(campaign)] == [west[0].pk]


@pytest.mark.parametrize("zone", ["America", "", "Mars/Olympus", "../../etc/passwd"])
def test_one_lead_with_an_impossible_zone_does_not_stop_the_others(campaign: Campaign, zone: str) -> None:
    for _ in range(2):
        make_session(campaign)
    one_list = make_list(campaign)
    bad = make_leads(one_list, 1, time_zones=[zone])[0]
    good = make_leads(one_list, 1)[0]
    assert [call.lead_id for call in dial(campaign)] == [good.pk]
    assert (get_lead(bad.pk).state, get_lead(bad.pk).refused_rule) == (LeadState.DONE, "zone_unknown")


def test_a_number_in_a_live_call_is_not_queued_again_and_its_lead_is_put_back(campaign: Campaign) -> None:
    other = make_campaign(campaign.tenant)
    lead = make_lead(campaign)
    make_call(other, phone=lead.phone)
    make_session(campaign)
    assert dial(campaign) == []
    after = get_lead(lead.pk)
    assert after.state == LeadState.WAITING
    assert after.next_attempt_at > now() + timedelta(minutes=1)


def test_one_number_twice_on_a_list_is_dialed_once_at_a_time(campaign: Campaign) -> None:
    for _ in range(2):
        make_session(campaign)
    twins = make_leads(make_list(campaign), 2, phone="+12125550199")
    [call] = dial(campaign)
    states = sorted(get_lead(twin.pk).state for twin in twins)
    assert call.phone == "+12125550199"
    assert states == [LeadState.RESERVED, LeadState.WAITING]


def test_the_same_number_is_free_for_another_tenant(campaign: Campaign, stranger: Tenant) -> None:
    make_call(campaign, phone="+12125550177")
    assert make_call(make_campaign(stranger), phone="+12125550177").phone == "+12125550177"


@pytest.mark.parametrize("broken", ["judge", "queue_calls", "notify.notify", "leads.put_back"])
@pytest.mark.django_db(transaction=True)
def test_a_tick_that_breaks_leaves_nothing(campaign: Campaign, broken: str, monkeypatch: pytest.MonkeyPatch) -> None:
    make_session(campaign)
    lead = make_lead(campaign)

    def explode(*_: object, **__: object) -> None:
        raise RuntimeError("broken on purpose")

    monkeypatch.setattr(f"dialer.calls.placing.{broken}", explode)
    with pytest.raises(RuntimeError):
        placing.pace(campaign_id=campaign.pk)
    assert get_lead(lead.pk).state == LeadState.WAITING
    assert not CallTask.objects.for_tenant(campaign.tenant_id).exists()
    assert not GateVerdict.objects.for_tenant(campaign.tenant_id).exists()
    monkeypatch.undo()
    assert len(dial(campaign)) == 1


@pytest.mark.django_db(transaction=True)
def test_ticks_at_once_never_launch_twice(campaign: Campaign) -> None:
    for _ in range(5):
        make_session(campaign)
    make_leads(make_list(campaign), 40)
    paced = at_once([partial(placing.pace, campaign_id=campaign.pk)] * 6)
    assert sum(len(one.queued) for one in paced) == 5
    assert live(campaign) == 5
    assert Lead.objects.for_tenant(campaign.tenant_id).filter(state=LeadState.RESERVED).count() == 5


@pytest.mark.django_db(transaction=True)
def test_campaigns_with_the_same_numbers_do_not_wait_for_each_other(campaign: Campaign, settings: Any) -> None:
    """The same people on two campaigns' lists in opposite order: each is called once, and no tick is lost."""
    settings.TRUNK_LIMITS = {"*": (1000, 100_000)}  # on a fast machine all this is within one second
    other = make_campaign(campaign.tenant)
    numbers = [number_of(index) for index in range(5_550_000, 5_550_040)]
    for number_list, one in ((numbers, campaign), (numbers[::-1], other)):
        one_list = make_list(one)
        for number in number_list:
            make_leads(one_list, 1, phone=number)
        for _ in range(40):
            make_session(one)
    for _ in range(6):
        at_once([partial(placing.pace, campaign_id=one.pk) for one in (campaign, other)])
        queued = CallTask.objects.across_tenants().filter(state=CallState.QUEUED)
        assert sorted(queued.values_list("phone", flat=True)) == numbers
        for call_id in list(queued.values_list("pk", flat=True)):
            services.apply_event(call_id=call_id, event=Event(Kind.EXPIRED), at=now())
        Lead.objects.for_tenant(campaign.tenant_id).update(next_attempt_at=now() - timedelta(minutes=1))


# --- the last look before the phone rings ---


@pytest.fixture
def queued(campaign: Campaign) -> CallTask:
    """A call that is queued and may be placed."""
    return make_call(campaign, lead=make_lead(campaign))


def cancelled(call: CallTask) -> str:
    """Check that a call cannot be placed; returns why."""
    assert services.begin_placing(call_id=call.pk) is None
    after = get_call(call.pk)
    assert (after.state, after.outcome, after.placed_at) == (CallState.ENDED, Outcome.CANCELLED, None)
    lead = get_lead(after.lead_id or 0)
    assert (lead.state, lead.attempts) == (LeadState.WAITING, 0)
    return str(after.events.get().data["reason"])


def test_a_number_that_went_on_the_list_after_queueing_is_not_placed(queued: CallTask) -> None:
    add_to_dnc(tenant_id=queued.tenant_id, number=queued.phone, source="test", by=None)
    assert cancelled(queued) == "dnc"


def test_a_call_of_a_stopped_campaign_is_not_placed(queued: CallTask) -> None:
    Campaign.objects.for_tenant(queued.tenant_id).update(status=CampaignStatus.STOPPED)
    assert cancelled(queued) == "stopped"


def test_a_call_that_waited_too_long_is_not_placed(queued: CallTask, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(services, "now", lambda: queued.deadline + timedelta(microseconds=1))
    assert cancelled(queued) == "too old"


def test_a_call_queued_in_the_last_second_of_the_window_is_not_placed_in_the_next(
    office_hours: Tenant, monkeypatch: pytest.MonkeyPatch
) -> None:
    nine = datetime(2026, 6, 2, 1, 0, tzinfo=UTC)  # in the evening in New York
    campaign = make_campaign(office_hours)
    make_session(campaign)
    make_leads(make_list(campaign), 1, next_attempt_at=nine - timedelta(hours=1))
    monkeypatch.setattr(placing, "now", lambda: nine - timedelta(seconds=1))
    [call] = dial(campaign)
    monkeypatch.setattr(services, "now", lambda: nine)
    assert cancelled(call) == "calling_hours"


def test_a_call_is_placed_once(queued: CallTask) -> None:
    assert services.begin_placing(call_id=queued.pk) is not None
    assert services.begin_placing(call_id=queued.pk) is None
    assert get_call(queued.pk).state == CallState.DIALING


# --- agents who dial for themselves ---


@pytest.fixture
def preview(tenant: Tenant) -> Campaign:
    """A preview campaign with three leads."""
    campaign = make_campaign(tenant, dial_method=DialMethod.PREVIEW)
    make_leads(make_list(campaign), 3)
    return campaign


def reserved(campaign: Campaign) -> int:
    return Lead.objects.for_tenant(campaign.tenant_id).filter(state=LeadState.RESERVED).count()


def test_next_skip_and_dial(preview: Campaign) -> None:
    session = make_session(preview, state=AgentState.PAUSED)
    first = placing.next_lead(session_id=session.pk)
    assert placing.next_lead(session_id=session.pk) == first  # asking twice is once
    placing.skip_lead(session_id=session.pk)
    assert get_lead(first.pk).next_attempt_at > now() + timedelta(minutes=59)
    second = placing.next_lead(session_id=session.pk)
    assert second != first
    call = placing.dial_shown(session_id=session.pk)
    after = get_session(session.pk)
    assert (call.lead_id, call.own_agent, call.session_id, call.screened) == (second.pk, True, session.pk, False)
    assert (after.state, after.call_id, after.preview_lead_id) == (AgentState.RESERVED, call.pk, None)
    assert reserved(preview) == 1
    with pytest.raises(NotNow, match="Finish the call"):
        placing.next_lead(session_id=session.pk)
    with pytest.raises(NotNow, match="Finish the call"):
        placing.dial_number(session_id=session.pk, text="+12125550123")


def test_an_own_call_goes_all_the_way(preview: Campaign) -> None:
    session = make_session(preview)
    lead = placing.next_lead(session_id=session.pk)
    call = placing.dial_shown(session_id=session.pk)
    assert services.begin_placing(call_id=call.pk) is not None
    services.apply_event(call_id=call.pk, event=Event(Kind.HUNG_UP, cause=17), at=now())
    assert get_session(session.pk).state == AgentState.WRAPUP  # who dialed it says what came of it
    services.dispose(session_id=session.pk, code="OTHER", by=session.user)
    assert (get_lead(lead.pk).state, get_lead(lead.pk).last_outcome) == (LeadState.WAITING, "busy")
    assert get_session(session.pk).state == AgentState.READY


def test_no_lead_due_says_so(campaign: Campaign) -> None:
    with pytest.raises(NotNow, match="No lead is due"):
        placing.next_lead(session_id=make_session(campaign).pk)


def test_nothing_shown_says_so(preview: Campaign) -> None:
    with pytest.raises(NotNow, match="Ask for the next lead first"):
        placing.dial_shown(session_id=make_session(preview).pk)


def test_a_shown_lead_that_may_not_be_called_is_taken_away_with_the_reason(preview: Campaign) -> None:
    session = make_session(preview)
    lead = placing.next_lead(session_id=session.pk)
    add_to_dnc(tenant_id=preview.tenant_id, number=lead.phone, source="test", by=None)
    with pytest.raises(NotNow, match="do-not-call"):
        placing.dial_shown(session_id=session.pk)
    assert get_session(session.pk).preview_lead_id is None
    assert get_lead(lead.pk).state == LeadState.DONE
    assert live(preview) == 0


def test_a_typed_number_finds_its_lead(preview: Campaign) -> None:
    session = make_session(preview)
    lead = Lead.objects.for_tenant(preview.tenant_id).first()
    assert lead is not None
    call = placing.dial_number(session_id=session.pk, text=lead.phone)
    assert call.lead_id == lead.pk
    assert get_lead(lead.pk).state == LeadState.RESERVED


def test_typing_the_number_that_is_shown_dials_that_lead(preview: Campaign) -> None:
    session = make_session(preview)
    lead = placing.next_lead(session_id=session.pk)
    assert placing.dial_number(session_id=session.pk, text=lead.phone).lead_id == lead.pk
    assert (reserved(preview), get_session(session.pk).preview_lead_id) == (1, None)


def test_typing_another_number_gives_back_the_lead_that_was_shown(preview: Campaign) -> None:
    session = make_session(preview)
    shown = placing.next_lead(session_id=session.pk)
    call = placing.dial_number(session_id=session.pk, text="(212) 555-0188")
    assert (call.phone, call.lead_id) == ("+12125550188", None)
    assert get_lead(shown.pk).state == LeadState.WAITING


def test_a_refused_number_leaves_the_lead_that_is_shown(preview: Campaign) -> None:
    session = make_session(preview)
    shown = placing.next_lead(session_id=session.pk)
    add_to_dnc(tenant_id=preview.tenant_id, number="+12125550188", source="test", by=None)
    with pytest.raises(NotNow, match="do-not-call"):
        placing.dial_number(session_id=session.pk, text="+12125550188")
    assert get_session(session.pk).preview_lead_id == shown.pk
    assert get_lead(shown.pk).state == LeadState.RESERVED


def test_a_lead_that_is_done_stays_done_when_it_is_dialed_by_hand(preview: Campaign) -> None:
    session = make_session(preview)
    lead = make_lead(preview, state=LeadState.DONE)
    call = placing.dial_number(session_id=session.pk, text=lead.phone)
    services.begin_placing(call_id=call.pk)
    services.apply_event(call_id=call.pk, event=Event(Kind.HUNG_UP, cause=19), at=now())
    assert get_call(call.pk).lead_id == lead.pk
    assert (get_lead(lead.pk).state, get_lead(lead.pk).last_outcome) == (LeadState.DONE, "no_answer")


@pytest.mark.parametrize(
    ("how", "text", "match"),
    [
        ({"leg": LegState.DOWN, "state": AgentState.PAUSED}, "+12125550188", "phone is not on the line"),
        ({"leg": LegState.CALLING, "state": AgentState.PAUSED}, "+12125550188", "phone is not on the line"),
        ({}, "911", "too short"),
        ({}, "+1212555\r\nAction: Originate", "not a telephone number"),
        ({}, "+99912345678", "not a telephone number"),
    ],
)
def test_refusals_leave_nothing_half_done(preview: Campaign, how: dict[str, str], text: str, match: str) -> None:
    session = make_session(preview, **how)  # type: ignore[arg-type]
    with pytest.raises(NotNow, match=match):
        placing.dial_number(session_id=session.pk, text=text)
    assert live(preview) == 0
    assert reserved(preview) == 0


def test_a_number_in_a_live_call_is_refused(preview: Campaign) -> None:
    make_call(preview, phone="+12125550188")
    with pytest.raises(NotNow, match="in a call already"):
        placing.dial_number(session_id=make_session(preview).pk, text="+12125550188")
    assert live(preview) == 1


def test_a_campaign_without_caller_id_says_what_to_do(tenant: Tenant) -> None:
    campaign = make_campaign(tenant, dial_method=DialMethod.MANUAL, caller_id="", status=CampaignStatus.STOPPED)
    with pytest.raises(NotNow, match="no caller id"):
        placing.dial_number(session_id=make_session(campaign).pk, text="+12125550188")


def test_who_has_left_is_told_so(preview: Campaign) -> None:
    with pytest.raises(NotNow, match="left the campaign"):
        placing.dial_number(session_id=0, text="+12125550188")


@pytest.mark.django_db(transaction=True)
def test_a_number_listed_while_it_is_being_dialed_is_refused_by_the_database(
    preview: Campaign, monkeypatch: pytest.MonkeyPatch
) -> None:
    session = make_session(preview)
    queue = placing.queue_calls

    def list_it_first(**values: object) -> list[UUID]:
        # By code that does not ask for the number's lock, which add_to_dnc waits for.
        row = {"tenant_id": preview.tenant_id, "phone": "+12125550188", "source": "test", "added_at": now()}
        at_once([partial(DncEntry.objects.create, **row)])
        return queue(**values)  # type: ignore[arg-type]

    monkeypatch.setattr(placing, "queue_calls", list_it_first)
    with pytest.raises(NotNow, match="do-not-call"):
        placing.dial_number(session_id=session.pk, text="+12125550188")
    assert live(preview) == 0
    assert get_session(session.pk).state == AgentState.READY


@pytest.mark.django_db(transaction=True)
def test_a_double_click_dials_once(preview: Campaign) -> None:
    session = make_session(preview)
    placing.next_lead(session_id=session.pk)

    def click() -> bool:
        try:
            placing.dial_shown(session_id=session.pk)
        except NotNow:
            return False
        return True

    assert sum(at_once([click] * 4)) == 1
    assert (live(preview), reserved(preview)) == (1, 1)


@pytest.mark.django_db(transaction=True)
def test_next_lead_clicked_many_times_shows_one(preview: Campaign) -> None:
    session = make_session(preview)
    shown = at_once([partial(placing.next_lead, session_id=session.pk)] * 4)
    assert len({lead.pk for lead in shown}) == 1
    assert reserved(preview) == 1


@pytest.mark.django_db(transaction=True)
def test_agents_who_ask_at_once_get_different_leads(preview: Campaign) -> None:
    sessions = [make_session(preview) for _ in range(3)]
    shown = at_once([partial(placing.next_lead, session_id=session.pk) for session in sessions])
    assert len({lead.pk for lead in shown}) == 3


@pytest.mark.django_db(transaction=True)
def test_dialing_by_hand_what_pacing_is_about_to_dial(campaign: Campaign) -> None:
    """The number is called once, whoever is first; neither waits for the other for ever."""
    for _ in range(8):
        paused = make_session(campaign, state=AgentState.PAUSED)
        make_session(campaign)
        lead = make_lead(campaign)

        def by_hand(session: AgentSession = paused, number: str = lead.phone) -> None:
            with suppress(NotNow):
                placing.dial_number(session_id=session.pk, text=number)

        at_once([by_hand, partial(placing.pace, campaign_id=campaign.pk)])
        calls = CallTask.objects.for_tenant(campaign.tenant_id).filter(phone=lead.phone)
        assert calls.count() == 1
        for call_id in list(calls.values_list("pk", flat=True)):
            services.apply_event(call_id=call_id, event=Event(Kind.EXPIRED), at=now())
        AgentSession.objects.for_tenant(campaign.tenant_id).update(
            state=AgentState.OFFLINE, ended_at=now(), call=None, pause_code=""
        )


# --- leads from outside ---


def test_hostile_names_are_data(campaign: Campaign) -> None:
    make_session(campaign)
    rows = [NewLead("+12125550161", first_name=HOSTILE, last_name="\0x\ud800", notes=HOSTILE * 50)]
    added, errors = leads.add_leads(lead_list=make_list(campaign), rows=rows, region="US")
    assert (added, errors) == (1, [])
    [call] = dial(campaign)
    assert call.lead is not None
    assert call.lead.first_name == HOSTILE[:120]
    assert call.lead.last_name == "x?"
    assert call.lead.notes == HOSTILE * 50
    assert HOSTILE[:10] not in f"{call.phone}{call.caller_id}{call.trunk}"


def test_bad_rows_are_named_and_do_not_stop_the_others(campaign: Campaign) -> None:
    rows = [
        NewLead("2125550161"),
        NewLead("911"),
        NewLead("2125550162", time_zone="America"),
        NewLead("2125550163", time_zone="x" * 200),
        NewLead("2125550164", time_zone="America/Chicago"),
    ]
    added, errors = leads.add_leads(lead_list=make_list(campaign), rows=rows, region="US")
    assert added == 2
    assert [error.row for error in errors] == [2, 3, 4]
    assert Lead.objects.for_tenant(campaign.tenant_id).get(phone="+12125550164").time_zones == ["America/Chicago"]


# --- what choosing leads costs ---


def many_leads(campaign: Campaign, how_many: int, due_in_minutes: int, **values: bool) -> None:
    """Leads on a list of their own, of three priorities, due at different minutes before or after now."""
    one_list = make_list(campaign, **values)
    with connection.cursor() as cursor:
        cursor.execute(
            """
            INSERT INTO leads_lead (public_id, tenant_id, campaign_id, list_id, first_name, last_name, company, notes,
                phone, time_zones, state, priority, attempts, next_attempt_at, last_outcome, refused_rule, created_at)
            SELECT gen_random_uuid(), %s, %s, %s, '', '', '', '', '+1' || (2120000000 + n), '{America/New_York}',
                'waiting', n %% 3, 0, now() + %s * interval '1 minute' * (1 + n %% 1000), '', '', now()
            FROM generate_series(1, %s) AS n
            """,
            [campaign.tenant_id, campaign.pk, one_list.pk, due_in_minutes, how_many],
        )


def rows_looked_at(node: dict[str, Any]) -> float:
    """How many leads a plan's nodes read, those thrown away included."""
    own = 0.0
    if node.get("Relation Name") == "leads_lead":
        assert node["Node Type"] in ("Index Scan", "Index Only Scan", "Tid Scan"), node["Node Type"]
        own = (node["Actual Rows"] + node.get("Rows Removed by Filter", 0)) * node["Actual Loops"]
    return own + sum(rows_looked_at(below) for below in node.get("Plans", ()))


def test_choosing_reads_only_what_is_due_however_many_leads_there_are(campaign: Campaign) -> None:
    """Neither leads that wait for later, nor those of lists that are switched off, are read on the way."""
    many_leads(campaign, 20_000, due_in_minutes=1)
    many_leads(campaign, 20_000, due_in_minutes=-1, is_active=False)
    many_leads(campaign, 2_000, due_in_minutes=-1)
    for expected in (10, 0):
        with connection.cursor() as cursor:
            cursor.execute("ANALYZE leads_lead")
            values = {"campaign": campaign.pk, "at": now(), "count": 10, "looked_at": 60}
            cursor.execute(f"EXPLAIN (ANALYZE, FORMAT JSON) {leads.SHOW.format(where='TRUE')}", values)
            [[plan]] = cursor.fetchall()
        assert rows_looked_at(plan[0]["Plan"]) < 300
        with transaction.atomic():
            assert len(leads.reserve(campaign_id=campaign.pk, count=10, at=now())) == expected
        Lead.objects.for_tenant(campaign.tenant_id).filter(list__is_active=True).update(
            next_attempt_at=now() + timedelta(hours=1)
        )
