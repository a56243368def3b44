"""The way of the browser phones' SIP to the switch: a socket of our own site, passed on to Asterisk's.

So the phone needs no second certificate and no second open port, Asterisk's web server stays inside, and only somebody
who is signed in and works with a browser phone reaches it. Sound does not come this way.
"""

from __future__ import annotations

import asyncio
import logging
from typing import Any

import aiohttp
from channels.generic.websocket import AsyncWebsocketConsumer
from django.conf import settings

from dialer.live.threads import in_thread

from .phone import browser_session

log = logging.getLogger(__name__)

SIP = "sip"
"""The subprotocol of RFC 7118."""
CONNECT_LIMIT_S = 5.0
LONGEST_MESSAGE = 65_536
NOT_SIGNED_IN, REFUSED, TRY_AGAIN_LATER = 4401, 4403, 1013


class PhoneSocket(AsyncWebsocketConsumer):
    """One browser phone's connection."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._http: aiohttp.ClientSession | None = None
        self._switch: aiohttp.ClientWebSocketResponse | None = None
        self._reader: asyncio.Task[None] | None = None

    async def connect(self) -> None:
        """Check who it is, reach the switch, then accept."""
        user = self.scope["user"]
        if SIP not in self.scope["subprotocols"]:
            await self.close(REFUSED)
            return
        if not user.is_authenticated or user.tenant_id is None:
            await self.accept(SIP)
            await self.close(NOT_SIGNED_IN)
            return
        if await in_thread(browser_session, user) is None:
            await self.accept(SIP)
            await self.close(REFUSED)
            return
        self._http = aiohttp.ClientSession()
        try:
            async with asyncio.timeout(CONNECT_LIMIT_S):
                self._switch = await self._http.ws_connect(
                    settings.PHONE_SOCKET_UPSTREAM, protocols=[SIP], max_msg_size=LONGEST_MESSAGE
                )
        except (aiohttp.ClientError, OSError, TimeoutError) as error:
            log.warning("a browser phone found no switch (%s)", type(error).__name__)
            await self.accept(SIP)
            await self.close(TRY_AGAIN_LATER)
            return
        await self.accept(SIP)
        self._reader = asyncio.get_running_loop().create_task(self._read(self._switch), name="phone-socket")

    async def receive(self, text_data: str | None = None, bytes_data: bytes | None = None) -> None:
        """Pass on what the phone says."""
        if self._switch is None or self._switch.closed:
            return
        try:
            if text_data is not None:
                await self._switch.send_str(text_data)
            elif bytes_data is not None:
                await self._switch.send_bytes(bytes_data)
        except (aiohttp.ClientError, OSError):
            await self.close(TRY_AGAIN_LATER)

    async def disconnect(self, code: int) -> None:
        """Leave nothing behind."""
        if self._reader is not None:
            self._reader.cancel()
            await asyncio.gather(self._reader, return_exceptions=True)
        if self._switch is not None:
            await self._switch.close()
        if self._http is not None:
            await self._http.close()

    async def _read(self, switch: aiohttp.ClientWebSocketResponse) -> None:
        async for message in switch:
            if message.type is aiohttp.WSMsgType.TEXT:
                await self.send(text_data=message.data)
            elif message.type is aiohttp.WSMsgType.BINARY:
                await self.send(bytes_data=message.data)
        await self.close(TRY_AGAIN_LATER)
