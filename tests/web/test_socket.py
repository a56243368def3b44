"""/ws/desk/: who may listen, what is pushed and when, and what happens when Redis or the database is not there."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from asgiref.testing import ApplicationCommunicator
from channels.layers import channel_layers, get_channel_layer
from django.conf import settings as configured
from django.db import OperationalError, transaction
from django.test import Client

from dialer.agents.models import AgentSession
from dialer.agents.services import DESK
from dialer.asgi import application
from dialer.campaigns.models import Campaign
from dialer.core import health
from dialer.core.clock import now
from dialer.live import publish, topics, watch
from dialer.live.consumer import ScreenConsumer
from dialer.live.threads import in_thread
from dialer.people.models import User
from tests import factories, switch
from tests.integration.test_live_publish import Redis

from .conftest import House

pytestmark = pytest.mark.django_db(transaction=True)

Opened = Callable[..., Any]


class Screen(ApplicationCommunicator):
    """A page's socket. (Channels has one too, but it wants Daphne.)"""

    def __init__(
        self,
        user: User | None,
        path: str = "/ws/desk/",
        origin: str = "http://testserver",
        protocols: Sequence[str] = (),
    ) -> None:
        headers = [(b"host", b"testserver"), (b"origin", origin.encode())]
        if user is not None:
            client = Client()
            client.force_login(user)
            cookie = client.cookies[configured.SESSION_COOKIE_NAME].value
            headers.append((b"cookie", f"{configured.SESSION_COOKIE_NAME}={cookie}".encode()))
        path, _, query = path.partition("?")
        scope = {
            "type": "websocket",
            "path": path,
            "query_string": query.encode(),
            "headers": headers,
            "subprotocols": list(protocols),
        }
        super().__init__(application, scope)

    async def connect(self) -> bool:
        """Open; whether the server took it."""
        await self.send_input({"type": "websocket.connect"})
        return (await self.receive_output(timeout=5))["type"] == "websocket.accept"

    async def html(self) -> str:
        """The next fragment."""
        message = await self.receive_output(timeout=5)
        assert message["type"] == "websocket.send", message
        return str(message["text"])

    async def disconnect(self) -> None:
        """The page goes away."""
        await self.send_input({"type": "websocket.disconnect", "code": 1001})
        await self.wait(timeout=5)

    async def closed_with(self) -> int:
        """The code with which the server closes; fragments before it are passed over."""
        while True:
            message = await self.receive_output(timeout=10)
            if message["type"] == "websocket.close":
                return int(message["code"])


@pytest.fixture(autouse=True)
async def fresh_layer() -> AsyncIterator[None]:
    """Each test has a channel layer of its own, because each has an event loop of its own."""
    channel_layers.backends = {}
    yield
    await get_channel_layer().flush()
    channel_layers.backends = {}


@pytest.fixture
async def open_screen() -> AsyncIterator[Opened]:
    """Open screens; all are closed at the end."""
    opened: list[Screen] = []

    async def make(user: User | None, **options: str) -> Screen:
        screen = await in_thread(lambda: Screen(user, **options))
        opened.append(screen)
        await screen.connect()
        return screen

    yield make
    for screen in opened:
        await screen.disconnect()


async def test_a_screen_is_shown_whole_when_it_opens(house: House, campaign: Campaign, open_screen: Opened) -> None:
    long_ago = now() - timedelta(minutes=5)
    session = await in_thread(factories.make_session, campaign, house.agent, since=long_ago)
    screen = await open_screen(house.agent)
    html = await screen.html()
    assert html.startswith('<main id="desk"')
    assert 'data-state="ready"' in html
    assert 'data-at=""' in html
    await screen.receive_nothing(timeout=0.2)
    seen = await in_thread(lambda: AgentSession.objects.for_tenant(house.tenant).get(pk=session.pk))
    assert seen.screen_seen_at > long_ago


async def test_a_change_is_pushed_after_commit_only(house: House, campaign: Campaign, open_screen: Opened) -> None:
    await in_thread(factories.make_session, campaign, house.agent)
    screen = await open_screen(house.agent)
    await screen.html()
    at = datetime(2026, 5, 1, 12, 0, tzinfo=UTC)
    may_commit = threading.Event()

    def committed() -> None:
        with transaction.atomic():
            publish.changed(DESK, house.agent.pk, at)
            assert may_commit.wait(5)

    def rolled_back() -> None:
        with transaction.atomic():
            publish.changed(DESK, house.agent.pk, at)
            transaction.set_rollback(True)

    await in_thread(rolled_back)
    task = asyncio.create_task(in_thread(committed))
    assert await screen.receive_nothing(timeout=0.3)
    may_commit.set()
    assert f'data-at="{at.isoformat()}"' in await screen.html()
    await task
    assert await screen.receive_nothing(timeout=0.2)


