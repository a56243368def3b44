"""The command bar's list, made anew for each thing that is typed."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET

from dialer.people.access import member, user_of

from .commands import commands_for
from .selectors import desk_of

TEXT_LENGTH = 80


@member
@require_GET
@never_cache
def commands(request: HttpRequest) -> HttpResponse:
    """The options of the bar for what is typed (`q`)."""
    text = request.GET.get("q", "")[:TEXT_LENGTH].replace("\0", "")
    desk = desk_of(user_of(request).pk)
    return render(request, "desk/_commands.html", {"commands": commands_for(desk, text)})
