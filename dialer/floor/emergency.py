"""Emergency stops: campaigns stop in one transaction, and the switch is told to end what rings and to confirm it."""

from __future__ import annotations

import time
from collections.abc import Sequence

from django.db import transaction

from dialer.campaigns import services as dialing
from dialer.campaigns.models import Campaign
from dialer.core import audit
from dialer.core.clock import now
from dialer.people.models import User
from dialer.telephony import outbox
from dialer.telephony.models import CommandKind, CommandStatus, SwitchCommand

from .models import EmergencyStop

CONFIRMED_WITHIN_S = 2.0
"""How long whoever stops is kept waiting for the switch's word."""


def stop(*, by: User, campaigns: Sequence[Campaign], what: str) -> EmergencyStop:
    """Stop these campaigns (of `by`'s tenant) at once; agents cannot dial in them either until they are started again.

    People who have answered are served. The command's result says what the switch confirmed, and when.
    """
    assert by.tenant_id is not None
    moment = now()
    ids = sorted(one.pk for one in campaigns)
    with transaction.atomic():
        dialing.halt(tenant_id=by.tenant_id, campaigns=ids, at=moment)
        command = outbox.send(tenant_id=by.tenant_id, kind=CommandKind.STOP, args={"campaigns": ids})
        made = EmergencyStop.objects.create(tenant_id=by.tenant_id, by=by, at=moment, what=what[:120], command=command)
        audit.record(
            tenant_id=by.tenant_id,
            actor=by,
            action="emergency.stop",
            subject=str(made.public_id),
            data={"what": what[:120], "campaigns": [str(one.public_id) for one in campaigns]},
        )
    assert isinstance(made, EmergencyStop)
    return made


def confirmed(made: EmergencyStop, *, within_s: float | None = None) -> SwitchCommand:
    """The stop's command once the switch has confirmed it, or as it is after `within_s` (CONFIRMED_WITHIN_S).

    Whoever pressed the button waits for this answer; boards are told by push besides.
    """
    until = time.monotonic() + (CONFIRMED_WITHIN_S if within_s is None else within_s)
    while True:
        command = SwitchCommand.objects.for_tenant(made.tenant_id).get(pk=made.command_id)
        over = command.status not in (CommandStatus.PENDING, CommandStatus.TAKEN)
        if over or time.monotonic() >= until:
            assert isinstance(command, SwitchCommand)
            return command
        time.sleep(0.05)
