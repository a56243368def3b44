"""The checklist on the campaign's page, and the dry run."""

from __future__ import annotations

from uuid import UUID

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET

from dialer.campaigns.models import Campaign
from dialer.campaigns.selectors import seen_by
from dialer.core.clock import now
from dialer.core.language import translated
from dialer.leads.templatetags.leads import rule_words
from dialer.people.access import fetch, supervisor, user_of

from .dry_run import DryRun, dry_run
from .preflight import FAIL, checklist
from .words import REFUSED_FOR_GOOD, STANDING


def _campaign(request: HttpRequest, public_id: UUID) -> Campaign:
    rows = seen_by(user_of(request)).select_related("tenant", "disposition_set", "caller_pool", "ledger_check")
    campaign = fetch(request, rows, public_id=public_id)
    assert isinstance(campaign, Campaign)
    return campaign


@supervisor
@require_GET
def points(request: HttpRequest, public_id: UUID) -> HttpResponse:
    """The checklist, loaded into the campaign's page."""
    campaign = _campaign(request, public_id)
    found = checklist(campaign=campaign, at=now())
    failing = sum(point.state == FAIL for point in found)
    return render(request, "planning/_checklist.html", {"campaign": campaign, "points": found, "failing": failing})


@supervisor
@require_GET
def dry(request: HttpRequest, public_id: UUID) -> HttpResponse:
    """The dry run's page; the counts come on their own, for they may take seconds."""
    campaign = _campaign(request, public_id)
    if not getattr(request, "htmx", False) and "counts" not in request.GET:
        return render(request, "planning/dry_run.html", {"campaign": campaign})
    run = dry_run(campaign=campaign, at=now())
    part = "#counts" if getattr(request, "htmx", False) else ""
    return render(request, f"planning/dry_run.html{part}", {"campaign": campaign, "run": run, "rows": _rows(run)})


def _rows(run: DryRun) -> list[tuple[str, str, int]]:
    """What is not dialed: the reason in words, the gate's rule if it was one, the number of leads."""
    refused = [(translated(words), rule, number) for rule, (words, number) in run.refused.items()]
    standing = []
    for word, number in run.waiting.items():
        kind, _colon, rule = word.partition(":")
        words = _(REFUSED_FOR_GOOD) % {"rule": rule_words(rule)} if kind == "refused" else _(STANDING[kind])
        standing.append((words, rule, number))
    return sorted(refused + standing, key=lambda row: -row[2])
