"""/desk/ask/, /desk/dispose/ with what it asks for, /desk/extend/, /desk/callbacks/… and the agent's own lists."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from django.test import Client

from dialer.calls.models import CallTask
from dialer.campaigns.models import Campaign, Disposition
from dialer.core.clock import now
from dialer.leads import callbacks
from dialer.leads.callbacks import Promise
from dialer.leads.models import Callback, CallbackState, Lead
from dialer.people.models import Tenant, User
from tests import factories, switch

from .conftest import House
from .pages import attributes, message, refused

As = Callable[[User | None], Client]
ZONE = ZoneInfo("America/New_York")


@pytest.fixture
def call(house: House, campaign: Campaign) -> CallTask:
    """The agent's call is over; CALLBK asks for a time, NI for a note."""
    Disposition.objects.for_tenant(house.tenant).filter(code="CALLBK").update(needs_callback=True)
    Disposition.objects.for_tenant(house.tenant).filter(code="NI").update(needs_note=True)
    factories.make_session(campaign, house.agent)
    made = switch.connect(campaign, factories.make_lead(campaign))
    switch.hang_up(made.pk)
    return made


def asked(call: CallTask, code: str, **more: str) -> dict[str, str]:
    return {"ask": "1", "code": code, "call": str(call.pk), **more}


def tomorrow(hour: int = 14) -> datetime:
    return (now().astimezone(ZONE) + timedelta(days=1)).replace(hour=hour, minute=30, second=0, microsecond=0)


def at(moment: datetime, **more: str) -> dict[str, str]:
    return {"when": f"{moment:%Y-%m-%dT%H:%M}", "zone": "America/New_York", "whose": "mine", **more}


def promised(house: House, campaign: Campaign, user: User | None, lead: Lead | None = None) -> Callback:
    promise = Promise(tomorrow(), "America/New_York", user, "ask for Ada")
    lead = lead or factories.make_lead(campaign)
    return callbacks.make(lead_id=lead.pk, promise=promise, by=user or house.agent, at=now())


def test_what_a_disposition_asks_for(house: House, call: CallTask, as_: As) -> None:
    browser = as_(house.agent)
    page = browser.get("/desk/").content.decode()
    assert page.count('hx-post="/desk/ask/"') == 2
    form = browser.post("/desk/ask/", {"code": "CALLBK", "call": str(call.pk), "note": "so far"}).content.decode()
    assert 'type="datetime-local"' in form
    assert "so far" in form
    assert "autofocus" in form
    only_note = browser.post("/desk/ask/", {"code": "NI", "call": str(call.pk)}).content.decode()
    assert "datetime-local" not in only_note
    for code in ("SALE", "", "NOPE"):
        assert browser.post("/desk/ask/", {"code": code, "call": str(call.pk)}).content.strip() == b""
    assert as_(house.teammate).post("/desk/ask/", {"code": "NI", "call": str(call.pk)}).content.strip() == b""


def test_a_callback_is_promised(house: House, call: CallTask, as_: As) -> None:
    moment = tomorrow()
    answer = as_(house.agent).post("/desk/dispose/", asked(call, "CALLBK", note="after lunch", **at(moment)))
    assert attributes(answer)["state"] == "ready"
    made = Callback.objects.for_tenant(house.tenant).get()
    assert (made.user_id, made.promised_for, made.note) == (house.agent.pk, moment, "after lunch")
    assert made.lead.next_attempt_at == moment
    assert factories.get_call(call.pk).note == "after lunch"


def test_a_callback_for_anyone(house: House, call: CallTask, as_: As) -> None:
    as_(house.agent).post("/desk/dispose/", asked(call, "CALLBK", **at(tomorrow(), whose="anyone")))
    made = Callback.objects.for_tenant(house.tenant).get()
    assert made.user is None
    assert made.lead.promised_to is None


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({}, "This field is required"),
        ({"when": "soon", "zone": "America/New_York", "whose": "mine"}, "This is no date and time"),
        (at(datetime(2020, 1, 1, 12, tzinfo=ZONE)), "is over where the customer is"),
        (at(datetime(2099, 1, 1, 12, tzinfo=ZONE)), "more than a year away"),
    ],
)
def test_times_that_are_refused(house: House, call: CallTask, as_: As, given: dict[str, str], words: str) -> None:
    answer = as_(house.agent).post("/desk/dispose/", asked(call, "CALLBK", **given))
    assert words in answer.content.decode()
    assert b'id="desk"' not in answer.content
    assert factories.get_call(call.pk).disposition is None


