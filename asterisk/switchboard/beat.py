"""The one-second beat and the asks between: jobs for Huey, never waited for and never missed for long.

Redis may be away: an ask that cannot be made is dropped, and the next beat makes it again.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from uuid import UUID

from dialer.calls import board
from tasks import alerts, pacing, recordings

from .store import Store

log = logging.getLogger(__name__)

ALERTS_EVERY = 5
"""Beats between two looks at the floor's thresholds."""
MOST_WAITING = 200
"""Asks that wait for a Redis that hangs; those for pacing are one per campaign in any case."""
GAP_S = 0.2
"""Between two ticks of one campaign: on a large floor something happens every few milliseconds."""


class Beat:
    """Asks for pacing of every campaign that has somebody ready, each second and when something changed."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="asks")
        self._asked: set[int] = set()
        self._sent: dict[int, float] = {}
        self._well = True
        self._closed = False
        self._waiting = 0
        self._beats = 0

    def ask_pacing(self, campaign_id: int | None) -> None:
        """Ask for a tick of a campaign: at once, or GAP_S after the one before. Asks that are not sent yet are one."""
        if campaign_id is None or campaign_id in self._asked:
            return
        self._asked.add(campaign_id)
        loop = asyncio.get_running_loop()
        due = self._sent.get(campaign_id, -GAP_S) + GAP_S
        if due <= loop.time():
            self._submit(campaign_id)
        else:
            loop.call_at(due, self._submit, campaign_id)

    def _submit(self, campaign_id: int) -> None:
        if not self._closed:
            self._sent[campaign_id] = asyncio.get_running_loop().time()
            self._thread.submit(self._send, campaign_id)

    def ask_for_recording(self, call_id: UUID) -> None:
        """Ask that a call's recording be looked at, now that the call is over; housekeeping asks again."""
        self._unless_many_wait(lambda: recordings.ask(call_id))

    def _unless_many_wait(self, ask: Callable[[], object]) -> None:
        if self._waiting < MOST_WAITING:
            self._waiting += 1
            self._thread.submit(self._asked_for, ask)

    def _asked_for(self, ask: Callable[[], object]) -> None:
        self._waiting -= 1  # under the interpreter's lock, and a count that is off by one does no harm
        self._try(ask)

    async def once(self, *, switch_up: bool) -> None:
        """One beat: with the switch away nothing is asked for, so nothing is dialed late."""
        self._beats += 1
        if self._beats % ALERTS_EVERY == 0 and not self._closed:
            self._unless_many_wait(alerts.ask)
        if switch_up:
            for campaign_id in await self._store.run(board.campaigns_to_pace):
                self.ask_pacing(campaign_id)

    def close(self) -> None:
        """Make the asks that are waiting, then end."""
        self._closed = True
        self._thread.shutdown(wait=True)

    def _send(self, campaign_id: int) -> None:
        self._asked.discard(campaign_id)
        self._try(lambda: pacing.ask(campaign_id))

    def _try(self, ask: Callable[[], object]) -> None:
        try:
            ask()
            self._well = True
        except Exception as error:  # whatever Huey's storage raises: the beat must go on
            if self._well:
                log.warning("jobs cannot be asked for (%s); asked for again each second", type(error).__name__)
            self._well = False
