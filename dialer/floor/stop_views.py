"""Emergency stop: of all campaigns that the supervisor sees, or of one; reachable from every page."""

from __future__ import annotations

from uuid import UUID

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.utils.translation import gettext_noop
from django.views.decorators.http import require_http_methods

from dialer.core.language import translated
from dialer.people.access import owned, supervisor, user_of

from . import emergency
from .models import EmergencyStop
from .panel import concerns
from .scope import scope_of

ALL, TEAMS = gettext_noop("all campaigns"), gettext_noop("the team's campaigns")
"""What was stopped, as it is kept; one campaign goes by its name."""


@supervisor
@require_http_methods(["GET", "POST"])
def stop(request: HttpRequest, public_id: UUID | None = None) -> HttpResponse:
    """The page; a POST stops, and answers with what the switch confirmed."""
    user = user_of(request)
    scope = scope_of(user)
    one = get_object_or_404(scope.campaigns(), public_id=public_id) if public_id is not None else None
    if request.method == "GET":
        seen = list(scope.campaigns().order_by("name"))
        lately = owned(request, EmergencyStop).select_related("by", "command").order_by("-at")[:50]
        stops = [made for made in lately if concerns(made, {campaign.pk for campaign in seen})][:10]
        return render(request, "floor/stop.html", {"campaigns": seen, "stops": stops})
    campaigns = [one] if one is not None else list(scope.campaigns())
    what = f"“{one.name}”" if one is not None else ALL if scope.team_id is None else TEAMS
    command = emergency.confirmed(emergency.stop(by=user, campaigns=campaigns, what=what))
    if getattr(request, "htmx", False):
        return render(request, "floor/_halt.html", {"command": command, "what": what})
    told = command.result or _("The switch has not confirmed it yet; the wallboard says so when it does.")
    level = messages.SUCCESS if command.status == "done" else messages.ERROR
    messages.add_message(
        request, level, _("Emergency stop of %(what)s. %(told)s") % {"what": translated(what), "told": told}
    )
    return redirect("floor:stop")
