"""A line between a browser and a site that a test can cut and mend, in the two ways in which lines are lost."""

from __future__ import annotations

import asyncio
import socket
import threading
from collections.abc import Coroutine, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit


@dataclass(eq=False)
class _Way:
    """One connection, there and back; a dead one carries nothing any more, without a word to either end."""

    dead: bool = False
    ends: list[asyncio.StreamWriter] = field(default_factory=list)


class Line:
    """A relay on a port of its own. What it cuts stays cut: who wants to go on must connect anew."""

    def __init__(self, to: str) -> None:
        self._to = urlsplit(to)
        self.loop = asyncio.new_event_loop()
        self._listening: socket.socket | None = None
        self._tasks: set[asyncio.Task[None]] = set()
        self._ways: set[_Way] = set()
        self._filling: list[socket.socket] = []
        self._port = 0

    @property
    def address(self) -> str:
        """Where browsers go."""
        return f"http://127.0.0.1:{self._port}"

    def fall_silent(self) -> None:
        """From now on nothing comes through, and nobody is told, as where a router loses its uplink.

        New connections are asked for in vain, too: the kernel drops what comes to a full queue, as a dead line does,
        and asks again for the browser, more and more seldom.
        """
        self.do(self._fall_silent())

    def refuse(self) -> None:
        """Close everything and take no connection, as where a server is gone."""
        self.do(self._refuse())

    def mend(self) -> None:
        """Take new connections and carry them."""
        self.do(self._mend())

    def do(self, what: Coroutine[Any, Any, None]) -> None:
        """Have it done in the line's own thread."""
        asyncio.run_coroutine_threadsafe(what, self.loop).result(10)

    async def close(self) -> None:
        """Close everything, and end what goes on."""
        await self._refuse()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _fall_silent(self) -> None:
        assert self._listening is not None
        self._stop_accepting()
        for way in self._ways:
            way.dead = True
        self._listening.listen(0)
        for _one in range(3):
            filling = socket.socket()
            filling.setblocking(False)
            with suppress(BlockingIOError):
                filling.connect(("127.0.0.1", self._port))
            self._filling.append(filling)

    async def _refuse(self) -> None:
        self._stop_accepting()
        if self._listening is not None:
            self._listening.close()
            self._listening = None
        for way in self._ways:
            for end in way.ends:
                end.close()

    async def _mend(self) -> None:
        while self._filling:
            self._filling.pop().close()
        if self._listening is None:
            self._listening = socket.socket()
            self._listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            self._listening.setblocking(False)
            self._listening.bind(("127.0.0.1", self._port))
            self._port = self._listening.getsockname()[1]
        self._listening.listen(64)
        self._begin(self._accept(self._listening), "accept")

    def _begin(self, what: Coroutine[Any, Any, None], name: str) -> None:
        task = self.loop.create_task(what, name=name)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    def _stop_accepting(self) -> None:
        for task in self._tasks:
            if task.get_name() == "accept":
                task.cancel()

    async def _accept(self, listening: socket.socket) -> None:
        while True:
            taken, _address = await self.loop.sock_accept(listening)
            self._begin(self._carry(taken), "carry")

    async def _carry(self, taken: socket.socket) -> None:
        way = _Way()
        self._ways.add(way)
        with suppress(OSError):
            try:
                reader, writer = await asyncio.open_connection(sock=taken)
                way.ends.append(writer)
                back, there = await asyncio.open_connection(self._to.hostname, self._to.port)
                way.ends.append(there)
                await asyncio.gather(_copy(way, reader, there), _copy(way, back, writer))
            finally:
                self._ways.discard(way)
                for end in way.ends:
                    end.close()


async def _copy(way: _Way, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with suppress(OSError):
        while data := await reader.read(65_536):
            if not way.dead:
                writer.write(data)
                await writer.drain()
    writer.close()


@contextmanager
def line_to(address: str) -> Iterator[Line]:
    """A line that works, until the end of the block."""
    line = Line(address)
    thread = threading.Thread(target=line.loop.run_forever, name="line", daemon=True)
    thread.start()
    try:
        line.mend()
        yield line
    finally:
        line.do(line.close())
        line.loop.call_soon_threadsafe(line.loop.stop)
        thread.join(10)
        line.loop.close()
