"""The checklist and the dry run of a campaign, for leaders of its tenant."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from html import unescape

import pytest
from django.test import Client

from dialer.campaigns.models import Campaign, ScriptPage
from dialer.compliance.ledger import today_of
from dialer.core.clock import now
from dialer.leads.models import Lead
from dialer.people.models import User
from tests import factories

from .conftest import House

As = Callable[[User | None], Client]


@pytest.mark.parametrize("rest", ["checklist/", "dry-run/", "dry-run/?counts=1"])
def test_who_gets_in(house: House, campaign: Campaign, as_: As, rest: str) -> None:
    at = f"/campaigns/{campaign.public_id}/{rest}"
    assert as_(None).get(at).status_code == 302
    assert as_(house.agent).get(at).status_code == 403
    assert as_(house.stranger).get(at).status_code == 404
    assert as_(house.supervisor).get(at).status_code == 200


def points(house: House, campaign: Campaign, as_: As) -> str:
    answer = as_(house.supervisor).get(f"/campaigns/{campaign.public_id}/checklist/")
    return unescape(answer.content.decode())


def test_each_failing_point_and_its_cure(house: House, campaign: Campaign, as_: As) -> None:
    bare = points(house, campaign, as_)
    for words in (
        "It has no active list",
        "No agent is here",
        "The switchboard is down",
        "No lead is due now",
        "There is no script",
        "Have agents join the campaign",
    ):
        assert words in bare
    where = factories.make_list(campaign)
    factories.make_leads(where, 1, time_zones=["Nowhere/Land"])
    factories.make_session(campaign, house.agent, state="paused")
    ScriptPage.objects.create(tenant=house.tenant, campaign=campaign, title="Opening", body="Hello {{lead.nmae}}")
    pool = factories.make_pool(house.tenant, "+12125550190", daily_cap=1, used=1, used_on=today_of(house.tenant, now()))
    Campaign.objects.for_tenant(house.tenant).filter(pk=campaign.pk).update(
        caller_pool=pool, lead_filter={"match": "all", "conditions": [{"field": "gone", "op": "is", "value": "1"}]}
    )
    worse = points(house, campaign, as_)
    for words in (
        "The script page “Opening” is broken",
        "There is no merge field “lead.nmae”",
        "All agents are paused",
        "The filter is broken",
        "has reached its limit for today",
    ):
        assert words in worse
    Campaign.objects.for_tenant(house.tenant).filter(pk=campaign.pk).update(lead_filter={}, caller_pool=None)
    assert "Nothing tells in which time zone this number is" in points(house, campaign, as_)
    factories.make_leads(where, 1)
    fine = points(house, campaign, as_)
    assert "Leads may be dialed now" in fine


def test_the_dry_run_says_how_many_and_why_not_the_rest(house: House, campaign: Campaign, as_: As) -> None:
    where = factories.make_list(campaign)
    factories.make_leads(where, 3)
    factories.make_leads(where, 2, next_attempt_at=now() + timedelta(hours=5))
    factories.make_leads(where, 1, time_zones=[])
    shown = as_(house.supervisor).get(f"/campaigns/{campaign.public_id}/dry-run/", headers={"HX-Request": "true"})
    text = unescape(shown.content.decode())
    assert ">3<" in text
    assert "Resting until their next attempt" in text
    assert "zone_unknown" in text
    assert Lead.objects.for_tenant(house.tenant).filter(state="waiting").count() == 6
