"""The agent desk as a robot uses it: the same addresses, forms and socket as a person's browser."""

from __future__ import annotations

import html
import re
import time
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import datetime
from types import TracebackType

import aiohttp
from yarl import URL

REQUEST_TIMEOUT = aiohttp.ClientTimeout(total=15)
HEARTBEAT_S = 20.0

_ROOT = re.compile(r"<main\b[^>]*\bid=\"desk\"[^>]*>")
_ATTRIBUTE = re.compile(r"([\w-]+)=\"([^\"]*)\"")
_MESSAGE = re.compile(r"<p(?![^>]*id=\"switch-down\")[^>]*role=\"alert\"[^>]*>(.*?)</p>", re.DOTALL)
"""What a deed was answered with; that the switch is down answers nothing."""
_TAG = re.compile(r"<[^>]*>")


class DeskError(Exception):
    """The desk could not be used: signing in failed, or an address answered with an error."""


@dataclass(frozen=True, slots=True)
class View:
    """What the desk shows, read from its fragment's root. Empty strings where it shows nothing."""

    state: str
    call: str = ""
    call_state: str = ""
    outcome: str = ""
    campaign: str = ""
    pause: str = ""
    leg: str = ""
    message: str = ""
    """What the desk told the agent, e.g. why something was refused."""
    at: datetime | None = None
    """When the event happened that caused this push; None when it was not caused by one."""
    received: float = 0.0
    """When it arrived here, epoch seconds."""

    @property
    def latency_ms(self) -> float | None:
        """From the event to its arrival here; None when no event caused it."""
        return None if self.at is None else (self.received - self.at.timestamp()) * 1000


def read_view(fragment: str, received: float) -> View | None:
    """Read the desk's fragment; None when it is something else."""
    root = _ROOT.search(fragment)
    if root is None:
        return None
    data = {name: html.unescape(value) for name, value in _ATTRIBUTE.findall(root[0])}
    said = _MESSAGE.search(fragment)
    at = data.get("data-at", "")
    return View(
        state=data.get("data-state", ""),
        call=data.get("data-call", ""),
        call_state=data.get("data-call-state", ""),
        outcome=data.get("data-outcome", ""),
        campaign=data.get("data-campaign", ""),
        pause=data.get("data-pause", ""),
        leg=data.get("data-leg", ""),
        message=html.unescape(_TAG.sub("", said[1])).strip() if said else "",
        at=datetime.fromisoformat(at) if at else None,
        received=received,
    )


class Desk:
    """One signed-in browser, so to say. Use it as `async with Desk(address) as desk`."""

    def __init__(self, address: str) -> None:
        """`address` is where the web listens, e.g. http://127.0.0.1:8000."""
        self._address = address.rstrip("/")
        # Cookies of plain addresses (127.0.0.1) are kept only by a jar that is told to.
        self._browser = aiohttp.ClientSession(
            cookie_jar=aiohttp.CookieJar(unsafe=True), timeout=REQUEST_TIMEOUT, headers={"Origin": self._address}
        )

    async def __aenter__(self) -> Desk:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()

    async def close(self) -> None:
        """Close the browser; the session on the server stays."""
        await self._browser.close()

    async def sign_in(self, username: str, password: str) -> None:
        """Sign in through the form. Raises DeskError when it is refused or the web is away."""
        try:
            async with self._browser.get(f"{self._address}/sign-in/") as page:
                page.raise_for_status()
            form = {"username": username, "password": password, "csrfmiddlewaretoken": self._cookie("csrftoken")}
            async with self._browser.post(f"{self._address}/sign-in/", data=form, allow_redirects=False) as answer:
                if answer.status != 302:
                    raise DeskError(f"signing in was answered with {answer.status}")
        except (aiohttp.ClientError, TimeoutError) as error:
            raise DeskError(f"the web cannot be reached: {type(error).__name__}") from error

    def use_session(self, session_key: str) -> None:
        """Take over a session that was made on the server, instead of signing in."""
        self._browser.cookie_jar.update_cookies({"sessionid": session_key}, URL(self._address))

    async def do(self, deed: str, **fields: str) -> View:
        """Press a button of the desk, e.g. `do("pause", code="BREAK")`; the desk as it is then. Raises DeskError."""
        url = f"{self._address}/desk/{deed}/"
        try:
            async with self._browser.post(
                url, data=fields, headers={"X-CSRFToken": await self._token()}, allow_redirects=False
            ) as answer:
                text = await answer.text()
        except (aiohttp.ClientError, TimeoutError) as error:
            raise DeskError(f"{deed}: the web cannot be reached: {type(error).__name__}") from error
        view = read_view(text, time.time()) if answer.status == 200 else None
        if view is None:
            raise DeskError(f"{deed} was answered with {answer.status}")
        return view

    async def pushes(self) -> AsyncIterator[View]:
        """What the server pushes to the page: the desk as it is, then changes. Raises DeskError; ends on a close."""
        url = f"{self._address.replace('http', 'ws', 1)}/ws/desk/"
        try:
            async with self._browser.ws_connect(url, heartbeat=HEARTBEAT_S, max_msg_size=2**20) as socket:
                async for message in socket:
                    received = time.time()
                    if message.type is aiohttp.WSMsgType.TEXT and (view := read_view(message.data, received)):
                        yield view
        except (aiohttp.ClientError, TimeoutError) as error:
            raise DeskError(f"the socket failed: {type(error).__name__}") from error

    async def _token(self) -> str:
        """The token that guards forms; a session that was taken over has none before it has seen a page."""
        if not self._cookie("csrftoken"):
            async with self._browser.get(f"{self._address}/desk/") as page:
                page.raise_for_status()
        return self._cookie("csrftoken")

    def _cookie(self, name: str) -> str:
        found = self._browser.cookie_jar.filter_cookies(URL(self._address)).get(name)
        return found.value if found else ""
