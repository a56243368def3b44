"""The manager interface (AMI) through panoramisk, with each of its traps covered.

panoramisk re-sends unanswered actions after a reconnect, waits for ever while it is disconnected, dies of an
exception in a callback, does not notice a half-open connection, and cannot cancel a reconnect that is pending. So
each connection here is a Manager of its own that never reconnects, made and thrown away by `Ami.run`; requests wait a
bounded time; a watchdog pings.
"""

from __future__ import annotations

import asyncio
import logging
import random
from collections.abc import Callable, Mapping
from typing import Any

from panoramisk import Manager
from panoramisk.ami_protocol import AMIProtocol

from dialer.telephony.port import Guard, unguarded

log = logging.getLogger(__name__)
# panoramisk logs whole messages, with names and numbers, at DEBUG and INFO.
_quiet = logging.getLogger("panoramisk")
_quiet.setLevel(logging.ERROR)

CONNECT_TIMEOUT_S = 3.0
REQUEST_TIMEOUT_S = 3.0
PING_EVERY_S = 3.0
FIRST_PAUSE_S, LONGEST_PAUSE_S = 0.2, 5.0
NEVER_S = 10**9

Headers = dict[str, str]


class AmiError(Exception):
    """Asterisk refused an action."""


class AmiUnreachable(Exception):
    """Not connected, or no answer in time; the action may or may not have been carried out."""


class _Connection(Manager):  # type: ignore[misc]
    """A Manager for one connection: when that is lost it says so and rests."""

    def __init__(self, lost: asyncio.Event, **config: Any) -> None:
        super().__init__(**config)
        self.lost = lost
        self.callbacks.pop("FullyBooted", None)  # its re-sending of what was never answered
        self.patterns.clear()

    def connection_lost(self, exc: object) -> None:
        self.lost.set()


