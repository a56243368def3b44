"""/lists/…/edit/: a list's priority and share, for leaders of its tenant."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from django.test import Client

from dialer.calls import replanning
from dialer.campaigns.models import Campaign
from dialer.leads import priorities
from dialer.leads.models import Lead
from dialer.leads.rules import CALLBACK_PRIORITY
from dialer.people.models import User
from tests import factories

from .conftest import House

As = Callable[[User | None], Client]


def test_who_gets_in(house: House, campaign: Campaign, as_: As) -> None:
    at = f"/lists/{factories.make_list(campaign).public_id}/edit/"
    assert as_(None).get(at).status_code == 302
    assert as_(house.agent).get(at).status_code == 403
    assert as_(house.stranger).get(at).status_code == 404
    assert as_(house.stranger).post(at, {"name": "x", "priority": 1, "mix": 0}).status_code == 404
    assert as_(house.supervisor).get(at).status_code == 200


def test_a_new_priority_is_that_of_the_leads(house: House, campaign: Campaign, as_: As) -> None:
    where, other = factories.make_list(campaign), factories.make_list(campaign, name="Other")
    factories.make_leads(where, 2)
    factories.make_leads(where, 1, priority=CALLBACK_PRIORITY)
    factories.make_leads(other, 1)
    at = f"/lists/{where.public_id}/edit/"
    assert as_(house.supervisor).post(at, {"name": "East", "priority": 7, "mix": 30}).status_code == 302
    where.refresh_from_db()
    assert (where.name, where.priority, where.mix) == ("East", 7, 30)
    of = Lead.objects.for_tenant(house.tenant)
    assert sorted(of.filter(list=where).values_list("priority", flat=True)) == [7, 7, CALLBACK_PRIORITY]
    assert of.get(list=other).priority == 0
    wrong: tuple[dict[str, object], ...] = (
        {"name": "Other", "priority": 7, "mix": 0},
        {"name": "East", "priority": 7, "mix": 1001},
        {"name": "East", "priority": 20000, "mix": 0},
    )
    for data in wrong:
        assert as_(house.supervisor).post(at, data).status_code == 200


def test_a_long_list_takes_it_by_and_by(
    house: House, campaign: Campaign, as_: As, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(priorities, "AT_ONCE", 2)
    where = factories.make_list(campaign)
    factories.make_leads(where, 5)
    browser = as_(house.supervisor)
    sent = {"name": where.name, "priority": 7, "mix": 0}
    page = browser.post(f"/lists/{where.public_id}/edit/", sent, follow=True).content.decode()
    assert "in the next minutes" in page
    assert "taking its new priority: 2 so far" in page
    assert replanning.work_off(within_s=600) is False
    assert "taking its new priority" not in browser.get(f"/lists/{where.public_id}/").content.decode()
    rows = Lead.objects.for_tenant(house.tenant).filter(list=where)
    assert set(rows.values_list("priority", flat=True)) == {7}
