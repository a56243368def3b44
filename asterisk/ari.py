"""A thin client of Asterisk's REST interface (ARI): requests with typed errors, and the event WebSocket with reconnect.

No request is ever sent twice by this client: whether one that got no answer was carried out is for the caller to find
out.
"""

from __future__ import annotations

import asyncio
import json
import logging
import random
from collections.abc import Callable, Mapping
from typing import Any
from urllib.parse import quote

import aiohttp

from dialer.telephony.port import Guard, unguarded

log = logging.getLogger(__name__)

REQUEST_TIMEOUT = aiohttp.ClientTimeout(total=5.0, connect=2.0)
HEARTBEAT_S = 4.0
"""A WebSocket that does not answer a ping within half of this is given up."""
FIRST_PAUSE_S, LONGEST_PAUSE_S = 0.2, 5.0
REPLACED_PAUSE_S = 15.0
"""Another client took the application over; two that fight for it would cut each other off without end."""

Event = dict[str, Any]


class AriError(Exception):
    """Asterisk answered with an error status."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(f"{status} {message}")
        self.status = status
        self.message = message


class AriUnreachable(Exception):
    """No answer (in time); the request may or may not have been carried out."""


class Ari:
    """One Asterisk. `run` must be running for requests to be possible; all methods belong to its event loop."""

    def __init__(self, url: str, user: str, password: str, app: str, guard: Guard = unguarded) -> None:
        """`guard` is asked right before each request and connection."""
        self._guard = guard
        self._url, self._app = url, app
        self._headers = {"Authorization": aiohttp.encode_basic_auth(user, password, encoding="utf-8")}
        self._http: aiohttp.ClientSession | None = None

    async def run(
        self, on_event: Callable[[Event], None], on_up: Callable[[], None], on_down: Callable[[str], None]
    ) -> None:
        """Hold the event WebSocket for ever, reconnecting; returns only by cancellation.

        `on_up` is called when the application is registered, `on_down(reason)` when it no longer is (not while a
        first try fails), `on_event` with each event in between. Events of the time in between two connections are
        lost: Asterisk keeps none.
        """
        pause = FIRST_PAUSE_S
        connector = aiohttp.TCPConnector(limit=64, keepalive_timeout=30)
        http = aiohttp.ClientSession(headers=self._headers, connector=connector, timeout=REQUEST_TIMEOUT)
        async with http as self._http:
            try:
                while True:
                    await self._guard()  # a connection of ours would end that of who leads now
                    lasted, reason, wait = await self._listen(on_event, on_up)
                    if lasted:
                        on_down(reason)
                        pause = FIRST_PAUSE_S
                    log.warning("ARI: %s; trying again", reason)
                    await asyncio.sleep(wait or pause * random.uniform(0.7, 1.3))
                    pause = min(pause * 2, LONGEST_PAUSE_S)
            finally:
                self._http = None

    async def _listen(self, on_event: Callable[[Event], None], on_up: Callable[[], None]) -> tuple[bool, str, float]:
        """One connection, to its end.

        Whether it was up, why it ended, and how long to wait at least before the next.
        """
        assert self._http is not None
        up = False
        try:
            async with self._http.ws_connect(
                f"{self._url}/events",
                params={"app": self._app, "subscribeAll": "false"},
                heartbeat=HEARTBEAT_S,
                max_msg_size=0,
            ) as socket:
                up = True
                on_up()
                async for message in socket:
                    if message.type is not aiohttp.WSMsgType.TEXT or (event := decode(message.data)) is None:
                        continue
                    if event.get("type") == "ApplicationReplaced":
                        return up, "another client took the application over", REPLACED_PAUSE_S
                    on_event(event)
                return up, "the event connection was closed", 0.0
        except aiohttp.WSServerHandshakeError as error:
            hint = " (ASTERISK_ARI_USER, ASTERISK_ARI_PASSWORD?)" if error.status in (401, 403) else ""
            return up, f"Asterisk refused the event connection with status {error.status}{hint}", 0.0
        except (aiohttp.ClientError, OSError, TimeoutError) as error:
            return up, f"no event connection: {type(error).__name__}", 0.0

    async def request(
        self, method: str, path: str, *, params: Mapping[str, str] | None = None, body: object = None
    ) -> Any:
        """One REST request; the decoded answer, None when it is empty. Raises AriError, AriUnreachable."""
        await self._guard()
        if self._http is None:
            raise AriUnreachable("not connected")
        try:
            async with self._http.request(method, self._url + path, params=params, json=body) as answer:
                text = await answer.text()
        except (aiohttp.ClientError, OSError, TimeoutError) as error:
            raise AriUnreachable(f"{method} got no answer: {type(error).__name__}") from error
        if answer.status >= 300:
            raise AriError(answer.status, message_of(text))
        try:
            return json.loads(text) if text else None
        except ValueError as error:
            raise AriUnreachable(f"{method} was answered with something that is not JSON") from error


def part(text: str) -> str:
    """One part of a path, quoted so that it can be no more than that."""
    return quote(text, safe="")


def decode(text: str) -> Event | None:
    """An event from its JSON text; None when it is none."""
    try:
        event = json.loads(text)
    except ValueError:
        return None
    return event if isinstance(event, dict) else None


def message_of(text: str) -> str:
    """What an error body says."""
    body = decode(text)
    if body is None:
        return text[:200]
    return str(body.get("message") or body.get("error") or "")[:200]
