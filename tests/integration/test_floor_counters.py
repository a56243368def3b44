"""The floor's counters: kept in the events' own transactions, right against the rows, repaired when they are not."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.db import connection, transaction

from dialer.agents import services as agents
from dialer.agents.rules import Event as AgentEvent
from dialer.agents.rules import Kind as AgentKind
from dialer.calls import services
from dialer.calls.rules import Kind
from dialer.campaigns.models import Campaign
from dialer.compliance.models import GateVerdict
from dialer.core.clock import now
from dialer.floor import counters
from dialer.floor.models import Counter, Tally
from tests import factories, switch
from tests.threads import at_once


def sums(campaign: Campaign) -> dict[str, int]:
    counters.forget()
    starts = counters.bucket_of(now() - timedelta(hours=1))
    found = counters.sums_since(tenant_id=campaign.tenant_id, starts=starts)
    return {name: n for name, n in found.get(campaign.pk, {}).items() if n}


def drift(campaign: Campaign, *, repair: bool = False) -> int:
    moment = now()
    return counters.compare(
        tenant_id=campaign.tenant_id,
        starts=moment - timedelta(hours=1),
        ends=moment + timedelta(hours=1),
        repair=repair,
    )


def one_call(campaign: Campaign, code: str = "SALE") -> None:
    """A call from dial to disposition."""
    session = factories.make_session(campaign)
    call = switch.connect(campaign, factories.make_lead(campaign))
    switch.tell(call.pk, Kind.HUNG_UP, cause=16)
    services.dispose(session_id=session.pk, code=code, by=session.user)
    agents.apply(session_id=session.pk, event=AgentEvent(AgentKind.LEAVE_ASKED), at=now())


def test_a_call_is_counted_once_before_and_after_folding(campaign: Campaign) -> None:
    one_call(campaign)
    before = sums(campaign)
    assert before["outcome:connected"] == before["dialed"] == before["answered"] == before["talks"] == 1
    assert before["disposed"] == before["contacts"] == before["conversions"] == 1
    assert before["agent_times:in_call"] == before["agent_times:wrapup"] == before["agent_times:reserved"] == 1
    counters.fold()
    assert not Tally.objects.across_tenants().exists()
    assert sums(campaign) == before
    assert drift(campaign) == 0


def test_what_nobody_answered_and_what_the_gate_refused(campaign: Campaign) -> None:
    call = factories.make_call(campaign)
    switch.tell(call.pk, Kind.PLACED)
    switch.tell(call.pk, Kind.HUNG_UP, cause=17)
    GateVerdict.objects.create(
        tenant=campaign.tenant, campaign=campaign, phone="+12125550100", allowed=False, rule="dnc", pack="x", at=now()
    )
    assert sums(campaign) == {"outcome:busy": 1, "dialed": 1, "refused:dnc": 1}
    assert drift(campaign) == 0


def test_what_is_rolled_back_is_not_counted(campaign: Campaign) -> None:
    call = factories.make_call(campaign)
    with transaction.atomic():
        switch.tell(call.pk, Kind.PLACED)
        switch.tell(call.pk, Kind.HUNG_UP, cause=17)
        transaction.set_rollback(True)
    assert sums(campaign) == {}


def test_counters_that_are_wrong_are_found_and_put_right(campaign: Campaign) -> None:
    one_call(campaign)
    counters.fold()
    right = sums(campaign)
    Counter.objects.for_tenant(campaign.tenant).filter(name="dialed").update(n=5)
    Counter.objects.for_tenant(campaign.tenant).filter(name="conversions").delete()
    Counter.objects.create(
        tenant=campaign.tenant, campaign=campaign, bucket=counters.bucket_of(now()), name="outcome:busy", n=2
    )
    assert drift(campaign) == 4 + 1 + 2
    assert drift(campaign, repair=True) == 7
    assert drift(campaign) == 0
    counters.fold()
    assert sums(campaign) == right


@pytest.mark.django_db(transaction=True)
def test_folding_at_several_places_while_events_come_loses_nothing(campaign: Campaign) -> None:
    calls = [factories.make_call(campaign) for _ in range(30)]

    def end(part: int) -> None:
        for call in calls[part::3]:
            switch.tell(call.pk, Kind.PLACED)
            switch.tell(call.pk, Kind.HUNG_UP, cause=17)

    def keep_folding() -> None:
        for _ in range(20):
            counters.fold(limit=3)

    at_once([lambda: end(0), lambda: end(1), lambda: end(2), keep_folding, keep_folding])
    counters.fold()
    assert sums(campaign) == {"outcome:busy": 30, "dialed": 30}
    assert drift(campaign) == 0
    connection.close()


def test_another_tenants_are_not_counted(campaign: Campaign) -> None:
    other = factories.make_campaign(factories.make_tenant())
    one_call(other)
    assert sums(campaign) == {}
    assert drift(campaign) == 0


def test_old_counters_go_and_those_that_boards_show_stay(campaign: Campaign) -> None:
    moment = now()
    for age in (timedelta(days=1), counters.KEEP + timedelta(minutes=10)):
        Counter.objects.create(
            tenant_id=campaign.tenant_id, campaign=campaign, bucket=counters.bucket_of(moment - age), name="dialed", n=1
        )
    assert counters.let_go(at=moment) == 1
    assert Counter.objects.across_tenants().get().bucket > moment - timedelta(days=2)