def test_a_number_of_several_zones(house: House, call: CallTask, as_: As) -> None:
    Lead.objects.for_tenant(house.tenant).update(time_zones=["America/New_York", "America/Chicago"])
    browser = as_(house.agent)
    form = browser.post("/desk/ask/", {"code": "CALLBK", "call": str(call.pk)}).content.decode()
    assert '<option value="America/Chicago">America/Chicago</option>' in form
    wrong = browser.post("/desk/dispose/", asked(call, "CALLBK", **at(tomorrow(), zone="Europe/Paris")))
    assert "Select a valid choice" in wrong.content.decode()
    browser.post("/desk/dispose/", asked(call, "CALLBK", **at(tomorrow(), zone="America/Chicago")))
    made = Callback.objects.for_tenant(house.tenant).get()
    assert made.promised_for == tomorrow() + timedelta(hours=1)
    assert made.zone == "America/Chicago"


def test_the_gate_s_window_holds_for_callbacks(house: House, call: CallTask, as_: As) -> None:
    Tenant.objects.filter(pk=house.tenant.pk).update(window_opens=8 * 60, window_closes=21 * 60)
    answer = as_(house.agent).post("/desk/dispose/", asked(call, "CALLBK", **at(tomorrow(23)))).content.decode()
    assert "outside calling hours (08:00 to 21:00)" in answer
    assert "The next time that is allowed" in answer
    assert ", 08:00." in answer
    assert not Callback.objects.for_tenant(house.tenant).exists()


def test_without_a_known_zone_the_cure_is_said(house: House, call: CallTask, as_: As) -> None:
    Lead.objects.for_tenant(house.tenant).update(time_zones=[])
    answer = as_(house.agent).post("/desk/dispose/", asked(call, "CALLBK", **at(tomorrow())))
    assert "“Time zone” on the card" in answer.content.decode()


def test_a_note_that_is_needed(house: House, call: CallTask, as_: As) -> None:
    browser = as_(house.agent)
    answer = browser.post("/desk/dispose/", asked(call, "NI", note=" "))
    assert "“Not interested” needs a note" in answer.content.decode().replace("&#x27;", "'")
    assert 'aria-invalid="true"' in answer.content.decode()
    assert "needs a note" in message(browser.post("/desk/dispose/", {"code": "NI", "call": str(call.pk)}))
    assert attributes(browser.post("/desk/dispose/", asked(call, "NI", note="has one")))["state"] == "ready"


def test_the_wrap_up_is_extended_once(house: House, campaign: Campaign, call: CallTask, as_: As) -> None:
    browser = as_(house.agent)
    assert 'id="do-extend"' in browser.get("/desk/").content.decode()
    before = switch.session_of(house.agent).state_since
    answer = browser.post("/desk/extend/")
    assert message(answer) == ""
    until = before + timedelta(seconds=campaign.wrapup_s + campaign.wrapup_extension_s)
    assert until.isoformat() in answer.content.decode()
    assert 'id="do-extend"' not in answer.content.decode()
    assert "extended once already" in message(browser.post("/desk/extend/"))
    browser.post("/desk/dispose/", {"code": "SALE", "call": str(call.pk)})
    assert "no wrap-up to extend" in message(browser.post("/desk/extend/"))


@pytest.mark.parametrize(
    ("values", "words"), [({"wrapup_s": 0}, "has no end"), ({"wrapup_extension_s": 0}, "cannot be")]
)
def test_campaigns_without_extension(
    house: House, campaign: Campaign, call: CallTask, as_: As, values: dict[str, int], words: str
) -> None:
    Campaign.objects.for_tenant(house.tenant).update(**values)
    browser = as_(house.agent)
    assert 'id="do-extend"' not in browser.get("/desk/").content.decode()
    assert words in message(browser.post("/desk/extend/"))


