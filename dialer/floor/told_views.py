"""Messages to agents: writing one, what is unread on one's own desk, and having read it."""

from __future__ import annotations

from uuid import UUID

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_POST

from dialer.agents.services import NotNow
from dialer.people.access import fetch, member, owned, supervisor, user_of
from dialer.people.models import Team

from . import told
from .models import FloorMessage, MessageReceipt
from .scope import scope_of


@supervisor
@require_POST
def send(request: HttpRequest) -> HttpResponse:
    """Tell everybody in sight, a team, or the agent of one session."""
    user = user_of(request)
    sessions, to = scope_of(user).sessions(), _("everybody")
    if one := _uuid(request.POST.get("session", "")):
        session = get_object_or_404(sessions.select_related("user"), public_id=one)
        sessions, to = sessions.filter(pk=session.pk), session.user.shown_name
    elif (team_id := request.POST.get("team", "")).isdigit():
        team = fetch(request, Team, pk=int(team_id))
        sessions, to = sessions.filter(user__team=team), _("team %(name)s") % {"name": team.name}
    try:
        told.tell(by=user, sessions=sessions, to=to, text=request.POST.get("text", ""))
    except NotNow as refusal:
        messages.error(request, str(refusal))
    else:
        messages.success(request, _("Told %(who)s.") % {"who": to})
    return redirect("floor:people")


@member
@require_GET
def mine(request: HttpRequest) -> HttpResponse:
    """What is unread, for one's own desk."""
    return render(request, "floor/_messages.html", {"unread": told.unread(user_of(request))})


@member
@require_POST
def seen(request: HttpRequest, public_id: UUID) -> HttpResponse:
    """It has been read."""
    user = user_of(request)
    ours = owned(request, MessageReceipt).filter(user=user).values("message_id")
    message = get_object_or_404(owned(request, FloorMessage).filter(pk__in=ours), public_id=public_id)
    told.seen(user=user, message=message)
    return HttpResponse("")


def _uuid(text: str) -> UUID | None:
    try:
        return UUID(text)
    except ValueError:
        return None
