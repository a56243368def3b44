"""/sign-in/, /sign-out/, / and /healthz."""

from __future__ import annotations

from collections.abc import Callable
from types import SimpleNamespace

import pytest
from django.db import DatabaseError
from django.test import Client

from dialer.people.models import User
from tests import factories

from .conftest import House

As = Callable[[User | None], Client]


def test_right_password_leads_home(house: House, client: Client) -> None:
    answer = client.post("/sign-in/", {"username": house.agent.username, "password": factories.PASSWORD})
    assert answer.status_code == 302
    assert answer["Location"] == "/"
    assert client.get("/", follow=True).redirect_chain[-1][0] == "/desk/"


def test_next_is_followed_at_home_only(house: House, client: Client) -> None:
    data = {"username": house.agent.username, "password": factories.PASSWORD}
    assert client.post("/sign-in/", {**data, "next": "/calls/?day=2026-01-01"})["Location"] == "/calls/?day=2026-01-01"
    for foreign in ("https://evil.example/", "//evil.example/", "javascript:alert(1)"):
        assert client.post("/sign-in/", {**data, "next": foreign})["Location"] == "/"


@pytest.mark.parametrize("case", ["wrong password", "nobody", "inactive", "empty"])
def test_every_failure_reads_the_same(house: House, client: Client, case: str) -> None:
    name, password = house.agent.username, factories.PASSWORD
    if case == "inactive":
        User.objects.filter(pk=house.agent.pk).update(is_active=False)
    elif case == "nobody":
        name = "nobody"
    elif case == "wrong password":
        password = "something-else"
    else:
        name = password = ""
    answer = client.post("/sign-in/", {"username": name, "password": password})
    assert answer.status_code == 200
    if case != "empty":
        assert "do not go together" in answer.content.decode()
    assert "_auth_user_id" not in client.session


def test_form_needs_its_token(house: House) -> None:
    guarded = Client(enforce_csrf_checks=True)
    answer = guarded.post("/sign-in/", {"username": house.agent.username, "password": factories.PASSWORD})
    assert answer.status_code == 403


def test_sign_out_is_a_post(house: House, as_: As) -> None:
    browser = as_(house.agent)
    assert browser.get("/sign-out/").status_code == 405
    assert browser.post("/sign-out/")["Location"] == "/sign-in/"
    assert "_auth_user_id" not in browser.session


def test_home_by_role(house: House, as_: As) -> None:
    homes = {
        house.agent: "/desk/",
        house.supervisor: "/campaigns/",
        house.admin: "/campaigns/",
        house.manager: "/calls/",
    }
    for user, home in homes.items():
        assert as_(user).get("/")["Location"] == home
    assert as_(None).get("/")["Location"] == "/sign-in/"


def test_user_without_tenant_is_told(db: None, as_: As) -> None:
    browser = as_(factories.make_user(None))
    for address in ("/", "/desk/", "/calls/"):
        answer = browser.get(address)
        assert answer.status_code == 403
        assert "belongs to no tenant" in answer.content.decode()


def test_a_fragment_sends_the_whole_page_to_sign_in(db: None, client: Client) -> None:
    answer = client.post("/desk/ready/", headers={"HX-Request": "true"})
    assert answer.status_code == 401
    assert answer["HX-Redirect"] == "/sign-in/"


def test_healthz(db: None, client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    assert client.get("/healthz").content == b"ok"

    def broken() -> None:
        raise DatabaseError

    monkeypatch.setattr("dialer.people.views.connection", SimpleNamespace(cursor=broken))
    assert client.get("/healthz").status_code == 503


def test_pages_say_how_strict_they_are(house: House, as_: As) -> None:
    answer = as_(house.agent).get("/desk/")
    policy = answer["Content-Security-Policy"]
    assert "default-src 'self'" in policy
    assert "unsafe" not in policy
    assert answer["Cache-Control"] == "private, no-store"
    assert answer["X-Frame-Options"] == "DENY"
    page = answer.content.decode()
    assert " style=" not in page
    assert "<script>" not in page
    assert "onclick" not in page
