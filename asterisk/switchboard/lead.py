"""Who leads a switch: a lock in PostgreSQL, a sign of life each half second, and a right to act that runs out.

The lock is a session's: it is free as soon as the leader is gone. A leader that is frozen keeps it, so another
that stands by watches for its signs. When they stay away for TAKE_OVER_S it ends the leader's sessions, which frees the
lock and undoes what was half done in them. By then the frozen leader's right to act (LEASE_S from its last sign, by a
clock that goes on while a process is stopped) is over: having woken up it asks before it does anything, and learns.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Awaitable
from contextlib import suppress
from typing import Any, TypeVar
from uuid import uuid4

import psycopg
from django.db import connections

log = logging.getLogger(__name__)

T = TypeVar("T")

RENEW_S = 0.5
LEASE_S = 2.0
"""How long a leader may act after it asked for its last sign."""
TAKE_OVER_S = 3.0
"""How long a leader may give no sign; longer than LEASE_S by what two processes may be apart."""
GAP_S = 1.5
"""A look that came so long after the one before says nothing: the database or we ourselves were slow."""
MINE = f"cordboard-switchboard-{uuid4().hex[:16]}"
"""The name of this process's sessions with the database, by which another can end them all."""

_LOCK = "hashtext('cordboard.switchboard'), hashtext(%(switch)s)"
_HOLDER = """
    FROM pg_locks l JOIN pg_stat_activity a USING (pid)
    WHERE l.locktype = 'advisory' AND l.granted AND l.objsubid = 2
      AND l.database = (SELECT oid FROM pg_database WHERE datname = current_database())
      AND l.classid = hashtext('cordboard.switchboard')::oid AND l.objid = hashtext(%(switch)s)::oid
"""
_WHO = f"SELECT a.pid, a.application_name, a.state_change {_HOLDER}"
# One statement, so that a leader which has just come back is left alone.
_END = f"""
    WITH silent AS (SELECT a.pid, a.application_name {_HOLDER}
        AND a.pid = %(pid)s AND a.state_change IS NOT DISTINCT FROM %(sign)s)
    SELECT pg_terminate_backend(other.pid) FROM pg_stat_activity other, silent
    WHERE other.pid = silent.pid
       OR (silent.application_name LIKE 'cordboard-switchboard-%%' AND other.application_name = silent.application_name)
"""  # noqa: S608


class LeadershipLost(Exception):
    """Another switchboard leads now; this one must stop acting."""


def clock() -> float:
    """Seconds on a clock that nobody steps, and that goes on while a process or the machine sleeps."""
    return time.clock_gettime(time.CLOCK_BOOTTIME)


