"""/queues/: queues and the numbers that lead to them, for admins only."""

from __future__ import annotations

from collections.abc import Callable

from django.test import Client

from dialer.campaigns.models import Campaign
from dialer.inbound.models import Did, Queue
from dialer.people.models import User
from tests import factories

from .conftest import House
from .pages import message

As = Callable[[User | None], Client]


def sent(campaign: Campaign, **values: object) -> dict[str, object]:
    """What the form sends."""
    return {
        "name": "Service",
        "campaigns": [campaign.pk],
        "priority": 5,
        "max_wait_s": 300,
        "time_zone": "America/New_York",
        "opens": "",
        "closes": "",
        "music": "default",
        **values,
    }


def test_who_gets_in(house: House, as_: As, campaign: Campaign) -> None:
    did = factories.make_did(factories.make_queue(campaign))
    own = f"/queues/{did.queue.public_id}/"
    for address in ("/queues/", own):
        assert as_(None).get(address).status_code == 302
        for colleague in (house.agent, house.supervisor, house.manager):
            assert as_(colleague).get(address).status_code == 403
        assert as_(house.admin).get(address).status_code == 200
    assert as_(house.stranger).get(own).status_code == 404
    for address in (own, f"{own}delete/", f"{own}numbers/", f"/queues/numbers/{did.pk}/delete/"):
        assert as_(house.stranger).post(address).status_code == 404
        assert as_(house.supervisor).post(address).status_code == 403
    for address in (f"{own}delete/", f"{own}numbers/", f"/queues/numbers/{did.pk}/delete/"):
        assert as_(house.admin).get(address).status_code == 405
    assert Did.objects.for_tenant(house.tenant).count() == Queue.objects.for_tenant(house.tenant).count() == 1


def test_a_queue_is_made_changed_and_removed(house: House, as_: As, campaign: Campaign) -> None:
    browser = as_(house.admin)
    made = sent(campaign, opens="09:00", closes="17:30", days=["0", "4"])
    assert browser.post("/queues/", made).status_code == 302
    queue = Queue.objects.for_tenant(house.tenant).get()
    assert (queue.opens, queue.closes, queue.days, list(queue.campaigns.all())) == (540, 1050, [0, 4], [campaign])
    at = f"/queues/{queue.public_id}/"
    page = browser.get(at).content.decode()
    assert 'value="09:00"' in page and 'value="17:30"' in page
    assert browser.post(at, sent(campaign, name="Help", priority=9)).status_code == 302
    queue.refresh_from_db()
    assert (queue.name, queue.priority, queue.opens, queue.closes, queue.days) == ("Help", 9, 0, 1440, [])
    assert browser.post(f"{at}numbers/", {"phone": "(646) 555-0177"}).status_code == 302
    did = queue.dids.get()
    assert did.phone == "+16465550177"
    assert "Numbers still lead to" in message(browser.post(f"{at}delete/", follow=True))
    browser.post(f"/queues/numbers/{did.pk}/delete/")
    browser.post(f"{at}delete/")
    assert not Queue.objects.for_tenant(house.tenant).exists()


def test_what_cannot_be_is_said_with_its_cure(house: House, as_: As, campaign: Campaign) -> None:
    browser = as_(house.admin)
    theirs = factories.make_campaign(house.stranger.tenant)
    for change, words in (
        ({"campaigns": []}, "This field is required"),
        ({"campaigns": [theirs.pk]}, "is not one of the available choices"),
        ({"priority": 10}, "less than or equal to 9"),
        ({"time_zone": "Mars/Olympus"}, "is not a time zone"),
        ({"opens": "09:00"}, "Give both times"),
        ({"opens": "09:00", "closes": "09:00"}, "It would never be open"),
        ({"music": "a b"}, "letters, digits"),
    ):
        answer = browser.post("/queues/", sent(campaign, **change))
        assert answer.status_code == 200
        assert words in answer.content.decode(), change
    assert not Queue.objects.for_tenant(house.tenant).exists()


def test_a_number_has_one_queue_and_one_tenant(house: House, as_: As, campaign: Campaign) -> None:
    browser = as_(house.admin)
    queue = factories.make_queue(campaign, name="Service")
    at = f"/queues/{queue.public_id}/numbers/"
    factories.make_did(queue, "+16465550177")
    factories.make_did(factories.make_queue(factories.make_campaign(house.stranger.tenant)), "+16465550178")
    for phone, words in (
        ("+16465550177", "leads to “Service” already"),
        ("+16465550178", "This number cannot be used here"),
        ("12", "is not a telephone number"),
    ):
        answer = browser.post(at, {"phone": phone})
        assert answer.status_code == 200
        assert words in answer.content.decode(), phone
    assert queue.dids.count() == 1
