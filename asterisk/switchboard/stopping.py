"""Emergency stops: what rings is hung up, and the switch itself is asked until it holds no ringing call any more.

The campaigns are stopped in the database already, so nothing new is placed. Whoever has answered is not hung up on:
that would be an abandoned call for each; they are served as always.
"""

from __future__ import annotations

import asyncio
import logging
import time
from uuid import UUID

from dialer.calls import board
from dialer.calls.rules import Event, Kind
from dialer.core.clock import now
from dialer.telephony import outbox
from dialer.telephony.models import SwitchCommand
from dialer.telephony.port import Switch, SwitchError

from .calls import CallDesk
from .mailboxes import Mailboxes
from .store import Store

log = logging.getLogger(__name__)

LOOK_EVERY_S = 0.1
PATIENCE_S = 15.0
"""How long the switch is asked before the stop is said not to be confirmed."""


class StopDesk:
    """Carries out emergency stops, each in a task of its own."""

    def __init__(self, store: Store, switch: Switch, calls: CallDesk) -> None:
        self._store = store
        self._switch = switch
        self._calls = calls
        self._boxes: Mailboxes[UUID, SwitchCommand] = Mailboxes(self._stop)

    def carry_out(self, command: SwitchCommand) -> None:
        """Begin a stop; its result is written to the command."""
        self._boxes.put(command.pk, command)

    async def close(self, patience: float) -> None:
        """Finish what was begun, within `patience` seconds."""
        await self._boxes.close(patience)

    async def _stop(self, _: UUID, command: SwitchCommand) -> None:
        campaigns = [int(pk) for pk in command.args.get("campaigns", [])]
        began, asked, ringing = time.monotonic(), set[UUID](), 0
        error = ""
        while time.monotonic() - began < PATIENCE_S:
            found = await self._store.run(board.unanswered_in, tenant_id=command.tenant_id, campaigns=campaigns)
            for call_id in set(found) - asked:
                self._calls.tell(call_id, Event(Kind.GIVEN_UP, reason="emergency stop"), now())
            asked.update(found)
            try:
                ringing, error = await self._ringing(asked), ""
            except SwitchError as failure:
                error = str(failure) or "it did not answer"
            if not error and not found and not ringing:
                await self._confirm(command, campaigns, len(asked))
                return
            await asyncio.sleep(LOOK_EVERY_S)
        left = f"The switch could not be asked: {error}." if error else f"{ringing} calls still ring on the switch."
        log.error("an emergency stop is not confirmed: %s", left)
        await self._store.run(outbox.finish, command.pk, error=f"Not confirmed. {left} Nothing new is dialed.")

    async def _ringing(self, asked: set[UUID]) -> int:
        """How many of the calls the switch holds unanswered, by its own inventory."""
        names = {str(one) for one in asked}
        channels = (await self._switch.inventory()).channels
        return sum(1 for channel in channels if channel.channel_id in names and channel.state != "UP")

    async def _confirm(self, command: SwitchCommand, campaigns: list[int], ended: int) -> None:
        talking = await self._store.run(board.talking_in, tenant_id=command.tenant_id, campaigns=campaigns)
        took_ms = max(0, round((now() - command.created_at).total_seconds() * 1000))
        told = f"Confirmed by the switch after {took_ms} ms: no call rings. {ended} were hung up, {talking} go on."
        log.warning("emergency stop carried out in %d ms, %d calls hung up", took_ms, ended)
        await self._store.run(outbox.finish, command.pk, result=told)
