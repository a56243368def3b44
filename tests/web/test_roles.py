"""Who may do what on the floor: each endpoint and each socket has its case here, or this file fails.

An agent gets 403, another tenant's people 404 for what has an owner, and nobody gets in without signing in. The list
is held against the addresses and sockets that there are.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any
from uuid import uuid4

import pytest
from django.test import Client
from django.urls import URLPattern, URLResolver, get_resolver, reverse

from dialer.campaigns.models import Campaign
from dialer.floor import told, tv
from dialer.floor.scope import scope_of
from dialer.live import shared, topics
from dialer.live.threads import in_thread
from dialer.people.models import Role, User
from tests import factories

from .conftest import House
from .pages import sends_to_sign_in
from .test_socket import Opened, fresh_layer, open_screen  # noqa: F401

As = Callable[[User | None], Client]


@dataclass(frozen=True)
class Case:
    """One endpoint: what it is of (a thing made in `ours`, or nothing), how it is asked, and who is let in."""

    of: str = ""
    post: bool = True
    get: bool = True
    data: dict[str, str] = field(default_factory=dict)
    agents: int = 403
    managers: int = 200
    admins_only: bool = False

    @property
    def methods(self) -> list[str]:
        """How it can be asked."""
        return ["get"] * self.get + ["post"] * self.post


REASON = {"deed": "pause", "reason": "x"}
CASES = {
    "wallboard": Case(post=False),
    "campaign": Case("campaign", post=False),
    "people": Case(post=False),
    "move-many": Case(get=False, data={"reason": "x"}, managers=403),
    "agent": Case("session", data=REASON),
    "views": Case(data={"page": "people", "name": "x"}),
    "view": Case("view", data={"name": "x"}, managers=404),
    "view-remove": Case("view", get=False),
    "message": Case(get=False, data={"text": "x"}, managers=403),
    "messages-mine": Case(post=False, agents=200),
    "message-seen": Case("message", get=False, agents=200),
    "alerts": Case(admins_only=True, managers=403),
    "alert-remove": Case("threshold", get=False, admins_only=True, managers=403),
    "tv": Case(post=False),
    "tv-links": Case(data={"name": "x", "days": "1", "rotate_s": "15"}, managers=403),
    "tv-revoke": Case("link", get=False, managers=403),
    "stop": Case(managers=403),
    "stop-one": Case("campaign", managers=403),
}
"""Every endpoint of the floor."""
ASKED = [(name, method) for name, case in CASES.items() for method in case.methods]


@pytest.fixture
def ours(house: House, campaign: Campaign) -> dict[str, Any]:
    """One of everything that an address can name."""
    session = factories.make_session(campaign, house.agent)
    message = told.tell(by=house.supervisor, sessions=scope_of(house.supervisor).sessions(), to="all", text="Hello")
    return {
        "campaign": campaign,
        "session": session,
        "view": factories.make_view(house.supervisor, name="Tea time", shared=True),
        "message": message,
        "threshold": factories.make_threshold(campaign),
        "link": factories.make_tv_link(house.supervisor, team=house.team),
    }


def address_of(name: str, ours: dict[str, Any]) -> str:
    """An endpoint's address."""
    of = CASES[name].of
    return reverse(f"floor:{name}", args=[ours[of].public_id] if of else [])


def ask(client: Client, name: str, method: str, ours: dict[str, Any]) -> Any:
    """Ask an endpoint."""
    return getattr(client, method)(address_of(name, ours), CASES[name].data)


@pytest.mark.django_db
def test_every_endpoint_of_the_floor_has_its_case() -> None:
    namespace = get_resolver().namespace_dict["floor"][1]
    assert {one.name for one in namespace.url_patterns} == set(CASES)


@pytest.mark.django_db
@pytest.mark.parametrize(("name", "method"), ASKED)
def test_agents_are_refused(house: House, ours: dict[str, Any], as_: As, name: str, method: str) -> None:
    assert ask(as_(house.agent), name, method, ours).status_code == CASES[name].agents


@pytest.mark.django_db
@pytest.mark.parametrize(("name", "method"), ASKED)
def test_managers_look_and_do_not_touch(house: House, ours: dict[str, Any], as_: As, name: str, method: str) -> None:
    status = ask(as_(house.manager), name, method, ours).status_code
    touches = method == "post" and name in ("agent", "view", "view-remove", "message-seen")
    assert status in ((403, 404) if touches else (CASES[name].managers, 302))


@pytest.mark.django_db
@pytest.mark.parametrize(("name", "method"), ASKED)
def test_another_tenants_people_find_nothing(
    house: House, ours: dict[str, Any], as_: As, name: str, method: str
) -> None:
    role = Role.ADMIN if CASES[name].admins_only else Role.SUPERVISOR
    theirs = factories.make_user(house.stranger.tenant, role)
    answer = ask(as_(theirs), name, method, ours)
    if CASES[name].of:
        assert answer.status_code == 404
        return
    assert answer.status_code in (200, 302)
    page = answer.content.decode()
    named = (ours["campaign"].name, house.agent.shown_name, "Hello", ours["view"].name, ours["link"].name)
    assert not [text for text in named if text in page]


