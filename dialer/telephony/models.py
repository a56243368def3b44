"""The outbox of commands to the switch: each is a row with an id, a deadline and a result."""

from __future__ import annotations

from django.db import models
from django.db.models import Q

from dialer.core.ids import new_id
from dialer.core.models import TenantScoped


class CommandKind(models.TextChoices):
    """What the switch is asked for. (Placing a call is the QUEUED CallTask itself.)"""

    HANG_UP = "hang_up", "Hang up"
    CALL_PHONE = "call_phone", "Call the agent's phone"
    DROP_PHONE = "drop_phone", "Hang up the agent's phone"
    HANDLE = "handle", "Handle the call"
    MONITOR = "monitor", "Listen to an agent"
    STOP = "stop", "Emergency stop"
    PROVISION = "provision", "Make the phones' accounts known"


class CommandStatus(models.TextChoices):
    """How far a command is."""

    PENDING = "pending", "Pending"
    TAKEN = "taken", "Taken"
    DONE = "done", "Done"
    FAILED = "failed", "Failed"
    EXPIRED = "expired", "Expired"


class SwitchCommand(TenantScoped):
    """One command. `target` is the call's or the agent session's outward id; PROVISION and STOP have none."""

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    kind = models.CharField(max_length=20, choices=CommandKind.choices)
    target = models.UUIDField(null=True)
    args = models.JSONField(default=dict)
    status = models.CharField(max_length=8, choices=CommandStatus.choices, default=CommandStatus.PENDING)
    taken_by = models.UUIDField(null=True, help_text="Which taking of commands it was a part of.")
    result = models.CharField(max_length=300, blank=True)
    deadline = models.DateTimeField()
    created_at = models.DateTimeField(auto_now_add=True)
    done_at = models.DateTimeField(null=True)

    class Meta(TenantScoped.Meta):
        indexes = [
            models.Index(
                fields=["created_at"], condition=Q(status__in=("pending", "taken")), name="switch_command_open"
            )
        ]