async def test_a_call_reaches_its_agents_screen_and_no_other(
    house: House, campaign: Campaign, open_screen: Opened
) -> None:
    await in_thread(factories.make_session, campaign, house.agent)
    mine = await open_screen(house.agent)
    others = [await open_screen(user) for user in (house.teammate, house.supervisor, house.stranger)]
    for screen in (mine, *others):
        await screen.html()
    lead = await in_thread(factories.make_lead, campaign, first_name="Marguerite")
    call = await in_thread(switch.connect, campaign, lead)
    html = ""
    while 'data-state="in_call"' not in html:
        html = await mine.html()
    assert "Marguerite" in html
    assert str(call.pk) in html
    for screen in others:
        assert await screen.receive_nothing(timeout=0.1)


async def test_who_may_not_listen(house: House, open_screen: Opened) -> None:
    nobody = await open_screen(None)
    assert await nobody.closed_with() == 4401
    outsider = await open_screen(await in_thread(factories.make_user, None))
    assert await outsider.closed_with() == 4403
    lost = await open_screen(house.agent, path="/ws/nothing/")
    assert await lost.closed_with() == 4404
    for origin in (
        "http://evil.example",
        "https://testserver.evil.example",
        "null",
        "",
        "file://",
        "http://testserver:8",
    ):
        foreign = await in_thread(lambda origin=origin: Screen(house.agent, origin=origin))
        assert not await foreign.connect()


async def test_somebody_who_was_locked_out_is_shown_no_more(
    house: House, campaign: Campaign, open_screen: Opened
) -> None:
    screen = await open_screen(house.agent)
    await screen.html()
    await in_thread(User.objects.filter(pk=house.agent.pk).update, is_active=False)
    await in_thread(publish.changed, DESK, house.agent.pk, now())
    assert await screen.closed_with() == 4403


async def test_what_a_screen_sends_is_dropped(house: House, open_screen: Opened) -> None:
    screen = await open_screen(house.agent)
    await screen.html()
    await screen.send_input({"type": "websocket.receive", "text": '{"type": "live.changed", "at": "x"}'})
    await screen.send_input({"type": "websocket.receive", "bytes": b"\x00\xff"})
    assert await screen.receive_nothing(timeout=0.2)
    await in_thread(publish.changed, DESK, house.agent.pk, now())
    assert "data-at" in await screen.html()


class Slow:
    """A topic whose rendering a test holds up."""

    def __init__(self) -> None:
        self.rendered: list[str] = []
        self.started = threading.Semaphore(0)
        self.go_on = threading.Semaphore(0)
        self.fail = False
        self.topic = topics.Topic("slow", authorise=lambda user: user.pk, render=self.render)

    def render(self, key: Any, at: str) -> str:
        self.rendered.append(at)
        self.started.release()
        assert self.go_on.acquire(timeout=5)
        if self.fail:
            raise RuntimeError("broken")
        return at or "first"


@pytest.fixture
def slow() -> Iterator[Slow]:
    made = Slow()
    topics.register(made.topic)
    yield made
    topics._topics.pop("slow")


async def test_changes_during_a_render_cause_exactly_one_more(
    house: House, slow: Slow, open_screen: Opened, monkeypatch: pytest.MonkeyPatch
) -> None:
    all_told, told = asyncio.Event(), ScreenConsumer.live_changed
    heard: list[str] = []

    async def listen(self: ScreenConsumer, message: dict[str, str]) -> None:
        await told(self, message)
        heard.append(message["at"])
        if len(heard) == 3:
            all_told.set()

    monkeypatch.setattr(ScreenConsumer, "live_changed", listen)
    screen = await open_screen(house.agent, path="/ws/slow/")
    assert await asyncio.to_thread(slow.started.acquire, timeout=5)
    base = datetime(2026, 5, 1, tzinfo=UTC)
    layer = get_channel_layer()
    for seconds in (3, 1, 2):
        at = (base + timedelta(seconds=seconds)).isoformat()
        await layer.group_send(publish.group_of("slow", house.agent.pk), {"type": "live.changed", "at": at})
    await asyncio.wait_for(all_told.wait(), 5)
    for _ in range(3):
        slow.go_on.release()
    assert await screen.html() == "first"
    assert await screen.html() == (base + timedelta(seconds=1)).isoformat()
    assert await screen.receive_nothing(timeout=0.3)
    assert len(slow.rendered) == 2


