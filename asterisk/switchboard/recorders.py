"""Recording of calls: begun when the call's row says connected, or without it while the database does not take that."""

from __future__ import annotations

import logging
from dataclasses import dataclass
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


@dataclass(slots=True)
class _About:
    """What is known of a live call's recording."""

    notice: Notice | None = None
    begun: bool = False
    late: bool = False
    """The switch did not answer, and the log says so."""
    due: CallTask | None = None
    """It is to be asked for in a moment."""


class RecordDesk:
    """Asks the switch to record; for each call in order, and for no call may its events wait for this."""

    def __init__(self, store: Store, switch: Switch) -> None:
        self._store = store
        self._switch = switch
        self._about: dict[UUID, _About] = {}
        self._timers = Timers()
        self._boxes: Mailboxes[UUID, CallTask] = Mailboxes(self._record)

    def learn(self, call_id: UUID, notice: Notice) -> None:
        """What those on the call must hear of it; the database may be away when it is needed."""
        self._known(call_id).notice = notice

    def joined(self, call: CallTask) -> None:
        """The customer was joined to an agent, and the row is about to say so, at which `record` is due."""
        self._later(call, self._known(call.pk), UNWRITTEN_S)

    def record(self, call: CallTask) -> None:
        """Record it from now on. Asked again, nothing happens."""
        self._timers.cancel(call.pk)
        self._known(call.pk).due = None
        if call.record:
            self._boxes.put(call.pk, call)

    def forget(self, call_id: UUID) -> None:
        """The call is over."""
        self._timers.cancel(call_id)
        self._about.pop(call_id, None)

    def waiting(self) -> int:
        """How many calls are not asked for yet."""
        return self._boxes.waiting()

    async def close(self, patience: float) -> None:
        """Finish what was begun, within `patience` seconds; what was to be asked for in a moment is asked for now."""
        for call in [about.due for about in self._about.values() if about.due is not None]:
            self.record(call)
        await self._boxes.close(patience)
        self._timers.close()

    def _known(self, call_id: UUID) -> _About:
        return self._about.setdefault(call_id, _About())

    def _later(self, call: CallTask, about: _About, seconds: float) -> None:
        about.due = call
        self._timers.start(call.pk, seconds, lambda: self.record(call))

    async def _record(self, call_id: UUID, call: CallTask) -> None:
        """Begin; a switch that does not answer is asked again, for as long as the call goes on."""
        about = self._about.get(call_id)
        if about is None or about.begun:
            return
        try:
            notice = await self._notice(call, about)
            await self._switch.record(str(call_id), services.recording_path(call), notice.value)
        except SwitchRefused as error:
            log.warning("call %s: the switch refused to record it (%s)", call_id, error)
        except SwitchUnreachable as error:
            if not about.late:
                log.warning("call %s: it is not recorded yet (%s); asked again", call_id, error)
            about.late = True
            if call_id in self._about:
                self._later(call, about, AGAIN_S)
        else:
            about.begun = True

    async def _notice(self, call: CallTask, about: _About) -> Notice:
        if call.verdict_row_id is None:
            return recording_notice(None)
        if about.notice is None:  # another switchboard placed the call
            about.notice = await self._store.run(_notice_of, call)
        return about.notice


def _notice_of(call: CallTask) -> Notice:
    return recording_notice(call.verdict_row)
