"""The FastAGI server: tells the dialplan what a number is that somebody called, when no dialer takes the call.

It reads, and writes nothing. Whoever asks in a way that cannot be answered in time, or at all, is let go without an
answer; the dialplan then plays its default message.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable

from .protocol import LINE_LIMIT, LINES_LIMIT, parse, set_variable, succeeded

log = logging.getLogger(__name__)

SCRIPT, VARIABLE = "did", "CORDBOARD_QUEUE"
ASK_WITHIN_S, LOOK_WITHIN_S = 3.0, 2.0
AT_ONCE = 50
"""Connections that are served at a time; more are closed at once, so that nothing piles up."""
BIND_AGAIN_S = 5.0

LookUp = Callable[[str], str]
"""From what was dialed to the word that the dialplan knows: open, closed, unknown. It may block and raise."""


class Server:
    """Serves until cancelled."""

    def __init__(self, look_up: LookUp) -> None:
        self._look_up = look_up
        self._serving: set[asyncio.Task[None]] = set()
        self.port = 0
        """Where it listens, once it does."""

    async def run(self, host: str, port: int) -> None:
        """Listen; an address that is taken is tried again, since another one may serve it meanwhile."""
        while True:
            try:
                server = await asyncio.start_server(self._accept, host, port, limit=LINE_LIMIT)
                break
            except OSError as error:
                log.warning("cannot listen on %s port %d (%s); trying again", host, port, error.strerror)
                await asyncio.sleep(BIND_AGAIN_S)
        self.port = server.sockets[0].getsockname()[1]
        log.info("listening on %s port %d", host, self.port)
        async with server:
            try:
                await server.serve_forever()
            finally:
                for task in self._serving:
                    task.cancel()
                await asyncio.gather(*self._serving, return_exceptions=True)

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        if len(self._serving) >= AT_ONCE:
            log.warning("more than %d questions at a time; one is not answered", AT_ONCE)
            writer.close()
            return
        self._serving.add(task)
        try:
            await self._serve(reader, writer)
        except (TimeoutError, ConnectionError, ValueError, asyncio.IncompleteReadError) as error:
            log.info("a question was not answered (%s)", type(error).__name__)
        except Exception:
            log.exception("a question was not answered")
        finally:
            self._serving.discard(task)
            writer.close()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        async with asyncio.timeout(ASK_WITHIN_S):
            request = parse(await _lines(reader))
        if request.get("network_script") != SCRIPT or "extension" not in request:
            return
        async with asyncio.timeout(LOOK_WITHIN_S):
            word = await asyncio.to_thread(self._look_up, request["extension"])
        writer.write(set_variable(VARIABLE, word))
        async with asyncio.timeout(ASK_WITHIN_S):
            await writer.drain()
            if not succeeded(await reader.readline()):
                log.warning("Asterisk did not take the answer")


async def _lines(reader: asyncio.StreamReader) -> list[bytes]:
    """The lines up to an empty one. Raises ValueError for one that is too long, or when there are too many."""
    lines: list[bytes] = []
    while len(lines) < LINES_LIMIT:
        line = await reader.readline()
        if not line.strip():
            return lines
        lines.append(line)
    raise ValueError("too many lines")
