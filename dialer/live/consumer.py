"""A screen's socket: it shows one topic, whole at the start and again after every change."""

from __future__ import annotations

import asyncio
import logging
import time
from typing import Any

from channels.generic.websocket import AsyncWebsocketConsumer
from django.db import Error as DatabaseError
from redis.exceptions import RedisError

from dialer.core.language import speaking

from . import topics
from .publish import group_of
from .threads import in_thread
from .watch import watch

log = logging.getLogger(__name__)

NOT_SIGNED_IN = 4401
REFUSED = 4403
NO_SUCH_TOPIC = 4404
TRY_AGAIN_LATER = 1013
JOIN_LIMIT_S = 3.0


class ScreenConsumer(AsyncWebsocketConsumer):
    """One user's view of one topic.

    At most one render is under way; changes that arrive meanwhile cause exactly one more, which carries the
    earliest of their times. Whatever cannot be shown now closes the socket with 1013, and the page comes back.
    """

    topic: topics.Topic | None = None
    key: object = None

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._showing: asyncio.Task[None] | None = None
        self._again = False
        self._cause = ""
        self._heard: float | None = None
        self._closed = False

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        """Serve one socket; a channel layer that is gone when it opens is no error of ours."""
        try:
            await super().__call__(scope, receive, send)
        except (RedisError, OSError) as error:
            log.warning("a screen could not open: %s", type(error).__name__)
            await send({"type": "websocket.close", "code": TRY_AGAIN_LATER})

    async def connect(self) -> None:
        """Authorise, join the topic's group, then show everything afresh."""
        await self.accept()
        topic = topics.find(self.scope["url_route"]["kwargs"]["topic"])
        user = self.scope["user"]
        if topic is None:
            await self.close(NO_SUCH_TOPIC)
            return
        if not user.is_authenticated:
            await self.close(NOT_SIGNED_IN)
            return
        try:
            self.key = await in_thread(topic.key_for, user, self.scope["url_route"]["kwargs"].get("wanted"))
            async with asyncio.timeout(JOIN_LIMIT_S):
                await self.channel_layer.group_add(group_of(topic.name, self.key), self.channel_name)
        except topics.Refused:
            await self.close(REFUSED)
            return
        except topics.NoSuch:
            await self.close(NO_SUCH_TOPIC)
            return
        except (RedisError, OSError, DatabaseError) as error:
            log.warning("a screen could not join its topic: %s", type(error).__name__)
            await self.close(TRY_AGAIN_LATER)
            return
        self.topic = topic
        watch().add(self)
        self._show("")
        if topic.heartbeat is not None:
            await in_thread(topic.heartbeat, [self.key])

    async def disconnect(self, code: int) -> None:
        """Leave the group and end what is under way."""
        self._closed = True
        watch().discard(self)
        if self._showing is not None:
            self._showing.cancel()
            await asyncio.gather(self._showing, return_exceptions=True)
        if self.topic is not None:
            try:
                async with asyncio.timeout(JOIN_LIMIT_S):
                    await self.channel_layer.group_discard(group_of(self.topic.name, self.key), self.channel_name)
            except (RedisError, OSError) as error:
                log.warning("a screen could not leave its topic: %s", type(error).__name__)

    async def receive(self, text_data: str | None = None, bytes_data: bytes | None = None) -> None:
        """Screens only listen; a "?" asks whether the line is alive and gets an empty answer, all else is dropped."""
        if text_data == "?" and not self._closed:
            await self.send("")

    async def live_changed(self, message: dict[str, str]) -> None:
        """The channel layer says that the topic changed."""
        if self._heard is None:
            self._heard = time.monotonic()
        self._show(message["at"])

    async def live_told(self, message: dict[str, str]) -> None:
        """The channel layer brings a fragment for whoever shows this topic."""
        if not self._closed:
            await self.send(message["html"])

    def show_afresh(self) -> None:
        """Show everything as it is now: something changed that the topic's own messages do not tell."""
        self._show("")

    async def try_again_later(self) -> None:
        """Ask the page to reconnect, because nothing can be shown now."""
        if not self._closed:
            self._closed = True
            await self.close(TRY_AGAIN_LATER)

    def _show(self, at: str) -> None:
        if self._closed:
            return
        self._cause = min(filter(None, (self._cause, at)), default="")
        if self._showing is not None and not self._showing.done():
            self._again = True
            return
        self._showing = asyncio.get_running_loop().create_task(self._show_until_current(), name="live-show")

    def _rendered(self, cause: str) -> str:
        """The topic as its viewer reads it."""
        assert self.topic is not None
        with speaking(self.scope["user"].language):
            return self.topic.render(self.key, cause)

    async def _show_until_current(self) -> None:
        assert self.topic is not None
        while True:
            cause, self._cause, self._again = self._cause, "", False
            heard, self._heard = self._heard, None
            try:
                html = await in_thread(self._rendered, cause)
            except topics.Refused:
                await self.close(REFUSED)
                return
            except Exception:
                log.exception("a screen of %s could not be rendered", self.topic.name)
                await self.try_again_later()
                return
            await self.send(html)
            if heard is not None:
                watch().lags.note(time.monotonic() - heard)
            if not self._again:
                return
