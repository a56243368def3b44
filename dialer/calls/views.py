"""The records: calls, one call with its events, its recording."""

from __future__ import annotations

from uuid import UUID

from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET

from dialer.people.access import READERS, fetch, member, sees_numbers, tenant_of, user_of

from . import media, page
from .forms import CallFilter
from .models import CallTask, Recording
from .selectors import calls_for, calls_of, page_of


@member
@require_GET
def index(request: HttpRequest) -> HttpResponse:
    """Calls, newest first; agents see their own."""
    user, tenant = user_of(request), tenant_of(request)
    of_all = user.role in READERS
    form = CallFilter(request.GET, user=user, whole_numbers=sees_numbers(user), of_all=of_all)
    form.is_valid()
    found = page_of(calls_for(user), tenant=tenant, wanted=form.cleaned_data, before=request.GET.get("before", ""))
    query = request.GET.copy()
    query.pop("before", None)
    context = {
        "form": form,
        "page": found,
        "query": query.urlencode(),
        "filtered": any(query.values()),
        "of_all": of_all,
        "sees_numbers": sees_numbers(user),
    }
    return render(request, "calls/list.html", context)


def _call(request: HttpRequest, call_id: UUID) -> CallTask:
    """The call, if it is the user's tenant's (a supervisor's: their team's); agents open their own only."""
    user = user_of(request)
    call = fetch(request, page.rows(calls_of(user)), pk=call_id)
    assert isinstance(call, CallTask)
    if user.role not in READERS and call.user_id != user.pk:
        raise PermissionDenied(_("This is a colleague's call. Agents see their own."))
    return call


@member
@require_GET
def detail(request: HttpRequest, call_id: UUID) -> HttpResponse:
    """One call: facts, recording, and everything that happened, in order; pushed while it lasts."""
    call = _call(request, call_id)
    return render(request, "calls/detail.html", page.shown(call, page.mode_of(user_of(request), call)))


@member
@require_GET
def recording(request: HttpRequest, call_id: UUID) -> HttpResponseBase:
    """The recording's audio."""
    found: Recording | None = getattr(_call(request, call_id), "recording", None)
    path = media.file_of(found) if found is not None else None
    if path is None:
        raise Http404(_("This call has no recording, or its file is gone from the recordings folder."))
    return media.send(request, path)
