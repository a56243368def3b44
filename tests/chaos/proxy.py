"""TCP proxies between the product and a server, so that a test can cut, freeze, refuse or slow down one connection.

A proxy lives on a loop in a thread of its own: what the floor's people do must not make the database slow.
"""

from __future__ import annotations

import asyncio
import contextlib
import threading
from collections.abc import Callable, Coroutine
from typing import Any, TypeVar

T = TypeVar("T")


class Loop:
    """An event loop in a daemon thread, on which proxies live."""

    def __init__(self, name: str = "proxies") -> None:
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name=name, daemon=True)
        self._thread.start()

    def do(self, work: Coroutine[Any, Any, T], within_s: float = 15.0) -> T:
        """Run something there and wait for it."""
        return asyncio.run_coroutine_threadsafe(work, self._loop).result(within_s)

    def close(self) -> None:
        """End the thread."""
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(5)


class Proxy:
    """Passes connections on. Everything belongs to the loop that runs `start`, except where it says so."""

    def __init__(self, host: str, port: int) -> None:
        self._target = host, port
        self._open: set[asyncio.StreamWriter] = set()
        self._server: asyncio.Server | None = None
        self._tasks: set[asyncio.Task[None]] = set()
        self._flows = asyncio.Event()
        self._flows.set()
        self.accepted = 0
        self.delay_s = 0.0
        """How long each packet waits, in each direction; may be set from any thread."""
        self.refuses = False
        """New connections are ended at once; may be set from any thread."""
        self.answers: Callable[[bytes], bytes] = bytes
        """What becomes of what the server says."""

    async def start(self) -> int:
        """Listen on a free port of loopback; the port."""
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        return int(self._server.sockets[0].getsockname()[1])

    async def cut(self) -> int:
        """Break every connection at once, as a cable would; how many there were."""
        cut = len(self._open)
        for writer in list(self._open):
            writer.transport.abort()
        return cut

    async def freeze(self) -> None:
        """Nothing comes through any more, and nobody is told: connections stay open, new ones are accepted."""
        self._flows.clear()

    async def thaw(self) -> None:
        """What was held back comes through, and all that follows."""
        self._flows.set()

    async def close(self) -> None:
        """Stop listening and end what is open."""
        if self._server is not None:
            self._server.close()
        self._flows.set()
        await self.cut()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if self.refuses:
            writer.transport.abort()
            return
        try:
            far_reader, far_writer = await asyncio.open_connection(*self._target)
        except OSError:
            writer.transport.abort()
            return
        self.accepted += 1
        ends = {writer, far_writer}
        self._open |= ends
        task = asyncio.current_task()
        assert task is not None
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        await asyncio.gather(self._pass(reader, far_writer, bytes), self._pass(far_reader, writer, self.answers))
        self._open -= ends

    async def _pass(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, change: Callable[[bytes], bytes]
    ) -> None:
        """Pass on until one side ends; then the other side ends too."""
        with contextlib.suppress(OSError):
            while data := await reader.read(65536):
                await self._flows.wait()
                if self.delay_s:
                    await asyncio.sleep(self.delay_s)
                writer.write(change(data))
                await writer.drain()
        writer.transport.abort()
