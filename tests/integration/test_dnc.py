"""A number on the do-not-call list is never dialed: the database refuses the row even if the code forgets."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from django.db import IntegrityError, connection, transaction

from dialer.calls.models import CallTask
from dialer.calls.placing import queue_calls
from dialer.campaigns.models import Campaign
from dialer.compliance.laws import Laws, Purpose
from dialer.compliance.models import DncEntry, GateVerdict
from dialer.compliance.rules import Allow, CampaignFacts, LeadFacts, NumberFacts, gate
from dialer.compliance.services import Asked, Judged, add_to_dnc, judge
from dialer.core.clock import now
from dialer.people.models import Tenant
from tests.factories import make_call, make_campaign
from tests.threads import at_once

NUMBER = "+12125550155"


def list_number(tenant: Tenant, number: str = NUMBER) -> None:
    add_to_dnc(tenant_id=tenant.pk, number=number, source="test", by=None)


def verdict(campaign: Campaign, *, allowed: bool = True, phone: str = NUMBER, tenant: Tenant | None = None) -> Judged:
    """A verdict as a careless or hostile caller might write it."""
    row = GateVerdict.objects.create(
        tenant=tenant or campaign.tenant, campaign=campaign, phone=phone, allowed=allowed, rule="x", pack="x", at=now()
    )
    return Judged(Asked(NUMBER, ()), Allow(), row)


def refused_by(campaign: Campaign, judged: Judged) -> str:
    """The name of the constraint that refuses a call on this verdict."""
    with pytest.raises(IntegrityError) as error, transaction.atomic():
        queue_calls(campaign=campaign, judged=[judged], at=now())
    assert not CallTask.objects.across_tenants().exists()
    return str(error.value.__cause__.diag.constraint_name)  # type: ignore[union-attr]


def test_the_database_refuses_a_call_to_a_listed_number(campaign: Campaign) -> None:
    list_number(campaign.tenant)
    assert refused_by(campaign, verdict(campaign)) == "call_not_to_dnc"


def test_the_database_refuses_a_call_that_the_gate_denied(campaign: Campaign) -> None:
    assert refused_by(campaign, verdict(campaign, allowed=False)) == "call_allowed_by_gate"


def test_the_database_refuses_a_call_on_the_verdict_of_another_number(campaign: Campaign) -> None:
    assert refused_by(campaign, verdict(campaign, phone="+12125550156")) == "call_allowed_by_gate"


def test_the_database_refuses_a_call_on_the_verdict_of_another_tenant(campaign: Campaign, stranger: Tenant) -> None:
    assert refused_by(campaign, verdict(campaign, tenant=stranger)) == "call_allowed_by_gate"


@pytest.mark.parametrize("change", ["phone", "verdict_row", "tenant"])
def test_a_call_cannot_be_turned_into_another_afterwards(campaign: Campaign, stranger: Tenant, change: str) -> None:
    call = make_call(campaign)
    list_number(campaign.tenant)
    denied = verdict(campaign, allowed=False, phone=call.phone).row
    values = {"phone": NUMBER, "verdict_row": denied, "tenant": stranger}
    with pytest.raises(IntegrityError), transaction.atomic():
        CallTask.objects.across_tenants().filter(pk=call.pk).update(**{change: values[change]})


def test_one_verdict_allows_one_call(campaign: Campaign) -> None:
    judged = verdict(campaign)
    assert len(queue_calls(campaign=campaign, judged=[judged], at=now())) == 1
    CallTask.objects.across_tenants().update(state="ended", outcome="cancelled", ended_at=now())
    assert queue_calls(campaign=campaign, judged=[judged], at=now()) == []


def test_the_list_is_the_tenant_s_own(campaign: Campaign, stranger: Tenant) -> None:
    list_number(stranger)
    assert make_call(campaign, phone=NUMBER).phone == NUMBER
    with pytest.raises(IntegrityError), transaction.atomic():
        make_call(make_campaign(stranger), phone=NUMBER)


def test_listing_twice_is_once(campaign: Campaign) -> None:
    list_number(campaign.tenant)
    list_number(campaign.tenant)
    assert DncEntry.objects.for_tenant(campaign.tenant).count() == 1


@pytest.mark.django_db(transaction=True)
def test_listing_at_once_is_once(campaign: Campaign) -> None:
    at_once([lambda: list_number(campaign.tenant)] * 4)
    assert DncEntry.objects.for_tenant(campaign.tenant).count() == 1


def test_every_verdict_is_kept_with_its_rule_pack_and_grounds(campaign: Campaign) -> None:
    list_number(campaign.tenant)
    asked = [Asked(NUMBER, ("America/New_York",)), Asked("+12125550156", ("America/New_York",)), Asked("bad", ())]
    judge(campaign=campaign, asked=asked, at=now())
    rows = GateVerdict.objects.for_tenant(campaign.tenant).order_by("id")
    assert [(row.rule, row.allowed) for row in rows] == [("dnc", False), ("allowed", True), ("bad_number", False)]
    assert [row.pack.split("/")[0] for row in rows] == ["tenant", "generic", "tenant"]
    assert "America/New_York" in rows[1].evidence["clocks"]


def test_the_gate_s_clock_agrees_with_postgresql(db: None) -> None:
    """Held against PostgreSQL's own idea of every zone's clock, around changes of the clocks too."""
    zones = ["America/New_York", "America/St_Johns", "Australia/Lord_Howe", "America/Sao_Paulo", "Asia/Kathmandu"]
    days = [datetime(2026, month, day, tzinfo=UTC) for month in (3, 4, 6, 10, 11) for day in (1, 4, 5, 8, 29)]
    moments = [day + timedelta(minutes=17 * step) for day in days for step in range(0, 85, 3)]
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT zone, moment, (moment AT TIME ZONE zone)::time >= '08:00'"
            " AND (moment AT TIME ZONE zone)::time < '21:00'"
            " FROM unnest(%s::text[]) AS zone, unnest(%s::timestamptz[]) AS moment",
            [zones, moments],
        )
        answers = cursor.fetchall()
    assert len(answers) == len(zones) * len(moments)
    hours = CampaignFacts(Laws((), purpose=Purpose.SERVICE, by_hand=False), 480, 1260)
    for zone, moment, lawful in answers:
        answer = gate(LeadFacts((zone,)), NumberFacts(NUMBER), hours, moment.astimezone(ZoneInfo("UTC")))
        assert isinstance(answer, Allow) is lawful, (zone, moment)
