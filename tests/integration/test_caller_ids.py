"""Caller ids in the transaction that makes the call: local presence, turns, and caps that hold with many dialers."""

from __future__ import annotations

from collections import Counter
from datetime import timedelta
from functools import partial

import pytest

from dialer.agents.services import NotNow
from dialer.calls import caller_ids, placing
from dialer.calls.models import CallTask
from dialer.campaigns.models import CallerNumber, Campaign
from dialer.compliance.ledger import today_of
from dialer.core.clock import now
from dialer.leads.models import LeadState
from tests import factories
from tests.factories import get_lead, make_campaign, make_lead, make_leads, make_list, make_pool, make_session
from tests.threads import at_once


def shown(campaign: Campaign) -> Counter[str]:
    rows = CallTask.objects.for_tenant(campaign.tenant_id).filter(campaign=campaign)
    return Counter(rows.values_list("caller_id", flat=True))


def with_pool(campaign: Campaign, *phones: str, **values: object) -> None:
    pool = make_pool(campaign.tenant, *phones, **values)
    Campaign.objects.for_tenant(campaign.tenant_id).filter(pk=campaign.pk).update(caller_pool=pool)


def test_without_a_pool_the_campaign_s_own_is_shown(campaign: Campaign) -> None:
    make_lead(campaign)
    make_session(campaign)
    assert placing.pace(campaign_id=campaign.pk).queued
    assert shown(campaign) == {campaign.caller_id: 1}


def test_who_is_called_sees_a_number_of_their_own_area(campaign: Campaign) -> None:
    with_pool(campaign, "+12125550190", "+13125550190")
    where = make_list(campaign)
    make_leads(where, 1, phone="+13125550111")
    make_leads(where, 1, phone="+12125550111")
    for _ in range(2):
        make_session(campaign)
    placing.pace(campaign_id=campaign.pk)
    rows = CallTask.objects.for_tenant(campaign.tenant_id).values_list("phone", "caller_id")
    assert dict(rows) == {"+13125550111": "+13125550190", "+12125550111": "+12125550190"}


def test_a_lead_for_which_no_number_is_left_waits(campaign: Campaign) -> None:
    with_pool(campaign, "+12125550190", daily_cap=1)
    leads = make_leads(make_list(campaign), 3)
    for _ in range(3):
        make_session(campaign)
    assert len(placing.pace(campaign_id=campaign.pk).queued) == 1
    states = Counter(get_lead(lead.pk).state for lead in leads)
    assert states == {LeadState.RESERVED: 1, LeadState.WAITING: 2}
    waiting = [get_lead(lead.pk) for lead in leads if get_lead(lead.pk).state == LeadState.WAITING]
    assert all(lead.next_attempt_at > now() + timedelta(minutes=25) for lead in waiting)
    # A new day, a new count.
    CallerNumber.objects.for_tenant(campaign.tenant_id).update(used_on=now().date() - timedelta(days=2))
    fresh = Campaign.objects.for_tenant(campaign.tenant_id).get(pk=campaign.pk)
    day = today_of(campaign.tenant, now())
    assert caller_ids.allot(campaign=fresh, called=["+12125550111"], day=day).shown == {"+12125550111": "+12125550190"}


def test_an_agent_is_told_that_every_caller_id_is_used_up(campaign: Campaign) -> None:
    manual = make_campaign(campaign.tenant, dial_method="manual")
    with_pool(manual, "+12125550190", daily_cap=1)
    [first, second] = [make_session(manual, state="paused") for _ in range(2)]
    placing.dial_number(session_id=first.pk, text="+12125550111")
    with pytest.raises(NotNow, match="reached its limit for today"):
        placing.dial_number(session_id=second.pk, text="+12125550112")


@pytest.mark.django_db(transaction=True)
def test_caps_hold_with_many_dialers_at_once(transactional_db: None) -> None:
    tenant = factories.make_tenant()
    pool = make_pool(tenant, "+12125550190", "+13125550190", daily_cap=7)
    campaigns = [make_campaign(tenant, caller_pool=pool) for _ in range(4)]
    for campaign in campaigns:
        make_leads(make_list(campaign), 12)
        for _ in range(6):
            make_session(campaign)
    at_once([partial(placing.pace, campaign_id=campaign.pk) for campaign in campaigns])
    total = sum((shown(campaign) for campaign in campaigns), Counter[str]())
    assert total == {"+12125550190": 7, "+13125550190": 7}
    assert {row.used for row in CallerNumber.objects.for_tenant(tenant)} == {7}


def test_the_figures_of_a_day(campaign: Campaign) -> None:
    with_pool(campaign, "+12125550190", "+13125550190", daily_cap=1)
    make_leads(make_list(campaign), 1, phone="+12125550111")
    make_session(campaign)
    placing.pace(campaign_id=campaign.pk)
    CallTask.objects.for_tenant(campaign.tenant_id).update(
        state="ended", outcome="connected", ready_at=now(), ended_at=now()
    )
    pool = Campaign.objects.for_tenant(campaign.tenant_id).select_related("caller_pool").get(pk=campaign.pk).caller_pool
    first, second = caller_ids.figures_of(pool=pool, day=today_of(campaign.tenant, now()))
    assert (first.used, first.calls, first.answered, first.share, first.full) == (1, 1, 1, 100.0, True)
    assert (second.used, second.calls, second.share, second.full) == (0, 0, None, False)
