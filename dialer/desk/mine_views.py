"""The agent's own lists: the day with its figures, calls to search and hear again, callbacks to change and dial."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.translation import gettext as _
from django.utils.translation import gettext_noop
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from dialer.core.clock import now
from dialer.core.zones import known_zone
from dialer.leads import callbacks
from dialer.leads.models import Callback, CallbackState
from dialer.people.access import fetch, member, owned, user_of

from . import mine
from .card import spoken_of
from .forms import CallbackForm

BUSY = gettext_noop("This customer is in another call at this moment. Try again when it is over.")


@member
@require_GET
def day(request: HttpRequest) -> HttpResponse:
    """Figures against goals, the next callbacks, the last calls."""
    user = user_of(request)
    promised = list(mine.own_callbacks(user))
    context = {
        "day": mine.day_of(user),
        "calls": mine.calls_today(user)[: mine.RECENT],
        "callbacks": promised[: mine.SHOWN_NEXT],
        "callback_count": len(promised),
        "now": now(),
    }
    return render(request, "desk/mine.html#day", context)


@member
@require_GET
def calls(request: HttpRequest) -> HttpResponse:
    """The agent's calls of today, those that match a search, each with its recording."""
    text = request.GET.get("q", "").strip()[:80].replace("\0", "")
    rows = mine.calls_today(user_of(request))
    if text:
        rows = rows.filter(spoken_of(user_of(request), text))
    part = "desk/mine.html#found" if request.headers.get("HX-Target") == "found" else "desk/mine.html#calls"
    return render(request, part, {"calls": rows[: mine.FOUND], "q": text})


def _list(
    request: HttpRequest, *, form: CallbackForm | None = None, of: Callback | None = None, said: str = ""
) -> HttpResponse:
    user = user_of(request)
    context = {
        "callbacks": mine.own_callbacks(user),
        "failed": mine.failed_callbacks(user),
        "form": form,
        "edited": of,
        "said": said,
        "now": now(),
    }
    return render(request, "desk/callbacks.html", context)


@member
@require_GET
def own_callbacks(request: HttpRequest) -> HttpResponse:
    """All of the agent's callbacks: the open ones, and those of the last days that failed."""
    return _list(request)


def _own(request: HttpRequest, public_id: UUID) -> Callback:
    """A callback of the user's own: 404 to strangers, 403 to colleagues."""
    rows = owned(request, Callback).select_related("lead__campaign", "user")
    callback = fetch(request, rows, public_id=public_id)
    assert isinstance(callback, Callback)
    if callback.user_id != user_of(request).pk:
        raise PermissionDenied(_("This is a colleague's callback. Agents change their own."))
    return callback


def _local(callback: Callback) -> datetime:
    """When the callback is due on the clock on which it was promised."""
    return callback.lead.next_attempt_at.astimezone(known_zone(callback.zone)).replace(tzinfo=None)


@member
@require_http_methods(["GET", "POST"])
def edit(request: HttpRequest, public_id: UUID) -> HttpResponse:
    """Put a callback off, bring it forward, or give it to anyone."""
    callback = _own(request, public_id)
    if callback.state != CallbackState.OPEN:
        return _list(request, said=_("That callback is closed already."))
    form = CallbackForm(
        request.POST or None,
        campaign=callback.lead.campaign,
        user=user_of(request),
        number=callback.lead.phone,
        zones=callback.lead.time_zones,
        auto_id="callback-%s",
        initial={"note": callback.note, "zone": callback.zone, "when": _local(callback)},
    )
    if request.method == "POST" and form.is_valid() and form.promise is not None:
        try:
            with transaction.atomic():
                callbacks.make(
                    lead_id=callback.lead_id,
                    promise=form.promise,
                    by=user_of(request),
                    at=now(),
                    call_id=callback.made_on,
                )
        except callbacks.LeadBusy:
            return _list(request, said=_(BUSY))
        return _list(request, said=_("The callback is set anew."))
    return _list(request, form=form, of=callback)


@member
@require_POST
def cancel(request: HttpRequest, public_id: UUID) -> HttpResponse:
    """Take a promise back; the lead is its list's again."""
    callback = _own(request, public_id)
    try:
        with transaction.atomic():
            callbacks.cancel(callback=callback, at=now())
    except callbacks.LeadBusy:
        return _list(request, said=_(BUSY))
    return _list(request, said=_("The callback is cancelled. The customer is back on their list."))