class Lead:
    """This process's claim to lead one switch. Everything belongs to the switchboard's loop."""

    def __init__(self, switch_name: str, session_name: str = MINE) -> None:
        self._switch_name, self._session_name = switch_name, session_name
        self._connection: psycopg.AsyncConnection[Any] | None = None
        self._until = 0.0
        self._lost = False
        self._news = asyncio.Event()
        self._keeping: asyncio.Task[None] | None = None

    # --- for the switchboard

    async def take(self) -> None:
        """Return when this process leads."""
        watch = _Watch()
        said = False
        while not await self._try(watch):
            if not said:
                log.info("another switchboard leads this switch (or the database is away); standing by")
                said = True
            await asyncio.sleep(watch.pause_s)
        log.info("leading switch %s", self._switch_name)
        self._keeping = asyncio.create_task(self._keep(), name="lead")

    async def kept(self) -> None:
        """Return never; raises LeadershipLost when another leads."""
        assert self._keeping is not None
        await asyncio.shield(self._keeping)

    async def may_act(self) -> None:
        """Return as soon as this process may act as the leader: at once, unless it was frozen or its lock is in doubt.

        While the database does not answer it may: nobody can take over then. Raises LeadershipLost.
        """
        while clock() >= self._until:
            if self._lost:
                raise LeadershipLost(self._switch_name)
            await self._news.wait()

    @property
    def lost(self) -> bool:
        """Whether another leads."""
        return self._lost

    async def close(self) -> None:
        """Let go of the lock."""
        if self._keeping is not None:
            self._keeping.cancel()
            await asyncio.gather(self._keeping, return_exceptions=True)
        await self._disconnect()

    # --- becoming the leader

    async def _try(self, watch: _Watch) -> bool:
        began = clock()
        watch.pause_s = RENEW_S
        if self._connection is None or self._connection.closed:
            if not await self._connect():
                return False
            if watch.stood_by:
                # The database was away. Whoever led has the first turn at the lock, and its right to act must be over.
                watch.wait_s = LEASE_S
                return False
        try:
            if await self._lock():
                await asyncio.sleep(watch.wait_s)
                self._grant(began + watch.wait_s)
                return True
            await self._look(watch)
        except psycopg.Error:
            await self._disconnect()
        return False

    async def _look(self, watch: _Watch) -> None:
        """Another leads: see whether it still gives signs, and end its sessions when it has not for too long."""
        row = await self._ask(_WHO)
        if row is None:
            return
        pid, name, sign = row
        if watch.silent_s((pid, sign), clock()) > TAKE_OVER_S:
            log.warning("the switchboard that leads (%s) gives no sign of life: taking over", name or pid)
            await self._ask(_END, pid=pid, sign=sign)
            watch.wait_s, watch.pause_s = 0.0, RENEW_S / 5  # its sessions are gone in a moment

    # --- staying the leader

    async def _keep(self) -> None:
        """Give a sign each half second; the lock is taken back when its session ended."""
        try:
            while True:
                await asyncio.sleep(RENEW_S)
                began = clock()
                try:
                    await self._patiently(self._ask("SELECT 1"))
                except psycopg.Error as error:
                    self._until = 0.0  # whoever has the lock now, it may not be us
                    log.warning("the switchboard's lock is in doubt (%s)", type(error).__name__)
                    began = await self._reclaim()
                self._grant(began)
        except LeadershipLost:
            self._lost, self._until = True, 0.0
            self._tell()
            raise

    async def _reclaim(self) -> float:
        """Get the lock back; when it was asked for. Raises LeadershipLost when another holds it."""
        while True:
            began = clock()
            await self._disconnect()
            if not await self._patiently(self._connect()):
                self._grant(began)  # no database, no other leader
                await asyncio.sleep(RENEW_S)
                continue
            with suppress(psycopg.Error):
                if await self._patiently(self._lock()):
                    log.warning("the switchboard has its lock again")
                    return began
                row = await self._ask(_WHO)
                if row is not None and row[1] != self._session_name:
                    raise LeadershipLost(self._switch_name)
                if row is not None:  # the server has not noticed yet that our earlier session is over
                    await self._ask(_END, pid=row[0], sign=row[2])
            await asyncio.sleep(RENEW_S / 5)

    async def _patiently(self, work: Awaitable[T]) -> T:
        """Wait for the database. For as long as it does not answer nobody can take over, so we may act."""
        task = asyncio.ensure_future(work)
        try:
            while True:
                began = clock()
                done, _ = await asyncio.wait({task}, timeout=RENEW_S)
                if done:
                    return task.result()
                self._grant(began)  # which is over already when it was ourselves who did not run
        finally:
            task.cancel()

    def _grant(self, since: float) -> None:
        self._until = since + LEASE_S
        self._tell()

    def _tell(self) -> None:
        self._news.set()
        self._news = asyncio.Event()

    # --- the session that holds the lock

    async def _connect(self) -> bool:
        try:
            self._connection = await psycopg.AsyncConnection.connect(
                **session_parameters(self._session_name), connect_timeout=5
            )
        except psycopg.Error:
            return False
        return True

    async def _lock(self) -> bool:
        row = await self._ask(f"SELECT pg_try_advisory_lock({_LOCK})")
        return bool(row and row[0])

    async def _ask(self, statement: str, **values: object) -> tuple[Any, ...] | None:
        assert self._connection is not None
        cursor = await self._connection.execute(statement.encode(), {"switch": self._switch_name, **values})
        return await cursor.fetchone()

    async def _disconnect(self) -> None:
        connection, self._connection = self._connection, None
        if connection is not None:
            await connection.close()


class _Watch:
    """What one that stands by has seen of the leader."""

    def __init__(self) -> None:
        self._sign: object = None
        self._since = self._last = 0.0
        self.pause_s = RENEW_S
        self.wait_s = 0.0
        """How long to wait, once the lock is ours, for an earlier leader's right to be over."""

    @property
    def stood_by(self) -> bool:
        """Whether there was a leader."""
        return self._sign is not None

    def silent_s(self, sign: object, at: float) -> float:
        """For how long this sign has been the last, as far as we were there to see it."""
        if sign != self._sign or at - self._last > GAP_S:
            self._sign, self._since = sign, at
            self.wait_s = 0.0
        self._last = at
        return at - self._since


def session_parameters(name: str = MINE) -> dict[str, Any]:
    """Where Django's default database is, for a session of our own, and how it is called there."""
    settings = connections["default"].settings_dict
    names = {"host": "HOST", "port": "PORT", "user": "USER", "password": "PASSWORD", "dbname": "NAME"}
    found = {key: settings[name] for key, name in names.items() if settings[name]}
    return {**found, "autocommit": True, "application_name": name, "keepalives_idle": 5, "keepalives_interval": 2}
