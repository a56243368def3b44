"""The records: calls, one call with its events, its recording."""

from __future__ import annotations

from uuid import UUID

from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import render
from django.views.decorators.http import require_GET

from dialer.people.access import READERS, fetch, member, owned, sees_numbers, tenant_of, user_of

from . import media
from .forms import CallFilter
from .models import CallTask, Recording, RecordingState
from .selectors import calls_for, page_of, timeline_of
from .words import BY, VERDICTS, cause_words


@member
@require_GET
def index(request: HttpRequest) -> HttpResponse:
    """Calls, newest first; agents see their own."""
    user, tenant = user_of(request), tenant_of(request)
    of_all = user.role in READERS
    form = CallFilter(request.GET, tenant=tenant, whole_numbers=sees_numbers(user) or not of_all, of_all=of_all)
    form.is_valid()
    page = page_of(calls_for(user), tenant=tenant, wanted=form.cleaned_data, before=request.GET.get("before", ""))
    query = request.GET.copy()
    query.pop("before", None)
    context = {
        "form": form,
        "page": page,
        "query": query.urlencode(),
        "filtered": any(query.values()),
        "of_all": of_all,
        "sees_numbers": sees_numbers(user) or not of_all,
    }
    return render(request, "calls/list.html", context)


def _call(request: HttpRequest, call_id: UUID) -> CallTask:
    """The call, if it is the user's tenant's; agents open their own only."""
    rows = owned(request, CallTask).select_related(
        "campaign", "lead", "user", "disposition", "verdict_row", "recording"
    )
    call = fetch(request, rows, pk=call_id)
    assert isinstance(call, CallTask)
    user = user_of(request)
    if user.role not in READERS and call.user_id != user.pk:
        raise PermissionDenied("This is a colleague's call. Agents see their own.")
    return call


@member
@require_GET
def detail(request: HttpRequest, call_id: UUID) -> HttpResponse:
    """One call: facts, recording, and everything that happened, in order."""
    call = _call(request, call_id)
    user = user_of(request)
    context = {
        "call": call,
        "timeline": timeline_of(call),
        "cause": cause_words(call.cause) if call.state == "ended" else "",
        "hung_up_by": BY.get(call.hung_up_by, ""),
        "verdict": VERDICTS.get(call.verdict, ""),
        "recording": _recording_state(call),
        "sees_numbers": sees_numbers(user) or call.user_id == user.pk,
    }
    return render(request, "calls/detail.html", context)


def _recording_state(call: CallTask) -> str:
    """none, running, playable, or missing."""
    recording: Recording | None = getattr(call, "recording", None)
    if recording is None:
        return "none"
    if recording.state == RecordingState.RUNNING and call.state != "ended":
        return "running"
    return "playable" if media.file_of(recording) is not None else "missing"


@member
@require_GET
def recording(request: HttpRequest, call_id: UUID) -> HttpResponseBase:
    """The recording's audio."""
    found: Recording | None = getattr(_call(request, call_id), "recording", None)
    path = media.file_of(found) if found is not None else None
    if path is None:
        raise Http404("This call has no recording, or its file is gone from the recordings folder.")
    return media.send(request, path)
