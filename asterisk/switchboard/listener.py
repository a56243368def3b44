"""One connection to PostgreSQL that holds the switchboard's lock and hears notifications.

The lock makes one switchboard the leader of its switch; another stands by and takes over when the lock is free.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from typing import Any

import psycopg
from django.db import connections
from psycopg import sql

from dialer.core import notify

log = logging.getLogger(__name__)

CHANNELS = (notify.CALLS, notify.COMMANDS, notify.READY)
RETRY_S = 0.5
RECLAIM_S = 10.0
"""How long a leader that lost its connection tries to get its lock back before it steps down."""


class LeadershipLost(Exception):
    """Another switchboard leads now; this one must stop acting."""


class Listener:
    """Waits for leadership, then calls `heard(channel, payload)` for every notification."""

    def __init__(self, switch_name: str, heard: Callable[[str, str], None]) -> None:
        self._switch_name = switch_name
        self._heard = heard
        self._connection: psycopg.AsyncConnection[Any] | None = None

    async def lead(self) -> None:
        """Return when this process is the leader of its switch."""
        said = False
        while not await self._try():
            if not said:
                log.info("another switchboard leads this switch (or the database is away); standing by")
                said = True
            await asyncio.sleep(RETRY_S)
        log.info("leading switch %s", self._switch_name)

    async def run(self) -> None:
        """Hear notifications for ever; reconnects. Raises LeadershipLost when another took the lock meanwhile."""
        while True:
            assert self._connection is not None
            try:
                async for note in self._connection.notifies():
                    self._heard(note.channel, note.payload)
            except psycopg.Error as error:
                log.warning("the database's notifications stopped (%s)", type(error).__name__)
            await self._reclaim()
            for channel in CHANNELS:  # whatever was said meanwhile was not heard: look at everything once
                self._heard(channel, "")

    async def _reclaim(self) -> None:
        refused_since: float | None = None
        loop = asyncio.get_running_loop()
        while True:
            connected = await self._connect()
            if connected and await self._lock():
                return
            if connected:
                refused_since = refused_since or loop.time()
                if loop.time() - refused_since > RECLAIM_S:
                    raise LeadershipLost(self._switch_name)
            await asyncio.sleep(RETRY_S)

    async def _try(self) -> bool:
        return await self._connect() and await self._lock()

    async def _connect(self) -> bool:
        if self._connection is not None and not self._connection.closed:
            return True
        try:
            self._connection = await psycopg.AsyncConnection.connect(
                **_parameters(), autocommit=True, connect_timeout=5, keepalives_idle=5, keepalives_interval=2
            )
            for channel in CHANNELS:
                await self._connection.execute(sql.SQL("LISTEN {}").format(sql.Identifier(channel)))
        except psycopg.Error:
            await self.close()
            return False
        return True

    async def _lock(self) -> bool:
        assert self._connection is not None
        try:
            cursor = await self._connection.execute(
                "SELECT pg_try_advisory_lock(hashtext('cordboard.switchboard'), hashtext(%s))", [self._switch_name]
            )
            row = await cursor.fetchone()
        except psycopg.Error:
            await self.close()
            return False
        return bool(row and row[0])

    async def close(self) -> None:
        """Let go of the connection, and with it of the lock."""
        connection, self._connection = self._connection, None
        if connection is not None:
            await connection.close()


def _parameters() -> dict[str, Any]:
    """Where Django's default database is, for a connection of our own."""
    settings = connections["default"].settings_dict
    names = {"host": "HOST", "port": "PORT", "user": "USER", "password": "PASSWORD", "dbname": "NAME"}
    return {key: settings[name] for key, name in names.items() if settings[name]}
