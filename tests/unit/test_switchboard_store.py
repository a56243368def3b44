"""A database that takes what it is asked and does not answer counts as away, until it answers."""

from __future__ import annotations

import asyncio
import threading

import pytest

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
