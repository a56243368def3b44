"""Supervisors in agents' conversations on real Asterisk: who hears whom in each mode, measured on every leg."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from asterisk.sandbox.rtp import strength
from dialer.agents.models import AgentSession
from dialer.calls import services as calls
from dialer.calls.models import CallTask
from dialer.handling import monitoring
from dialer.handling.models import Monitor
from dialer.people.models import Role
from tests import factories
from tests.floor import AGENT_TONE, Floor, Seat, until
from tests.pbx.test_handling import CUSTOMER_TONE, Scene, nothing_left

BOSS_TONE = 700


@dataclass
class Watched:
    """An agent who talks with a customer, and a supervisor with a phone on the line."""

    scene: Scene
    boss: Seat

    @property
    def session(self) -> AgentSession:
        return self.boss.user.sessions.select_related("user").get(ended_at=None)

    @property
    def agent(self) -> AgentSession:
        return self.scene.seat.user.sessions.get(ended_at=None)

    def watch(self, mode: str) -> Monitor:
        monitoring.watch(watcher=self.session, watched=self.agent, mode=mode)

        def so() -> Monitor | None:
            found = monitoring.current(self.session)
            rows = Monitor.objects.across_tenants().filter(watcher=self.session, ended_at=None)
            return found if found and found.mode == mode and found.started_at and rows.count() == 1 else None

        return until(so, 20, f"the supervisor's mode is {mode}")

    def boss_hears(self, *tones: int, not_tones: tuple[int, ...] = ()) -> None:
        self.scene.agent_hears(*tones, not_tones=not_tones, seat=self.boss)

    def agent_hears(self, *tones: int, not_tones: tuple[int, ...] = ()) -> None:
        self.scene.agent_hears(*tones, not_tones=not_tones)

    def customer_hears_boss(self) -> bool:
        return strength(self.scene.customer_hears(0.6), BOSS_TONE) > 250


@pytest.fixture
def watched(floor: Floor, tmp_path: Path) -> Iterator[Watched]:
    tenant = floor.tenant()
    campaign = factories.make_campaign(tenant, wrapup_s=0)
    seat = floor.seat(campaign).ready()
    number = floor.numbers.steady()
    floor.lead(campaign, number)
    seat.until("in_call", within_s=15)
    chief = factories.make_user(tenant, Role.SUPERVISOR, endpoint=f"boss{tenant.pk}", endpoint_secret="s3cret-s3cret")
    boss = floor.seat(factories.make_campaign(tenant, wrapup_s=0), chief, tone=BOSS_TONE).join()
    scene = Scene(floor, campaign, seat, number, tmp_path)
    scene.agent_hears(CUSTOMER_TONE)
    yield Watched(scene, boss)
    for call in CallTask.objects.across_tenants().exclude(state="ended"):
        calls.ask_hang_up(call=call, by="supervisor")
    until(lambda: not CallTask.objects.across_tenants().exclude(state="ended").exists(), 15, "all calls are over")
    for one in (seat, boss):
        view = one.robot.view
        if view is not None and view.state in ("wrapup", "in_call"):
            one.dispose(then="pause")
        if view is not None and view.state != "offline":
            one.leave()
    nothing_left(floor)


def test_every_mode_and_back_without_hanging_up(watched: Watched) -> None:
    scene, phone_calls = watched.scene, watched.boss.phone.calls
    watched.watch("listen")
    watched.boss_hears(AGENT_TONE, CUSTOMER_TONE)
    watched.agent_hears(CUSTOMER_TONE, not_tones=(BOSS_TONE,))
    assert not watched.customer_hears_boss()
    watched.watch("whisper")
    watched.boss_hears(AGENT_TONE, CUSTOMER_TONE)
    watched.agent_hears(CUSTOMER_TONE, BOSS_TONE)
    assert not watched.customer_hears_boss()
    watched.watch("barge")
    watched.boss_hears(AGENT_TONE, CUSTOMER_TONE)
    watched.agent_hears(CUSTOMER_TONE, BOSS_TONE)
    until(watched.customer_hears_boss, 6, "the customer hears the supervisor")
    watched.watch("listen")
    until(lambda: not watched.customer_hears_boss(), 6, "the customer hears the supervisor no more")
    watched.agent_hears(CUSTOMER_TONE, not_tones=(BOSS_TONE,))
    answer = watched.boss.press("ready")
    assert "listening" in answer.message
    monitoring.stop(watcher=watched.session)
    watched.boss_hears(not_tones=(AGENT_TONE, CUSTOMER_TONE))
    assert monitoring.current(watched.session) is None
    scene.customer_hears_tone(AGENT_TONE)
    assert watched.boss.phone.calls == phone_calls, "one call of the phone for all of it"


@pytest.mark.parametrize("mode", ["listen", "whisper", "barge"])
def test_the_supervisors_phone_is_lost(watched: Watched, mode: str) -> None:
    watched.watch(mode)
    watched.boss_hears(AGENT_TONE)
    session = watched.session
    watched.scene.floor.do(watched.boss.phone.hang_up())
    until(lambda: monitoring.current(session) is None, 10, "it is over")
    watched.agent_hears(CUSTOMER_TONE)
    watched.scene.customer_hears_tone(AGENT_TONE)
    assert watched.scene.call.state == "connected"


def test_the_switchboard_is_restarted_meanwhile(watched: Watched) -> None:
    watched.watch("whisper")
    watched.scene.floor.processes.take_away("switchboard")
    watched.agent_hears(CUSTOMER_TONE, BOSS_TONE)
    watched.scene.floor.processes.bring_back("switchboard")
    watched.watch("listen")
    watched.agent_hears(CUSTOMER_TONE, not_tones=(BOSS_TONE,))
    watched.boss_hears(AGENT_TONE, CUSTOMER_TONE)


def test_taking_over(watched: Watched) -> None:
    watched.watch("barge")
    monitoring.take_over(watcher=watched.session)
    watched.scene.seat.until("wrapup")
    watched.boss.until("in_call")
    watched.boss_hears(CUSTOMER_TONE, not_tones=(AGENT_TONE,))
    watched.scene.customer_hears_tone(BOSS_TONE)
    assert strength(watched.scene.customer_hears(0.6), AGENT_TONE) < 250
    assert watched.scene.call.user_id == watched.boss.user.pk
