"""/campaigns/<id>/lines/: a supervisor throttles a campaign while it runs."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from django.test import Client

from dialer.calls import placing
from dialer.calls.models import CallTask
from dialer.campaigns.models import Campaign
from dialer.core.models import AuditEntry
from dialer.people.models import User
from tests import factories

from .conftest import House
from .pages import refused

As = Callable[[User | None], Client]
pytestmark = pytest.mark.django_db


def test_the_next_tick_obeys(house: House, campaign: Campaign, as_: As) -> None:
    for _ in range(3):
        factories.make_session(campaign)
    factories.make_leads(factories.make_list(campaign), 5)
    address = f"/campaigns/{campaign.public_id}/lines/"
    answer = as_(house.supervisor).post(address, {"max_lines": "1", "from": "floor"})
    assert answer["Location"] == f"/floor/campaign/{campaign.public_id}/"
    placing.pace(campaign_id=campaign.pk)
    assert CallTask.objects.for_tenant(house.tenant).count() == 1
    assert "all 1 lines are in use" in (placing.pace(campaign_id=campaign.pk).decision.reason)  # type: ignore[union-attr]
    as_(house.supervisor).post(address, {"max_lines": "3"})
    placing.pace(campaign_id=campaign.pk)
    assert CallTask.objects.for_tenant(house.tenant).count() == 3
    entries = AuditEntry.objects.for_tenant(house.tenant).filter(action="campaign.lines").order_by("seq")
    assert [one.data for one in entries] == [{"max_lines": 1}, {"max_lines": 3}]


@pytest.mark.parametrize("typed", ["0", "-1", "many", "", "99999"])
def test_what_is_no_number_of_lines(house: House, campaign: Campaign, as_: As, typed: str) -> None:
    answer = as_(house.supervisor).post(f"/campaigns/{campaign.public_id}/lines/", {"max_lines": typed}, follow=True)
    assert "is no number of lines" in answer.content.decode()
    campaign.refresh_from_db()
    assert campaign.max_lines == 100


def test_who_may(house: House, campaign: Campaign, as_: As) -> None:
    clients = {name: as_(getattr(house, name)) for name in ("agent", "manager", "stranger")}
    found = refused(clients, f"/campaigns/{campaign.public_id}/lines/", "post", max_lines="5")
    assert found == {"agent": 403, "manager": 403, "stranger": 404}
    assert as_(None).post(f"/campaigns/{campaign.public_id}/lines/").status_code == 302


def test_a_board_has_the_hands_for_who_may_use_them(house: House, campaign: Campaign, as_: As) -> None:
    board = f"/floor/campaign/{campaign.public_id}/"
    assert "Throttle</button>" in as_(house.supervisor).get(board).content.decode()
    assert "Throttle</button>" not in as_(house.manager).get(board).content.decode()
