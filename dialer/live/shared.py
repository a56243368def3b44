"""Boards: screens that many people look at. Each is rendered once per tick, whoever and however many look at it.

Every process that has viewers ticks twice a second. For each board that somebody looks at, the first process to
take the tick's lease in Redis renders it, and sends the HTML in one message to the viewers of all processes. There is
no leader: a process that dies is missed for one tick. A board that did not change is sent again every second all the
same, so that a page can tell that it is still being told. Whether viewers still may look is asked beside the ticks.
Viewers of another language are others: each key begins with the language that it is rendered in.
"""

from __future__ import annotations

import asyncio
import logging
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qsl
from weakref import WeakKeyDictionary

from channels.generic.websocket import AsyncWebsocketConsumer
from channels.layers import get_channel_layer
from django.conf import settings
from django.core.exceptions import ObjectDoesNotExist
from django.db import Error as DatabaseError
from redis.asyncio import Redis
from redis.exceptions import RedisError

from dialer.core.language import known, speaking

from .consumer import JOIN_LIMIT_S, NO_SUCH_TOPIC, NOT_SIGNED_IN, REFUSED, TRY_AGAIN_LATER
from .publish import group_of
from .threads import in_thread
from .topics import Refused
from .watch import watch

log = logging.getLogger(__name__)

TICK_S = 0.5
AGAIN_S = 0.9
"""A board that looks the same is sent again after so long."""
SEQUENCE_S = 3600
"""How long the count of a board's sendings is kept when nobody looks at it any more."""
ASIDE_AGAIN_S = 30.0
"""What changes seldom is sent again after so long, for whoever missed it."""
LOOK_AGAIN_S = 10.0
"""How often it is asked whether those who look still may."""


class SignIn(Exception):
    """Nobody is signed in, and this board is not for everybody."""


class NoSuch(Exception):
    """What this viewer asks for does not exist, as far as they may know."""


Shown = tuple[object, str] | tuple[object, str, str]


@dataclass(frozen=True, slots=True)
class Board:
    """One kind of board. The functions are synchronous and run in a thread, with the database at hand.

    `authorise(user, query)` returns the key of what this viewer sees (letters, digits, `.`, `-` and `_`), or raises
    Refused, NoSuch or SignIn. `render(keys)` returns for each key its digest (equal when nothing that shows has
    changed) and the HTML, which may hold `SEQUENCE`, replaced by a number that grows by one with each sending.

    A third part, if there is one, is HTML of what changes seldom beside the rest, such as charts of the day. It is sent
    along when it changed, when somebody has come, and every ASIDE_AGAIN_S: not twice a second to all.
    """

    name: str
    authorise: Callable[[Any, Mapping[str, str]], str]
    render: Callable[[Sequence[str]], Mapping[str, Shown]]


SEQUENCE = "@sequence@"
_boards: dict[str, Board] = {}


def register(board: Board) -> None:
    """Make a board known, under /ws/board/<name>/. Call from AppConfig.ready."""
    _boards[board.name] = board


