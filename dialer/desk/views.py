"""The agent desk: one page, and one POST per thing that an agent can do. Each answers with the desk as it is then."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Concatenate, ParamSpec
from uuid import UUID

from django.conf import settings
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_POST

from dialer.agents.models import PhoneKind
from dialer.agents.services import NotNow
from dialer.campaigns.models import Campaign
from dialer.leads.models import Callback, CallbackState
from dialer.people.access import fetch, member, owned, user_of

from . import asking, services
from .phone import BROWSER_PHONE
from .selectors import desk_of, joinable

Params = ParamSpec("Params")


def _fragment(request: HttpRequest, message: str = "") -> HttpResponse:
    desk = desk_of(user_of(request).pk)
    return render(request, "desk/desk.html#desk", {"desk": desk, "message": message, "at": ""})


def _deed(act: Callable[Concatenate[HttpRequest, Params], None]) -> Callable[..., HttpResponseBase]:
    """Make a view of something that an agent does: POST only; a refusal is a message on the desk."""

    @member
    @require_POST
    @wraps(act)
    def view(request: HttpRequest, *args: Params.args, **kwargs: Params.kwargs) -> HttpResponse:
        try:
            act(request, *args, **kwargs)
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
        raise NotNow(_("Choose a campaign."))
    campaign = fetch(request, Campaign, public_id=public_id)
    if not joinable(user_of(request)).filter(pk=campaign.pk).exists():
        raise NotNow(_("That campaign is another team's. Choose one of those shown."))
    user = user_of(request)
    kind = request.POST.get("phone") or (PhoneKind.SIP if user.endpoint else PhoneKind.BROWSER)
    services.join(user=user, campaign=campaign, phone=kind, number=request.POST.get("number", ""))
    request.session[BROWSER_PHONE] = kind == PhoneKind.BROWSER


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


@member
@require_POST
def dispose(request: HttpRequest) -> HttpResponse:
    """Say how the call ended. What the disposition wants and is not given is said in its form."""
    user, code, call_id = user_of(request), request.POST.get("code", ""), _uuid(request.POST.get("call", ""))
    promise = None
    if "ask" in request.POST:
        form = asking.form_for(user=user, code=code, call_id=call_id, data=request.POST)
        if form is not None and not form.is_valid():
            return render(request, "desk/_ask.html", {"form": form, "call_id": call_id})
        promise = form.promise if form is not None else None
    try:
        note = request.POST.get("note", "")
        services.dispose(user=user, code=code, note=note, call_id=call_id, promise=promise)
    except NotNow as refusal:
        return _fragment(request, str(refusal))
    return _fragment(request)


@member
@require_POST
def ask(request: HttpRequest) -> HttpResponse:
    """The form of what a disposition wants: a note, a time to call back."""
    call_id = _uuid(request.POST.get("call", ""))
    form = asking.form_for(
        user=user_of(request),
        code=request.POST.get("code", ""),
        call_id=call_id,
        initial={"note": request.POST.get("note", "")},
    )
    return render(request, "desk/_ask.html", {"form": form, "call_id": call_id})


@_deed
def extend(request: HttpRequest) -> None:
    """More time for the wrap-up, once per call."""
    services.extend(user=user_of(request))


@_deed
def dial_callback(request: HttpRequest, public_id: UUID) -> None:
    """Dial a callback of one's own now, through the gate."""
    callback = fetch(request, owned(request, Callback), public_id=public_id)
    if callback.user_id != user_of(request).pk:
        raise PermissionDenied(_("This is a colleague's callback. Agents dial their own."))
    if callback.state != CallbackState.OPEN:
        raise NotNow(_("That callback is closed already."))
    services.dial_callback(user=user_of(request), lead_id=callback.lead_id)


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
def dial_last(request: HttpRequest) -> None:
    """Dial the last number again."""
    services.dial_last(user=user_of(request))


@_deed
def phone(request: HttpRequest) -> None:
    """Call my phone again."""
    services.call_phone(user=user_of(request))


def _uuid(text: str) -> UUID | None:
    try:
        return UUID(text)
    except ValueError:
        return None
