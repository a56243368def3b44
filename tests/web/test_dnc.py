"""/dnc/: look a number up, add one."""

from __future__ import annotations

from collections.abc import Callable

from django.test import Client

from dialer.compliance.models import DncEntry
from dialer.people.models import User

from .conftest import House

As = Callable[[User | None], Client]


def test_who_gets_in(house: House, as_: As) -> None:
    assert as_(None).get("/dnc/").status_code == 302
    for user in (house.agent, house.manager):
        assert as_(user).get("/dnc/").status_code == 403
        assert as_(user).post("/dnc/", {"number": "2125550100"}).status_code == 403
    assert as_(house.supervisor).get("/dnc/").status_code == 200


def test_adding_and_looking_up(house: House, as_: As) -> None:
    browser = as_(house.supervisor)
    assert "is not on the list" in browser.get("/dnc/?number=212-555-0100").content.decode()
    for _ in range(2):
        assert browser.post("/dnc/", {"number": "(212) 555-0100"}).status_code == 302
    entry = DncEntry.objects.for_tenant(house.tenant).get()
    assert (entry.phone, entry.added_by) == ("+12125550100", house.supervisor)
    assert "is on the list since" in browser.get("/dnc/?number=+1 212 555 0100").content.decode()


def test_each_tenant_has_its_own(house: House, as_: As) -> None:
    as_(house.stranger).post("/dnc/", {"number": "2125550100"})
    page = as_(house.supervisor).get("/dnc/?number=2125550100").content.decode()
    assert "is not on the list" in page
    assert "555-0100</td>" not in page


def test_what_is_no_number(house: House, as_: As) -> None:
    for text in ("", "abc", "12", "' OR 1=1"):
        for answer in (
            as_(house.supervisor).get("/dnc/", {"number": text}),
            as_(house.supervisor).post("/dnc/", {"number": text}),
        ):
            assert answer.status_code == 200
            assert 'id="id_number_error"' in answer.content.decode()
    assert DncEntry.objects.for_tenant(house.tenant).count() == 0
