"""One task per event loop that looks after all open screens: tells topics who is looking, and notices a lost Redis.

Screens learn of changes through the channel layer alone. When it is gone they would go stale without a sign, so
they are closed with "try again later"; pages then say that they are reconnecting, and come back whole.
"""

from __future__ import annotations

import asyncio
import logging
from collections import defaultdict
from typing import TYPE_CHECKING, Any
from weakref import WeakKeyDictionary

from channels.layers import get_channel_layer

from .threads import in_thread
from .topics import Topic

if TYPE_CHECKING:
    from .consumer import ScreenConsumer

log = logging.getLogger(__name__)

HEARTBEAT_S = 10.0
CHECK_S = 2.0
"""How often the way through the channel layer is tried, and how long the try may take."""


class Watch:
    """The open screens of one event loop. The task lives as long as there is one."""

    def __init__(self) -> None:
        self._screens: set[ScreenConsumer] = set()
        self._task: asyncio.Task[None] | None = None

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
            self._task = None

    async def _run(self) -> None:
        clock = asyncio.get_running_loop().time
        channel: str | None = None
        next_beat = clock() + HEARTBEAT_S
        while True:
            await asyncio.sleep(CHECK_S)
            try:
                channel = await self._there_and_back(channel)
            except Exception as error:
                log.warning("the channel layer is gone (%s); screens are asked to reconnect", type(error).__name__)
                channel = None
                await self._close_all()
            if clock() >= next_beat:
                next_beat = clock() + HEARTBEAT_S
                await self._beat()

    async def _there_and_back(self, channel: str | None) -> str:
        layer = get_channel_layer()
        async with asyncio.timeout(CHECK_S):
            channel = channel or await layer.new_channel()
            await layer.send(channel, {"type": "live.check"})
            await layer.receive(channel)
        return channel

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


_watches: WeakKeyDictionary[asyncio.AbstractEventLoop, Watch] = WeakKeyDictionary()


def watch() -> Watch:
    """The watch of the running loop."""
    return _watches.setdefault(asyncio.get_running_loop(), Watch())
