"""One queue and one worker per call (or agent): what concerns one is done in order, different ones at the same time."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from typing import Generic, TypeVar

from .lead import LeadershipLost

K = TypeVar("K")
M = TypeVar("M")

log = logging.getLogger(__name__)


class Mailboxes(Generic[K, M]):
    """Boxes that are made by their first message and vanish when they are empty."""

    def __init__(self, handle: Callable[[K, M], Awaitable[None]]) -> None:
        self._handle = handle
        self._boxes: dict[K, asyncio.Queue[M]] = {}
        self._workers: set[asyncio.Task[None]] = set()
        self._closed = False

    def put(self, key: K, message: M) -> None:
        """Add a message to a box; it is handled after those before it. Dropped after `close`."""
        if self._closed:
            return
        box = self._boxes.get(key)
        if box is None:
            box = self._boxes[key] = asyncio.Queue()
            worker = asyncio.create_task(self._work(key, box), name=f"mailbox {key}")
            self._workers.add(worker)
            worker.add_done_callback(self._workers.discard)
        box.put_nowait(message)

    def busy(self, key: K) -> bool:
        """Whether messages of this box are waiting or being handled."""
        return key in self._boxes

    def __len__(self) -> int:
        return len(self._boxes)

    def waiting(self) -> int:
        """How many messages wait in all boxes."""
        return sum(box.qsize() for box in self._boxes.values())

    async def _work(self, key: K, box: asyncio.Queue[M]) -> None:
        while True:
            message = await box.get()
            try:
                await self._handle(key, message)
            except LeadershipLost:
                pass  # another does it
            except Exception:
                log.exception("a message to %s was not handled", key)
            if box.empty():
                # Nothing awaited between this test and the removal, so no message can be put into a box without worker.
                del self._boxes[key]
                return

    async def close(self, patience: float) -> None:
        """Take no more messages, wait up to `patience` seconds for those taken, then cancel."""
        self._closed = True
        if self._workers:
            await asyncio.wait(self._workers, timeout=patience)
        for worker in list(self._workers):
            worker.cancel()
        await asyncio.gather(*self._workers, return_exceptions=True)
