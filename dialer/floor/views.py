"""The wallboard's pages."""

from __future__ import annotations

from uuid import UUID

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, render
from django.views.decorators.http import require_GET

from dialer.campaigns.models import DialMethod
from dialer.people.access import reader, user_of

from . import saved
from .day import charts_on
from .looks import STRIP_COLUMNS, STRIP_SORTS, StripLook, plain, strips_of
from .models import SavedView
from .panel import board_of, visible
from .reading import read_floor
from .scope import scope_of


@reader
@require_GET
def wallboard(request: HttpRequest, public_id: UUID | None = None) -> HttpResponse:
    """The wallboard of all campaigns, or of one; pushed from then on."""
    user = user_of(request)
    scope = scope_of(user)
    campaign = get_object_or_404(scope.campaigns(), public_id=public_id) if public_id is not None else None
    floor = read_floor(scope.tenant_id)
    if campaign is not None and campaign.pk not in floor.campaigns:
        raise Http404
    board = board_of(floor, scope.team_id, campaign.pk if campaign else None)
    look = strips_of(plain(request.GET)) if campaign is None else StripLook()
    context = {
        "board": board,
        "look": look,
        "strips": look.arranged(board.strips),
        "columns": {name: word for name, (word, *_rest) in STRIP_COLUMNS.items()},
        "sorts": [(name, word) for name, (word, *_rest) in STRIP_SORTS.items()],
        "query": look.query(),
        **(saved.shown(user, SavedView.Page.BOARD, look.query()) if campaign is None else {}),
        "charts": charts_on(floor, scope.team_id, campaign.pk if campaign else None),
        "campaign": campaign,
        "methods": DialMethod.choices,
        "campaigns": visible(floor, scope.team_id),
        "sequence": 0,
    }
    return render(request, "floor/board.html", context)
