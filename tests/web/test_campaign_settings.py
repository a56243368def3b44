"""/disposition-sets/, /dispositions/ and /pause-codes/: admins only."""

from __future__ import annotations

from collections.abc import Callable

from django.test import Client

from dialer.campaigns.models import Campaign, Disposition, DispositionSet, PauseCode
from dialer.people.models import User
from tests import factories, switch

from .conftest import House
from .pages import message

As = Callable[[User | None], Client]


def test_who_gets_in(house: House, campaign: Campaign, as_: As) -> None:
    one = campaign.disposition_set.dispositions.first()
    code = PauseCode.objects.for_tenant(house.tenant).get()
    rows = (f"/disposition-sets/{campaign.disposition_set_id}/", f"/dispositions/{one.pk}/", f"/pause-codes/{code.pk}/")
    for address in ("/disposition-sets/", "/pause-codes/", *rows):
        assert as_(None).get(address).status_code == 302
        assert as_(house.supervisor).get(address).status_code == 403
        assert as_(house.admin).get(address).status_code == 200
    for address in rows:
        assert as_(house.stranger).get(address).status_code == 404
    for address in (f"/dispositions/{one.pk}/delete/", f"/pause-codes/{code.pk}/delete/"):
        assert as_(house.stranger).post(address).status_code == 404
        assert as_(house.supervisor).post(address).status_code == 403
        assert as_(house.admin).get(address).status_code == 405


def test_a_set_and_its_dispositions(house: House, as_: As) -> None:
    browser = as_(house.admin)
    browser.post("/disposition-sets/", {"name": "Renewals"})
    made = DispositionSet.objects.for_tenant(house.tenant).get(name="Renewals")
    at = f"/disposition-sets/{made.pk}/"
    assert browser.post(at, {"key": 1, "code": "sale", "label": "Sale", "is_default": "on"}).status_code == 302
    assert made.dispositions.get().code == "SALE"
    for data, words in (
        ({"key": 1, "code": "NO", "label": "No"}, "Key 1 is “Sale” already"),
        ({"key": 2, "code": "SALE", "label": "No"}, "called “SALE” already"),
        ({"key": 0, "code": "NO", "label": "No"}, "greater than or equal to 1"),
        ({"key": 2, "code": "N O", "label": "No"}, "is no code"),
        ({"key": 2, "code": "NO", "label": "No", "is_default": "on"}, "is the default already"),
        ({"key": 2, "code": "NO", "label": ""}, "required"),
    ):
        answer = browser.post(at, data)
        assert answer.status_code == 200
        assert words in answer.content.decode()
    assert made.dispositions.count() == 1
    again = browser.post("/disposition-sets/", {"name": "Renewals"})
    assert "There is a disposition set called “Renewals” already" in again.content.decode()


def test_a_disposition_on_a_call_stays(house: House, campaign: Campaign, as_: As) -> None:
    factories.make_session(campaign, house.agent)
    call = switch.connect(campaign, factories.make_lead(campaign))
    switch.hang_up(call.pk)
    as_(house.agent).post("/desk/dispose/", {"code": "SALE"})
    sale = Disposition.objects.for_tenant(house.tenant).get(code="SALE")
    answer = as_(house.admin).post(f"/dispositions/{sale.pk}/delete/", follow=True)
    assert "stays in the records" in message(answer)
    unused = Disposition.objects.for_tenant(house.tenant).get(code="NI")
    as_(house.admin).post(f"/dispositions/{unused.pk}/delete/")
    assert not Disposition.objects.for_tenant(house.tenant).filter(code="NI").exists()
    answer = as_(house.admin).post(
        f"/dispositions/{sale.pk}/", {"key": 1, "code": "SALE", "label": "Sold", "is_conversion": "on"}
    )
    assert answer.status_code == 302
    assert Disposition.objects.for_tenant(house.tenant).get(code="SALE").label == "Sold"


def test_pause_codes(house: House, as_: As) -> None:
    browser = as_(house.admin)
    assert browser.post("/pause-codes/", {"code": "LUNCH", "label": "Lunch", "position": 1}).status_code == 302
    for data in ({"code": "LUNCH", "label": "x", "position": 1}, {"code": "a b", "label": "x", "position": 1}):
        assert browser.post("/pause-codes/", data).status_code == 200
    lunch = PauseCode.objects.for_tenant(house.tenant).get(code="LUNCH")
    assert not lunch.is_paid
    browser.post(f"/pause-codes/{lunch.pk}/", {"code": "LUNCH", "label": "Meal", "position": 2, "is_paid": "on"})
    assert PauseCode.objects.for_tenant(house.tenant).get(code="LUNCH").label == "Meal"
    browser.post(f"/pause-codes/{lunch.pk}/delete/")
    assert not PauseCode.objects.for_tenant(house.tenant).filter(code="LUNCH").exists()
