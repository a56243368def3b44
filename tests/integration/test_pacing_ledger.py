"""The abandonment ledger on PostgreSQL: booked with the event, equal to the calls at every moment, rebuilt when not."""

from __future__ import annotations

from datetime import timedelta
from functools import partial
from random import Random

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from dialer.calls import ledger as calls_ledger
from dialer.calls import services
from dialer.calls.models import CallTask
from dialer.calls.rules import Event, Kind
from dialer.campaigns.models import Campaign
from dialer.compliance import ledger
from dialer.compliance.abandonment import Counts, Standing
from dialer.compliance.models import AbandonmentDay
from dialer.core.clock import now
from tests.factories import make_call, make_campaign, make_session
from tests.threads import at_once

LONG_AGO = now().date() - timedelta(days=400)


def fresh(campaign: Campaign) -> Campaign:
    found = Campaign.objects.across_tenants().select_related("tenant", "ledger_check").get(pk=campaign.pk)
    assert isinstance(found, Campaign)
    return found


def stands(campaign: Campaign) -> Standing:
    return ledger.standing(fresh(campaign), now())


def happen(call: CallTask, *kinds: Kind, **details: object) -> None:
    for kind in kinds:
        services.apply_event(call_id=call.pk, event=Event(kind, **details), at=now())  # type: ignore[arg-type]


def dialed(campaign: Campaign, **values: object) -> CallTask:
    call = make_call(campaign, **values)
    services.begin_placing(call_id=call.pk)
    happen(call, Kind.RINGING)
    return call


def test_a_live_answer_and_an_abandonment_are_booked_with_their_events(campaign: Campaign) -> None:
    met, lost = dialed(campaign), dialed(campaign)
    session = make_session(campaign)
    happen(met, Kind.ANSWERED)
    assert stands(campaign).window == Counts(0, 0), "not known yet to be a person"
    happen(met, Kind.READY)
    assert stands(campaign).window == Counts(1, 0)
    happen(met, Kind.BRIDGED, session=session.pk)
    happen(lost, Kind.ANSWERED, Kind.READY, Kind.WAIT_EXPIRED)
    assert stands(campaign).window == stands(campaign).day == Counts(2, 1)
    for _ in range(2):
        happen(lost, Kind.WAIT_EXPIRED, Kind.MESSAGE_PLAYED, Kind.HUNG_UP)
        happen(met, Kind.HUNG_UP)
    assert stands(campaign).window == Counts(2, 1)


def test_machines_busy_lines_and_agents_own_calls_are_no_live_answers(campaign: Campaign) -> None:
    own = make_call(campaign, session=make_session(campaign, state="paused"))
    services.begin_placing(call_id=own.pk)
    happen(own, Kind.ANSWERED, Kind.READY)
    happen(dialed(campaign), Kind.ANSWERED, Kind.READY, verdict="MACHINE")
    happen(dialed(campaign), Kind.HUNG_UP, cause=17)
    assert stands(campaign).window == Counts(0, 0)


def test_a_machine_that_the_agent_found_is_taken_back(campaign: Campaign) -> None:
    session = make_session(campaign)
    call = dialed(campaign)
    happen(call, Kind.ANSWERED, Kind.READY)
    happen(call, Kind.BRIDGED, session=session.pk)
    happen(call, Kind.HUNG_UP)
    assert stands(campaign).window == Counts(1, 0)
    campaign.disposition_set.dispositions.filter(code="OTHER").update(is_machine=True)
    services.dispose(session_id=session.pk, code="OTHER")
    assert stands(campaign).window == Counts(0, 0)
    assert calls_ledger.compare(campaign.pk, LONG_AGO) == {}


def test_somebody_who_answers_while_they_are_given_up_is_abandoned(campaign: Campaign) -> None:
    call = dialed(campaign)
    happen(call, Kind.GIVEN_UP, Kind.ANSWERED, Kind.HUNG_UP)
    assert stands(campaign).window == Counts(1, 1)


def test_who_has_answered_is_not_given_up(campaign: Campaign) -> None:
    call = dialed(campaign)
    happen(call, Kind.ANSWERED, Kind.GIVEN_UP, Kind.READY, Kind.GIVEN_UP)
    stored = CallTask.objects.across_tenants().get(pk=call.pk)
    assert (stored.state, stored.ending) == ("human", "")


KINDS = [kind for kind in Kind if kind is not Kind.CLAIMED]
VERDICTS = ("HUMAN", "NONE", "NOTSURE", "MACHINE", "HANGUP")
STORIES = st.lists(
    st.tuples(
        st.integers(0, 3), st.sampled_from(KINDS), st.sampled_from(("HUMAN", "NONE", "NOTSURE", "MACHINE", "HANGUP"))
    ),
    max_size=30,
)


