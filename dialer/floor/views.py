"""The wallboard's pages."""

from __future__ import annotations

from uuid import UUID

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, render
from django.views.decorators.http import require_GET

from dialer.people.access import reader, user_of

from .panel import board_of, visible
from .reading import read_floor
from .scope import scope_of


@reader
@require_GET
def wallboard(request: HttpRequest, public_id: UUID | None = None) -> HttpResponse:
    """The wallboard of all campaigns, or of one; pushed from then on."""
    scope = scope_of(user_of(request))
    campaign = get_object_or_404(scope.campaigns(), public_id=public_id) if public_id is not None else None
    floor = read_floor(scope.tenant_id)
    if campaign is not None and campaign.pk not in floor.campaigns:
        raise Http404
    context = {
        "board": board_of(floor, scope.team_id, campaign.pk if campaign else None),
        "campaign": campaign,
        "campaigns": visible(floor, scope.team_id),
        "sequence": 0,
    }
    return render(request, "floor/board.html", context)