def test_my_callbacks(house: House, campaign: Campaign, as_: As) -> None:
    mine = promised(house, campaign, house.agent)
    promised(house, campaign, None)
    promised(house, campaign, house.teammate)
    browser = as_(house.agent)
    page = browser.get("/desk/callbacks/").content.decode()
    assert page.count('<li id="callback-') == 1
    assert "14:30" in page
    form = browser.get(f"/desk/callbacks/{mine.public_id}/").content.decode()
    assert "datetime-local" in form
    later = tomorrow(16)
    saved = browser.post(f"/desk/callbacks/{mine.public_id}/", at(later, note="new note")).content.decode()
    assert "set anew" in saved
    assert "16:30" in saved
    current = Callback.objects.for_tenant(house.tenant).get(user=house.agent, state=CallbackState.OPEN)
    assert (current.note, current.lead.next_attempt_at) == ("new note", later)
    assert "closed already" in browser.get(f"/desk/callbacks/{mine.public_id}/").content.decode()
    assert "cancelled" in browser.post(f"/desk/callbacks/{current.public_id}/cancel/").content.decode()
    assert "promised nobody a call" in browser.get("/desk/callbacks/").content.decode()


def test_whose_callbacks(house: House, campaign: Campaign, as_: As) -> None:
    mine = promised(house, campaign, house.agent)
    who = {name: as_(getattr(house, name)) for name in ("teammate", "stranger")}
    answers = {"teammate": 403, "stranger": 404}
    for method, path in (("get", ""), ("post", ""), ("post", "cancel/"), ("post", "dial/")):
        assert refused(who, f"/desk/callbacks/{mine.public_id}/{path}", method) == answers
    assert Callback.objects.for_tenant(house.tenant).get().state == CallbackState.OPEN


def test_dialing_one_now(house: House, campaign: Campaign, as_: As) -> None:
    mine = promised(house, campaign, house.agent)
    browser = as_(house.agent)
    assert "in no campaign" in message(browser.post(f"/desk/callbacks/{mine.public_id}/dial/"))
    factories.make_session(campaign, house.agent, state="paused", pause_code="BREAK")
    answer = browser.post(f"/desk/callbacks/{mine.public_id}/dial/")
    assert attributes(answer)["state"] == "reserved"
    assert CallTask.objects.for_tenant(house.tenant).get().lead_id == mine.lead_id


def test_dialing_one_goes_through_the_gate_and_its_own_campaign(house: House, campaign: Campaign, as_: As) -> None:
    other = factories.make_campaign(house.tenant, name="Elsewhere")
    foreign = promised(house, other, house.agent)
    mine = promised(house, campaign, house.agent)
    factories.make_session(campaign, house.agent, state="paused")
    browser = as_(house.agent)
    assert "Join that campaign" in message(browser.post(f"/desk/callbacks/{foreign.public_id}/dial/"))
    Tenant.objects.filter(pk=house.tenant.pk).update(window_opens=0, window_closes=1)
    assert "outside calling hours" in message(browser.post(f"/desk/callbacks/{mine.public_id}/dial/"))
    assert not CallTask.objects.for_tenant(house.tenant).exists()


def test_my_day_and_my_calls(house: House, campaign: Campaign, call: CallTask, as_: As) -> None:
    Campaign.objects.for_tenant(house.tenant).update(goal_calls=20, goal_conversions=3)
    browser = as_(house.agent)
    note = {"code": "SALE", "note": "two years", "call": str(call.pk)}
    browser.post("/desk/dispose/", note)
    page = browser.get("/desk/my-day/").content.decode()
    assert "of 20" in page
    assert '<progress max="3" value="1"' in page
    assert f"recent-{call.pk}" in page
    calls = browser.get("/desk/my-calls/").content.decode()
    assert "two years" in calls
    found = browser.get("/desk/my-calls/", {"q": "byron"}, HTTP_HX_TARGET="found").content.decode()
    assert "two years" in found
    assert "<input" not in found
    for text in ("nobody", "<b>", "\x00"):
        none = browser.get("/desk/my-calls/", {"q": text}, HTTP_HX_TARGET="found").content.decode()
        assert ("No call of today matches" in none) == bool(text.strip("\x00"))
    assert "two years" not in as_(house.teammate).get("/desk/my-calls/").content.decode()