async def test_a_render_that_fails_asks_the_page_to_come_back(house: House, slow: Slow, open_screen: Opened) -> None:
    slow.fail = True
    slow.go_on.release()
    screen = await open_screen(house.agent, path="/ws/slow/")
    assert await screen.closed_with() == 1013


async def test_no_task_outlives_its_screen(house: House) -> None:
    def ours() -> set[str]:
        return {task.get_name() for task in asyncio.all_tasks() if task.get_name().startswith("live-")}

    screen = await in_thread(lambda: Screen(house.agent))
    await screen.connect()
    await screen.html()
    assert "live-watch" in ours()
    await screen.disconnect()
    await asyncio.sleep(0)
    assert ours() == set()


async def test_presence_is_told_while_the_screen_is_open(
    house: House, campaign: Campaign, open_screen: Opened, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(watch, "CHECK_S", 0.05)
    monkeypatch.setattr(watch, "HEARTBEAT_S", 0.1)
    both = asyncio.Event()
    everybody = {house.agent.pk, house.teammate.pk}
    loop = asyncio.get_running_loop()

    def heartbeat(keys: Any) -> None:
        if set(keys) == everybody:  # one beat for both of them: whoever opens is told of alone
            loop.call_soon_threadsafe(both.set)

    topics.register(
        topics.Topic("seen", authorise=lambda user: user.pk, render=lambda key, at: "x", heartbeat=heartbeat)
    )
    for user in (house.agent, house.teammate):
        await open_screen(user, path="/ws/seen/")
    await asyncio.wait_for(both.wait(), 10)
    topics._topics.pop("seen")


async def test_screens_are_shown_afresh_when_the_database_is_back(
    house: House, campaign: Campaign, open_screen: Opened, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What was committed in the instant in which it went was told to nobody."""
    monkeypatch.setattr(watch, "CHECK_S", 0.05)
    away = threading.Event()
    missed = asyncio.Event()
    loop, beat = asyncio.get_running_loop(), health.beat

    def pulse(**values: Any) -> None:
        if away.is_set():
            loop.call_soon_threadsafe(missed.set)
            raise OperationalError("connection refused")
        beat(**values)

    monkeypatch.setattr(health, "beat", pulse)
    session = await in_thread(factories.make_session, campaign, house.agent)
    screen = await open_screen(house.agent)
    assert 'data-state="ready"' in await screen.html()
    away.set()
    await asyncio.wait_for(missed.wait(), 10)
    await in_thread(lambda: AgentSession.objects.for_tenant(house.tenant).filter(pk=session.pk).update(state="paused"))
    away.clear()
    assert 'data-state="paused"' in await screen.html()
    assert await screen.receive_nothing(timeout=0.3), "once is enough"


@pytest.mark.slow
async def test_an_idle_socket_stays_open(house: House, open_screen: Opened) -> None:
    screen = await open_screen(house.agent)
    await screen.html()
    assert await screen.receive_nothing(timeout=15, interval=1)
    await in_thread(publish.changed, DESK, house.agent.pk, now())
    assert "data-at" in await screen.html()


@pytest.fixture
def own_redis(tmp_path: Path, settings: Any) -> Iterator[Redis]:
    """A Redis of the test's own, running."""
    made = Redis(tmp_path)
    layer = {"BACKEND": "dialer.live.layer.Layer"}
    settings.CHANNEL_LAYERS = {"default": {**layer, "CONFIG": {"hosts": [f"redis://127.0.0.1:{made.port}/0"]}}}
    made.start()
    yield made
    made.kill()


async def test_losing_redis_closes_screens_and_they_come_back_whole(
    house: House, campaign: Campaign, own_redis: Redis, open_screen: Opened
) -> None:
    await in_thread(factories.make_session, campaign, house.agent)
    screen = await open_screen(house.agent)
    await screen.html()
    await asyncio.to_thread(own_redis.kill)
    assert await screen.closed_with() == 1013
    await screen.disconnect()
    meanwhile = await in_thread(lambda: Screen(house.agent))
    await meanwhile.send_input({"type": "websocket.connect"})
    assert await meanwhile.closed_with() == 1013
    await asyncio.to_thread(own_redis.start)
    again = await open_screen(house.agent)
    assert 'data-state="ready"' in await again.html()
    await in_thread(publish.changed, DESK, house.agent.pk, now())
    assert "data-at" in await again.html()
