"""Numbers that are listed while a campaign dials at speed, on the real Asterisk: what the carrier saw of them."""

from __future__ import annotations

import random
import time

import pytest

from asterisk.sandbox.robot import Habits, fixed
from dialer.agents.services import NotNow
from dialer.calls import placing
from dialer.calls.models import CallTask
from dialer.campaigns.models import Campaign, CampaignStatus
from dialer.compliance.services import add_to_dnc
from dialer.core import notify
from dialer.leads.models import Lead, LeadState
from tests import factories
from tests.floor import Floor, Numbers, until

HABITS = Habits(talk_s=fixed(0.3), hangs_up=1.0, wrap_s=fixed(0.1), dispositions=(("NI", 1),), pauses=0.0)
AGENTS, LEADS, LISTED = 3, 90, 40
ON_ITS_WAY_S = 3.0
"""A call whose last look came before the listing may reach the carrier this much later, on a busy machine."""


@pytest.mark.slow
@pytest.mark.timeout(240)
def test_none_is_dialed_after_its_listing(floor: Floor) -> None:
    campaign = factories.make_campaign(
        floor.tenant(), dial_method="ratio", dial_level="4.00", ring_timeout_s=15, max_lines=12
    )
    leads = [
        floor.lead(campaign, floor.numbers.of(Numbers.BUSY if place % 4 else Numbers.PERSON, ring=place % 3, seconds=9))
        for place in range(LEADS)
    ]
    robots = floor.hire(campaign, AGENTS, HABITS)
    calls = CallTask.objects.for_tenant(campaign.tenant_id).filter(campaign=campaign)
    until(lambda: calls.exclude(placed_at=None).count() >= 3, 30, "it dials")

    chance, listed = random.Random(5), {}
    waiting = [lead.phone for lead in leads]
    chance.shuffle(waiting)
    for phone in waiting[:LISTED]:
        add_to_dnc(tenant_id=campaign.tenant_id, number=phone, source="test", by=None)
        listed[phone] = time.time()  # the listing is committed by now
        placed = calls.exclude(placed_at=None).count()
        until(
            lambda placed=placed: calls.exclude(placed_at=None).count() > placed or _idle(campaign), 20, "it dials on"
        )  # type: ignore[misc]

    until(lambda: _idle(campaign), 90, "every lead was dialed or refused")
    Campaign.objects.for_tenant(campaign.tenant_id).filter(pk=campaign.pk).update(status=CampaignStatus.STOPPED)
    notify.notify(notify.READY, str(campaign.pk))
    until(lambda: not calls.exclude(state="ended").exists(), 40, "all calls are over")
    floor.send_home(robots)

    mine = {lead.phone for lead in leads}
    until(
        lambda: len([one for one in floor.truths() if one.number in mine]) >= calls.exclude(placed_at=None).count(),
        10,
        "the carrier wrote all calls down",
    )
    truths = [one for one in floor.truths() if one.number in mine]
    by_number = {call.phone: call for call in calls.exclude(placed_at=None)}
    late = [one for one in truths if one.number in listed and one.arrived > listed[one.number]]
    for one in late:
        decided_at = by_number[one.number].placed_at.timestamp()
        assert decided_at <= listed[one.number], f"{one.number} was decided after its listing"
        assert one.arrived - listed[one.number] < ON_ITS_WAY_S
    never = [phone for phone in listed if phone not in {one.number for one in truths}]
    assert len(never) >= LISTED // 4, "enough were listed before their turn for this to say something"
    assert len(truths) >= LEADS - LISTED, "and the others were dialed"
    _not_by_hand(campaign, never[0])


def _idle(campaign: Campaign) -> bool:
    leads = Lead.objects.for_tenant(campaign.tenant_id).filter(campaign=campaign)
    return not leads.filter(state=LeadState.WAITING, attempts=0, refused_rule="").exists()


def _not_by_hand(campaign: Campaign, phone: str) -> None:
    session = factories.make_session(campaign, factories.make_user(campaign.tenant), state="paused")
    with pytest.raises(NotNow, match="do-not-call"):
        placing.dial_number(session_id=session.pk, text=phone)
    session.state, session.ended_at = "offline", session.state_since
    session.save(update_fields=["state", "ended_at"])
