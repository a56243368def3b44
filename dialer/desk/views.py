"""The agent desk: one page, and one POST per thing that an agent can do. Each answers with the desk as it is then."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from uuid import UUID

from django.conf import settings
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import render
from django.views.decorators.http import require_GET, require_POST

from dialer.agents.services import NotNow
from dialer.campaigns.models import Campaign
from dialer.people.access import fetch, member, user_of

from . import services
from .selectors import desk_of, joinable


def _fragment(request: HttpRequest, message: str = "") -> HttpResponse:
    desk = desk_of(user_of(request).pk)
    return render(request, "desk/desk.html#desk", {"desk": desk, "message": message, "at": ""})


def _deed(act: Callable[[HttpRequest], None]) -> Callable[[HttpRequest], HttpResponseBase]:
    """Make a view of something that an agent does: POST only; a refusal is a message on the desk."""

    @member
    @require_POST
    @wraps(act)
    def view(request: HttpRequest) -> HttpResponse:
        try:
            act(request)
        except NotNow as refusal:
            return _fragment(request, str(refusal))
        return _fragment(request)

    return view


@member
@require_GET
def desk(request: HttpRequest) -> HttpResponse:
    """The whole page."""
    return render(request, "desk/desk.html", {"desk": desk_of(user_of(request).pk), "at": ""})


@member
@require_GET
def phone_account(request: HttpRequest) -> HttpResponse:
    """What a SIP phone needs to register as this user's, the secret included; fetched only when asked for."""
    context = {"account": user_of(request), "host": settings.SIP_HOST, "port": settings.SIP_PORT, "secret_shown": True}
    return render(request, "desk/desk.html#account", context)


@_deed
def join(request: HttpRequest) -> None:
    """Join a campaign."""
    public_id = _uuid(request.POST.get("campaign", ""))
    if public_id is None:
        raise NotNow("Choose a campaign.")
    campaign = fetch(request, Campaign, public_id=public_id)
    if not joinable(user_of(request)).filter(pk=campaign.pk).exists():
        raise NotNow("That campaign is another team's. Choose one of those shown.")
    services.join(user=user_of(request), campaign=campaign)


@_deed
def leave(request: HttpRequest) -> None:
    """Leave the campaign."""
    services.leave(user=user_of(request))


@_deed
def ready(request: HttpRequest) -> None:
    """Ask for calls."""
    services.ready(user=user_of(request))


@_deed
def pause(request: HttpRequest) -> None:
    """Pause, now or after the call."""
    services.pause(user=user_of(request), code=request.POST.get("code", ""))


@_deed
def hang_up(request: HttpRequest) -> None:
    """Hang up."""
    services.hang_up(user=user_of(request))


@_deed
def dispose(request: HttpRequest) -> None:
    """Say how the call ended."""
    services.dispose(
        user=user_of(request),
        code=request.POST.get("code", ""),
        note=request.POST.get("note", ""),
        call_id=_uuid(request.POST.get("call", "")),
    )


@_deed
def next_lead(request: HttpRequest) -> None:
    """Take the next lead."""
    services.next_lead(user=user_of(request))


@_deed
def dial_shown(request: HttpRequest) -> None:
    """Dial the lead that is shown."""
    services.dial_shown(user=user_of(request))


@_deed
def skip(request: HttpRequest) -> None:
    """Give the lead that is shown back."""
    services.skip(user=user_of(request))


@_deed
def dial(request: HttpRequest) -> None:
    """Dial a typed number."""
    services.dial_number(user=user_of(request), text=request.POST.get("number", ""))


@_deed
def phone(request: HttpRequest) -> None:
    """Call my phone again."""
    services.call_phone(user=user_of(request))


def _uuid(text: str) -> UUID | None:
    try:
        return UUID(text)
    except ValueError:
        return None
