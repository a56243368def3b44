"""/campaigns/…/handling/, /transfer-presets/…/delete/ and /messages/…/delete/."""

from __future__ import annotations

import io
import wave
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client

from dialer.campaigns.models import Campaign
from dialer.handling.models import HandlingSettings, MessageRecording, TransferPreset
from dialer.people.models import User

from .conftest import House

As = Callable[[User | None], Client]


@pytest.fixture
def address(campaign: Campaign) -> str:
    return f"/campaigns/{campaign.public_id}/handling/"


def sound(rate: int = 8000, seconds: float = 1.0, channels: int = 1) -> SimpleUploadedFile:
    held = io.BytesIO()
    with wave.open(held, "wb") as file:
        file.setnchannels(channels)
        file.setsampwidth(2)
        file.setframerate(rate)
        file.writeframes(bytes(int(rate * seconds) * 2 * channels))
    return SimpleUploadedFile("hello.wav", held.getvalue(), "audio/wav")


def test_who_may(house: House, address: str, as_: As) -> None:
    for user, status in ((house.agent, 403), (house.supervisor, 403), (house.stranger, 404), (house.admin, 200)):
        assert as_(user).get(address).status_code == status
    assert as_(None).get(address).status_code == 302


def test_what_agents_may(house: House, campaign: Campaign, address: str, as_: As) -> None:
    browser = as_(house.admin)
    assert browser.post(address, {"form": "allowed", "may_pause_recording": "on"}).status_code == 302
    stored = HandlingSettings.objects.for_tenant(house.tenant).get(pk=campaign.pk)
    assert (stored.may_pause_recording, stored.may_dial_out) == (True, False)
    browser.post(address, {"form": "allowed", "may_dial_out": "on"})
    stored.refresh_from_db()
    assert (stored.may_pause_recording, stored.may_dial_out) == (False, True)


def test_presets(house: House, campaign: Campaign, address: str, as_: As) -> None:
    browser = as_(house.admin)
    good = {"form": "preset", "name": "Billing", "target": "number", "phone": "(212) 555-0188"}
    assert browser.post(address, good).status_code == 302
    [made] = TransferPreset.objects.for_tenant(house.tenant)
    assert (made.phone, made.campaign_id) == ("+12125550188", campaign.pk)
    for wrong, word in (
        (good, "already"),
        ({**good, "name": "A", "phone": ""}, "Give the number"),
        ({**good, "name": "A", "phone": "12"}, "not a telephone number"),
        ({**good, "name": "A", "time_zone": "Mars/North"}, "not a time zone"),
        ({**good, "name": "A", "target": "agent"}, "Choose an agent"),
        ({**good, "name": "A", "target": "campaign"}, "Choose a campaign"),
        ({**good, "name": "A", "target": "agent", "agent": str(house.stranger.pk)}, "valid choice"),
    ):
        answer = browser.post(address, wrong)
        assert answer.status_code == 200
        assert word in answer.content.decode()
    User.objects.filter(pk=house.teammate.pk).update(endpoint="")  # who works with the browser's phone has no account
    agent = {"form": "preset", "name": "Ann", "target": "agent", "agent": str(house.teammate.pk), "phone": "junk"}
    assert browser.post(address, agent).status_code == 302
    assert as_(house.stranger).post(f"/transfer-presets/{made.public_id}/delete/").status_code == 404
    assert as_(house.agent).post(f"/transfer-presets/{made.public_id}/delete/").status_code == 403
    assert browser.post(f"/transfer-presets/{made.public_id}/delete/").status_code == 302
    assert [one.name for one in TransferPreset.objects.for_tenant(house.tenant)] == ["Ann"]


def test_messages(house: House, address: str, as_: As, settings: Any, tmp_path: Path) -> None:
    settings.RECORDINGS_DIR = tmp_path
    browser = as_(house.admin)
    for wrong, word in (
        (SimpleUploadedFile("x.wav", b"not sound"), "no WAV file"),
        (sound(rate=44100), "8000 Hz"),
        (sound(channels=2), "one channel"),
        (sound(seconds=0.01), "may be 0.2"),
    ):
        answer = browser.post(address, {"form": "message", "name": "Call back", "sound": wrong})
        assert word in answer.content.decode()
    assert browser.post(address, {"form": "message", "name": "Call back", "sound": sound()}).status_code == 302
    [made] = MessageRecording.objects.for_tenant(house.tenant)
    assert made.duration_ms == 1000
    assert (tmp_path / made.path).stat().st_size == 16044
    assert as_(house.stranger).post(f"/messages/{made.public_id}/delete/").status_code == 404
    assert browser.post(f"/messages/{made.public_id}/delete/").status_code == 302
    assert not MessageRecording.objects.for_tenant(house.tenant).exists()
