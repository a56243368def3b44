"""Writing to the outbox, and taking from it. Call `send` inside the transaction that decided the command."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from django.db import transaction
from django.db.models import Q

from dialer.core import notify, prepared
from dialer.core.clock import now

from .models import CommandKind, CommandStatus, SwitchCommand

KEEP = timedelta(days=30)
"""How long closed commands are kept: nothing is sent again so late, and what came of them is with the calls."""
TOO_LATE = "The switch could not be reached in time."
PATIENCE = timedelta(seconds=20)
"""How long a command stays worth carrying out; a switch that was away longer gets none of them."""
LASTING = {
    CommandKind.HANG_UP: timedelta(hours=1),
    CommandKind.STOP: timedelta(minutes=2),
    CommandKind.PROVISION: timedelta(hours=1),
}
"""Those that stay so for longer. Whoever pressed Hang up was told yes, and nothing would tell them that the call goes
on; a call that is over by then is not harmed. No telephone rings for longer than a stop waits."""
STUCK = timedelta(seconds=40)
"""How long after that one which was taken may be on its way. Its taker lives, or it would have been given back: whoever
was to carry it out failed, and the log says how."""


def send(
    *, tenant_id: int, kind: CommandKind, target: UUID | None = None, args: dict[str, Any] | None = None
) -> SwitchCommand:
    """Write a command; the switchboard is woken when the current transaction commits."""
    command = SwitchCommand.objects.create(
        tenant_id=tenant_id, kind=kind, target=target, args=args or {}, deadline=_deadline(kind)
    )
    notify.notify(notify.COMMANDS)
    assert isinstance(command, SwitchCommand)
    return command


def send_many(*, tenant_id: int, kind: CommandKind, targets: Sequence[UUID], args: dict[str, Any]) -> None:
    """Write the same command for several targets; the switchboard is woken once."""
    deadline = _deadline(kind)
    SwitchCommand.objects.bulk_create(
        SwitchCommand(tenant_id=tenant_id, kind=kind, target=target, args=args, deadline=deadline) for target in targets
    )
    if targets:
        notify.notify(notify.COMMANDS)


def send_once(*, key: UUID, tenant_id: int, kind: CommandKind, target: UUID, args: dict[str, Any]) -> None:
    """The same with an id of the caller's choice: a second command with it is not written."""
    command = SwitchCommand(id=key, tenant_id=tenant_id, kind=kind, target=target, args=args, deadline=_deadline(kind))
    SwitchCommand.objects.bulk_create([command], ignore_conflicts=True)
    notify.notify(notify.COMMANDS)


def _deadline(kind: CommandKind) -> datetime:
    return now() + LASTING.get(kind, PATIENCE)


def expire() -> list[SwitchCommand]:
    """Close the commands that nobody took in time, or finished, and return them: whoever asked is to be told."""
    moment = now()
    with transaction.atomic():
        pending = Q(status=CommandStatus.PENDING, deadline__lt=moment)
        stuck = Q(status=CommandStatus.TAKEN, deadline__lt=moment - STUCK)
        found = SwitchCommand.objects.across_tenants().filter(pending | stuck)
        late = list(found.select_for_update(skip_locked=True))
        SwitchCommand.objects.across_tenants().filter(pk__in=[one.pk for one in late]).update(
            status=CommandStatus.EXPIRED, result=TOO_LATE, done_at=moment
        )
    return late


_TAKE = """
UPDATE telephony_switchcommand SET status = 'taken', taken_by = %(by)s WHERE id IN (
    SELECT id FROM telephony_switchcommand
    WHERE (status = 'pending' AND deadline >= %(now)s) OR (status = 'taken' AND taken_by = %(by)s)
    ORDER BY created_at LIMIT %(limit)s FOR UPDATE SKIP LOCKED
) RETURNING *
"""


def take(*, by: UUID, limit: int = 50) -> list[SwitchCommand]:
    """Take pending commands that are in time, oldest first, each by one taker only.

    `by` names this taking: whoever gets no answer asks again with the same, and is given what they took already.
    Somebody waits for the first of them, not for the disk: what a crash gives back is carried out once more.
    """
    with transaction.atomic():
        prepared.commit_lazily()
        taken = list(SwitchCommand.objects.across_tenants().raw(_TAKE, {"now": now(), "limit": limit, "by": by}))
    # An emergency stop waits for nothing.
    return sorted(taken, key=lambda one: (one.kind != CommandKind.STOP, one.created_at))


def finish(command_id: UUID, *, error: str = "", result: str = "") -> None:
    """Write a taken command's result; an empty error means that it was carried out, with `result` to tell of it."""
    with transaction.atomic():
        prepared.commit_lazily()
        SwitchCommand.objects.across_tenants().filter(pk=command_id).update(
            status=CommandStatus.FAILED if error else CommandStatus.DONE,
            result=(error or result)[:300],
            done_at=now(),
        )


def release_taken() -> int:
    """Give back what a switchboard that died had taken; commands are idempotent, so they may run again."""
    return (
        SwitchCommand.objects.across_tenants().filter(status=CommandStatus.TAKEN).update(status=CommandStatus.PENDING)
    )


def forget(*, at: datetime) -> int:
    """Remove closed commands that are older than KEEP, but for emergency stops, which are history; how many."""
    old = SwitchCommand.objects.across_tenants().filter(done_at__lt=at - KEEP).exclude(kind=CommandKind.STOP)
    return old.delete()[0]
