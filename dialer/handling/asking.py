"""What an agent asks for becomes a command with an id, or a refusal that says why not as things are."""

from __future__ import annotations

from typing import Any
from uuid import UUID, uuid5

from django.db import transaction
from django.utils.translation import gettext

from dialer.agents.models import AgentSession
from dialer.agents.services import NotNow
from dialer.calls.models import CallTask
from dialer.calls.rules import CallState
from dialer.core.language import translated
from dialer.core.words import _
from dialer.telephony import outbox
from dialer.telephony.models import CommandKind, SwitchCommand

from . import rules
from .models import Conversation, HandlingSettings
from .terms import Conversation as Terms
from .terms import Event, Kind, Refusal

_KEYS = UUID("6f1f2c1e-5f3e-4d0a-9a63-3c7a5b1d8e90")
CHANGED = _("The call changed while you chose. Look at the card, then choose again.")


def ask(*, session: AgentSession, call_id: UUID, kind: Kind, seen: int, args: dict[str, Any], key: str = "") -> None:
    """Write the command for something that an agent asks for. Raises NotNow when it cannot be as things are.

    `seen` is the version of the conversation that the agent saw, `key` what makes a form's repeat recognisable where
    the version does not (digits). The same thing asked for twice is one command.
    """
    with transaction.atomic():
        command = uuid5(_KEYS, f"{call_id} {session.pk} {kind} {key or seen}")
        if SwitchCommand.objects.for_tenant(session.tenant_id).filter(pk=command).exists():
            return
        stored = Conversation.objects.for_tenant(session.tenant_id).filter(pk=call_id).select_related("call", "party")
        found = stored.first()
        if not key and (found.version if found is not None else 0) != seen:
            raise NotNow(gettext(CHANGED))
        as_it_is = found.as_conversation() if found is not None else _new(session.tenant_id, call_id)
        colleague = "number" not in args
        answer = rules.advance(as_it_is, Event(kind, colleague=colleague, reason=str(args.get("reason", ""))))
        if isinstance(answer, Refusal):
            raise NotNow(translated(answer.reason))
        outbox.send_once(
            key=command,
            tenant_id=session.tenant_id,
            kind=CommandKind.HANDLE,
            target=call_id,
            args={"kind": kind.value, "session": session.pk, "seen": None if key else seen, **args},
        )


def _new(tenant_id: int, call_id: UUID) -> Terms:
    call = CallTask.objects.for_tenant(tenant_id).filter(pk=call_id, state=CallState.CONNECTED).first()
    if call is None:
        raise NotNow(gettext("The call is over."))
    return Terms(recorded=call.record, may_pause=may_pause(call))


def may_pause(call: CallTask) -> bool:
    """Whether the campaign lets its agents pause recordings."""
    rows = HandlingSettings.objects.for_tenant(call.tenant_id).filter(pk=call.campaign_id, may_pause_recording=True)
    return bool(rows.exists())
