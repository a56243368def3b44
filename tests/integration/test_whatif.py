"""What-if on real rows: what is read of a campaign, asking, playing one at a time, giving up, forgetting."""

from __future__ import annotations

import json
from datetime import timedelta
from io import StringIO
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from redis.exceptions import ConnectionError as RedisAway

from dialer.campaigns.models import Campaign
from dialer.core import jobs
from dialer.core.clock import now
from dialer.people.models import Role, User
from dialer.whatif import runner, services
from dialer.whatif.models import Simulation, SimulationState
from dialer.whatif.rules import Settings
from dialer.whatif.selectors import mean_wrap, observed, todays
from dialer.whatif.shown import shown
from tasks import asks, consume, whatif
from tests import factories
from tests.history import HOURS, TALK_S, WRAP_S, make_history, yesterday

TRIED = Settings(method="predictive", agents=4)
RESULT = {"played": True}


@pytest.fixture
def supervisor(campaign: Campaign) -> User:
    return factories.make_user(campaign.tenant, Role.SUPERVISOR)


@pytest.fixture
def asked_for(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Names of the jobs asked for, instead of asking."""
    names: list[str] = []
    monkeypatch.setattr(jobs, "ask", lambda name, *_: names.append(name))
    return names


@pytest.fixture
def played(monkeypatch: pytest.MonkeyPatch) -> list[Settings]:
    """The settings that were played, instead of playing them."""
    seen: list[Settings] = []

    def answer(*, settings: Settings, **_: Any) -> dict[str, Any]:
        seen.append(settings)
        return RESULT

    monkeypatch.setattr(services, "answer", answer)
    return seen


def ask(campaign: Campaign, user: User, settings: Settings = TRIED, stress: float | None = None) -> Simulation:
    return services.ask(campaign=campaign, user=user, settings=settings, stress=stress)


def fresh(simulation: Simulation) -> Simulation:
    found = Simulation.objects.across_tenants().get(pk=simulation.pk)
    assert isinstance(found, Simulation)
    return found


# -- what is read


def test_the_campaigns_rows_become_distributions(campaign: Campaign) -> None:
    make_history(campaign)
    told, day = observed(campaign)
    assert len(told.ages) == 300
    assert {kind: told.ends.count(kind) for kind in set(told.ends)} == {"person": 90, "failed": 60, "open": 150}
    assert all(abs(talk - TALK_S) < 1e-6 for talk in told.talk)
    assert all(abs(wrap - WRAP_S) < 1e-6 for wrap in told.wrap)
    assert [(hour.hour, hour.dials, hour.persons) for hour in told.hours] == [(hour, 100, 30) for hour in HOURS]
    assert day.day == yesterday(campaign, 9).date()
    assert day.calls_per_hour == pytest.approx(100, rel=0.02)
    assert day.agents == pytest.approx(4, rel=0.02)
    busy = len(told.talk) * (TALK_S + WRAP_S)
    assert day.utilisation == pytest.approx(busy / (4 * 3 * 3600), rel=0.02)
    assert day.abandonment == pytest.approx(1 - len(told.talk) / 90)
    assert mean_wrap(campaign) == pytest.approx(WRAP_S)


def test_another_campaigns_rows_are_not_read(campaign: Campaign) -> None:
    make_history(campaign)
    other = factories.make_campaign(campaign.tenant, disposition_set=campaign.disposition_set)
    assert observed(other)[0].ages == []
    assert mean_wrap(other) is None


def test_todays_settings_are_the_campaigns(campaign: Campaign) -> None:
    factories.make_session(campaign)
    factories.make_session(campaign, state="paused")
    assert todays(campaign) == Settings(method="progressive", ring_timeout=22.0, agents=2)


# -- asking


def test_the_same_question_is_asked_once(campaign: Campaign, supervisor: User, asked_for: list[str]) -> None:
    first, second = ask(campaign, supervisor), ask(campaign, supervisor)
    assert first.pk == second.pk
    assert asked_for == ["simulate"]


def test_another_question_takes_the_place_of_the_open_one(
    campaign: Campaign, supervisor: User, asked_for: list[str]
) -> None:
    first, second = ask(campaign, supervisor), ask(campaign, supervisor, stress=2.0)
    assert fresh(first).state == SimulationState.CANCELLED
    assert fresh(second).state == SimulationState.WAITING


def test_not_more_wait_than_can_be_played_in_minutes(
    campaign: Campaign, asked_for: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(services, "MOST_WAITING", 2)
    for _ in range(2):
        ask(campaign, factories.make_user(campaign.tenant, Role.SUPERVISOR))
    with pytest.raises(services.TooMany, match="Try again in a minute"):
        ask(campaign, factories.make_user(campaign.tenant, Role.SUPERVISOR))


def test_losing_redis_costs_nothing_but_time(
    campaign: Campaign,
    supervisor: User,
    played: list[Settings],
    monkeypatch: pytest.MonkeyPatch,
    django_capture_on_commit_callbacks: Any,
) -> None:
    def away() -> None:
        raise RedisAway("gone")

    monkeypatch.setitem(asks.JOBS, "simulate", away)
    monkeypatch.setattr("tasks.queues.close_old_connections", lambda: None)
    with django_capture_on_commit_callbacks(execute=True):
        made = ask(campaign, supervisor)
    assert fresh(made).state == SimulationState.WAITING
    whatif.simulate_what_was_left.call_local()
    assert fresh(made).state == SimulationState.DONE


def test_the_job_is_known_to_the_worker_by_its_name() -> None:
    assert "tasks.whatif" in consume.JOBS["worker"]
    assert services.JOB in asks.JOBS


# -- playing


def test_the_oldest_is_played_first_and_the_result_kept(
    campaign: Campaign, asked_for: list[str], played: list[Settings]
) -> None:
    made = [
        ask(campaign, factories.make_user(campaign.tenant, Role.SUPERVISOR), Settings(agents=number))
        for number in (1, 2, 3)
    ]
    assert services.work_off() == 3
    assert [one.agents for one in played] == [1, 2, 3]
    assert all(fresh(one).state == SimulationState.DONE and fresh(one).result == RESULT for one in made)
    assert services.work_off() == 0


def test_while_one_worker_plays_another_does_not(
    campaign: Campaign, supervisor: User, asked_for: list[str], played: list[Settings]
) -> None:
    made = ask(campaign, supervisor)
    Simulation.objects.across_tenants().filter(pk=made.pk).update(state="running", beat_at=now(), starts=1)
    ask(campaign, factories.make_user(campaign.tenant, Role.SUPERVISOR))
    assert services.work_off() == 0
    # That worker is killed: whoever comes later takes up both.
    Simulation.objects.across_tenants().filter(pk=made.pk).update(beat_at=now() - timedelta(minutes=1))
    assert services.work_off() == 2
    assert fresh(made).state == SimulationState.DONE


def test_what_breaks_off_twice_is_not_begun_again(
    campaign: Campaign, supervisor: User, asked_for: list[str], played: list[Settings]
) -> None:
    made = ask(campaign, supervisor)
    rows = Simulation.objects.across_tenants().filter(pk=made.pk)
    rows.update(state="running", beat_at=now() - timedelta(minutes=1), starts=services.MOST_STARTS)
    assert services.work_off() == 0
    assert fresh(made).state == SimulationState.FAILED
    assert "Try again" in fresh(made).problem


def test_a_simulation_given_up_while_it_is_played_is_not_answered(
    campaign: Campaign, supervisor: User, asked_for: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    made = ask(campaign, supervisor)

    def answer(*, progress: Any, **_: Any) -> dict[str, Any]:
        assert progress(0.5)
        assert fresh(made).progress == 0.5
        services.cancel(simulation=made)
        assert not progress(0.6)
        raise runner.Cancelled

    monkeypatch.setattr(services, "answer", answer)
    assert services.work_off() == 1
    assert fresh(made).state == SimulationState.CANCELLED
    assert fresh(made).result is None


def test_a_failed_simulation_says_what_to_do(
    campaign: Campaign, supervisor: User, asked_for: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def answer(**_: Any) -> dict[str, Any]:
        raise runner.CannotPlay("The machine is too busy. Try again.")

    monkeypatch.setattr(services, "answer", answer)
    made = ask(campaign, supervisor)
    services.work_off()
    assert (fresh(made).state, fresh(made).problem) == (
        SimulationState.FAILED,
        "The machine is too busy. Try again.",
    )


def test_old_answers_are_forgotten_and_open_questions_are_not(
    campaign: Campaign, supervisor: User, asked_for: list[str], played: list[Settings]
) -> None:
    done, waiting = ask(campaign, supervisor), ask(campaign, factories.make_user(campaign.tenant, Role.ADMIN))
    rows = Simulation.objects.across_tenants()
    rows.filter(pk=done.pk).update(state="done", ended_at=now())
    rows.update(asked_at=now() - services.KEPT_FOR - timedelta(days=1))
    assert services.forget_old() == 1
    assert rows.get().pk == waiting.pk


# -- for real


def test_predictive_beside_progressive_on_the_campaigns_own_figures(campaign: Campaign) -> None:
    make_history(campaign, agents=4)
    heard: list[float] = []
    began = now()
    result = services.answer(
        campaign=campaign,
        settings=TRIED,
        stress=None,
        within_s=2.0,
        progress=lambda share: heard.append(share) or True,  # type: ignore[func-returns-value]
    )
    assert now() - began < timedelta(seconds=10)
    assert heard == sorted(heard)
    assert result["other"]["utilisation"]["mean"] > result["now"]["utilisation"]["mean"]
    json.dumps(result)
    told = shown(Simulation(campaign=campaign, tried=TRIED.to_json(), result=result, asked_at=now()))
    assert told is not None
    assert told.changes == ("predictive instead of progressive",)
    assert told.ticks == ("09:00", "09:45", "10:30", "11:15", "12:00")
    assert told.rows[0].measured
    assert "300 dials" in told.basis[0]


def test_giving_up_ends_the_processes_that_play(campaign: Campaign) -> None:
    began = now()
    with pytest.raises(runner.Cancelled):
        services.answer(campaign=campaign, settings=TRIED, stress=None, within_s=60.0, progress=lambda _: False)
    assert now() - began < timedelta(seconds=10)


def test_the_command_prints_both_sides(campaign: Campaign) -> None:
    make_history(campaign)
    out = StringIO()
    call_command("simulate", campaign=str(campaign.public_id), method="predictive", within=1.5, agents=5, stdout=out)
    words = out.getvalue()
    assert "predictive instead of progressive; 5 agents instead of 4" in words
    assert "Utilisation" in words
    assert "±" in words


def test_the_command_says_what_is_wrong(campaign: Campaign) -> None:
    for options, said in (
        ({"campaign": "nowhere"}, f"There are: “{campaign.name}”"),
        ({"campaign": campaign.name, "ring": 5}, "at least 15 s"),
        ({"campaign": campaign.name, "agents": 0}, "give 1 or more"),
        ({"campaign": campaign.name, "cap": 50.0}, "up to 10"),
    ):
        with pytest.raises(CommandError, match=said):
            call_command("simulate", **options)  # type: ignore[arg-type]
