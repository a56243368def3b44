"""The live list of agents and calls, and one agent's panel: what a supervisor can do to them now."""

from __future__ import annotations

from uuid import UUID

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse, QueryDict
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from dialer.agents.selectors import STATE_WORDS
from dialer.agents.services import NotNow
from dialer.core.clock import now
from dialer.handling import monitoring
from dialer.people.access import owned, reader, supervisor, user_of
from dialer.people.models import Team

from . import hands, saved
from .looks import COLUMNS, SORTS, STATES, plain, wanted_of
from .models import SavedView
from .people import MOST, people_of
from .reading import read_floor
from .scope import leads, scope_of
from .topic import seen_by


@reader
@require_GET
def people(request: HttpRequest) -> HttpResponse:
    """Agents and calls as they are now; pushed from then on."""
    user = user_of(request)
    scope = scope_of(user)
    seen = seen_by(scope)
    wanted = wanted_of(plain(request.GET), seen)
    query = wanted.query(seen)
    context = {
        "people": people_of(read_floor(scope.tenant_id), scope.team_id, wanted),
        "wanted": wanted,
        "campaigns": scope.campaigns().order_by("name"),
        "teams": [] if scope.team_id else owned(request, Team).order_by("name"),
        "states": STATES,
        "sorts": [(name, words) for name, (words, *_rest) in SORTS.items()],
        "columns": COLUMNS,
        "query": query,
        **saved.shown(user, SavedView.Page.PEOPLE, query),
        "sequence": 0,
    }
    return render(request, "floor/people.html", context)


@reader
@require_http_methods(["GET", "POST"])
def agent(request: HttpRequest, public_id: UUID) -> HttpResponse:
    """One agent's panel; a POST does something to them, and answers with the panel as it is then."""
    user = user_of(request)
    scope = scope_of(user)
    sessions = scope.sessions().select_related("user", "campaign", "move_to")
    session = get_object_or_404(sessions, public_id=public_id)
    places = hands.places_for(session, scope)
    done = refused = ""
    if request.method == "POST":
        if not leads(user):
            raise PermissionDenied(_("Managers look; supervisors and admins act."))
        try:
            reason = request.POST.get("reason", "")
            deed = request.POST.get("deed", "")
            if deed == hands.MOVE:
                campaign = places.filter(public_id=_uuid(request.POST.get("campaign", ""))).first()
                if campaign is None:
                    raise NotNow(
                        _("Choose one of the campaigns shown: those that you see and the agent's team works in.")
                    )
                done = hands.move(by=user, session=session, campaign=campaign, reason=reason)
            else:
                asked = now()
                done = hands.do(by=user, session=session, deed=deed, reason=reason)
                if deed in hands.MODES and (watcher := hands.own_session(user)) is not None:
                    refused = hands.settled(watcher=watcher, since=asked)
                    done = "" if refused else done
        except NotNow as refusal:
            refused = str(refusal)
        session.refresh_from_db()
    mine = hands.own_session(user) if leads(user) else None
    context = {
        "session": session,
        "places": list(places),
        "word": STATE_WORDS.get(session.state, _("Signed out")),
        "mine": mine,
        "monitor": monitoring.current(mine) if mine is not None else None,
        "may_act": leads(user) and session.user_id != user.pk,
        "done": done,
        "refused": refused,
        "reason": request.POST.get("reason", "") if refused else "",
    }
    fragment = getattr(request, "htmx", False)
    return render(request, "floor/_hand.html" if fragment else "floor/hand.html", context)


@supervisor
@require_POST
def move_many(request: HttpRequest) -> HttpResponse:
    """Move the agents whose boxes are ticked to a campaign, each when they are done with the call in hand."""
    user = user_of(request)
    scope = scope_of(user)
    look = saved.query_of(user, SavedView.Page.PEOPLE, plain(QueryDict(request.POST.get("query", "")[:1000])))
    back = redirect(reverse("floor:people") + (f"?{look}" if look else ""))
    chosen = [found for text in request.POST.getlist("session")[:MOST] if (found := _uuid(text)) is not None]
    sessions = list(scope.sessions().select_related("user", "campaign").filter(public_id__in=chosen))
    campaign = scope.campaigns().filter(public_id=_uuid(request.POST.get("campaign", ""))).first()
    if campaign is None or not sessions:
        messages.error(request, _("Tick the agents who are to move, and choose a campaign."))
        return back
    try:
        moved = hands.move_all(
            by=user, sessions=sessions, campaign=campaign, reason=request.POST.get("reason", ""), scope=scope
        )
    except NotNow as refusal:
        messages.error(request, str(refusal))
        return back
    if moved.there:
        told = ngettext("%(n)s agent is in “%(name)s” now.", "%(n)s agents are in “%(name)s” now.", moved.there)
        messages.success(request, told % {"n": moved.there, "name": campaign.name})
    if moved.later:
        told = ngettext(
            "%(n)s agent moves to “%(name)s” when the call in hand is wrapped up.",
            "%(n)s agents move to “%(name)s” when the call in hand is wrapped up.",
            moved.later,
        )
        messages.success(request, told % {"n": moved.later, "name": campaign.name})
    for words in moved.refused:
        messages.error(request, words)
    return back


def _uuid(text: str) -> UUID | None:
    try:
        return UUID(text)
    except ValueError:
        return None
