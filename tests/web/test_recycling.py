"""/calls/recycling/: a campaign's recycle rules, for admins only."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

from django.test import Client

from dialer.calls import services
from dialer.calls.rules import Event, Kind
from dialer.campaigns.models import Campaign, Disposition, RecycleRule
from dialer.core.clock import now
from dialer.core.models import AuditEntry
from dialer.people.models import User
from tests import factories

from .conftest import House
from .pages import message

As = Callable[[User | None], Client]
OUTCOMES = {
    "no_answer": 240, "busy": 30, "congestion": 30, "machine": 360, "message_left": 1440, "early_hangup": 1440,
    "failed": 60, "cancelled": 240, "abandoned": 4320, "lost": 4320,
}  # fmt: skip


def sent(campaign: Campaign, **changed: object) -> dict[str, object]:
    """The form as it stands, with some values changed."""
    data: dict[str, object] = {}
    recycled = Disposition.objects.for_tenant(campaign.tenant_id).filter(is_recycled=True)
    rows = {f"outcome-{name}": minutes for name, minutes in OUTCOMES.items()}
    for name, minutes in {**rows, **{f"disposition-{one.pk}": 1440 for one in recycled}}.items():
        data |= {f"{name}-delay_min": minutes, f"{name}-times": 0}
        if name != "outcome-message_left":
            data[f"{name}-again"] = "on"
    return {**data, **changed}


def test_who_gets_in(house: House, campaign: Campaign, as_: As) -> None:
    at = f"/calls/recycling/{campaign.public_id}/"
    assert as_(None).get(at).status_code == 302
    assert as_(house.agent).get(at).status_code == 403
    assert as_(house.supervisor).get(at).status_code == 403
    assert as_(house.stranger).get(at).status_code == 404
    assert as_(house.stranger).post(at, sent(campaign)).status_code == 404
    assert as_(house.admin).get(at).status_code == 200


def test_only_what_differs_is_kept(house: House, campaign: Campaign, as_: As) -> None:
    at = f"/calls/recycling/{campaign.public_id}/"
    browser = as_(house.admin)
    browser.post(at, sent(campaign))
    assert not RecycleRule.objects.for_tenant(house.tenant).exists()
    answer = browser.post(at, sent(campaign, **{"outcome-busy-delay_min": 10}), follow=True)
    assert "own rule" in answer.content.decode()
    rule = RecycleRule.objects.for_tenant(house.tenant).get()
    assert (rule.outcome, rule.delay_min, rule.times, rule.again, rule.best_hour) == ("busy", 10, 0, True, False)
    entry = AuditEntry.objects.for_tenant(house.tenant).get(action="campaign.recycling", data={"recycling": "changed"})
    assert entry.actor_id == house.admin.pk
    browser.post(at, sent(campaign))
    assert not RecycleRule.objects.for_tenant(house.tenant).exists()


def test_who_rests_already_is_planned_anew_and_the_page_says_so(house: House, campaign: Campaign, as_: As) -> None:
    lead = factories.make_lead(campaign)
    call = factories.make_call(campaign, lead=lead)
    services.begin_placing(call_id=call.pk)
    services.apply_event(call_id=call.pk, event=Event(Kind.HUNG_UP, cause=17), at=now())
    at, browser = f"/calls/recycling/{campaign.public_id}/", as_(house.admin)
    assert "were planned anew" not in browser.get(at).content.decode()
    page = browser.post(at, sent(campaign, **{"outcome-busy-delay_min": 90}), follow=True).content.decode()
    assert "Given another time: 1. Not called any more: 0." in page
    rests = factories.get_lead(lead.pk).next_attempt_at - now()
    assert timedelta(minutes=85) < rests <= timedelta(minutes=90)


def test_what_is_wrong_is_said_and_nothing_is_kept(house: House, campaign: Campaign, as_: As) -> None:
    at = f"/calls/recycling/{campaign.public_id}/"
    wrong = as_(house.admin).post(
        at, sent(campaign, **{"outcome-abandoned-delay_min": 60, "outcome-busy-delay_min": 10})
    )
    assert wrong.status_code == 200
    assert "72 hours" in wrong.content.decode()
    assert not RecycleRule.objects.for_tenant(house.tenant).exists()


def test_final_and_recycled_exclude_each_other(house: House, campaign: Campaign, as_: As) -> None:
    one = Disposition.objects.for_tenant(house.tenant).get(code="NI")
    data = {"key": 3, "code": "NI", "label": "Not interested", "is_final": "on", "is_recycled": "on"}
    wrong = as_(house.admin).post(f"/dispositions/{one.pk}/", data)
    assert "Who is recycled is called again" in wrong.content.decode()
    fine = as_(house.admin).post(f"/dispositions/{one.pk}/", {**data, "is_final": ""}, follow=True)
    assert "is saved" in message(fine) or fine.status_code == 200
    assert Disposition.objects.for_tenant(house.tenant).get(code="NI").is_recycled
