"""One connection to PostgreSQL that hears notifications."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from typing import Any

import psycopg
from psycopg import sql

from dialer.core import notify

from .lead import session_parameters

log = logging.getLogger(__name__)

CHANNELS = (notify.CALLS, notify.COMMANDS, notify.READY)
RETRY_S = 0.5


class Listener:
    """Calls `heard(channel, payload)` for every notification."""

    def __init__(self, heard: Callable[[str, str], None]) -> None:
        self._heard = heard

    async def run(self) -> None:
        """Hear notifications for ever; reconnects."""
        while True:
            try:
                connection = await psycopg.AsyncConnection.connect(**session_parameters(), connect_timeout=5)
            except psycopg.Error:
                await asyncio.sleep(RETRY_S)
                continue
            try:
                await self._listen(connection)
            except psycopg.Error as error:
                log.warning("the database's notifications stopped (%s)", type(error).__name__)

    async def _listen(self, connection: psycopg.AsyncConnection[Any]) -> None:
        try:
            for channel in CHANNELS:
                await connection.execute(sql.SQL("LISTEN {}").format(sql.Identifier(channel)))
            for channel in CHANNELS:  # whatever was said before was not heard: look at everything once
                self._heard(channel, "")
            async for note in connection.notifies():
                self._heard(note.channel, note.payload)
        finally:
            await connection.close()
