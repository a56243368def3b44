"""/floor/alerts/: admins say what is watched."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from django.test import Client

from dialer.campaigns.models import Campaign
from dialer.core.models import AuditEntry
from dialer.floor.models import Threshold
from dialer.people.models import User
from tests import factories

from .conftest import House

As = Callable[[User | None], Client]
pytestmark = pytest.mark.django_db
VALUES = {"figure": "waiting", "above": "True", "value": "3", "for_s": "10"}


def test_thresholds_are_made_and_removed(house: House, campaign: Campaign, as_: As) -> None:
    client = as_(house.admin)
    client.post("/floor/alerts/", {**VALUES, "campaign": campaign.pk, "webhook": "https://hooks.example/x"})
    made = Threshold.objects.for_tenant(house.tenant).get()
    assert (made.campaign, made.value, made.webhook) == (campaign, 3.0, "https://hooks.example/x")
    assert "Customers waiting" in client.get("/floor/alerts/").content.decode()
    client.post(f"/floor/alerts/{made.public_id}/remove/")
    assert not Threshold.objects.for_tenant(house.tenant).exists()
    actions = AuditEntry.objects.for_tenant(house.tenant).order_by("seq").values_list("action", flat=True)
    assert list(actions) == ["threshold.made", "threshold.removed"]


def test_a_webhook_is_of_the_web(house: House, as_: As) -> None:
    html = as_(house.admin).post("/floor/alerts/", {**VALUES, "webhook": "ftp://hooks.example/x"}).content.decode()
    assert "must begin with http" in html
    assert not Threshold.objects.for_tenant(house.tenant).exists()


def test_who_may(house: House, campaign: Campaign, as_: As) -> None:
    one = factories.make_threshold(campaign)
    for user in (house.agent, house.supervisor, house.manager):
        assert as_(user).get("/floor/alerts/").status_code == 403
        assert as_(user).post(f"/floor/alerts/{one.public_id}/remove/").status_code == 403
    assert as_(house.stranger).post(f"/floor/alerts/{one.public_id}/remove/").status_code == 404
    as_(house.stranger).post("/floor/alerts/", {**VALUES, "campaign": campaign.pk})
    assert Threshold.objects.for_tenant(house.tenant).count() == 1
    assert not Threshold.objects.for_tenant(house.stranger.tenant).exists()
