"""One task per event loop that looks after all open screens: tells topics who is looking, and notices a lost Redis.

Screens learn of changes through the channel layer alone. When it is gone, or was gone for an instant, changes are
lost without a sign, so all screens are closed with "try again later"; pages then say that they are reconnecting,
and come back whole. A connection of our own that breaks tells at once; a message to ourselves tells whether the
layer still carries anything.
"""

from __future__ import annotations

import asyncio
import logging
from collections import defaultdict
from typing import TYPE_CHECKING, Any
from weakref import WeakKeyDictionary

from channels.layers import get_channel_layer
from django.conf import settings
from redis.asyncio import Redis
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import RedisError

from dialer.core import health

from .threads import in_thread
from .topics import Topic

if TYPE_CHECKING:
    from .consumer import ScreenConsumer

log = logging.getLogger(__name__)

HEARTBEAT_S = 10.0
CHECK_S = 2.0
"""How often the way through the channel layer is tried, and how long each of two tries may take."""
_NEVER_FILLED = "cordboard:live:watch"


class Watch:
    """The open screens of one event loop. The task lives as long as there is one."""

    def __init__(self) -> None:
        self._screens: set[ScreenConsumer] = set()
        self._task: asyncio.Task[None] | None = None
        self._channel: str | None = None
        self._name = health.process_name(health.WEB)
        self._switch_down: bool | None = None
        self._database_down = False
        self.lags = health.Lags()
        """How long after they heard of a change screens were sent it."""

    def add(self, screen: ScreenConsumer) -> None:
        """Look after a screen from now on."""
        self._screens.add(screen)
        if self._task is None or self._task.done():
            self._task = asyncio.get_running_loop().create_task(self._run(), name="live-watch")

    def discard(self, screen: ScreenConsumer) -> None:
        """Forget a screen; the last one ends the task."""
        self._screens.discard(screen)
        if not self._screens and self._task is not None:
            self._task.cancel()
            self._task = self._switch_down = None

    async def _run(self) -> None:
        while True:
            try:
                async with _redis() as client:
                    await self._while_it_lasts(client)
            except (RedisError, OSError) as error:
                log.warning("the channel layer is gone (%s); screens are asked to reconnect", type(error).__name__)
                await self._close_all()
                await asyncio.sleep(CHECK_S)

    async def _while_it_lasts(self, client: Redis) -> None:
        """Return never; raise as soon as Redis or the way through it is gone."""
        clock = asyncio.get_running_loop().time
        next_beat = clock() + HEARTBEAT_S
        await self._pulse()
        await self._look_at_switch()
        while True:
            # Waits its time out on the connection itself, so that a break is noticed when it happens.
            await client.blpop([_NEVER_FILLED], timeout=CHECK_S)
            await self._there_and_back()
            await self._pulse()
            await self._look_at_switch()
            if clock() >= next_beat:
                next_beat = clock() + HEARTBEAT_S
                await self._beat()

    async def _pulse(self) -> None:
        """Say how late screens are; who dials looks at it."""
        data = {"screens": len(self._screens)}
        try:
            await in_thread(lambda: health.beat(name=self._name, kind=health.WEB, lag_ms=self.lags.p99_ms(), data=data))
        except Exception as error:
            self._database_down = True
            log.warning("how late screens are was not noted: %s", type(error).__name__)
            return
        came_back, self._database_down = self._database_down, False
        if came_back:  # what was committed as it went was told to nobody
            self._show_afresh()

    def _show_afresh(self, of_switch: bool = False) -> None:
        """Show all screens as things are now; `of_switch`: those that show whether the switch is there."""
        for screen in list(self._screens):
            if screen.topic is not None and (screen.topic.of_switch or not of_switch):
                screen.show_afresh()

    async def _look_at_switch(self) -> None:
        """Show afresh what shows whether the switch is there, when it went or came back."""
        try:
            down = await in_thread(health.switch_is_down)
        except Exception as error:
            log.warning("whether the switch is there is not known: %s", type(error).__name__)
            return
        before, self._switch_down = self._switch_down, down
        if before is None or before == down:
            return
        self._show_afresh(of_switch=True)

    async def _there_and_back(self) -> None:
        try:
            await self._round_trip()
        except TimeoutError:
            # The first message on a fresh subscription may overtake it; the second cannot.
            await self._round_trip()

    async def _round_trip(self) -> None:
        layer = get_channel_layer()
        async with asyncio.timeout(CHECK_S):
            if self._channel is None:
                self._channel = await layer.new_channel()
            channel, self._channel = self._channel, None
            await layer.send(channel, {"type": "live.check"})
            await layer.receive(channel)
            self._channel = channel

    async def _close_all(self) -> None:
        for screen in list(self._screens):
            await screen.try_again_later()

    async def _beat(self) -> None:
        keys: dict[Topic, list[Any]] = defaultdict(list)
        for screen in self._screens:
            if screen.topic is not None and screen.topic.heartbeat is not None:
                keys[screen.topic].append(screen.key)
        for topic, seen in keys.items():
            assert topic.heartbeat is not None
            try:
                await in_thread(topic.heartbeat, seen)
            except Exception as error:
                log.warning("the heartbeat of %s failed: %s", topic.name, type(error).__name__)


def _redis() -> Redis:
    """A connection to the channel layer's Redis that does not hide a break by reconnecting."""
    layer: Any = settings.CHANNEL_LAYERS["default"]
    address = layer["CONFIG"]["hosts"][0]
    return Redis.from_url(address, retry=Retry(NoBackoff(), 0), single_connection_client=True)


_watches: WeakKeyDictionary[asyncio.AbstractEventLoop, Watch] = WeakKeyDictionary()


def watch() -> Watch:
    """The watch of the running loop."""
    return _watches.setdefault(asyncio.get_running_loop(), Watch())
