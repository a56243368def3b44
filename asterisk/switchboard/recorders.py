"""Recording of calls: begun when the call's row says connected, or without it while the database does not take that."""

from __future__ import annotations

import logging
from uuid import UUID

from dialer.calls import services
from dialer.calls.models import CallTask
from dialer.compliance.laws import Notice
from dialer.compliance.selectors import recording_notice
from dialer.telephony.port import Switch, SwitchRefused, SwitchUnreachable

from .mailboxes import Mailboxes
from .store import Store
from .timers import Timers

log = logging.getLogger(__name__)

UNWRITTEN_S = 0.3
"""How long the row may take to say that a customer who was joined to an agent is connected."""
AGAIN_S = 0.5
"""How soon a switch that did not answer is asked again."""


class RecordDesk:
    """Asks the switch to record; for each call in order, and for no call may its events wait for this."""

    def __init__(self, store: Store, switch: Switch) -> None:
        self._store = store
        self._switch = switch
        self._notices: dict[UUID, Notice] = {}
        self._begun: set[UUID] = set()
        self._late: set[UUID] = set()
        self._due: dict[UUID, CallTask] = {}
        self._timers = Timers()
        self._boxes: Mailboxes[UUID, CallTask] = Mailboxes(self._record)

    def learn(self, call_id: UUID, notice: Notice) -> None:
        """What those on the call must hear of it; the database may be away when it is needed."""
        self._notices[call_id] = notice

    def joined(self, call: CallTask) -> None:
        """The customer was joined to an agent, and the row is about to say so, at which `record` is due."""
        self._later(call, UNWRITTEN_S)

    def record(self, call: CallTask) -> None:
        """Record it from now on. Asked again, nothing happens."""
        self._timers.cancel(call.pk)
        self._due.pop(call.pk, None)
        if call.record:
            self._boxes.put(call.pk, call)

    def forget(self, call_id: UUID) -> None:
        """The call is over."""
        self._timers.cancel(call_id)
        self._due.pop(call_id, None)
        self._begun.discard(call_id)
        self._late.discard(call_id)
        self._notices.pop(call_id, None)

    def waiting(self) -> int:
        """How many calls are not asked for yet."""
        return self._boxes.waiting()

    async def close(self, patience: float) -> None:
        """Finish what was begun, within `patience` seconds; what was to be asked for in a moment is asked for now."""
        for call in list(self._due.values()):
            self.record(call)
        await self._boxes.close(patience)
        self._timers.close()

    def _later(self, call: CallTask, seconds: float) -> None:
        self._due[call.pk] = call
        self._timers.start(call.pk, seconds, lambda: self.record(call))

    async def _record(self, call_id: UUID, call: CallTask) -> None:
        """Begin; a switch that does not answer is asked again, for as long as the call goes on."""
        if call_id in self._begun:
            return
        try:
            await self._switch.record(str(call_id), services.recording_path(call), (await self._notice(call)).value)
        except SwitchRefused as error:
            log.warning("call %s: the switch refused to record it (%s)", call_id, error)
        except SwitchUnreachable as error:
            if call_id not in self._late:
                log.warning("call %s: it is not recorded yet (%s); asked again", call_id, error)
            self._late.add(call_id)
            self._later(call, AGAIN_S)
        else:
            self._begun.add(call_id)

    async def _notice(self, call: CallTask) -> Notice:
        if call.verdict_row_id is None:
            return recording_notice(None)
        known = self._notices.get(call.pk)
        if known is None:  # another switchboard placed the call
            known = self._notices[call.pk] = await self._store.run(_notice_of, call)
        return known


def _notice_of(call: CallTask) -> Notice:
    return recording_notice(call.verdict_row)
