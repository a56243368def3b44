"""/campaigns/…/lists/new/ and /imports/…/: who gets in, the steps, progress by socket, the file to mend."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client

from dialer.campaigns.models import Campaign
from dialer.leads.importing import services
from dialer.leads.importing.models import Import, ImportState
from dialer.leads.importing.topic import TOPIC
from dialer.leads.models import Lead
from dialer.live.topics import NoSuch, Refused
from dialer.people.models import User
from tests.importing import confirmed, draft, imported, no_scrub

from .conftest import House

As = Callable[[User | None], Client]
ROWS = "phone,first_name\n+1 212 555 0101,Ada\n555,Short\n"


def test_who_gets_in(house: House, campaign: Campaign, as_: As) -> None:
    made = draft(campaign, ROWS)
    pages = (f"/campaigns/{campaign.public_id}/lists/new/", f"/imports/{made.public_id}/")
    files = (f"/imports/{made.public_id}/rows-to-mend.csv",)
    deeds = (f"/imports/{made.public_id}/confirm/", f"/imports/{made.public_id}/cancel/")
    for user, status in ((None, 302), (house.agent, 403), (house.manager, 403), (house.stranger, 404)):
        for address in (*pages, *files):
            assert as_(user).get(address).status_code == status
        for address in deeds:
            assert as_(user).post(address).status_code == status
    for address in (*pages, *files):
        assert as_(house.supervisor).get(address).status_code == 200
    made.refresh_from_db()
    assert made.state == ImportState.DRAFT


def settings(made: Import, **values: Any) -> dict[str, Any]:
    columns = {f"column-{place}": target for place, target in made.mapping.items()}
    common = {"list_name": "North", "priority": "3", "region": "US", "scope": "campaign", "on_duplicate": "skip"}
    return {**common, "days": "0", "encoding": made.encoding, "delimiter": made.delimiter, **columns, **values}


def test_from_the_file_to_the_leads(house: House, campaign: Campaign, as_: As) -> None:
    browser = as_(house.supervisor)
    file = SimpleUploadedFile("../../etc/people.csv", ROWS.encode())
    answer = browser.post(f"/campaigns/{campaign.public_id}/lists/new/", {"file": file})
    made = Import.objects.for_tenant(house.tenant).get()
    address = f"/imports/{made.public_id}/"
    assert (answer["Location"], made.file_name) == (address, "people.csv")
    page = browser.get(address).content.decode()
    assert "+1 212 555 0101" in page
    assert 'value="phone" selected' in page
    assert browser.post(address, settings(made)).status_code == 302
    page = browser.get(f"{address}?step=preview").content.decode()
    assert "America/New_York" in page
    assert "“555”" in page
    for _ in range(2):
        browser.post(f"{address}confirm/")
    assert "Waiting for its turn" in browser.get(address).content.decode()
    services.work_off(no_scrub)
    page = browser.get(address).content.decode()
    assert "1 lead added" in page
    assert "“555”" in page
    file = browser.get(f"{address}rows-to-mend.csv")
    assert b"555,Short" in b"".join(file)
    lead = Lead.objects.for_tenant(house.tenant).get()
    assert (lead.phone, lead.priority, lead.list.name) == ("+12125550101", 3, "North")


@pytest.mark.parametrize(
    ("data", "words"),
    [
        ({}, "list without leads is not kept"),
        ({"pasted": "  "}, "list without leads is not kept"),
        ({"pasted": ROWS, "file": SimpleUploadedFile("a.csv", ROWS.encode())}, "Give one of them"),
        ({"pasted": "phone\n"}, "no row below"),
        ({"file": SimpleUploadedFile("a.xlsx", b"PK\x03\x04\x00")}, "cut off or damaged"),
    ],
)
def test_what_is_no_list(house: House, campaign: Campaign, as_: As, data: dict[str, Any], words: str) -> None:
    answer = as_(house.supervisor).post(f"/campaigns/{campaign.public_id}/lists/new/", data)
    assert (answer.status_code, words in answer.content.decode()) == (422, True)
    assert not Import.objects.for_tenant(house.tenant).exists()


@pytest.mark.parametrize(
    ("values", "words"),
    [
        ({"column-0": ""}, "which column is the phone number"),
        ({"column-1": "phone"}, "Two columns are “Phone number”"),
        ({"list_name": " "}, "Give the new list a name"),
        ({"column-0": "state"}, "Select a valid choice"),
        ({"region": "XX"}, "Select a valid choice"),
    ],
)
def test_settings_that_do_not_do(house: House, campaign: Campaign, as_: As, values: dict[str, str], words: str) -> None:
    made = draft(campaign, ROWS)
    answer = as_(house.supervisor).post(f"/imports/{made.public_id}/", settings(made, **values))
    assert (answer.status_code, words in answer.content.decode()) == (422, True)


def test_another_encoding_is_read_again(house: House, campaign: Campaign, as_: As) -> None:
    made = draft(campaign, "phone;first_name\n2125550101;Łukasz\n".encode("cp1250"))
    browser, address = as_(house.supervisor), f"/imports/{made.public_id}/"
    assert "Łukasz" not in browser.get(address).content.decode()
    browser.post(address, settings(made, encoding="cp1250"))
    assert "Łukasz" in browser.get(address).content.decode()
    other = draft(campaign, ROWS, user=house.stranger)
    assert other.pk != made.pk


def test_a_list_of_another_tenant_cannot_be_chosen(house: House, campaign: Campaign, as_: As) -> None:
    from tests import factories

    foreign = factories.make_list(factories.make_campaign(house.stranger.tenant))  # type: ignore[arg-type]
    made = draft(campaign, ROWS)
    answer = as_(house.supervisor).post(f"/imports/{made.public_id}/", settings(made, list=foreign.pk))
    assert answer.status_code == 422


def test_throwing_a_draft_away(
    house: House, campaign: Campaign, as_: As, django_capture_on_commit_callbacks: Any
) -> None:
    made = draft(campaign, ROWS)
    assert "then thrown away" in as_(house.supervisor).get(f"/imports/{made.public_id}/").content.decode()
    with django_capture_on_commit_callbacks(execute=True):
        as_(house.supervisor).post(f"/imports/{made.public_id}/confirm/", {"discard": "1"})
    assert not Import.objects.for_tenant(house.tenant).exists()
    assert not services.path_of(made).exists()


def test_cancelling(house: House, campaign: Campaign, as_: As) -> None:
    made = confirmed(campaign, ROWS)
    browser = as_(house.supervisor)
    assert browser.post(f"/imports/{made.public_id}/cancel/", headers={"HX-Request": "true"}).status_code == 204
    assert "It was cancelled" in browser.get(f"/imports/{made.public_id}/").content.decode()
    assert services.work_off(no_scrub) == 0


def test_the_socket_shows_how_far_it_is(house: House, campaign: Campaign) -> None:
    made = confirmed(campaign, ROWS)
    key = TOPIC.key_for(house.supervisor, made.public_id)
    assert "Waiting for its turn" in TOPIC.render(key, "")
    with pytest.raises(NoSuch):
        TOPIC.key_for(house.stranger, made.public_id)
    for user in (house.agent, house.manager):
        with pytest.raises(Refused):
            TOPIC.key_for(user, made.public_id)
    services.work_off(no_scrub)
    shown = TOPIC.render(key, "")
    assert "1 lead added" in shown
    assert "is not a telephone number" in shown  # what is to be mended, without loading the page again


def test_the_page_s_fragment_is_the_socket_s(house: House, campaign: Campaign, as_: As) -> None:
    made = imported(campaign, ROWS)
    page = as_(house.supervisor).get(f"/imports/{made.public_id}/").content.decode()
    assert TOPIC.render(made.pk, "") in page


def test_what_is_wrong_is_said_in_the_reader_s_language(house: House, campaign: Campaign, as_: As) -> None:
    User.objects.filter(pk=house.supervisor.pk).update(language="es")
    browser = as_(house.supervisor)
    made = imported(campaign, ROWS)
    page = browser.get(f"/imports/{made.public_id}/").content.decode()
    assert "«555» no es un número de teléfono" in page
    file = browser.get(f"/imports/{made.public_id}/rows-to-mend.csv")
    assert "«555» no es un número de teléfono" in b"".join(file).decode()
    answer = browser.post(f"/campaigns/{campaign.public_id}/lists/new/", {"pasted": "phone\n"})
    assert "No hay ninguna fila bajo los nombres de columna" in answer.content.decode()