class Ami:
    """One Asterisk. `run` must be running for requests to be possible; all methods belong to its event loop."""

    def __init__(self, host: str, port: int, user: str, password: str, guard: Guard = unguarded) -> None:
        """`guard` is asked right before each request."""
        self._guard = guard
        self._host, self._port, self._user, self._password = host, port, user, password
        self._manager: _Connection | None = None
        self._hurry = asyncio.Event()

    @property
    def up(self) -> bool:
        """Logged in."""
        return self._manager is not None

    async def run(
        self, on_event: Callable[[Headers], None], on_up: Callable[[], None], on_down: Callable[[str], None]
    ) -> None:
        """Hold the connection for ever, reconnecting; returns only by cancellation. Callbacks as in `Ari.run`."""
        pause = FIRST_PAUSE_S
        while True:
            lasted, reason = await self._hold(on_event, on_up)
            if lasted:
                on_down(reason)
                pause = FIRST_PAUSE_S
            log.warning("AMI: %s; trying again", reason)
            self._hurry.clear()
            try:
                await asyncio.wait_for(self._hurry.wait(), pause * random.uniform(0.7, 1.3))
                pause = FIRST_PAUSE_S
            except TimeoutError:
                pause = min(pause * 2, LONGEST_PAUSE_S)

    def hurry(self) -> None:
        """Asterisk is there: whoever pauses between two tries to connect tries now."""
        self._hurry.set()

    async def _hold(self, on_event: Callable[[Headers], None], on_up: Callable[[], None]) -> tuple[bool, str]:
        """One connection, to its end: whether it was up and why it ended."""
        lost = asyncio.Event()
        manager: _Connection | None = None
        try:
            manager = await self._connect(lost, on_event)
            self._manager = manager
            on_up()
            while True:
                try:
                    await asyncio.wait_for(lost.wait(), PING_EVERY_S)
                except TimeoutError:
                    await self._send(manager, {"Action": "Ping"})
                else:
                    return True, "the connection was lost"
        except (AmiError, AmiUnreachable, OSError, TimeoutError) as error:
            return self._manager is not None, str(error) or type(error).__name__
        finally:
            self._manager = None
            if manager is not None:
                manager.close()

    async def _connect(self, lost: asyncio.Event, on_event: Callable[[Headers], None]) -> _Connection:
        loop = asyncio.get_running_loop()
        made = loop.create_future()
        async with asyncio.timeout(CONNECT_TIMEOUT_S):
            made.set_result(await loop.create_connection(AMIProtocol, self._host, self._port))
        # Latin-1 takes any byte, so a character that is cut by a packet's border is not lost; `plain` puts UTF-8
        # together again.
        manager = _Connection(
            lost, loop=loop, encoding="latin-1", ping_delay=NEVER_S, ping_interval=NEVER_S, log=_quiet
        )

        def hear(_: Manager, message: Mapping[str, Any]) -> None:
            try:
                on_event(plain(message))
            except Exception:  # one that got out would end the connection
                log.exception("an AMI event could not be handled")

        manager.register_event("*", hear)
        manager.connection_made(made)
        login = {"Action": "Login", "Username": self._user, "Secret": self._password, "Events": "on"}
        try:
            await self._send(manager, login)
        except BaseException as error:
            manager.close()
            if isinstance(error, AmiError):
                raise AmiError(f"login refused: {error} (ASTERISK_AMI_USER, ASTERISK_AMI_PASSWORD?)") from None
            raise
        return manager

    async def request(self, action: str, **headers: str) -> Headers:
        """Carry out an action that gives one response; its headers. Raises AmiError, AmiUnreachable, ValueError."""
        await self._guard()
        if self._manager is None:
            raise AmiUnreachable("not connected")
        return await self._send(self._manager, {"Action": action, **headers})

    async def request_list(self, action: str, **headers: str) -> list[Headers]:
        """Carry out an action that is answered with a list; its messages. Raises as `request`."""
        await self._guard()
        if self._manager is None:
            raise AmiUnreachable("not connected")
        return await self._ask(self._manager, {"Action": action, **headers}, as_list=None)

    async def _send(self, manager: _Connection, headers: Headers) -> Headers:
        return (await self._ask(manager, headers, as_list=False))[0]

    async def _ask(self, manager: _Connection, headers: Headers, *, as_list: bool | None) -> list[Headers]:
        """`as_list`: None lets the response say whether more follows."""
        for name, value in headers.items():
            check(name, value)
        asked = asyncio.ensure_future(manager.send_action(headers, as_list=as_list))
        lost = asyncio.ensure_future(manager.lost.wait())
        try:
            await asyncio.wait((asked, lost), timeout=REQUEST_TIMEOUT_S, return_when=asyncio.FIRST_COMPLETED)
            if not asked.done():
                why = "the connection was lost" if manager.lost.is_set() else "it got no answer"
                raise AmiUnreachable(f"{headers['Action']}: {why}")
            answer = asked.result()
        finally:
            asked.cancel()
            lost.cancel()
        messages = answer if isinstance(answer, list) else [answer]
        found = [plain(message) for message in messages]
        if not messages[0].success:
            raise AmiError(found[0].get("Message", "refused")[:200])
        return found


def check(name: str, value: str) -> None:
    """Refuse what could end a header and begin another. Raises ValueError without the value, which may be personal."""
    if not value.isascii() or not value.isprintable():
        raise ValueError(f"the AMI header {name} may hold printable ASCII only")


def plain(message: Mapping[str, Any]) -> Headers:
    """A message's headers as plain text, decoded as UTF-8. Of a header that came twice the first counts.

    Only of `ChanVariable: NAME=value` there is one for each variable: it becomes `ChanVariable(NAME)`.
    """
    headers: Headers = {}
    for name, value in message.items():
        texts = [_decoded(text) for text in (value if isinstance(value, list) and value else [value])]
        if str(name) == "ChanVariable":
            for text in texts:
                variable, _, content = text.partition("=")
                headers.setdefault(f"ChanVariable({variable})", content)
        else:
            headers[str(name)] = texts[0]
    return headers


def _decoded(value: object) -> str:
    return str(value).encode("latin-1", "replace").decode("utf-8", "replace")
