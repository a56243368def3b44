"""`manage.py new_tenant`: an installation's first tenant and admin, or a reason and nothing."""

from __future__ import annotations

import io

import pytest
from django.core.management import CommandError, call_command
from django.test import Client

from dialer.people.models import Tenant, User

pytestmark = pytest.mark.django_db

PASSWORD = "correct-horse-battery-9"


def open_tenant(monkeypatch: pytest.MonkeyPatch, *words: str, password: str = PASSWORD) -> str:
    monkeypatch.setattr("sys.stdin", io.StringIO(f"{password}\n"))
    out = io.StringIO()
    call_command("new_tenant", *words, stdout=out)
    return out.getvalue()


def test_its_admin_signs_in_and_finds_an_empty_house(monkeypatch: pytest.MonkeyPatch, client: Client) -> None:
    said = open_tenant(
        monkeypatch, "North Sea Calls", "--admin", "nora", "--region", "gb", "--time-zone", "Europe/London"
    )
    assert "nora signs in" in said
    tenant = Tenant.objects.get(slug="north-sea-calls")
    assert (tenant.region, tenant.time_zone) == ("GB", "Europe/London")
    assert client.login(username="nora", password=PASSWORD)
    for page in ("/campaigns/", "/users/"):
        assert client.get(page, follow=True).status_code == 200


@pytest.mark.parametrize(
    ("words", "password", "reason"),
    [
        (("North", "--admin", "nora", "--time-zone", "Mars/Base"), PASSWORD, "Mars/Base"),
        (("North", "--admin", "nora", "--region", "ZZ"), PASSWORD, "ZZ"),
        (("North", "--admin", "no ra"), PASSWORD, "valid username"),
        (("North", "--admin", "nora"), "short", "too short"),
        (("???", "--admin", "nora"), PASSWORD, "no letter or digit"),
    ],
)
def test_what_is_wrong_is_said_and_nothing_is_made(
    words: tuple[str, ...], password: str, reason: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(CommandError, match=reason):
        open_tenant(monkeypatch, *words, password=password)
    assert not Tenant.objects.exists()
    assert not User.objects.filter(username="nora").exists()


def test_a_name_is_taken_once(monkeypatch: pytest.MonkeyPatch) -> None:
    open_tenant(monkeypatch, "North", "--admin", "nora")
    with pytest.raises(CommandError, match="already"):
        open_tenant(monkeypatch, "north", "--admin", "nils")
