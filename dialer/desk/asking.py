"""What a disposition asks of the agent before it can be chosen."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from dialer.agents.models import AgentSession
from dialer.campaigns.models import Disposition
from dialer.core.numbers import zones_of_number
from dialer.people.models import User

from .forms import AskForm


def form_for(
    *, user: User, code: str, call_id: UUID | None, data: Any = None, initial: dict[str, Any] | None = None
) -> AskForm | None:
    """The form of what a disposition wants for the call in hand; None when it wants nothing or the call is another."""
    session = (
        AgentSession.objects.for_tenant(user.tenant_id)
        .filter(user=user, ended_at=None, call__isnull=False)
        .select_related("call__lead", "call__campaign")
        .first()
    )
    if session is None or session.call is None or call_id not in (None, session.call_id):
        return None
    call = session.call
    disposition = (
        Disposition.objects.for_tenant(user.tenant_id)
        .filter(disposition_set=call.campaign.disposition_set_id, code=code)
        .first()
    )
    if disposition is None or not disposition.asks:
        return None
    zones = call.lead.time_zones if call.lead is not None else zones_of_number(call.phone)
    return AskForm(
        data,
        initial=initial,
        auto_id="ask-%s",
        campaign=call.campaign,
        user=user,
        number=call.phone,
        zones=zones,
        disposition=disposition,
    )
