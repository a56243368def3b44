"""/calls/, one call, its recording."""

from __future__ import annotations

import os
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from django.test import Client
from pytest_django import DjangoAssertNumQueries

from dialer.calls.models import CallTask, Recording
from dialer.calls.rules import Kind
from dialer.calls.words import cause_words, event_words
from dialer.campaigns.models import Campaign
from dialer.core.clock import now
from dialer.people.models import User
from tests import factories, switch

from .conftest import House

As = Callable[[User | None], Client]


@pytest.fixture
def finished(house: House, campaign: Campaign) -> CallTask:
    """A call of the house's agent that is over and disposed of."""
    factories.make_session(campaign, house.agent)
    call = switch.connect(campaign, factories.make_lead(campaign, first_name="Marguerite"))
    switch.hang_up(call.pk)
    client = Client()
    client.force_login(house.agent)
    client.post("/desk/dispose/", {"code": "SALE", "note": "two years"})
    return factories.get_call(call.pk)


@pytest.fixture
def recordings(tmp_path: Path, settings: Any) -> Path:
    settings.RECORDINGS_DIR = tmp_path / "recordings"
    settings.RECORDINGS_DIR.mkdir()
    return settings.RECORDINGS_DIR


def test_who_sees_which(house: House, finished: CallTask, as_: As) -> None:
    at = f"/calls/{finished.pk}/"
    assert as_(None).get(at).status_code == 302
    assert as_(house.stranger).get(at).status_code == 404
    assert as_(house.teammate).get(at).status_code == 403
    for user in (house.agent, house.supervisor, house.admin, house.manager):
        assert as_(user).get(at).status_code == 200
        assert str(finished.pk) in as_(user).get("/calls/").content.decode()
    for user in (house.teammate, house.stranger):
        assert str(finished.pk) not in as_(user).get("/calls/").content.decode()
    assert as_(house.admin).get(f"/calls/{uuid4()}/").status_code == 404


def test_managers_see_numbers_masked(house: House, finished: CallTask, as_: As) -> None:
    last = finished.phone[-4:]
    for address in ("/calls/", f"/calls/{finished.pk}/"):
        page = as_(house.manager).get(address).content.decode()
        assert last not in page
        assert "•••" + finished.phone[-2:] in page
        for user in (house.agent, house.supervisor, house.admin):
            assert last in as_(user).get(address).content.decode()
    assert str(finished.pk) in as_(house.manager).get("/calls/?number=12125559999").content.decode()


def test_the_page_tells_everything_in_order(house: House, finished: CallTask, as_: As) -> None:
    page = as_(house.supervisor).get(f"/calls/{finished.pk}/").content.decode()
    told = [
        "Pacing decided to dial",
        "The switch is asked to dial",
        "Ringing",
        "The agent who waited longest is reserved",
        "Connected with the agent",
        "channel is gone, cause 16: normal clearing",
        "Disposition SALE",
    ]
    places = [page.index(text, page.index("What happened")) for text in told]
    assert places == sorted(places)
    for text in ("two years", "16: normal clearing", "the customer", "Allowed", "Marguerite", "+0 ms"):
        assert text in page


def test_filters(house: House, campaign: Campaign, finished: CallTask, as_: As) -> None:
    other = factories.make_campaign(house.tenant, disposition_set=campaign.disposition_set)
    busy = factories.make_call(other, lead=factories.make_lead(other))
    switch.tell(busy.pk, "placed")
    switch.hang_up(busy.pk, cause=17)
    live = factories.make_call(other, lead=factories.make_lead(other))
    browser = as_(house.supervisor)

    def shown(query: str) -> set[CallTask]:
        page = browser.get(f"/calls/?{query}").content.decode()
        return {call for call in (finished, busy, live) if str(call.pk) in page}

    assert shown("") == {finished, busy, live}
    assert shown(f"campaign={other.public_id}") == {busy, live}
    assert shown("outcome=busy") == {busy}
    assert shown("outcome=live") == {live}
    assert shown(f"agent={house.agent.public_id}") == {finished}
    assert shown(f"number={finished.phone[2:]}") == {finished}
    assert shown("day=2001-01-01") == set()
    for nonsense in (
        "day=yesterday",
        "day=0001-01-01",
        "day=9999-12-31",
        "outcome=zzz",
        f"campaign={uuid4()}",
        "agent=1",
        "before=x",
        "before=2026_x",
    ):
        assert browser.get(f"/calls/?{nonsense}").status_code == 200
    assert "is not a telephone number" in browser.get("/calls/?number=abc").content.decode()


