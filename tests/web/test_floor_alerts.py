"""/floor/alerts/: admins say what is watched."""

from __future__ import annotations

import socket
from collections.abc import Callable
from typing import Any

import pytest
from django.test import Client

from dialer.campaigns.models import Campaign
from dialer.core import hooks
from dialer.core.models import AuditEntry
from dialer.floor.models import Threshold
from dialer.people.models import User
from tests import factories

from .conftest import House

As = Callable[[User | None], Client]
pytestmark = pytest.mark.django_db
VALUES = {"figure": "waiting", "above": "True", "value": "3", "for_s": "10"}


@pytest.fixture(autouse=True)
def _names(monkeypatch: pytest.MonkeyPatch) -> None:
    """What the DNS says here."""
    numbers = {"hooks.example": "93.184.216.34", "intranet.example": "10.0.0.5"}

    def getaddrinfo(host: str, port: int, *args: Any, **kwargs: Any) -> list[Any]:
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (numbers.get(host, host), port))]

    monkeypatch.setattr(hooks.socket, "getaddrinfo", getaddrinfo)


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


@pytest.mark.parametrize(
    ("webhook", "why"),
    [
        ("ftp://hooks.example/x", "must begin with http"),
        ("https://intranet.example/x", "10.0.0.5, an address inside the network"),
        ("http://169.254.169.254/latest/meta-data/", "an address inside the network"),
    ],
)
def test_a_webhook_is_of_the_web_and_outside(house: House, as_: As, webhook: str, why: str) -> None:
    html = as_(house.admin).post("/floor/alerts/", {**VALUES, "webhook": webhook}).content.decode()
    assert why in html
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
