"""The checklist before a campaign starts: each point that stands, fails or wants a look, with its cure. Only reads."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.conf import settings
from django.db import connection
from django.urls import reverse
from django.utils.timezone import localtime
from django.utils.translation import gettext as _

from dialer.agents.models import AgentSession
from dialer.agents.rules import AgentState
from dialer.calls import caller_ids
from dialer.calls.models import CallTask
from dialer.campaigns.desk_forms import merge_fields
from dialer.campaigns.models import Campaign
from dialer.campaigns.rules import problems_in
from dialer.campaigns.selectors import problems_of
from dialer.compliance.facts import asked_for, load
from dialer.compliance.ledger import standing, today_of
from dialer.compliance.rules import Deny, gate
from dialer.core.language import translated
from dialer.leads.choosing import filter_of, where_of
from dialer.leads.filters import BadFilter
from dialer.leads.services import first_in_line

OK, WARN, FAIL = "ok", "warn", "fail"
PROBED = 200
"""Leads, first in line, of which the gate is asked whether any may be dialed now."""
RECENT = timedelta(minutes=10)
FEW = 10
"""Calls below which nothing is said of a trunk."""


@dataclass(frozen=True, slots=True)
class Point:
    """One point of the checklist. `cure`: what to do, with the address where it is done."""

    title: str
    state: str
    cure: str = ""
    address: str = ""


def checklist(*, campaign: Campaign, at: datetime) -> list[Point]:
    """All points, in the order in which they are mended. `campaign.tenant`, its set and its pool are read."""
    points = [
        *_starting(campaign),
        *_script(campaign),
        *_numbers_left(campaign, at),
        *_filter(campaign),
        _agents(campaign),
        *_budget(campaign, at),
        _switch(),
        _trunk(campaign, at),
    ]
    if campaign.dial_method != "manual":
        points.append(_dialable(campaign, at))
    return points


def _page(name: str, campaign: Campaign) -> str:
    return reverse(name, args=[campaign.public_id])


def _starting(campaign: Campaign) -> Iterable[Point]:
    """What start itself asks for."""
    problems = problems_of(campaign)
    if not problems:
        yield Point(_("Caller id, dispositions and lists are there"), OK)
    for problem in problems:
        yield Point(_("It cannot start"), FAIL, problem, _page("campaigns:edit", campaign))
    if campaign.halted_at is not None:
        words = _("Find out why it was made. Starting the campaign lifts it.")
        yield Point(_("An emergency stop is on"), WARN, words)


def _script(campaign: Campaign) -> Iterable[Point]:
    pages = list(campaign.script_pages.prefetch_related("answers"))
    known = merge_fields(campaign)
    for page in pages:
        for problem in problems_in(page.body, known)[:1]:
            address = reverse("campaigns:script-page", args=[campaign.public_id, page.pk])
            yield Point(_("The script page “%(title)s” is broken") % {"title": page.title}, FAIL, problem, address)
    reached = {answer.leads_to_id for page in pages for answer in page.answers.all()}
    for page in pages[1:]:
        if page.pk not in reached:
            title = _("No answer leads to the script page “%(title)s”") % {"title": page.title}
            yield Point(title, WARN, _("Lead an answer to it, or remove it."), _page("campaigns:desk", campaign))
    if not pages:
        yield Point(_("There is no script"), WARN, _("Write one if agents need it."), _page("campaigns:desk", campaign))


def _numbers_left(campaign: Campaign, at: datetime) -> Iterable[Point]:
    pool = campaign.caller_pool
    if pool is None:
        return
    rows = caller_ids.figures_of(pool=pool, day=today_of(campaign.tenant, at))
    if any(row.number.is_active and not row.full for row in rows):
        yield Point(_("The pool has caller ids left today"), OK)
        return
    words = _("Raise a limit or add a number; otherwise dialing goes on tomorrow.")
    address = reverse("calls:caller-pool", args=[pool.public_id])
    yield Point(_("Every caller id of the pool has reached its limit for today"), FAIL, words, address)


def _filter(campaign: Campaign) -> Iterable[Point]:
    try:
        filter_of(campaign)
    except BadFilter as error:
        yield Point(_("The filter is broken: nobody is dialed"), FAIL, str(error), _page("leads:filter", campaign))


def _agents(campaign: Campaign) -> Point:
    rows = AgentSession.objects.for_tenant(campaign.tenant_id).filter(campaign=campaign, ended_at=None)
    states = Counter(rows.values_list("state", flat=True))
    if not states:
        words = _("Have agents join the campaign at their desks; nothing is dialed before.")
        return Point(_("No agent is here"), WARN, words, reverse("agents:list"))
    if states[AgentState.PAUSED] == sum(states.values()):
        return Point(
            _("All agents are paused"), WARN, _("Nothing is dialed before one is ready."), reverse("agents:list")
        )
    return Point(_("%(n)d agents are here") % {"n": sum(states.values())}, OK)


def _budget(campaign: Campaign, at: datetime) -> Iterable[Point]:
    if not campaign.ahead:
        return
    ledger = standing(campaign, at)
    if ledger.certain:
        yield Point(_("The abandonment ledger agrees with the calls"), OK)
    else:
        words = _("It is compared every 15 seconds while pacing runs. Until then nothing is dialed ahead of agents.")
        yield Point(_("The abandonment ledger has not been compared lately"), WARN, words)


def _switch() -> Point:
    """Whether a switchboard leads the switch: it holds a lock for as long as it lives."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT EXISTS (SELECT 1 FROM pg_locks WHERE locktype = 'advisory' AND granted"
            " AND classid::bigint = hashtext('cordboard.switchboard')::bigint & 4294967295"
            " AND database = (SELECT oid FROM pg_database WHERE datname = current_database()))"
        )
        [up] = cursor.fetchone()
    if up:
        return Point(_("The switchboard is running"), OK)
    words = _("No process leads the switch, so no call can be placed. An administrator of the machine starts it.")
    return Point(_("The switchboard is down"), FAIL, words)


