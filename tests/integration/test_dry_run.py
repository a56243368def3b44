"""The dry run counts every lead once, and says of each what the gate itself would say."""

from __future__ import annotations

from collections import Counter
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from dialer.campaigns.models import Campaign
from dialer.compliance import national
from dialer.compliance.facts import asked_for, load
from dialer.compliance.models import Consent, DncEntry, DncPattern, NumberNote
from dialer.compliance.rules import Allow, gate
from dialer.core.clock import now
from dialer.leads.models import Lead, LeadNumber
from dialer.leads.services import with_numbers
from dialer.people.models import Tenant
from dialer.planning.dry_run import HORIZON, DryRun, dry_run
from tests.factories import make_call, make_campaign, make_leads, make_list

ZONES = ("America/New_York", "America/Los_Angeles", "Pacific/Honolulu", "Europe/London", "Asia/Tokyo", "Nowhere/Land")
PHONES = ("+1212555", "+1808555", "+1602555", "+4420718", "+8135555", "+1800555")


def one_by_one(campaign: Campaign, at: datetime) -> Counter[str]:
    """The same counts, from the gate asked about every lead that is due within the hour."""
    found: Counter[str] = Counter()
    due = Lead.objects.for_tenant(campaign.tenant_id).filter(
        campaign=campaign, state="waiting", promised_to=None, list__is_active=True, next_attempt_at__lt=at + HORIZON
    )
    for lead in with_numbers(due.values_list("pk", flat=True)):
        asked = asked_for(lead)
        loaded = load(campaign=campaign, asked=[asked], at=at, by_hand=not campaign.paced)
        first = gate(loaded.lead(asked), loaded.number(asked), loaded.campaign, at)
        answer = first
        if not isinstance(first, Allow) and first.again_at is not None and first.again_at < at + HORIZON:
            answer = gate(loaded.lead(asked), loaded.number(asked), loaded.campaign, first.again_at)
        found["dialable" if isinstance(answer, Allow) else first.rule] += 1
    return found


def counts(run: DryRun) -> Counter[str]:
    return Counter({rule: number for rule, (_, number) in run.refused.items()} | {"dialable": run.dialable}) - Counter()


def fetched(folder: Path, name: str, country_code: int, *numbers: str) -> None:
    """An official list, fetched yesterday."""
    path = folder / f"{name}.txt"
    path.write_text("\n".join(numbers))
    national.load(path=path, name=name, country_code=country_code, as_of=now() - timedelta(days=1))


def test_every_class_gets_the_answer_of_the_gate_itself(tenant: Tenant, tmp_path: Path) -> None:
    Tenant.objects.filter(pk=tenant.pk).update(window_opens=8 * 60, window_closes=21 * 60)
    campaign = make_campaign(Tenant.objects.get(pk=tenant.pk), purpose="sales", dial_method="predictive")
    where = make_list(campaign)
    fetched(tmp_path, "national-us", 1, "+12125550006", "+12125550012", "+18085550019")
    fetched(tmp_path, "tps-uk", 44, "+44207180021")
    leads = []
    for place in range(120):
        phone = f"{PHONES[place % 6]}{place:04d}"
        leads += make_leads(where, 1, phone=phone, time_zones=[ZONES[place % 5 if place % 7 else 5]])
    here = {"tenant": tenant, "phone": "", "source": "test"}
    for lead in leads[::9]:
        DncEntry.objects.create(**{**here, "phone": lead.phone})
    for lead in leads[::5]:
        Consent.objects.create(
            **{**here, "phone": lead.phone}, kind="written", given_at=now() - timedelta(days=3), added_at=now()
        )
    for lead in leads[::11]:
        Consent.objects.create(
            **{**here, "phone": lead.phone}, kind="express", given_at=now() - timedelta(days=3), added_at=now(),
            revoked_at=now() - timedelta(days=1),
        )  # fmt: skip
    for lead in leads[::13]:
        NumberNote.objects.create(tenant=tenant, phone=lead.phone, by_hand_only=True)
    DncPattern.objects.create(tenant=tenant, prefix="+1602", added_at=now())
    called = [lead for place, lead in enumerate(leads) if place % 10 == 1 and place % 9 and place % 6 != 2]
    for lead in called:  # with a history: asked about one by one
        call = make_call(campaign, lead=lead)
        type(call).objects.for_tenant(tenant).filter(pk=call.pk).update(
            state="ended", outcome="abandoned", placed_at=now(), ended_at=now()
        )
        Lead.objects.for_tenant(tenant).filter(pk=lead.pk).update(state="waiting")
    rows = Lead.objects.for_tenant(tenant)
    rows.filter(pk__in=[lead.pk for lead in leads[::4]]).update(region="US-FL")  # which ends an hour earlier
    rows.filter(pk__in=[lead.pk for lead in leads[2::8]]).update(custom={"state": "fl"})
    for lead in leads[3::10]:  # another number's turn, on another continent
        LeadNumber.objects.create(tenant=tenant, lead=lead, phone=f"+4420718{lead.pk % 10000:04d}")
    rows.filter(pk__in=[lead.pk for lead in leads[3::10]]).update(turn=1)
    seen: set[str] = set()
    for hours in range(0, 24, 5):  # night and day go round
        at = now() + timedelta(hours=hours)
        run = dry_run(campaign=campaign, at=at)
        assert run.total == 120
        assert counts(run) == one_by_one(campaign, at)
        seen |= set(run.refused)
    assert {"dnc", "dnc_pattern", "zone_unknown", "by_hand_only", "national_list"} <= seen


def test_where_the_others_stand(campaign: Campaign) -> None:
    on, off = make_list(campaign), make_list(campaign, is_active=False)
    make_leads(on, 2)
    make_leads(off, 3)
    make_leads(on, 4, state="done")
    make_leads(on, 5, state="reserved")
    make_leads(on, 6, next_attempt_at=now() + timedelta(hours=2))
    make_leads(on, 1, next_attempt_at=now() + timedelta(minutes=40))
    make_leads(on, 7, state="done", refused_rule="dnc")
    make_leads(make_list(make_campaign(campaign.tenant)), 9)
    run = dry_run(campaign=campaign, at=now())
    assert run.total == 28
    assert run.waiting == {"list_off": 3, "done": 4, "in_hand": 5, "later": 6, "refused:dnc": 7}
    assert run.dialable + sum(number for _, number in run.refused.values()) == 3


def test_the_filter_counts_too(campaign: Campaign) -> None:
    make_leads(make_list(campaign), 2, company="A")
    make_leads(make_list(campaign), 3, company="B")
    Campaign.objects.for_tenant(campaign.tenant_id).update(
        lead_filter={"match": "all", "conditions": [{"field": "company", "op": "is", "value": "a"}]}
    )
    run = dry_run(campaign=Campaign.objects.for_tenant(campaign.tenant_id).get(), at=now())
    assert run.waiting == {"filtered": 3}
    assert run.total == 5


def test_more_leads_with_a_history_than_are_looked_at_are_said_so(
    campaign: Campaign, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("dialer.planning.dry_run.SINGLY", 2)
    for lead in make_leads(make_list(campaign), 5):
        call = make_call(campaign, lead=lead)
        type(call).objects.for_tenant(campaign.tenant_id).filter(pk=call.pk).update(
            state="ended", outcome="no_answer", placed_at=now(), ended_at=now()
        )
        Lead.objects.for_tenant(campaign.tenant_id).filter(pk=lead.pk).update(state="waiting")
    run = dry_run(campaign=campaign, at=now())
    assert run.waiting == {"unseen": 3}
    assert run.dialable + sum(number for _, number in run.refused.values()) == 2