class BoardConsumer(AsyncWebsocketConsumer):
    """One viewer of a board: gets what is sent to all of them."""

    topic = None  # no screen of its own, as dialer.live.watch sees it
    board: Board | None = None
    key = ""

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        """Serve one socket; a channel layer that is gone when it opens is no error of ours."""
        try:
            await super().__call__(scope, receive, send)
        except (RedisError, OSError) as error:
            log.warning("a board could not open: %s", type(error).__name__)
            await send({"type": "websocket.close", "code": TRY_AGAIN_LATER})

    async def connect(self) -> None:
        """Authorise and join those who look at the same."""
        await self.accept()
        board = _boards.get(self.scope["url_route"]["kwargs"]["board"])
        if board is None:
            await self.close(NO_SUCH_TOPIC)
            return
        self._query = dict(parse_qsl(self.scope["query_string"].decode("latin-1")[:1000]))
        self._ended = False
        try:
            self.key = await in_thread(_key_of, board, self.scope["user"], self._query)
            async with asyncio.timeout(JOIN_LIMIT_S):
                await self.channel_layer.group_add(group_of(f"board-{board.name}", self.key), self.channel_name)
        except SignIn:
            await self.close(NOT_SIGNED_IN)
            return
        except NoSuch:
            await self.close(NO_SUCH_TOPIC)
            return
        except Refused:
            await self.close(REFUSED)
            return
        except (RedisError, OSError, DatabaseError) as error:
            log.warning("a board could not be joined: %s", type(error).__name__)
            await self.close(TRY_AGAIN_LATER)
            return
        self.board = board
        watch().add(self)  # type: ignore[arg-type]
        keeper().add(self)

    async def disconnect(self, code: int) -> None:
        """Leave the others."""
        self._ended = True
        if self.board is None:
            return
        watch().discard(self)  # type: ignore[arg-type]
        keeper().discard(self)
        try:
            async with asyncio.timeout(JOIN_LIMIT_S):
                await self.channel_layer.group_discard(
                    group_of(f"board-{self.board.name}", self.key), self.channel_name
                )
        except (RedisError, OSError) as error:
            log.warning("a board could not be left: %s", type(error).__name__)

    async def receive(self, text_data: str | None = None, bytes_data: bytes | None = None) -> None:
        """Viewers only listen; what they send is dropped."""

    async def board_shown(self, message: dict[str, str]) -> None:
        """What everybody who looks at this board is shown."""
        await self.send(message["html"])

    async def try_again_later(self) -> None:
        """Ask the page to reconnect, because nothing can be shown now."""
        await self._end(TRY_AGAIN_LATER)

    def asks(self) -> tuple[object, ...]:
        """What the answer to "may they look, and at what?" depends on."""
        assert self.board is not None
        return self.board.name, self.scope["user"].pk, *sorted(self._query.items())

    async def looks_now(self) -> tuple[str, int]:
        """What the viewer would see now, or the code to close with because they may not look any more."""
        assert self.board is not None
        try:
            return await in_thread(_authorise_afresh, self.board, self.scope["user"], self._query), TRY_AGAIN_LATER
        except SignIn:
            return "", NOT_SIGNED_IN
        except NoSuch:
            return "", NO_SUCH_TOPIC
        except Refused:
            return "", REFUSED
        except DatabaseError:
            return "", TRY_AGAIN_LATER

    async def keep_if(self, key: str, code: int) -> None:
        """Stay when this is what the viewer sees; else close."""
        if key != self.key:
            await self._end(code)

    async def _end(self, code: int) -> None:
        if not self._ended:
            self._ended = True
            await self.close(code)


def _authorise_afresh(board: Board, user: Any, query: Mapping[str, str]) -> str:
    """The key of what a viewer sees, by what the database says of them now."""
    if user.is_authenticated:
        try:
            user.refresh_from_db()
        except ObjectDoesNotExist as gone:
            raise SignIn from gone
    return _key_of(board, user, query)


def _key_of(board: Board, user: Any, query: Mapping[str, str]) -> str:
    """What a viewer sees, after the language that they see it in: their own, or without signing in the page's."""
    wanted = user.language if user.is_authenticated else query.get("language", "")
    return f"{known(wanted) or settings.LANGUAGE_CODE}.{board.authorise(user, query)}"


def _rendered(board: Board, keys: Sequence[str]) -> dict[str, Shown]:
    """What is shown under these keys."""
    by_language: dict[str, list[str]] = defaultdict(list)
    for key in keys:
        language, _, rest = key.partition(".")
        by_language[language].append(rest)
    shown: dict[str, Shown] = {}
    for language, mine in by_language.items():
        with speaking(language):
            shown |= {f"{language}.{key}": one for key, one in _each(board, mine).items()}
    return shown


def _each(board: Board, keys: Sequence[str]) -> dict[str, Shown]:
    """What is shown under these keys; one that cannot be rendered (its tenant is gone) takes no other along."""
    try:
        return dict(board.render(keys))
    except DatabaseError:
        raise  # what is wrong with the database is wrong for all
    except Exception:
        if len(keys) > 1:
            return {key: one for alone in keys for key, one in _each(board, [alone]).items()}
        log.exception("a board could not be rendered")
        return {}


