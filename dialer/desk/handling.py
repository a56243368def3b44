"""What an agent does with the call in hand: each is a command with an id, so a form that is sent twice is once."""

from __future__ import annotations

import re
from typing import Any
from uuid import UUID

from django.utils.translation import gettext as _

from dialer.agents.models import AgentSession
from dialer.agents.rules import AgentState
from dialer.agents.services import NotNow
from dialer.calls.queueing import turned_away
from dialer.core.clock import now
from dialer.core.ids import new_id
from dialer.core.language import translated
from dialer.core.numbers import NotANumber, display_number, parse_number
from dialer.handling import asking, monitoring
from dialer.handling.models import MessageRecording, Target, TransferPreset
from dialer.handling.selectors import parked, targets_of
from dialer.handling.terms import Kind
from dialer.inbound.models import Queue
from dialer.inbound.rules import TurnedAway
from dialer.people.models import User

from .services import session_of

_DIGITS = re.compile(r"[0-9*#]{1,32}")
REASON_LENGTH = 120


def do(*, user: User, kind: Kind, seen: int, key: str = "", **args: Any) -> None:
    """Ask for something to be done with the call in hand. Raises NotNow with what to do instead."""
    session = session_of(user)
    if session.call_id is None or session.state != AgentState.IN_CALL:
        raise NotNow(_("There is no call in hand."))
    if session.guest:
        raise NotNow(_("This is your colleague's call. You can talk, or hang up to leave it."))
    asking.ask(session=session, call_id=session.call_id, kind=kind, seen=seen, args=args, key=key)


def transfer(*, user: User, kind: Kind, seen: int, to: str, number: str) -> None:
    """Consult with, or transfer to, a preset, a colleague or a typed number (`to`: preset:…, agent:…, number)."""
    session = session_of(user)
    do(user=user, kind=kind, seen=seen, party=str(new_id()), **_target(session, user, to, number))


def to_queue(*, user: User, seen: int, to: str) -> None:
    """Transfer to a queue (`to`: queue:…): the customer waits there, and this agent is free. Raises NotNow."""
    queue = Queue.objects.for_tenant(user.tenant_id).filter(public_id=_uuid(to.partition(":")[2])).first()
    if queue is None:
        raise NotNow(_("That queue is gone. Choose another."))
    if away := turned_away(queue, now()):
        words = {
            TurnedAway.CLOSED: _("“%(queue)s” is closed now. Choose another queue, or a colleague."),
            TurnedAway.NOBODY: _("Nobody works in “%(queue)s” now. Choose another queue, or a colleague."),
        }
        raise NotNow(words[away] % {"queue": queue.name})
    do(user=user, kind=Kind.PARK, seen=seen, queue=queue.pk)


def _target(session: AgentSession, user: User, to: str, number: str) -> dict[str, Any]:
    sort, _colon, name = to.partition(":")
    match sort:
        case "preset":
            rows = TransferPreset.objects.for_tenant(user.tenant_id).select_related("agent")
            preset = rows.filter(campaign_id=session.campaign_id, public_id=_uuid(name)).first()
            if preset is None:
                raise NotNow(_("That preset is gone. Choose another."))
            return _of_preset(preset)
        case "agent":
            rows = AgentSession.objects.for_tenant(user.tenant_id).select_related("user")
            colleague = rows.filter(public_id=_uuid(name), ended_at=None).exclude(user=user).first()
            if colleague is None:
                raise NotNow(_("That colleague has left. Choose somebody else."))
            if colleague.state != AgentState.READY:
                raise NotNow(
                    _("%(name)s is not ready any more. Choose somebody else, or wait.")
                    % {"name": colleague.user.shown_name}
                )
            return {"user_id": colleague.user_id, "label": colleague.user.shown_name}
        case "number":
            return _of_number(session, user, number)
    raise NotNow(_("Choose whom to transfer to."))


def _of_preset(preset: TransferPreset) -> dict[str, Any]:
    if preset.target == Target.AGENT:
        return {"user_id": preset.agent_id, "label": preset.name}
    if preset.target == Target.CAMPAIGN:
        return {"campaign_id": preset.to_campaign_id, "label": preset.name}
    return {"number": preset.phone, "label": preset.name, "zone": preset.time_zone}


def _of_number(session: AgentSession, user: User, text: str) -> dict[str, Any]:
    if not targets_of(session.campaign, user).typed:
        raise NotNow(_("This campaign transfers to its presets and to colleagues only."))
    if not text.strip():
        raise NotNow(_("Type the number to transfer to, with its area code."))
    try:
        parsed = parse_number(text, session.campaign.tenant.region)
    except NotANumber as error:
        raise NotNow(translated(error.args[0])) from error
    if session.call is not None and session.call.phone == parsed:
        raise NotNow(_("That is the customer's own number."))
    return {"number": parsed, "label": display_number(parsed)}


def send_digits(*, user: User, digits: str, key: str) -> None:
    """Send DTMF to whom the agent talks with. `key` is the form's own, so that it is sent once."""
    if not _DIGITS.fullmatch(digits):
        raise NotNow(_("Type digits, * and # only, at most 32."))
    if _uuid(key) is None:
        raise NotNow(_("Open the keypad again."))
    do(user=user, kind=Kind.DTMF, seen=0, key=key, digits=digits)


def drop(*, user: User, seen: int, message: str) -> None:
    """Leave a recorded message of the campaign and be free at once."""
    session = session_of(user)
    rows = MessageRecording.objects.for_tenant(user.tenant_id)
    chosen = rows.filter(campaign_id=session.campaign_id, public_id=_uuid(message)).first()
    if chosen is None:
        raise NotNow(_("Choose one of the campaign's messages."))
    do(user=user, kind=Kind.DROP, seen=seen, path=chosen.path)


def unpark(*, user: User, call_id: UUID) -> None:
    """Take a parked call."""
    session = session_of(user)
    row = parked(user).filter(pk=call_id).first()
    if row is None:
        raise NotNow(_("This call is parked no more. Somebody took it, or the customer hung up."))
    if monitoring.busy(session):
        raise NotNow(_("You are listening to an agent. Stop that first: the customer would hear it."))
    if session.call_id is not None:
        raise NotNow(_("Finish the call that you are on first."))
    if session.leg != "up":
        raise NotNow(_("Your phone is not on the line. Choose “Call my phone” first."))
    asking.ask(session=session, call_id=row.pk, kind=Kind.UNPARK, seen=row.version, args={})


def _uuid(text: str) -> UUID | None:
    try:
        return UUID(text)
    except ValueError:
        return None
