"""/campaigns/…/what-if/ and /what-if/…/cancel/: who gets in, asking, the answer, giving up, the socket."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.test import Client

from dialer.campaigns.models import Campaign
from dialer.core import jobs
from dialer.core.clock import now
from dialer.live.topics import Refused
from dialer.people.models import User
from dialer.whatif import services
from dialer.whatif.models import Simulation, SimulationState
from dialer.whatif.rules import Settings
from dialer.whatif.topic import TOPIC
from tests import factories

from .conftest import House
from .pages import message, refused, sends_to_sign_in

As = Callable[[User | None], Client]

HTMX = {"HX-Request": "true"}
ASKED = {
    "day": "",
    "method": "predictive",
    "agents": "8",
    "level": "1.00",
    "cap": "2.5",
    "ring_timeout": "25",
    "wrap": "",
    "detection": "on",
}


def interval(mean: float, margin: float = 0.01) -> dict[str, float]:
    return {"mean": mean, "give_or_take": margin}


def side(settings: Settings, utilisation: float, **values: Any) -> dict[str, Any]:
    figures = {
        "settings": settings.to_json(),
        "utilisation": interval(utilisation),
        "abandonment": interval(0.021, 0.004),
        "wait_s": interval(9.0, 1.0),
        "calls_per_hour": interval(640.0, 20.0),
        "series": [[utilisation, 0.02]] * 12,
        "runs": 2,
        "minutes": 20,
        "agents": settings.agents,
        "span_min": 5.0,
    }
    return {**figures, **values}


def answer_of(*, stress: bool = False) -> dict[str, Any]:
    parts = {"before": side(Settings(), 0.7), "after": side(Settings(), 0.8)} if stress else {}
    return {
        "now": side(Settings(method="progressive"), 0.51, **parts),
        "other": side(Settings(), 0.83, **parts),
        "day": {
            "day": "2026-11-20",
            "utilisation": 0.49,
            "abandonment": 0.0,
            "wait_s": 30.0,
            "calls_per_hour": 300.0,
            "agents": 9.6,
            "dials": 2400,
        },
        "hours": [9, 10, 11],
        "dials": 2400,
        "conversations": 600,
        "wrapups": 590,
        "guessed": ["wrap-up"],
    }


@pytest.fixture
def asked_for(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    names: list[str] = []
    monkeypatch.setattr(jobs, "ask", lambda name, *_: names.append(name))
    return names


@pytest.fixture
def simulation(house: House, campaign: Campaign, asked_for: list[str]) -> Simulation:
    """A waiting simulation of the house's supervisor."""
    return services.ask(campaign=campaign, user=house.supervisor, settings=Settings(agents=7), stress=None)


def page_of(campaign: Campaign) -> str:
    return f"/campaigns/{campaign.public_id}/what-if/"


def done(simulation: Simulation, **values: Any) -> None:
    changed = {"state": "done", "result": answer_of(), "ended_at": now(), **values}
    Simulation.objects.across_tenants().filter(pk=simulation.pk).update(**changed)


def test_who_gets_in(house: House, campaign: Campaign, simulation: Simulation, as_: As) -> None:
    assert sends_to_sign_in(as_(None).get(page_of(campaign)))
    clients = {
        name: as_(user)
        for name, user in (
            ("agent", house.agent),
            ("manager", house.manager),
            ("stranger", house.stranger),
            ("supervisor", house.supervisor),
            ("admin", house.admin),
        )
    }
    seen = {"agent": 403, "manager": 403, "stranger": 404, "supervisor": 200, "admin": 200}
    assert refused(clients, page_of(campaign)) == seen
    assert refused(clients, page_of(campaign), run=str(simulation.public_id)) == seen
    asked = {**seen, "supervisor": 302, "admin": 302}
    assert refused(clients, page_of(campaign), "post", **ASKED) == asked
    cancel = f"/what-if/{simulation.public_id}/cancel/"
    assert refused(clients, cancel, "post") == asked
    assert refused({"admin": clients["admin"]}, cancel) == {"admin": 405}


def test_the_page_begins_with_todays_settings(house: House, campaign: Campaign, as_: As) -> None:
    factories.make_session(campaign)
    page = as_(house.supervisor).get(page_of(campaign)).content.decode()
    assert '<option value="progressive" selected>' in page
    assert "Nothing was simulated yet" in page
    assert "ws-connect" not in page
    assert "Today: progressive, rings for 22 s, machine detection off, 1 agent." in page


def test_asking_leads_to_the_simulation_once(house: House, campaign: Campaign, asked_for: list[str], as_: As) -> None:
    browser = as_(house.supervisor)
    first, second = browser.post(page_of(campaign), ASKED), browser.post(page_of(campaign), ASKED)
    made = Simulation.objects.for_tenant(house.tenant).get()
    assert first["Location"] == second["Location"] == f"{page_of(campaign)}?run={made.public_id}"
    assert asked_for == ["simulate"]
    assert made.settings == Settings("predictive", 1.0, 0.025, 25.0, True, 8, None)
    page = browser.get(first["Location"]).content.decode()
    assert 'ws-connect="/ws/whatif/"' in page
    assert "Waiting for its turn" in page
    assert '<option value="predictive" selected>' in page