def _trunk(campaign: Campaign, at: datetime) -> Point:
    """A trunk that is down shows in what became of its last calls."""
    trunk = campaign.trunk or settings.TRUNK
    rows = CallTask.objects.for_tenant(campaign.tenant_id).filter(trunk=trunk, queued_at__gt=at - RECENT, state="ended")
    outcomes = Counter(rows.exclude(placed_at=None).values_list("outcome", flat=True))
    bad, calls = outcomes["failed"] + outcomes["congestion"], sum(outcomes.values())
    if calls >= FEW and bad * 2 > calls:
        title = _("The trunk “%(trunk)s” refuses calls") % {"trunk": trunk}
        words = _("%(bad)d of its last %(calls)d calls failed. Choose another trunk, or ask the carrier.")
        return Point(title, FAIL, words % {"bad": bad, "calls": calls}, _page("campaigns:edit", campaign))
    return Point(_("Nothing speaks against the trunk “%(trunk)s”") % {"trunk": trunk}, OK)


def _dialable(campaign: Campaign, at: datetime) -> Point:
    """Whether any of the leads that are first in line may be dialed now; else why not, by the most common reason."""
    address = _page("planning:dry-run", campaign)
    leads = first_in_line(campaign_id=campaign.pk, count=PROBED, at=at, where=where_of(campaign))
    if not leads:
        words = _("None is due, on an active list and past the filter. The dry run counts where they stand.")
        return Point(_("No lead is due now"), FAIL, words, address)
    asked = [asked_for(lead) for lead in leads]
    loaded = load(campaign=campaign, asked=asked, at=at, by_hand=not campaign.paced)
    answers = [gate(loaded.lead(one), loaded.number(one), loaded.campaign, at) for one in asked]
    refused = [one for one in answers if isinstance(one, Deny)]
    if len(refused) < len(answers):
        return Point(_("Leads may be dialed now"), OK, "", address)
    [(rule, _number)] = Counter(one.rule for one in refused).most_common(1)
    reason = next(one for one in refused if one.rule == rule)
    words = translated(reason.reason)
    times = [one.again_at for one in refused if one.again_at is not None]
    if times:
        words += " " + _("The first may be dialed at %(time)s.") % {"time": f"{localtime(min(times)):%H:%M}"}
    return Point(_("None of the leads that are first in line may be dialed now"), FAIL, words, address)
