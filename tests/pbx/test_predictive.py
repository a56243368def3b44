"""A predictive campaign on the real Asterisk: it dials ahead of its agents, and its ledger is the carrier's truth."""

from __future__ import annotations

import pytest
from django.db.models import F

from asterisk.sandbox.robot import Habits, fixed
from dialer.calls import ledger as calls_ledger
from dialer.calls.models import CallTask, PacingDecision
from dialer.campaigns.models import Campaign, CampaignStatus
from dialer.compliance.ledger import standing, today_of
from dialer.core import notify
from dialer.core.clock import now
from dialer.leads.models import Lead, LeadState
from tests import factories
from tests.bench.compare import compare, our_calls
from tests.floor import Floor, Numbers, until

HABITS = Habits(talk_s=fixed(3.0), hangs_up=1.0, wrap_s=fixed(1.0), dispositions=(("NI", 1),), pauses=0.0)
AGENTS, LEADS = 3, 36


def fresh(campaign: Campaign) -> Campaign:
    found = Campaign.objects.across_tenants().select_related("tenant", "ledger_check").get(pk=campaign.pk)
    assert isinstance(found, Campaign)
    return found


def kinds(place: int) -> tuple[int, int, int]:
    """Kind, ring and seconds of the n-th lead: a third are people, the others are busy or give up."""
    return (
        (Numbers.PERSON, place % 4, 60),
        (Numbers.BUSY, 1, 0),
        (Numbers.NO_ANSWER, 0, 3 + place % 5),
    )[place % 3]


@pytest.mark.slow
@pytest.mark.timeout(240)
def test_it_dials_ahead_and_the_ledger_is_the_carrier_s_truth(floor: Floor) -> None:
    campaign = factories.make_campaign(floor.tenant(), dial_method="predictive", ring_timeout_s=15, seats=AGENTS)
    for place in range(LEADS):
        kind, ring, seconds = kinds(place)
        floor.lead(campaign, floor.numbers.of(kind, ring=ring, seconds=seconds))
    calls = CallTask.objects.for_tenant(campaign.tenant_id).filter(campaign=campaign)
    robots = floor.hire(campaign, AGENTS, HABITS)
    waiting = Lead.objects.for_tenant(campaign.tenant_id).filter(campaign=campaign, state=LeadState.WAITING, attempts=0)
    until(lambda: not waiting.exists(), 120, "every lead has been dialed once")
    Campaign.objects.for_tenant(campaign.tenant_id).filter(pk=campaign.pk).update(status=CampaignStatus.STOPPED)
    notify.notify(notify.READY, str(campaign.pk))
    until(lambda: not calls.exclude(state="ended").exists(), 40, "all calls are over")
    floor.send_home(robots)

    decided = PacingDecision.objects.for_tenant(campaign.tenant_id).filter(campaign=campaign)
    ahead = decided.filter(queued__gt=0).filter(queued__gt=F("ready") - F("ringing"))
    assert ahead.exists(), "more lines than agents who are ready were under way at least once"
    assert not decided.filter(reason__contains="progressive").exists()

    numbers = {number.lstrip("+") for number in calls.values_list("phone", flat=True)}

    def written() -> object:
        mine = [truth for truth in floor.truths() if truth.number.lstrip("+") in numbers]
        return mine if len(mine) >= calls.exclude(placed_at=None).count() else None

    until(written, 10, "the carrier wrote all calls down")
    truths = [truth for truth in floor.truths() if truth.number.lstrip("+") in numbers]
    found = compare(our_calls(campaign=campaign), truths)
    assert not found.mismatches
    assert not found.unknown_to_us

    how = standing(fresh(campaign), now())
    answered = {truth.number.lstrip("+") for truth in truths if truth.answered}
    met = {phone.lstrip("+") for phone in calls.exclude(connected_at=None).values_list("phone", flat=True)}
    assert met <= answered
    assert how.window.answered == len(answered)
    assert how.window.abandoned == len(answered - met)
    assert calls_ledger.compare(campaign.pk, today_of(campaign.tenant, now())) == {}
