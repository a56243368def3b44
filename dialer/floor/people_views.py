"""The live list of agents and calls, and one agent's panel: what a supervisor can do to them now."""

from __future__ import annotations

from uuid import UUID

from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, render
from django.views.decorators.http import require_GET, require_http_methods

from dialer.agents.selectors import STATE_WORDS
from dialer.agents.services import NotNow
from dialer.handling import monitoring
from dialer.people.access import owned, reader, user_of
from dialer.people.models import Team

from . import hands, saved
from .looks import COLUMNS, SORTS, STATES, plain, wanted_of
from .models import SavedView
from .people import people_of
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
        "sorts": [(name, words) for name, (words, _) in SORTS.items()],
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
            raise PermissionDenied("Managers look; supervisors and admins act.")
        try:
            reason = request.POST.get("reason", "")
            deed = request.POST.get("deed", "")
            if deed == hands.MOVE:
                campaign = places.filter(public_id=_uuid(request.POST.get("campaign", ""))).first()
                if campaign is None:
                    raise NotNow("Choose one of the campaigns shown: those that you see and the agent's team works in.")
                done = hands.move(by=user, session=session, campaign=campaign, reason=reason)
            else:
                done = hands.do(by=user, session=session, deed=deed, reason=reason)
        except NotNow as refusal:
            refused = str(refusal)
        session.refresh_from_db()
    mine = hands.own_session(user) if leads(user) else None
    context = {
        "session": session,
        "places": list(places),
        "word": STATE_WORDS.get(session.state, "Signed out"),
        "mine": mine,
        "monitor": monitoring.current(mine) if mine is not None else None,
        "may_act": leads(user) and session.user_id != user.pk,
        "done": done,
        "refused": refused,
        "reason": request.POST.get("reason", "") if refused else "",
    }
    fragment = getattr(request, "htmx", False)
    return render(request, "floor/_hand.html" if fragment else "floor/hand.html", context)


def _uuid(text: str) -> UUID | None:
    try:
        return UUID(text)
    except ValueError:
        return None
