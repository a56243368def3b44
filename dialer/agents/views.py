"""Agents' time in state."""

from __future__ import annotations

from datetime import date, timedelta

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.views.decorators.http import require_GET

from dialer.people.access import READERS, member, team_limit, tenant_of, user_of

from .selectors import SHOWN_STATES, STATE_WORDS, time_in_state

EARLIEST_YEAR = 2000


@member
@require_GET
def index(request: HttpRequest) -> HttpResponse:
    """Time in state per agent on one day; agents see their own row, a supervisor with a team the team's."""
    user = user_of(request)
    of_all = user.role in READERS
    today = timezone.localdate()
    day = min(_day(request.GET.get("day", "")) or today, today)
    limit = team_limit(user)
    context = {
        "rows": time_in_state(tenant=tenant_of(request), day=day, only=None if of_all else user, team_id=limit),
        "states": [STATE_WORDS[state] for state in SHOWN_STATES],
        "day": day,
        "earlier": day - timedelta(days=1),
        "later": day + timedelta(days=1) if day < today else None,
        "of_all": of_all,
    }
    return render(request, "agents/list.html", context)


def _day(text: str) -> date | None:
    try:
        day = date.fromisoformat(text)
    except ValueError:
        return None
    return day if day.year >= EARLIEST_YEAR else None
