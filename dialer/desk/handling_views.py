"""What an agent does with the call in hand, one POST each; and the panels that are fetched when they are opened."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy as lazy
from django.views.decorators.http import require_GET

from dialer.agents.models import AgentSession
from dialer.agents.services import NotNow
from dialer.calls.models import CallTask
from dialer.core.ids import new_id
from dialer.handling.selectors import messages_of, parked, targets_of
from dialer.handling.terms import Kind
from dialer.people.access import fetch, member, owned, user_of

from . import handling
from .services import session_of
from .views import _deed as deed
from .views import _uuid as as_uuid

REASONS = (
    lazy("Card number"),
    lazy("Bank details"),
    lazy("Identity number"),
    lazy("Health details"),
    lazy("The customer asked for it"),
)
"""Why recordings are paused most often."""


def _seen(request: HttpRequest) -> int:
    """The version of the conversation that the form was made for."""
    text = request.POST.get("seen", "0")
    if not (text.isascii() and text.isdigit() and len(text) < 10):
        raise NotNow(_("The form was damaged. Reload the page, then choose again."))
    return int(text)


@deed
def hold(request: HttpRequest) -> None:
    """Put the customer on hold."""
    handling.do(user=user_of(request), kind=Kind.HOLD, seen=_seen(request))


@deed
def retrieve(request: HttpRequest) -> None:
    """Take the customer back from hold."""
    handling.do(user=user_of(request), kind=Kind.RETRIEVE, seen=_seen(request))


@deed
def transfer(request: HttpRequest) -> None:
    """Consult with, or transfer to, somebody."""
    kind = {"consult": Kind.CONSULT, "blind": Kind.BLIND}.get(request.POST.get("how", ""))
    if kind is None:
        raise NotNow(_("Choose whether to ask first or to transfer at once."))
    to, number = request.POST.get("to", ""), request.POST.get("number", "")
    if to.startswith("queue:"):
        if kind is not Kind.BLIND:
            raise NotNow(_("A queue cannot be asked first. Choose “Transfer”."))
        handling.to_queue(user=user_of(request), seen=_seen(request), to=to)
        return
    handling.transfer(user=user_of(request), kind=kind, seen=_seen(request), to=to, number=number)


@deed
def toggle(request: HttpRequest) -> None:
    """Swap between the customer and the third party."""
    handling.do(user=user_of(request), kind=Kind.TOGGLE, seen=_seen(request))


@deed
def conference(request: HttpRequest) -> None:
    """Bring everybody together."""
    handling.do(user=user_of(request), kind=Kind.CONFERENCE, seen=_seen(request))


@deed
def complete(request: HttpRequest) -> None:
    """Leave the other two talking."""
    handling.do(user=user_of(request), kind=Kind.COMPLETE, seen=_seen(request))


@deed
def cancel(request: HttpRequest) -> None:
    """Hang up on the third party only."""
    handling.do(user=user_of(request), kind=Kind.CANCEL, seen=_seen(request))


@deed
def release(request: HttpRequest) -> None:
    """Hang up on the customer only, and talk on with the third party."""
    handling.do(user=user_of(request), kind=Kind.RELEASE, seen=_seen(request))


@deed
def park(request: HttpRequest) -> None:
    """Park the call for somebody else to take."""
    handling.do(user=user_of(request), kind=Kind.PARK, seen=_seen(request))


@deed
def unpark(request: HttpRequest) -> None:
    """Take a parked call."""
    call_id = as_uuid(request.POST.get("call", ""))
    if call_id is None:
        raise NotNow(_("Choose one of the parked calls."))
    fetch(request, CallTask, pk=call_id)
    handling.unpark(user=user_of(request), call_id=call_id)


@deed
def pause_recording(request: HttpRequest) -> None:
    """Pause the recording, and say why."""
    reason = request.POST.get("reason", "").strip()[: handling.REASON_LENGTH]
    handling.do(user=user_of(request), kind=Kind.PAUSE_RECORDING, seen=_seen(request), reason=reason)


@deed
def resume_recording(request: HttpRequest) -> None:
    """Go on recording."""
    handling.do(user=user_of(request), kind=Kind.RESUME_RECORDING, seen=_seen(request))


@deed
def digits(request: HttpRequest) -> None:
    """Send DTMF."""
    handling.send_digits(user=user_of(request), digits=request.POST.get("digits", ""), key=request.POST.get("key", ""))


@deed
def drop(request: HttpRequest) -> None:
    """Leave a recorded message."""
    handling.drop(user=user_of(request), seen=_seen(request), message=request.POST.get("message", ""))


# --- panels ---

_TITLES = {
    "transfer": lazy("Transfer"),
    "keypad": lazy("Keypad"),
    "pause": lazy("Pause the recording"),
    "messages": lazy("Leave a message"),
    "parked": lazy("Parked calls"),
}


def _panel(request: HttpRequest, name: str, **context: object) -> HttpResponse:
    try:
        session = session_of(user_of(request))
    except NotNow as refusal:
        return render(request, "desk/panel.html", {"name": "nothing", "title": _("No call"), "reason": str(refusal)})
    shown = {"name": name, "title": _TITLES[name], "session": session, "seen": _version(session)}
    return render(request, "desk/panel.html", {**shown, **context})


def _version(session: AgentSession) -> int:
    found = getattr(session.call, "conversation", None) if session.call is not None else None
    return found.version if found is not None else 0


@member
@require_GET
def transfer_panel(request: HttpRequest) -> HttpResponse:
    """Where a call may be transferred to now."""
    user = user_of(request)
    session = owned(request, AgentSession).filter(user=user, ended_at=None).select_related("campaign").first()
    targets = targets_of(session.campaign, user) if session is not None else None
    return _panel(request, "transfer", targets=targets)


@member
@require_GET
def keypad_panel(request: HttpRequest) -> HttpResponse:
    """The keypad, with a key of its own so that what is sent is sent once."""
    return _panel(request, "keypad", key=new_id())


@member
@require_GET
def pause_panel(request: HttpRequest) -> HttpResponse:
    """Why the recording is to be paused."""
    return _panel(request, "pause", reasons=REASONS)


@member
@require_GET
def messages_panel(request: HttpRequest) -> HttpResponse:
    """The messages that can be left on a machine."""
    user = user_of(request)
    session = owned(request, AgentSession).filter(user=user, ended_at=None).select_related("campaign").first()
    return _panel(request, "messages", messages=messages_of(session.campaign) if session is not None else [])


@member
@require_GET
def parked_panel(request: HttpRequest) -> HttpResponse:
    """The calls that are parked."""
    return _panel(request, "parked", parked=list(parked(user_of(request))[:50]))
