"""The whole product without Asterisk: robots at the real pages, real jobs, the switchboard on the simulated switch."""

from __future__ import annotations

import asyncio
import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.error import URLError
from urllib.parse import quote
from urllib.request import urlopen

import pytest
from asgiref.sync import sync_to_async
from django.db import connection, connections

from asterisk.sandbox.robot import Habits, Robot, fixed
from asterisk.sandbox.robot_desk import Desk, DeskError
from asterisk.switchboard.switchboard import Switchboard
from dialer.agents.models import AgentSession
from dialer.calls.models import CallTask, Recording
from dialer.campaigns.models import Campaign
from dialer.people.models import User
from dialer.telephony.simulated import SimulatedSwitch
from dialer.telephony.simulated_people import Mix
from tests import factories

ROOT = Path(__file__).resolve().parents[2]
HASTY = Habits(
    talk_s=fixed(0.2),
    hangs_up=0.6,
    talks_at_most_s=2.0,
    wrap_s=fixed(0.1),
    dispositions=(("NI", 1.0), ("SALE", 1.0)),
    pauses=0.3,
    pause_s=fixed(0.2),
    pause_codes=("BREAK",),
)
PEOPLE_WHO_MOSTLY_ANSWER = Mix(
    person=0.7, early_hangup=0, machine=0.1, no_answer=0, busy=0.1, congestion=0, invalid=0.1
)


def _database_url() -> str:
    one = connection.settings_dict
    password = f":{quote(one['PASSWORD'], safe='')}" if one["PASSWORD"] else ""
    host = quote(one["HOST"] or "localhost", safe="")
    return f"postgres://{one['USER']}{password}@{host}:{one['PORT']}/{one['NAME']}"


@contextmanager
def process(*words: str, **more: str) -> Iterator[None]:
    """A process of the product, on the test's database."""
    env = {**os.environ, "DATABASE_URL": _database_url(), **more}
    running = subprocess.Popen([sys.executable, "-m", *words], cwd=ROOT, env=env)
    try:
        yield
    finally:
        running.terminate()
        running.wait(timeout=15)


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@pytest.fixture
def web(transactional_db: None) -> Iterator[str]:
    """The address of a running web."""
    port = _free_port()
    address = f"http://127.0.0.1:{port}"
    serve = ("uvicorn", "dialer.asgi:application", "--port", str(port), "--log-level", "warning")
    with process(*serve, PUBLIC_URL=address):
        for _ in range(150):
            try:
                with urlopen(f"{address}/healthz", timeout=1) as answer:
                    if answer.status == 200:
                        break
            except (URLError, OSError):
                time.sleep(0.1)
        else:
            raise AssertionError("the web did not come up")
        yield address


@pytest.fixture
def floor(transactional_db: None) -> Iterator[tuple[Campaign, list[User]]]:
    """A progressive campaign with leads, and three agents."""
    tenant = factories.make_tenant()
    campaign = factories.make_campaign(tenant)
    factories.make_pause_code(tenant)
    factories.make_leads(factories.make_list(campaign), 200)
    yield campaign, [factories.make_user(tenant) for _ in range(3)]
    connections.close_all()


def _figures(campaign: Campaign) -> dict[str, Any]:
    calls = CallTask.objects.for_tenant(campaign.tenant_id)
    return {
        "outcomes": set(calls.values_list("outcome", flat=True)),
        "live": calls.exclude(state="ended").count(),
        "disposed": calls.exclude(disposition=None).count(),
        "connected": calls.filter(outcome="connected").count(),
        "open": AgentSession.objects.for_tenant(campaign.tenant_id).filter(ended_at=None).count(),
        "recordings": Recording.objects.for_tenant(campaign.tenant_id).count(),
    }


async def test_robots_take_calls_until_they_leave(web: str, floor: Any, tmp_path: Path) -> None:
    campaign, users = floor
    switch = SimulatedSwitch(recordings_dir=tmp_path, speed=25, mix=PEOPLE_WHO_MOSTLY_ANSWER)
    board = asyncio.create_task(Switchboard(switch, "simulated-floor").run())
    desks = [Desk(web) for _ in users]
    robots = [
        Robot(desk, str(campaign.public_id), habits=HASTY, seed=user.username, name=user.username)
        for desk, user in zip(desks, users, strict=True)
    ]
    try:
        with process("tasks.consume", "pacing"), process("tasks.consume", "worker"):
            for desk, user in zip(desks, users, strict=True):
                await desk.sign_in(user.username, factories.PASSWORD)
            work = [asyncio.create_task(robot.run()) for robot in robots]
            async with asyncio.timeout(60):
                for robot in robots:
                    while robot.figures.calls < 3:
                        robot.changed.clear()
                        await robot.changed.wait()
            for robot in robots:
                robot.stop()
            async with asyncio.timeout(30):
                await asyncio.gather(*work)
    finally:
        for desk in desks:
            await desk.close()
        board.cancel()
        await asyncio.gather(board, return_exceptions=True)
    found = await sync_to_async(_figures)(campaign)
    await sync_to_async(connections.close_all)()
    assert found["open"] == 0
    assert found["connected"] >= 9
    assert found["disposed"] == found["connected"] == found["recordings"]
    assert not found["outcomes"] & {"lost", "failed", "machine"}
    assert all(robot.view is not None and robot.view.state == "offline" for robot in robots)
    assert all(len(robot.figures.to_screen_ms) >= 6 for robot in robots)


async def test_a_wrong_password_is_told(web: str, floor: Any) -> None:
    _, users = floor
    async with Desk(web) as desk:
        with pytest.raises(DeskError):
            await desk.sign_in(users[0].username, "wrong")
    async with Desk(f"http://127.0.0.1:{_free_port()}") as desk:
        with pytest.raises(DeskError):
            await desk.sign_in(users[0].username, factories.PASSWORD)
