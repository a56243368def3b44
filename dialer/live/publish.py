"""Telling screens that something changed: after commit, without waiting, and never at the price of the caller.

A message names a topic and the moment of the cause; whoever shows the topic renders it afresh from the database, so
a lost, late or doubled message costs a moment and never truth. Sending happens on one loop of the process, in a
thread of its own, because callers are threads and loops of every kind.
"""

from __future__ import annotations

import asyncio
import atexit
import logging
import threading
from datetime import datetime

from channels.layers import get_channel_layer
from django.db import transaction

log = logging.getLogger(__name__)


def group_of(topic: str, key: object) -> str:
    """The channel layer's group of a topic, e.g. desk.7."""
    return f"{topic}.{key}"


def changed(topic: str, key: object, at: datetime) -> None:
    """Tell everyone who shows `topic` of `key` that it changed, once the current transaction commits."""
    message = {"type": "live.changed", "at": at.isoformat()}
    # robust: what has been committed must not look like a failure because a screen could not be told
    transaction.on_commit(lambda: _publisher.send(group_of(topic, key), message), robust=True)


def tell(topic: str, key: object, html: str) -> None:
    """Send a fragment of its own to everyone who shows `topic` of `key`, once the current transaction commits.

    Whoever is not there misses it: what must not be missed is a row, too, and read when the page opens its socket.
    """
    message = {"type": "live.told", "html": html}
    transaction.on_commit(lambda: _publisher.send(group_of(topic, key), message), robust=True)


class _Publisher:
    """One event loop in one daemon thread, started by the first message."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._well = True

    def send(self, group: str, message: dict[str, str]) -> None:
        asyncio.run_coroutine_threadsafe(self._send(group, message), self._running_loop())

    async def _send(self, group: str, message: dict[str, str]) -> None:
        layer = get_channel_layer()
        try:
            async with asyncio.timeout(2):
                await layer.group_send(group, message)
        except Exception as error:  # losing the channel layer costs screens a moment, nothing else
            if self._well:
                log.warning(
                    "screens are not told of changes (%s) until the channel layer is back", type(error).__name__
                )
            self._well = False
        else:
            if not self._well:
                log.warning("screens are told of changes again")
            self._well = True

    def _running_loop(self) -> asyncio.AbstractEventLoop:
        with self._lock:
            if self._loop is None:
                self._loop = asyncio.new_event_loop()
                threading.Thread(target=self._loop.run_forever, name="live-publisher", daemon=True).start()
                atexit.register(self.close)
            return self._loop

    def close(self) -> None:
        """Stop the loop; messages not sent by then are dropped."""
        with self._lock:
            if self._loop is not None:
                self._loop.call_soon_threadsafe(self._loop.stop)
                self._loop = None


_publisher = _Publisher()