class Keeper:
    """The boards that somebody looks at in this event loop, and the tasks that render them and look after viewers."""

    def __init__(self) -> None:
        self._viewers: dict[tuple[str, str], set[BoardConsumer]] = defaultdict(set)
        self._tasks: list[asyncio.Task[None]] = []
        self._sent: dict[tuple[str, str], tuple[object, float]] = {}
        self._asides: dict[tuple[str, str], tuple[int, float]] = {}

    def add(self, viewer: BoardConsumer) -> None:
        """Somebody looks at a board from now on."""
        assert viewer.board is not None
        self._viewers[viewer.board.name, viewer.key].add(viewer)
        self._sent.pop((viewer.board.name, viewer.key), None)  # whoever comes is shown it with the next tick
        if not self._tasks:
            loop = asyncio.get_running_loop()
            self._tasks = [
                loop.create_task(self._run(), name="live-boards"),
                loop.create_task(self._look_again(), name="live-board-viewers"),
            ]

    def discard(self, viewer: BoardConsumer) -> None:
        """Somebody looks away; the last one ends the task."""
        assert viewer.board is not None
        place = viewer.board.name, viewer.key
        self._viewers[place].discard(viewer)
        if not self._viewers[place]:
            del self._viewers[place]
            self._sent.pop(place, None)
            self._asides.pop(place, None)
        if not self._viewers:
            for task in self._tasks:
                task.cancel()
            self._tasks = []

    async def _look_again(self) -> None:
        """Ask again and again whether those who look still may: once for all who would get the same answer."""
        while True:
            await asyncio.sleep(LOOK_AGAIN_S)
            same: dict[tuple[object, ...], list[BoardConsumer]] = defaultdict(list)
            for viewer in [one for together in self._viewers.values() for one in together]:
                same[viewer.asks()].append(viewer)
            for viewers in same.values():
                try:
                    key, code = await viewers[0].looks_now()
                    for viewer in viewers:
                        await viewer.keep_if(key, code)
                except Exception:
                    log.exception("it could not be asked whether viewers of a board still may look")

    async def _run(self) -> None:
        loop = asyncio.get_running_loop()
        async with Redis.from_url(_redis_url()) as redis:
            while True:
                began = loop.time()
                try:
                    await self._tick(redis)
                except (RedisError, OSError, TimeoutError) as error:
                    log.warning("boards are not sent (%s)", type(error).__name__)
                except Exception:
                    log.exception("boards could not be rendered")
                await asyncio.sleep(max(0.05, began + TICK_S - loop.time()))

    async def _tick(self, redis: Redis) -> None:
        ours: dict[str, list[str]] = defaultdict(list)
        places = list(self._viewers)
        async with redis.pipeline(transaction=False) as pipe:
            for name, key in places:
                pipe.set(f"cordboard:board:{name}:{key}", 1, nx=True, px=int(TICK_S * 900))
            leases = await pipe.execute()
        for (name, key), lease in zip(places, leases, strict=True):
            if lease:
                ours[name].append(key)
        for name, keys in ours.items():
            shown = await in_thread(_rendered, _boards[name], keys)
            for key, (digest, html, *aside) in shown.items():
                await self._send(redis, name, key, digest, html, "".join(aside))

    async def _send(self, redis: Redis, name: str, key: str, digest: object, html: str, aside: str) -> None:
        """Send a board to all its viewers, unless they have been shown the same a moment ago."""
        clock = asyncio.get_running_loop().time
        before = self._sent.get((name, key))
        told = self._asides.get((name, key)) if before is not None else None
        again = bool(aside) and (told is None or told[0] != hash(aside) or clock() - told[1] >= ASIDE_AGAIN_S)
        if before is not None and before[0] == digest and clock() - before[1] < AGAIN_S and not again:
            return
        async with redis.pipeline(transaction=False) as pipe:
            pipe.incr(f"cordboard:board:{name}:{key}:sequence")
            pipe.expire(f"cordboard:board:{name}:{key}:sequence", SEQUENCE_S)
            number, _ = await pipe.execute()
        html = html.replace(SEQUENCE, str(number)) + (aside if again else "")
        message = {"type": "board.shown", "html": html}
        async with asyncio.timeout(2):
            await get_channel_layer().group_send(group_of(f"board-{name}", key), message)
        if (name, key) in self._viewers:
            self._sent[name, key] = digest, clock()
            if again:
                self._asides[name, key] = hash(aside), clock()


def _redis_url() -> str:
    layer: Any = settings.CHANNEL_LAYERS["default"]
    return str(layer["CONFIG"]["hosts"][0])


_keepers: WeakKeyDictionary[asyncio.AbstractEventLoop, Keeper] = WeakKeyDictionary()


def keeper() -> Keeper:
    """The keeper of the running loop."""
    return _keepers.setdefault(asyncio.get_running_loop(), Keeper())