@pytest.mark.django_db
@pytest.mark.parametrize(("name", "method"), [one for one in ASKED if CASES[one[0]].of not in ("", "threshold")])
def test_another_team_finds_nothing(house: House, ours: dict[str, Any], as_: As, name: str, method: str) -> None:
    ours["campaign"].teams.add(house.team)
    other = factories.make_user(house.tenant, Role.SUPERVISOR, team=factories.make_team(house.tenant, "Others"))
    assert ask(as_(other), name, method, ours).status_code == 404


@pytest.mark.django_db
@pytest.mark.parametrize(("name", "method"), [one for one in ASKED if CASES[one[0]].admins_only])
def test_supervisors_are_no_admins(house: House, ours: dict[str, Any], as_: As, name: str, method: str) -> None:
    assert ask(as_(house.supervisor), name, method, ours).status_code == 403


@pytest.mark.django_db
@pytest.mark.parametrize(("name", "method"), ASKED)
def test_nobody_signs_in_first(ours: dict[str, Any], as_: As, name: str, method: str) -> None:
    assert sends_to_sign_in(ask(as_(None), name, method, ours))


@pytest.mark.django_db
def test_a_tv_link_of_another_team_is_not_shown(house: House, ours: dict[str, Any], as_: As) -> None:
    """Its address would open their board."""
    other = factories.make_user(house.tenant, Role.SUPERVISOR, team=factories.make_team(house.tenant, "Others"))
    token = tv.token_of(ours["link"])
    assert token not in as_(other).get("/floor/tv-links/").content.decode()
    for user in (house.supervisor, house.admin):
        assert token in as_(user).get("/floor/tv-links/").content.decode()


# ---- the whole site, for nobody

PUBLIC = {"healthz", "readyz", "metrics", "people:sign-in", "people:sign-out", "floor-tv"}
"""What opens without signing in; whatever is new does not, or is named here."""
SAMPLES = {"UUIDConverter": uuid4(), "IntConverter": 1, "StringConverter": "x", "SlugConverter": "x"}


def every(patterns: list[Any], namespace: str = "") -> Iterator[tuple[str, URLPattern]]:
    """All named addresses."""
    for one in patterns:
        if isinstance(one, URLResolver):
            yield from every(one.url_patterns, f"{namespace}{one.namespace}:" if one.namespace else namespace)
        else:
            yield f"{namespace}{one.name}", one


PLACES = dict(every(get_resolver().url_patterns))


@pytest.mark.django_db
@pytest.mark.parametrize("name", sorted(PLACES.keys() - PUBLIC))
def test_no_page_of_the_site_opens_for_nobody(as_: As, name: str) -> None:
    converters = PLACES[name].pattern.converters
    address = reverse(name, kwargs={one: SAMPLES[type(how).__name__] for one, how in converters.items()})
    for method in ("get", "post"):
        answer = getattr(as_(None), method)(address)
        leads_to = answer.get("Location", "").partition("?")[0]
        assert answer.status_code in (401, 403, 404, 405) or leads_to == "/sign-in/", (method, answer.status_code)


# ---- sockets


@dataclass(frozen=True)
class Socket:
    """One kind of screen: its path, and the codes with which it closes for an agent and for another tenant's people.

    None: they are let in, and see what is theirs; `why` says what that is.
    """

    path: str
    agent: int | None
    stranger: int | None
    why: str = ""


SOCKETS = {
    "wallboard": Socket("/ws/board/wallboard/?campaign={campaign}", 4403, 4404),
    "people": Socket("/ws/board/people/?campaign={campaign}", 4403, None, "what they do not see is no filter"),
    "tv": Socket("/ws/board/tv/", 4403, None, "their own floor"),
    "call": Socket("/ws/board/call/?call={call}", 4403, 4404),
    "desk": Socket("/ws/desk/", None, None, "their own desk"),
    "pacing": Socket("/ws/pacing/{campaign}/", 4403, 4404),
    "import": Socket("/ws/import/{unknown}/", 4403, 4404),
    "whatif": Socket("/ws/whatif/", 4403, None, "the simulations that they asked for"),
}


@pytest.mark.django_db
def test_every_socket_has_its_case() -> None:
    assert set(shared._boards) | set(topics._topics) == set(SOCKETS)


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("name", SOCKETS)
async def test_who_may_open_a_socket(
    house: House,
    campaign: Campaign,
    open_screen: Opened,  # noqa: F811
    name: str,
) -> None:
    one = SOCKETS[name]
    call = await in_thread(factories.make_call, campaign)
    path = one.path.format(campaign=campaign.public_id, call=call.pk, unknown=uuid4())
    theirs = await in_thread(factories.make_user, house.stranger.tenant, Role.SUPERVISOR)
    assert await (await open_screen(None, path=path)).closed_with() == 4401
    for user, code in ((house.agent, one.agent), (theirs, one.stranger)):
        screen = await open_screen(user, path=path)
        if code is not None:
            assert await screen.closed_with() == code
        else:
            html = await screen.html()
            assert house.supervisor.shown_name not in html
            assert campaign.name not in html or user == house.agent, "their own campaigns are on an agent's desk"