@pytest.mark.django_db
@settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(STORIES, st.booleans())
def test_ledger_and_calls_agree_after_any_events_in_any_order(
    campaign: Campaign, story: list[tuple[int, Kind, str]], unsure: bool
) -> None:
    one = make_campaign(campaign.tenant, disposition_set=campaign.disposition_set, amd=True, amd_unsure_to_agent=unsure)
    session = make_session(one)
    calls = [make_call(one) for _ in range(3)]
    calls.append(make_call(one, session=make_session(one, state="paused")))
    for call in calls:
        services.begin_placing(call_id=call.pk)
    for place, kind, verdict in story:
        happen(calls[place], kind, verdict=verdict, session=session.pk, unattended=kind is Kind.HUNG_UP and place == 2)
        assert calls_ledger.compare(one.pk, LONG_AGO) == {}


@pytest.mark.django_db(transaction=True)
def test_ledger_and_calls_agree_when_many_things_happen_at_once(campaign: Campaign) -> None:
    for _ in range(2):
        make_session(campaign)
    calls = [dialed(campaign) for _ in range(8)]

    def life(call: CallTask, seed: int) -> None:
        chance = Random(seed)
        happen(call, Kind.ANSWERED, Kind.READY)
        if chance.random() < 0.5:
            happen(call, Kind.WAIT_EXPIRED, Kind.MESSAGE_PLAYED)
        happen(call, Kind.HUNG_UP)

    def look() -> dict[object, object]:
        found: dict[object, object] = {}
        for _ in range(40):
            found |= calls_ledger.compare(campaign.pk, LONG_AGO)
        return found

    found = at_once([*(partial(life, call, place) for place, call in enumerate(calls)), look])
    assert found[-1] == {}, "at no moment did they differ"
    assert stands(campaign).window.answered == 8
    assert calls_ledger.compare(campaign.pk, LONG_AGO) == {}


@pytest.mark.django_db(transaction=True)
def test_a_rebuilding_loses_nothing_that_is_booked_meanwhile(campaign: Campaign) -> None:
    calls = [dialed(campaign) for _ in range(6)]
    moment = now()
    calls_ledger.check(fresh(campaign), moment)

    def spoil_and_mend() -> None:
        for _ in range(5):
            AbandonmentDay.objects.for_tenant(campaign.tenant_id).update(answered=77)
            calls_ledger.check(fresh(campaign), moment)

    jobs = [partial(happen, call, Kind.ANSWERED, Kind.READY, Kind.WAIT_EXPIRED) for call in calls]
    at_once([*jobs, spoil_and_mend])
    calls_ledger.check(fresh(campaign), moment)
    assert stands(campaign).window == Counts(6, 6)


def test_drift_makes_the_counters_uncertain_until_they_agree_again(campaign: Campaign) -> None:
    happen(dialed(campaign), Kind.ANSWERED, Kind.READY)
    moment = now()
    assert "has not been compared" in stands(campaign).why
    calls_ledger.check_if_due(fresh(campaign), moment)
    assert stands(campaign).certain
    AbandonmentDay.objects.for_tenant(campaign.tenant_id).update(answered=9)
    calls_ledger.check_if_due(fresh(campaign), moment + timedelta(seconds=5))
    assert stands(campaign).window.answered == 9, "compared every fifteen seconds, not always"
    calls_ledger.check_if_due(fresh(campaign), moment + timedelta(seconds=16))
    after = stands(campaign)
    assert (after.certain, after.window) == (False, Counts(1, 0)), "rebuilt, but not trusted at once"
    assert "did not agree" in after.why
    check = fresh(campaign).ledger_check
    assert list(check.drift.values()) == [[[9, 0], [1, 0]]]
    calls_ledger.check_if_due(fresh(campaign), moment + timedelta(seconds=32))
    assert stands(campaign).certain
    assert not ledger.standing(fresh(campaign), moment + timedelta(seconds=80)).certain, "nobody has looked for long"


def test_the_first_look_builds_the_ledger_from_the_calls(campaign: Campaign) -> None:
    happen(dialed(campaign), Kind.ANSWERED, Kind.READY, Kind.WAIT_EXPIRED)
    AbandonmentDay.objects.for_tenant(campaign.tenant_id).delete()
    calls_ledger.check_if_due(fresh(campaign), now())
    assert (stands(campaign).window, stands(campaign).certain) == (Counts(1, 1), True)


def test_a_new_period_begins_with_a_clean_slate(campaign: Campaign) -> None:
    today = ledger.today_of(campaign.tenant, now())
    for before, answered, abandoned in ((31, 500, 20), (29, 100, 3), (0, 50, 1)):
        ledger.book(
            tenant_id=campaign.tenant_id,
            campaign_id=campaign.pk,
            day=today - timedelta(days=before),
            change=Counts(answered, abandoned),
        )
    how = stands(campaign)
    assert how.starts == today - timedelta(days=1), "thirty days after the first"
    assert how.window == how.day == Counts(50, 1)
