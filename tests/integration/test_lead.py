"""Who leads a switch: one at a time, whatever becomes of the one that does."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from uuid import uuid4

import psycopg
import pytest

from asterisk.switchboard import lead as leading
from asterisk.switchboard.lead import Lead, LeadershipLost, session_parameters

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture(autouse=True)
def _quick(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, seconds in (("RENEW_S", 0.1), ("LEASE_S", 1.0), ("TAKE_OVER_S", 1.6), ("GAP_S", 1.0)):
        monkeypatch.setattr(leading, name, seconds)


@pytest.fixture
async def make() -> AsyncIterator[Callable[[], Lead]]:
    """Switchboards of one switch, each a process of its own as far as the database can tell."""
    switch, made = f"switch {uuid4()}", []

    def one() -> Lead:
        made.append(Lead(switch, f"cordboard-switchboard-{uuid4().hex[:16]}"))
        return made[-1]

    yield one
    for each in made:
        await each.close()


async def freeze(one: Lead) -> None:
    """Stop a leader as SIGSTOP does: its sessions stay, its signs do not."""
    assert one._keeping is not None
    one._keeping.cancel()
    await asyncio.gather(one._keeping, return_exceptions=True)


def wake(one: Lead) -> None:
    """Let it go on where it was."""
    one._keeping = asyncio.create_task(one._keep())


@asynccontextmanager
async def session(name: str) -> AsyncIterator[psycopg.AsyncConnection[tuple[object, ...]]]:
    """Another session with the database, of the switchboard of that name."""
    async with await psycopg.AsyncConnection.connect(**session_parameters(name)) as connection:
        yield connection


async def end_its_lock(one: Lead) -> None:
    """The server ends the session that holds the lock."""
    async with session("a test") as other:
        assert one._connection is not None
        await other.execute("SELECT pg_terminate_backend(%s, 5000)", [one._connection.info.backend_pid])


async def test_a_leader_that_gives_signs_is_left_alone(make: Callable[[], Lead]) -> None:
    first, second = make(), make()
    await first.take()
    taking = asyncio.create_task(second.take())
    done, _ = await asyncio.wait({taking}, timeout=3 * leading.TAKE_OVER_S)
    assert not done
    await first.may_act()
    await first.close()
    async with asyncio.timeout(5):
        await taking
        await second.may_act()


async def test_a_frozen_leader_is_taken_over_from_and_learns_it_before_it_acts(make: Callable[[], Lead]) -> None:
    first, second = make(), make()
    await first.take()
    async with session(first._session_name) as half_done, session("a test") as other:
        await half_done.execute("BEGIN")
        await half_done.execute("SELECT pg_advisory_xact_lock(77)")  # as a row that it was writing
        await freeze(first)
        async with asyncio.timeout(20):
            await second.take()
            await second.may_act()
            await other.execute("SELECT pg_advisory_lock(77)")
        assert leading.clock() >= first._until, "its right is over before another has it"
        acting = asyncio.create_task(first.may_act())
        await asyncio.sleep(0)
        assert not acting.done()
        wake(first)
        with pytest.raises(LeadershipLost):
            await acting
        with pytest.raises(LeadershipLost):
            await first.kept()
        assert first.lost
        await half_done.close()
    await second.may_act()


async def test_a_leader_that_was_frozen_for_a_moment_goes_on(make: Callable[[], Lead]) -> None:
    first, second = make(), make()
    await first.take()
    await freeze(first)
    first._until = leading.clock()
    acting = asyncio.create_task(first.may_act())
    await asyncio.sleep(0)
    assert not acting.done()
    wake(first)
    async with asyncio.timeout(10):
        await acting
    taking = asyncio.create_task(second.take())
    done, _ = await asyncio.wait({taking}, timeout=2 * leading.TAKE_OVER_S)
    assert not done
    taking.cancel()


async def test_a_lock_that_was_lost_is_taken_back(make: Callable[[], Lead]) -> None:
    first = make()
    await first.take()
    await end_its_lock(first)
    async with asyncio.timeout(10):
        while first._connection is None or first._connection.closed or first._connection.broken:
            await asyncio.sleep(0.01)
        await first.may_act()
    assert not first.lost


async def test_a_lock_that_another_was_quicker_to_take_is_lost(make: Callable[[], Lead]) -> None:
    first, second = make(), make()
    await first.take()
    await freeze(first)
    await end_its_lock(first)
    async with asyncio.timeout(10):
        await second.take()
    wake(first)
    async with asyncio.timeout(10):
        with pytest.raises(LeadershipLost):
            await first.kept()
