"""A database that does not answer counts as away until it does; one in which two cross each other's way does not."""

from __future__ import annotations

import asyncio
import threading

import pytest
from django.db import OperationalError
from psycopg.errors import AdminShutdown, DeadlockDetected

from asterisk.switchboard import store as module
from asterisk.switchboard.store import Store


@pytest.fixture(autouse=True)
def soon(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "HANGS_AFTER_S", 0.05)
    monkeypatch.setattr(module, "_leave", lambda together: None)  # no connection was taken


async def test_nothing_answers_and_then_it_does() -> None:
    store, answer = Store(2), threading.Event()
    waiting = asyncio.create_task(store.run(answer.wait))
    async with asyncio.timeout(5):
        while store.reachable:
            await asyncio.sleep(0.01)
    assert store.there_for_s == 0.0
    answer.set()
    assert await waiting
    assert store.reachable
    store.close()


async def test_one_slow_answer_among_others_is_no_hang() -> None:
    store, answer = Store(2), threading.Event()
    waiting = asyncio.create_task(store.run(answer.wait))
    for _ in range(20):
        await asyncio.sleep(0.01)
        await store.run(int)
        assert store.reachable
    answer.set()
    await waiting
    store.close()


class Fails:
    """A service that fails once, by this error of the database."""

    def __init__(self, store: Store, cause: Exception) -> None:
        self.store, self.cause, self.tries = store, cause, 0
        self.was_reachable = True

    def __call__(self) -> str:
        self.tries += 1
        if self.tries == 1:
            raise OperationalError("failed") from self.cause
        self.was_reachable = self.store.reachable
        return "done"


@pytest.mark.parametrize(("cause", "reachable"), [(DeadlockDetected("x"), True), (AdminShutdown("x"), False)])
async def test_who_is_in_anothers_way_tries_again_and_the_database_is_there(cause: Exception, reachable: bool) -> None:
    returns: list[bool] = []
    store = Store(1, on_back=lambda: returns.append(True))
    service = Fails(store, cause)
    assert await store.run(service) == "done"
    assert (service.tries, service.was_reachable, store.reachable) == (2, reachable, True)
    assert returns == [True] * (not reachable), "who comes back may have done more than they could tell"
    store.close()
