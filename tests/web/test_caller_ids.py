"""/calls/caller-ids/: pools, their numbers and the figures of the day, for admins only."""

from __future__ import annotations

from collections.abc import Callable

from django.test import Client

from dialer.campaigns.models import CallerNumber, CallerPool, Campaign
from dialer.people.models import User
from tests import factories

from .conftest import House
from .pages import message

As = Callable[[User | None], Client]


def test_who_gets_in(house: House, as_: As) -> None:
    pool = factories.make_pool(house.tenant, "+12125550190")
    number = pool.numbers.get()
    own = (
        f"/calls/caller-ids/{pool.public_id}/",
        f"/calls/caller-ids/{pool.public_id}/edit/",
        f"/calls/caller-ids/numbers/{number.pk}/",
    )
    for address in ("/calls/caller-ids/", *own):
        assert as_(None).get(address).status_code == 302
        assert as_(house.agent).get(address).status_code == 403
        assert as_(house.supervisor).get(address).status_code == 403
        assert as_(house.admin).get(address).status_code == 200
    for address in own:
        assert as_(house.stranger).get(address).status_code == 404
        assert as_(house.stranger).post(address).status_code == 404
    for address in (
        f"/calls/caller-ids/{pool.public_id}/delete/",
        f"/calls/caller-ids/numbers/{number.pk}/delete/",
    ):
        assert as_(house.stranger).post(address).status_code == 404
        assert as_(house.supervisor).post(address).status_code == 403
        assert as_(house.admin).get(address).status_code == 405
    assert CallerNumber.objects.for_tenant(house.tenant).count() == 1


def test_a_pool_and_its_numbers(house: House, as_: As) -> None:
    browser = as_(house.admin)
    browser.post("/calls/caller-ids/", {"name": "East", "local_presence": "on"})
    pool = CallerPool.objects.for_tenant(house.tenant).get()
    at = f"/calls/caller-ids/{pool.public_id}/"
    sent = {"phone": "(212) 555-0190", "prefixes": "212, +1646", "daily_cap": 80, "is_active": "on"}
    assert browser.post(at, sent).status_code == 302
    number = pool.numbers.get()
    assert (number.phone, number.prefixes, number.daily_cap) == ("+12125550190", ["+1212", "+1646"], 80)
    for data, words in (
        (sent, "is in the pool “East” already"),
        ({**sent, "phone": "12"}, "is not a telephone number"),
        ({**sent, "phone": "+13125550190", "prefixes": "the Bronx"}, "is not the beginning of a number"),
    ):
        answer = browser.post(at, data)
        assert answer.status_code == 200
        assert words in answer.content.decode()
    CallerNumber.objects.for_tenant(house.tenant).update(used=50, used_on="2026-01-01")
    browser.post(f"/calls/caller-ids/numbers/{number.pk}/", {**sent, "daily_cap": 20})
    number.refresh_from_db()
    assert (number.daily_cap, number.used) == (20, 20)
    browser.post(f"/calls/caller-ids/numbers/{number.pk}/delete/")
    assert not pool.numbers.exists()


def test_a_pool_in_use_stays(house: House, campaign: Campaign, as_: As) -> None:
    pool = factories.make_pool(house.tenant, "+12125550190")
    Campaign.objects.for_tenant(house.tenant).filter(pk=campaign.pk).update(caller_pool=pool)
    answer = as_(house.admin).post(f"/calls/caller-ids/{pool.public_id}/delete/", follow=True)
    assert "is used by a campaign" in message(answer)
    Campaign.objects.for_tenant(house.tenant).filter(pk=campaign.pk).update(caller_pool=None)
    as_(house.admin).post(f"/calls/caller-ids/{pool.public_id}/delete/")
    assert not CallerPool.objects.for_tenant(house.tenant).exists()
