"""A number is taken off the do-not-call list: by an administrator, for a reason, and the evidence tells of both."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from django.test import Client

from dialer.campaigns.models import Campaign
from dialer.compliance.models import DncEntry, DncRemoval
from dialer.compliance.services import Asked, add_to_dnc, judge, remove_from_dnc
from dialer.compliance.story import evidence_rows
from dialer.core.audit import verify
from dialer.core.clock import now
from dialer.core.models import AuditEntry
from dialer.people.models import User
from dialer.privacy.selectors import person

from .conftest import House
from .pages import refused

As = Callable[[User | None], Client]
NUMBER = "+12125550142"
PAGE = "/compliance/number/"
UNLIST = "/compliance/number/unlist/"


@pytest.fixture
def entry(house: House) -> DncEntry:
    add_to_dnc(tenant_id=house.tenant.pk, number=NUMBER, source="agent", by=house.agent)
    return DncEntry.objects.for_tenant(house.tenant).get()


def listed(house: House) -> bool:
    return DncEntry.objects.for_tenant(house.tenant).filter(phone=NUMBER).exists()


def may_be_dialed(campaign: Campaign) -> bool:
    [judged] = judge(campaign=campaign, asked=[Asked(NUMBER, ("America/New_York",))], at=now())
    return judged.row.allowed


def test_who_may(house: House, as_: As, entry: DncEntry) -> None:
    asked = {"number": NUMBER, "entry": entry.pk, "why": "typing error"}
    lesser = {role: as_(getattr(house, role)) for role in ("agent", "manager", "supervisor")}
    assert refused(lesser, UNLIST, "post", **asked) == {"agent": 403, "manager": 403, "supervisor": 403}
    assert as_(None).post(UNLIST, asked).status_code == 302
    as_(house.stranger).post(UNLIST, asked)
    assert listed(house)
    assert "Take it off" not in as_(house.supervisor).get(PAGE, {"number": NUMBER}).content.decode()


def test_it_is_dialed_again_and_the_evidence_tells(house: House, as_: As, campaign: Campaign, entry: DncEntry) -> None:
    assert not may_be_dialed(campaign)
    browser = as_(house.admin)
    assert "Take it off the list" in browser.get(PAGE, {"number": NUMBER}).content.decode()
    asked = {"number": NUMBER, "entry": entry.pk, "why": "a slip of the agent"}
    told = browser.post(UNLIST, asked, follow=True).content.decode()
    assert "is taken off the list" in told
    assert "a slip of the agent" in told
    assert "On no do-not-call list" in told
    assert may_be_dialed(campaign)
    kinds = [(row["what"], row["grounds"], row["by"]) for row in evidence_rows(house.tenant, NUMBER)]
    assert ("do not call", "agent", "") in kinds
    assert ("taken off", "a slip of the agent", house.admin.shown_name) in kinds
    assert "audit" in [what for what, _grounds, _by in kinds]
    [removal] = person(house.tenant, NUMBER)["do_not_call_before"]
    assert (removal["added_at"], removal["why"]) == (entry.added_at, "a slip of the agent")
    assert AuditEntry.objects.for_tenant(house.tenant).filter(action="dnc.removed").count() == 1
    assert NUMBER not in str(list(AuditEntry.objects.for_tenant(house.tenant).values("data", "subject")))
    assert not verify(house.tenant.pk).broken


@pytest.mark.parametrize("why", ["", " "])
def test_not_without_a_reason(house: House, as_: As, entry: DncEntry, why: str) -> None:
    told = as_(house.admin).post(UNLIST, {"number": NUMBER, "entry": entry.pk, "why": why}).content.decode()
    assert "This field is required" in told
    assert listed(house)


def test_an_entry_of_another_number_is_none_of_this_one(house: House, as_: As, entry: DncEntry) -> None:
    told = as_(house.admin).post(UNLIST, {"number": "+12125550143", "entry": entry.pk, "why": "x"})
    assert told.status_code == 200
    assert listed(house)


def test_whoever_asked_to_be_forgotten_stays_on_it(house: House, as_: As) -> None:
    add_to_dnc(tenant_id=house.tenant.pk, number=NUMBER, source="erased", by=house.admin)
    entry = DncEntry.objects.for_tenant(house.tenant).get()
    asked = {"number": NUMBER, "entry": entry.pk, "why": "we want to call"}
    assert "asked to be forgotten" in as_(house.admin).post(UNLIST, asked, follow=True).content.decode()
    assert listed(house)


def test_of_two_who_take_it_off_one_does(house: House, entry: DncEntry) -> None:
    same = DncEntry.objects.for_tenant(house.tenant).get()
    for one in (entry, same):
        remove_from_dnc(entry=one, why="twice", by=house.admin)
    assert DncRemoval.objects.for_tenant(house.tenant).count() == 1
