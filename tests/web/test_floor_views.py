"""/floor/views/: looks at the wallboard and the live lists under a name; who sees them, and that the pages use them."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest
from django.test import Client

from dialer.agents.models import AgentSession
from dialer.campaigns.models import Campaign
from dialer.floor.models import SavedView
from dialer.people.models import User
from tests import factories

from .conftest import House
from .test_socket import Opened, fresh_layer, open_screen  # noqa: F401

As = Callable[[User | None], Client]


@pytest.fixture
def two(house: House, campaign: Campaign) -> tuple[AgentSession, AgentSession]:
    """An agent who is ready, and one who is paused."""
    return factories.make_session(campaign, house.agent), factories.make_session(
        campaign, house.teammate, state="paused"
    )


def heads(html: str, caption: str) -> list[str]:
    """The columns of a table."""
    table = re.search(rf"<caption[^>]*>{caption}</caption>(.*?)</thead>", html, re.DOTALL)
    assert table is not None
    return re.findall(r"<th[^>]*>([^<]*)</th>", table[1])


def save(client: Client, page: str, name: str, query: str = "", **more: str) -> str:
    """Save a view; where the answer leads."""
    answer = client.post("/floor/views/", {"page": page, "name": name, "query": query, **more})
    assert answer.status_code == 302
    return str(answer["Location"])


@pytest.mark.django_db
def test_a_view_of_the_agents_is_saved_and_used(house: House, campaign: Campaign, two: object, as_: As) -> None:
    client = as_(house.supervisor)
    query = f"campaign={campaign.public_id}&state=paused&sort=name&columns=state.team"
    address = save(client, "people", "Paused here", query)
    assert address == f"/floor/agents/?{query}"
    html = client.get(address).content.decode()
    assert house.teammate.shown_name in html
    assert house.agent.shown_name not in html
    assert heads(html, "Agents") == ["Agent", "State", "Team"]
    assert "Live calls</h2>" not in html
    assert '" aria-current="page">Paused here</a>' in html
    assert f'ws-connect="/ws/board/people/?{query.replace("&", "&amp;")}"' in html
    plain = client.get("/floor/agents/").content.decode()
    assert len(heads(plain, "Agents")) == 6
    assert '" aria-current="page">Paused here</a>' not in plain


@pytest.mark.django_db
def test_a_view_of_the_wallboard_is_saved_and_used(house: House, campaign: Campaign, as_: As) -> None:
    quiet = factories.make_campaign(
        house.tenant, name="Quiet one", status="stopped", disposition_set=campaign.disposition_set
    )
    other = factories.make_campaign(house.tenant, name="Zebra", disposition_set=campaign.disposition_set)
    factories.make_leads(factories.make_list(campaign), 2)
    client = as_(house.supervisor)
    address = save(client, "board", "Short of leads", "status=active&sort=leads&columns=leads.budget")
    html = client.get(address).content.decode()
    assert heads(html, "Campaigns") == ["Campaign", "Dials", "Budget left", "Leads left"]
    assert re.findall(r'<tr id="strip-c(\d+)">', html) == [str(other.pk), str(campaign.pk)]
    assert quiet.name in client.get("/floor/").content.decode()


@pytest.mark.django_db
def test_what_is_not_known_is_left_out(house: House, as_: As) -> None:
    theirs = factories.make_campaign(house.stranger.tenant)
    query = f"campaign={theirs.public_id}&state=asleep&sort=shoe-size&columns=salary&next=//evil.example"
    assert save(as_(house.supervisor), "people", "Odd", query) == "/floor/agents/"
    assert SavedView.objects.for_tenant(house.tenant).get().query == ""


@pytest.mark.django_db
def test_boxes_ticked_are_columns(house: House, two: object, as_: As) -> None:
    html = as_(house.supervisor).get("/floor/agents/?column=for&column=state").content.decode()
    assert heads(html, "Agents") == ["Agent", "State", "For"]
    assert 'name="query" value="columns=state.for"' in html


@pytest.mark.django_db
def test_the_same_name_replaces(house: House, as_: As) -> None:
    client = as_(house.supervisor)
    save(client, "people", "Mine", "state=paused")
    save(client, "people", " Mine ", "state=ready", shared="on")
    view = SavedView.objects.for_tenant(house.tenant).get()
    assert (view.name, view.query, view.shared, view.team) == ("Mine", "state=ready", True, house.team)


@pytest.mark.django_db
@pytest.mark.parametrize(("page", "name"), [("people", " "), ("people", "x" * 41), ("payroll", "Mine")])
def test_what_cannot_be_saved(house: House, as_: As, page: str, name: str) -> None:
    client = as_(house.supervisor)
    assert save(client, page, name) == "/floor/views/"
    assert "The view is not saved." in client.get("/floor/views/").content.decode()
    assert not SavedView.objects.for_tenant(house.tenant).exists()


@pytest.mark.django_db
def test_a_page_is_not_drowned_in_views(house: House, as_: As, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("dialer.floor.saved.MOST", 1)
    client = as_(house.supervisor)
    save(client, "people", "One")
    assert save(client, "people", "Two") == "/floor/views/"
    assert "Remove one first." in client.get("/floor/views/").content.decode()


@pytest.mark.django_db
def test_who_sees_what_is_shared(house: House, as_: As) -> None:
    colleague = factories.make_user(house.tenant, "supervisor", team=house.team)
    others = factories.make_user(house.tenant, "supervisor", team=factories.make_team(house.tenant, "Others"))
    factories.make_view(house.supervisor, name="Private one")
    factories.make_view(house.supervisor, name="Team one", shared=True)
    factories.make_view(house.manager, name="Common one", shared=True)

    def seen(user: User) -> set[str]:
        html = as_(user).get("/floor/agents/").content.decode() + as_(user).get("/floor/views/").content.decode()
        return set(re.findall(r"(Private|Team|Common) one", html))

    assert seen(house.supervisor) == {"Private", "Team", "Common"}
    assert seen(colleague) == {"Team", "Common"}
    assert seen(others) == seen(house.admin) == {"Common"}
    assert seen(house.stranger) == set()


@pytest.mark.django_db
def test_only_its_owner_changes_or_removes_it(house: House, as_: As) -> None:
    colleague = factories.make_user(house.tenant, "supervisor", team=house.team)
    shared, private = (
        factories.make_view(house.supervisor, shared=True),
        factories.make_view(house.supervisor, name="P"),
    )
    for view, refusals in ((shared, {colleague: 403}), (private, {colleague: 404})):
        address = f"/floor/views/{view.public_id}/"
        for user, status in ({house.agent: 403, house.stranger: 404} | refusals).items():
            assert as_(user).get(address).status_code == status
            assert as_(user).post(address, {"name": "Stolen"}).status_code == status
            assert as_(user).post(f"{address}remove/").status_code == status
    client = as_(house.supervisor)
    assert client.get(f"/floor/views/{shared.public_id}/").status_code == 200
    assert "another view called" in client.post(f"/floor/views/{shared.public_id}/", {"name": "P"}).content.decode()
    client.post(f"/floor/views/{shared.public_id}/", {"name": "Renamed"})
    shared.refresh_from_db()
    assert (shared.name, shared.shared, shared.query) == ("Renamed", False, "state=paused")
    client.post(f"/floor/views/{shared.public_id}/remove/")
    assert [one.name for one in SavedView.objects.for_tenant(house.tenant)] == ["P"]


@pytest.mark.django_db(transaction=True)
async def test_the_socket_shows_the_view(house: House, two: object, open_screen: Opened) -> None:  # noqa: F811
    screen = await open_screen(house.supervisor, path="/ws/board/people/?state=paused&columns=team")
    html = await screen.html()
    assert heads(html, "Agents") == ["Agent", "Team"]
    assert house.teammate.shown_name in html
    assert house.agent.shown_name not in html
    screen = await open_screen(house.supervisor, path="/ws/board/wallboard/?columns=leads")
    assert heads(await screen.html(), "Campaigns") == ["Campaign", "Dials", "Leads left"]
