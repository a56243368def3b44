"""Third parties of a call: numbers that the gate allows, and colleagues who are reserved for it."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from django.conf import settings

from dialer.agents import services as agents
from dialer.agents.models import AgentSession
from dialer.agents.rules import Event as AgentEvent
from dialer.agents.rules import Kind as AgentKind
from dialer.calls.models import CallTask
from dialer.compliance.laws import Purpose
from dialer.compliance.rules import Deny
from dialer.compliance.services import Asked, judge
from dialer.core.numbers import zones_of_number
from dialer.core.words import _, said
from dialer.leads.models import Lead
from dialer.telephony.models import SwitchCommand

from .models import Conversation, Party
from .terms import PartyState


def bring_in(call: CallTask, row: Conversation, command: SwitchCommand, at: datetime) -> str:
    """Add the third party that a command names; why not, when that cannot be."""
    args = command.args
    party = Party(id=UUID(args["party"]), tenant_id=call.tenant_id, call=call, label=args["label"][:120], asked_at=at)
    if "number" in args:
        number = args["number"]
        zones = (args["zone"],) if args.get("zone") else _zones_of(call, number)
        [judged] = judge(
            campaign=call.campaign, asked=[Asked(number, zones)], at=at, by_hand=True, purpose=Purpose.SERVICE
        )
        if isinstance(judged.answer, Deny):
            return judged.answer.reason
        party.phone, party.verdict_row = number, judged.row
        party.caller_id, party.trunk = call.campaign.caller_id or call.caller_id, call.campaign.trunk or settings.TRUNK
        party.ring_timeout_s = max(call.campaign.ring_timeout_s, 30)
    elif "taken_by" in args:
        reserved = AgentEvent(AgentKind.RESERVED, call=call.pk, own=True)
        party.session = agents.apply_within(session_id=args["taken_by"], event=reserved, at=at, guest=True)
        party.state, party.answered_at = PartyState.TALKING, at
    else:
        colleague = agents.ask_in(
            tenant_id=call.tenant_id,
            call_id=call.pk,
            at=at,
            user_id=args.get("user_id"),
            campaign_id=args.get("campaign_id"),
        )
        if colleague is None:
            return said(
                "%(name)s cannot take it now: not ready, or on another call. Choose somebody else, or wait.",
                name=args["label"],
            )
        party.session = AgentSession.objects.across_tenants().get(pk=colleague.pk)
        party.state, party.answered_at = PartyState.TALKING, at
    party.save(force_insert=True)
    row.party = party
    return ""


def _zones_of(call: CallTask, number: str) -> tuple[str, ...]:
    """Where a number may be: as the tenant's own records say, else as it says itself."""
    known = Lead.objects.for_tenant(call.tenant_id).filter(phone=number).values_list("time_zones", flat=True).first()
    return tuple(known or zones_of_number(number))


def cause_words(cause: int | None) -> str:
    """Why somebody could not be reached, in words."""
    return _CAUSES.get(cause or 0, _("the call did not go through"))


_CAUSES = {
    1: _("there is no such number"),
    17: _("busy"),
    18: _("nobody answered"),
    19: _("nobody answered"),
    21: _("they refused the call"),
    34: _("no line was free"),
}
