"""/calls/pacing/<campaign>/: who sees it, and what it says."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

from django.test import Client

from dialer.calls import placing
from dialer.calls.models import PacingDecision
from dialer.campaigns.models import Campaign
from dialer.compliance.models import AbandonmentDay
from dialer.core.clock import now
from dialer.people.models import User
from tests import factories

from .conftest import House
from .pages import sends_to_sign_in

As = Callable[[User | None], Client]


def predictive(house: House) -> Campaign:
    """A predictive campaign that has decided once."""
    campaign = factories.make_campaign(house.tenant, dial_method="predictive")
    factories.make_leads(factories.make_list(campaign), 5)
    factories.make_session(campaign)
    placing.pace(campaign_id=campaign.pk)
    return campaign


def test_who_sees_it(house: House, as_: As) -> None:
    address = f"/calls/pacing/{predictive(house).public_id}/"
    assert sends_to_sign_in(as_(None).get(address))
    assert as_(house.agent).get(address).status_code == 403
    assert as_(house.manager).get(address).status_code == 403
    assert as_(house.stranger).get(address).status_code == 404
    assert as_(house.supervisor).post(address).status_code == 405
    assert as_(house.supervisor).get(address).status_code == 200


def test_it_says_what_pacing_does_and_what_is_left(house: House, as_: As) -> None:
    campaign = predictive(house)
    AbandonmentDay.objects.create(tenant=house.tenant, campaign=campaign, day=now().date(), answered=1200, abandoned=27)
    page = as_(house.supervisor).get(f"/calls/pacing/{campaign.public_id}/").content.decode()
    assert "1 agent free within 8 s" in page
    assert "9 of 36" in page
    assert "27 of 1200 live answers" in page


def test_forecast_and_actual_are_a_picture_and_a_table(house: House, as_: As) -> None:
    campaign = predictive(house)
    row = PacingDecision.objects.for_tenant(house.tenant).filter(campaign=campaign).first()
    assert row is not None
    for minutes, answers in ((20, 2), (5, 4)):
        row.pk, row.at = None, now() - timedelta(minutes=minutes)
        row.forecast = {"answers": 2.5, "free": 3.5}
        row.answers, row.freed, row.abandoned = answers, 3, 0
        row.save()
    page = as_(house.supervisor).get(f"/calls/pacing/{campaign.public_id}/").content.decode()
    assert page.count("<polyline") == 2
    assert page.count(">2.5<") == 2
    assert ">4.0<" in page


def test_the_campaign_page_loads_it(house: House, campaign: Campaign, as_: As) -> None:
    at = f"/campaigns/{campaign.public_id}/"
    assert f'hx-get="/calls/pacing/{campaign.public_id}/"' in as_(house.supervisor).get(at).content.decode()


def test_a_campaign_that_never_dialed_says_so(house: House, campaign: Campaign, as_: As) -> None:
    page = as_(house.supervisor).get(f"/calls/pacing/{campaign.public_id}/").content.decode()
    assert "Pacing has not decided anything yet." in page
