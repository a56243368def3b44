"""A proxy between the switchboard and ARI that understands events: it doubles, delays and re-orders them."""

from __future__ import annotations

import asyncio
import random
import re
from contextlib import suppress
from datetime import datetime, timedelta

import aiohttp
from aiohttp import web

LATEST_S = 1.5
"""How late a disturbed event may come: longer than what follows it takes, so that their order changes."""
_TIMESTAMP = re.compile(r'("timestamp":\s*")([^"]+)(")')
_HOP_BY_HOP = frozenset({"host", "connection", "transfer-encoding", "content-length", "content-encoding", "upgrade"})


class AriProxy:
    """Requests pass as they are. Everything belongs to the loop that runs `start`, except `disturbs`."""

    def __init__(self, base: str, seed: int) -> None:
        """`base` is Asterisk's own address, e.g. http://127.0.0.1:8088."""
        self._base = base
        self._chance = random.Random(f"events {seed}")
        self._runner: web.AppRunner | None = None
        self._http: aiohttp.ClientSession | None = None
        self._late: set[asyncio.Task[None]] = set()
        self._sockets: set[web.WebSocketResponse] = set()
        self.disturbs = False
        """Whether events are doubled, delayed and re-ordered; may be set from any thread."""
        self.disturbed = 0
        self.offset_s = 0.0
        """How far the clock that Asterisk's events tell is off: it is stepped with ours; may be set from any thread."""

    async def start(self) -> int:
        """Listen on a free port of loopback; the port."""
        self._http = aiohttp.ClientSession(auto_decompress=False, connector=aiohttp.TCPConnector(limit=0))
        application = web.Application()
        application.router.add_route("GET", "/ari/events", self._events)
        application.router.add_route("*", "/{path:.*}", self._request)
        self._runner = web.AppRunner(application, access_log=None)
        await self._runner.setup()
        site = web.TCPSite(self._runner, "127.0.0.1", 0, shutdown_timeout=0.5)
        await site.start()
        return int(self._runner.addresses[0][1])

    async def cut(self) -> int:
        """Drop the event sockets, as a network would; how many there were."""
        sockets = list(self._sockets)
        for socket in sockets:
            if socket._req is not None and socket._req.transport is not None:
                socket._req.transport.abort()
        return len(sockets)

    async def close(self) -> None:
        """Stop listening and end what is open."""
        for task in list(self._late):
            task.cancel()
        if self._runner is not None:
            await self._runner.cleanup()
        if self._http is not None:
            await self._http.close()

    async def _request(self, request: web.Request) -> web.Response:
        assert self._http is not None
        headers = {name: value for name, value in request.headers.items() if name.lower() not in _HOP_BY_HOP}
        body = await request.read()
        try:
            async with self._http.request(
                request.method, self._base + request.raw_path, headers=headers, data=body or None
            ) as answer:
                kept = {name: value for name, value in answer.headers.items() if name.lower() not in _HOP_BY_HOP}
                return web.Response(status=answer.status, headers=kept, body=await answer.read())
        except (aiohttp.ClientError, OSError):
            if request.transport is not None:
                request.transport.abort()  # as if nobody listened, which is so
            return web.Response(status=502)

    async def _events(self, request: web.Request) -> web.StreamResponse:
        assert self._http is not None
        headers = {"Authorization": request.headers.get("Authorization", "")}
        try:
            far = await self._http.ws_connect(
                self._base + request.raw_path, headers=headers, max_msg_size=0, autoping=True
            )
        except aiohttp.WSServerHandshakeError as error:
            return web.Response(status=error.status)
        except (aiohttp.ClientError, OSError):
            return web.Response(status=502)
        near = web.WebSocketResponse(max_msg_size=0, compress=False)
        await near.prepare(request)
        self._sockets.add(near)
        listening = asyncio.create_task(self._until_closed(near, far))
        try:
            async for message in far:
                if message.type is aiohttp.WSMsgType.TEXT:
                    await self._tell(near, message.data)
        except (ConnectionError, aiohttp.ClientError):
            pass
        finally:
            self._sockets.discard(near)
            listening.cancel()
            await far.close()
            with suppress(ConnectionError, RuntimeError):
                await near.close()
        return near

    @staticmethod
    async def _until_closed(near: web.WebSocketResponse, far: aiohttp.ClientWebSocketResponse) -> None:
        async for _ in near:  # the client says nothing; its pings are answered here
            pass
        await far.close()

    def _stepped(self, text: str) -> str:
        """The event with its time on the stepped clock."""

        def later(found: re.Match[str]) -> str:
            moment = datetime.fromisoformat(found[2]) + timedelta(seconds=self.offset_s)
            return f"{found[1]}{moment.isoformat(timespec='milliseconds')}{found[3]}"

        return _TIMESTAMP.sub(later, text, count=1) if self.offset_s else text

    async def _tell(self, near: web.WebSocketResponse, text: str) -> None:
        text = self._stepped(text)
        if not self.disturbs:
            await near.send_str(text)
            return
        late, again = self._chance.random() < 0.3, self._chance.random() < 0.3
        self.disturbed += late or again
        if late:
            self._later(near, text)
        else:
            await near.send_str(text)
        if again:
            self._later(near, text)

    def _later(self, near: web.WebSocketResponse, text: str) -> None:
        task = asyncio.create_task(self._send_after(self._chance.uniform(0.05, LATEST_S), near, text))
        self._late.add(task)
        task.add_done_callback(self._late.discard)

    @staticmethod
    async def _send_after(seconds: float, near: web.WebSocketResponse, text: str) -> None:
        await asyncio.sleep(seconds)
        with suppress(ConnectionError, RuntimeError):
            await near.send_str(text)
