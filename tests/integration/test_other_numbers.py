"""A lead with several numbers: what led to nobody moves on to the next, and the gate is asked about that one."""

from __future__ import annotations

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dialer.calls import placing
from dialer.calls.models import CallTask
from dialer.campaigns.models import Campaign, DialMethod
from dialer.compliance.facts import asked_for
from dialer.core.clock import now
from dialer.leads import services as leads
from dialer.leads.models import Lead, LeadNumber
from dialer.leads.rules import MAX_ATTEMPTS, OTHER_NUMBER_AFTER, Next, after_attempt, after_number
from tests import factories

OWN, MOBILE, WORK = "+12125550181", "+13055550182", "+12125550183"
OUTCOMES = ["no_answer", "busy", "machine", "failed", "invalid_number", "connected", "abandoned", "lost", "x"]


@given(st.sampled_from(OUTCOMES), st.integers(0, 8), st.integers(0, 4), st.integers(1, 5))
def test_the_numbers_take_turns_and_never_get_more_attempts(
    outcome: str, attempts: int, dialed: int, numbers: int
) -> None:
    moment = now()
    turn = after_number(outcome, attempts, moment, None, dialed=dialed % numbers, numbers=numbers)
    if turn is None:
        assert numbers == 1 or outcome not in {"no_answer", "busy", "machine", "failed", "invalid_number"}
        return
    assert turn.number == (dialed % numbers + 1) % numbers
    if attempts + 1 >= MAX_ATTEMPTS:
        assert turn.following == Next(None)
        return
    assert turn.following.at is not None
    by_rule = after_attempt("no_answer" if outcome == "invalid_number" else outcome, attempts, True, moment)
    assert turn.following.at == by_rule.at if turn.number == 0 else turn.following.at <= moment + OTHER_NUMBER_AFTER


@pytest.fixture
def lead(campaign: Campaign) -> Lead:
    """Somebody with three numbers."""
    made = factories.make_lead(campaign, phone=OWN, time_zones=["America/New_York"])
    for phone, kind in ((MOBILE, "mobile"), (WORK, "work")):
        LeadNumber.objects.create(tenant=campaign.tenant, lead=made, phone=phone, kind=kind)
    return made


def reserve(campaign: Campaign) -> Lead:
    Lead.objects.for_tenant(campaign.tenant).update(next_attempt_at=now() - timedelta(seconds=1))
    (found,) = leads.reserve(campaign_id=campaign.pk, count=5, at=now())
    return found


def test_each_number_has_its_turn(campaign: Campaign, lead: Lead) -> None:
    for number in (OWN, MOBILE, WORK, OWN):
        found = reserve(campaign)
        asked = asked_for(found)
        assert asked.number == number
        began = now()
        leads.finish_attempt(lead_id=lead.pk, outcome="no_answer", placed=True, at=began, number=number)
        lead.refresh_from_db()
        soon = lead.next_attempt_at - began == OTHER_NUMBER_AFTER
        assert soon == (number != WORK), "after the last of a round the campaign's rule says when"
    assert lead.attempts == 4


def test_the_zones_of_the_other_number_count_too(campaign: Campaign, lead: Lead) -> None:
    Lead.objects.for_tenant(campaign.tenant).update(turn=1, time_zones=["America/Los_Angeles"])
    assert asked_for(reserve(campaign)).zones == ("America/Los_Angeles", "America/New_York")


def test_a_number_that_does_not_exist_ends_the_lead_only_when_it_is_the_only_one(
    campaign: Campaign, lead: Lead
) -> None:
    leads.finish_attempt(lead_id=lead.pk, outcome="invalid_number", placed=True, at=now(), number=OWN)
    lead.refresh_from_db()
    assert (lead.state, lead.turn) == ("waiting", 1)
    alone = factories.make_lead(campaign)
    leads.finish_attempt(lead_id=alone.pk, outcome="invalid_number", placed=True, at=now(), number=alone.phone)
    alone.refresh_from_db()
    assert alone.state == "done"


def test_what_does_not_move_on(campaign: Campaign, lead: Lead) -> None:
    for outcome, number in (("abandoned", OWN), ("no_answer", "+12125550199"), ("no_answer", "")):
        leads.finish_attempt(lead_id=lead.pk, outcome=outcome, placed=True, at=now(), number=number)
        lead.refresh_from_db()
        assert lead.turn == 0
    leads.finish_attempt(lead_id=lead.pk, outcome="no_answer", placed=False, at=now(), number=OWN)
    lead.refresh_from_db()
    assert lead.turn == 0
    Lead.objects.for_tenant(campaign.tenant).update(turn=2)
    LeadNumber.objects.for_tenant(campaign.tenant).filter(phone=WORK).delete()
    assert asked_for(reserve(campaign)).number == OWN, "a number that was taken away is passed over"


def test_pacing_dials_the_number_whose_turn_it_is(tenant: object, lead: Lead, campaign: Campaign) -> None:
    Lead.objects.for_tenant(campaign.tenant).update(turn=1, next_attempt_at=now() - timedelta(seconds=1))
    factories.make_session(campaign, state="ready")
    assert campaign.dial_method == DialMethod.PROGRESSIVE
    placing.pace(campaign_id=campaign.pk)
    call = CallTask.objects.for_tenant(campaign.tenant).get()
    assert (call.phone, call.lead_id) == (MOBILE, lead.pk)