@pytest.mark.parametrize(
    ("field", "value", "said"),
    [
        ("agents", "0", "greater than or equal to 1"),
        ("cap", "50", "less than or equal to 10"),
        ("ring_timeout", "5", "greater than or equal to 15"),
        ("method", "manual", "manual is not one of the available choices"),
        ("day", "7", "7 is not one of the available choices"),
        ("wrap", "-1", "greater than or equal to 0"),
    ],
)
def test_a_wrong_value_is_named(
    house: House, campaign: Campaign, asked_for: list[str], as_: As, field: str, value: str, said: str
) -> None:
    answer = as_(house.supervisor).post(page_of(campaign), {**ASKED, field: value})
    assert answer.status_code == 422
    assert said in answer.content.decode()
    assert asked_for == []


def test_too_many_are_refused_with_a_reason(
    house: House, campaign: Campaign, simulation: Simulation, monkeypatch: pytest.MonkeyPatch, as_: As
) -> None:
    monkeypatch.setattr(services, "MOST_WAITING", 1)
    answer = as_(house.admin).post(page_of(campaign), ASKED)
    assert answer.status_code == 422
    assert message(answer) == "1 simulations are waiting already. Try again in a minute."


def test_the_answer_is_said_drawn_and_justified(
    house: House, campaign: Campaign, simulation: Simulation, as_: As
) -> None:
    done(simulation)
    page = as_(house.supervisor).get(page_of(campaign)).content.decode()
    assert "ws-connect" not in page
    assert "agents are busy 83.0 % (± 1.0) of their time" in page
    assert "+32.0 points" in page
    assert "no clear difference" in page
    assert page.count('class="line other"') == 2
    assert "2,400 dials, 600 conversations and 590 wrap-ups" in page
    assert "that of Friday 20 November, each hour as at least 20 minutes" in page
    assert "stands for them: wrap-up." in page
    assert "<span>09:00</span>" in page


def test_a_stress_shows_what_comes_after_the_change(
    house: House, campaign: Campaign, simulation: Simulation, as_: As
) -> None:
    done(simulation, stress=2.0, result=answer_of(stress=True))
    page = as_(house.supervisor).get(page_of(campaign)).content.decode()
    assert "abandonment goes from 2.1 % (± 0.4) to 2.1 % (± 0.4)" in page
    assert 'class="change"' in page
    assert "Measured" not in page


def test_a_colleagues_simulation_can_be_seen_and_given_up(
    house: House, campaign: Campaign, simulation: Simulation, as_: As
) -> None:
    admin = as_(house.admin)
    assert "Waiting for its turn" in admin.get(f"{page_of(campaign)}?run={simulation.public_id}").content.decode()
    assert "Nothing was simulated yet" in admin.get(page_of(campaign)).content.decode()
    assert admin.post(f"/what-if/{simulation.public_id}/cancel/", headers=HTMX).status_code == 204
    page = admin.get(f"{page_of(campaign)}?run={simulation.public_id}").content.decode()
    assert "It was cancelled." in page


def test_a_simulation_of_another_campaign_is_not_shown(
    house: House, campaign: Campaign, simulation: Simulation, as_: As
) -> None:
    other = factories.make_campaign(house.tenant, disposition_set=campaign.disposition_set)
    answer = as_(house.supervisor).get(page_of(other), {"run": str(simulation.public_id)})
    assert answer.status_code == 404


def test_the_campaigns_page_leads_here(house: House, campaign: Campaign, as_: As) -> None:
    page = as_(house.supervisor).get(f"/campaigns/{campaign.public_id}/").content.decode()
    assert f'href="{page_of(campaign)}"' in page


# -- the socket


def test_only_leaders_listen(house: House) -> None:
    assert TOPIC.authorise(house.supervisor) == house.supervisor.pk
    for user in (house.agent, house.manager):
        with pytest.raises(Refused):
            TOPIC.authorise(user)


def test_who_is_no_leader_any_more_is_shown_nothing(house: House, simulation: Simulation) -> None:
    User.objects.filter(pk=house.supervisor.pk).update(role="agent")
    with pytest.raises(Refused):
        TOPIC.render(house.supervisor.pk, "")


def test_the_socket_carries_how_far_it_is_and_then_the_answer(house: House, simulation: Simulation) -> None:
    rows = Simulation.objects.across_tenants().filter(pk=simulation.pk)
    rows.update(state=SimulationState.RUNNING, progress=0.5)
    running = TOPIC.render(house.supervisor.pk, "")
    assert running.startswith(f'<section id="simulation-{simulation.public_id}"')
    assert 'value="0.500"' in running
    assert 'data-rev="500"' in running
    assert f'id="simulation-{simulation.public_id}"' not in TOPIC.render(house.admin.pk, "")
    done(simulation)
    ended = TOPIC.render(house.supervisor.pk, "")
    assert 'data-state="done"' in ended
    assert 'data-rev="2000"' in ended
    done(simulation, ended_at=now() - timedelta(hours=1))
    assert TOPIC.render(house.supervisor.pk, "").strip() == ""
