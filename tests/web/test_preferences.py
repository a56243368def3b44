"""/preferences/ and what it changes: language, theme, contrast, keys; and the language of pages and pushes."""

from __future__ import annotations

import re
from collections.abc import Callable

from django.test import Client
from django.utils import translation

from dialer.agents.rules import Event, Kind
from dialer.agents.services import apply
from dialer.campaigns.models import Campaign
from dialer.core.clock import now
from dialer.core.words import said
from dialer.desk.topic import render
from dialer.people.models import User
from dialer.people.shortcuts import ACTIONS
from tests import factories

from .conftest import House
from .pages import message, sends_to_sign_in

As = Callable[[User | None], Client]
KEYS = {f"key_{action}": action for action in ACTIONS}
CHOSEN = {"language": "es", "theme": "dark", "contrast": "more", "shortcuts_off": "on", **KEYS}


def test_strangers_are_sent_to_sign_in(house: House, as_: As) -> None:
    for method, address in (
        ("get", "/preferences/"),
        ("post", "/preferences/look/"),
        ("post", "/preferences/shortcuts/"),
    ):
        assert sends_to_sign_in(getattr(as_(None), method)(address))


def test_everybody_keeps_their_own(house: House, as_: As) -> None:
    for user in (house.agent, house.supervisor, house.admin, house.manager):
        answer = as_(user).post("/preferences/", {**CHOSEN, "key_r": "Y", "key_p": "r"})
        assert answer.status_code == 302
        user.refresh_from_db()
        assert (user.language, user.theme, user.contrast, user.shortcuts_off) == ("es", "dark", "more", True)
        assert user.shortcuts == {"r": "y", "p": "r"}
    house.teammate.refresh_from_db()
    assert (house.teammate.language, house.teammate.shortcuts) == ("", {})


def test_the_page_is_as_it_was_chosen(house: House, as_: As) -> None:
    browser = as_(house.agent)
    saved = browser.post("/preferences/", {**CHOSEN, "key_r": "y"}, follow=True).content.decode()
    assert "Tus preferencias están guardadas." in saved
    assert '<html lang="es" data-user data-theme="dark" data-contrast="more" class="keys-off">' in saved
    assert 'data-keys="{&quot;r&quot;: &quot;y&quot;}"' in saved


def test_bad_choices_are_named_and_nothing_is_saved(house: House, as_: As) -> None:
    browser = as_(house.agent)
    for wrong in (
        {"key_r": "h"},
        {"key_r": "1"},
        {"key_r": ""},
        {"key_r": "gg"},
        {"language": "tlh"},
        {"theme": "pink"},
    ):
        answer = browser.post("/preferences/", {**CHOSEN, **wrong})
        assert answer.status_code == 200
        assert 'class="field-error"' in answer.content.decode()
        house.agent.refresh_from_db()
        assert (house.agent.language, house.agent.shortcuts) == ("", {})
    assert '<html lang="en"' in browser.get("/preferences/").content.decode()


def test_the_theme_button_and_the_shortcut_switch(house: House, as_: As) -> None:
    browser = as_(house.agent)
    assert browser.post("/preferences/look/", {"theme": "dark"}).status_code == 204
    assert browser.post("/preferences/look/", {"theme": "pink"}).status_code == 400
    assert browser.post("/preferences/shortcuts/", {}).status_code == 204
    house.agent.refresh_from_db()
    assert (house.agent.theme, house.agent.shortcuts_off) == ("dark", True)
    browser.post("/preferences/shortcuts/", {"on": "on"})
    house.agent.refresh_from_db()
    assert house.agent.shortcuts_off is False
    assert browser.get("/preferences/look/").status_code == 405


def test_sign_in_speaks_the_browsers_language_and_keeps_what_was_chosen(house: House, as_: As) -> None:
    browser = Client(headers={"accept-language": "es-MX,es;q=0.9"})
    page = browser.get("/sign-in/")
    assert "Accede para empezar tu turno" in page.content.decode()
    assert page["Content-Language"] == "es"
    assert "Accept-Language" in page["Vary"]
    english = browser.get("/sign-in/?language=en").content.decode()
    assert "Sign in to start your shift" in english
    assert '<input type="hidden" name="language" value="en">' in english
    wrong = browser.post("/sign-in/", {"username": "x", "password": "y", "language": "es"})
    assert "no coinciden" in message(wrong)
    mine = {"username": house.agent.username, "password": factories.PASSWORD}
    browser.post("/sign-in/", mine)
    house.agent.refresh_from_db()
    assert house.agent.language == "es"  # never chosen before: that of the page
    Client().post("/sign-in/", mine)
    house.agent.refresh_from_db()
    assert house.agent.language == "es"  # another browser does not change it
    Client().post("/sign-in/", {**mine, "language": "en"})
    house.agent.refresh_from_db()
    assert house.agent.language == "en"  # unless it was chosen there


def test_the_desk_its_pushes_and_refusals_are_in_the_agents_language(house: House, campaign: Campaign, as_: As) -> None:
    User.objects.filter(pk=house.agent.pk).update(language="es", shortcuts={"p": "x"})
    session = factories.make_session(campaign, house.agent)
    page = as_(house.agent).get("/desk/").content.decode()
    assert "Esperando la siguiente llamada" in page
    pushed = render(house.agent.pk, "")
    assert "Esperando la siguiente llamada" in pushed
    assert "<kbd>X</kbd>" in pushed
    assert "Waiting" not in pushed
    factories.make_session(campaign, house.teammate)
    assert "Waiting for the next call" in render(house.teammate.pk, "")
    assert translation.get_language() == "en"
    assert message(as_(house.agent).post("/desk/hang-up/")) == "No hay ninguna llamada que colgar."
    notice = said("Your phone %(phone)s did not answer. Answer it when it rings, then try again.", phone="six")
    apply(session_id=session.pk, event=Event(Kind.LEG_LOST), at=now(), notice=notice)
    assert "Tu teléfono six no contestó" in render(house.agent.pk, "")


def test_no_word_of_the_desk_stays_english(house: House, campaign: Campaign, as_: As) -> None:
    """Every sentence on the desk comes from the catalogue (or from the tenant's own rows)."""
    User.objects.filter(pk=house.agent.pk).update(language="es")
    page = as_(house.agent).get("/desk/").content.decode().replace(house.agent.endpoint, "")
    words = set(re.findall(r"[A-Za-z]+", re.sub(r"<[^>]*>", " ", page)))
    assert words & {"Choose", "phone", "Keyboard", "Sign", "calls", "today", "Ready", "Join", "Leave"} == set()