def test_pages_follow_each_other(
    house: House, campaign: Campaign, as_: As, django_assert_max_num_queries: DjangoAssertNumQueries
) -> None:
    leads = factories.make_leads(factories.make_list(campaign), 60)
    moment = now()
    for number, lead in enumerate(leads):
        factories.make_call(
            campaign,
            lead=lead,
            state="ended",
            outcome="no_answer",
            queued_at=moment - timedelta(minutes=number // 2),
            ended_at=moment,
        )
    browser = as_(house.supervisor)
    with django_assert_max_num_queries(6):
        first = browser.get("/calls/").content.decode()
    assert first.count('data-label="When"') == 50
    following = first.split("before=")[1].split('"')[0]
    second = browser.get(f"/calls/?before={following}").content.decode()
    assert second.count('data-label="When"') == 10
    seen = [str(call.pk) for call in CallTask.objects.for_tenant(house.tenant) if str(call.pk) in first + second]
    assert len(seen) == 60


def recorded(call: CallTask, folder: Path, data: bytes) -> Recording:
    recording = Recording.objects.for_tenant(call.tenant_id).get(call=call)
    path = folder / recording.path
    path.parent.mkdir(parents=True)
    path.write_bytes(data)
    assert isinstance(recording, Recording)
    return recording


async def _all(response: Any) -> bytes:
    return b"".join([part async for part in response])


@pytest.mark.filterwarnings("ignore:StreamingHttpResponse must consume")
def test_recording_whole_and_in_parts(house: House, finished: CallTask, as_: As, recordings: Path) -> None:
    data = os.urandom(5000)
    recorded(finished, recordings, data)
    at = f"/calls/{finished.pk}/recording/"
    browser = as_(house.supervisor)
    assert "<audio" in browser.get(f"/calls/{finished.pk}/").content.decode()
    whole = browser.get(at)
    assert (whole.status_code, whole["Content-Type"], whole["Content-Length"]) == (200, "audio/wav", "5000")
    assert b"".join(whole) == data
    for asked, first, last in (
        ("bytes=0-", 0, 4999),
        ("bytes=100-199", 100, 199),
        ("bytes=-10", 4990, 4999),
        ("bytes=4000-9999", 4000, 4999),
    ):
        part = browser.get(at, headers={"Range": asked})
        assert part.status_code == 206
        assert part["Content-Range"] == f"bytes {first}-{last}/5000"
        assert part.content == data[first : last + 1]
    for wrong in ("bytes=5000-", "bytes=9-3", "bytes=-", "lines=1-2", "bytes=1-2,5-6"):
        assert browser.get(at, headers={"Range": wrong}).status_code == 416


def test_recording_is_for_those_who_may(house: House, finished: CallTask, as_: As, recordings: Path) -> None:
    recorded(finished, recordings, b"x" * 100)
    at = f"/calls/{finished.pk}/recording/"
    assert as_(None).get(at).status_code == 302
    assert as_(house.stranger).get(at).status_code == 404
    assert as_(house.teammate).get(at).status_code == 403
    for user in (house.agent, house.supervisor, house.admin, house.manager):
        assert as_(user).get(at, headers={"Range": "bytes=0-1"}).status_code == 206


def test_a_missing_file_is_said(house: House, finished: CallTask, as_: As, recordings: Path) -> None:
    browser = as_(house.supervisor)
    assert "its file is not in the recordings folder" in browser.get(f"/calls/{finished.pk}/").content.decode()
    assert browser.get(f"/calls/{finished.pk}/recording/").status_code == 404


def test_nothing_outside_the_folder_is_sent(house: House, finished: CallTask, as_: As, recordings: Path) -> None:
    outside = recordings.parent / "secret.wav"
    outside.write_bytes(b"secret")
    (recordings / "link.wav").symlink_to(outside)
    for path in ("../secret.wav", str(outside), "link.wav", "."):
        Recording.objects.for_tenant(house.tenant).update(path=path)
        assert as_(house.admin).get(f"/calls/{finished.pk}/recording/").status_code == 404


def test_why_a_call_was_not_placed(house: House, campaign: Campaign, as_: As) -> None:
    call = factories.make_call(campaign, lead=factories.make_lead(campaign))
    switch.tell(call.pk, Kind.EXPIRED, reason="calling_hours")
    assert "Not placed: Outside calling hours" in as_(house.admin).get(f"/calls/{call.pk}/").content.decode()


def test_every_kind_of_event_has_words() -> None:
    for kind in [*Kind, "disposed", "something_new"]:
        for data in ({}, {"by": "agent", "cause": 17, "verdict": "MACHINE", "reason": "dnc", "code": "SALE"}):
            who, text = event_words(str(kind), data)
            assert who in ("Switch", "Dialer", "Agent")
            assert text
    assert event_words("given_up", {"reason": "emergency stop"})[1] == "Let go of: an emergency stop"
    assert event_words("expired", {"reason": "emergency stop"})[1] == "Not placed: an emergency stop"
    assert cause_words(17) == "17: user busy"
    assert cause_words(None) == "none told"
    assert "without a standard name" in cause_words(126)
