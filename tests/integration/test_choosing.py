"""Which leads are reserved: the campaign's filter, and lists that take turns in proportion."""

from __future__ import annotations

from collections import Counter

from dialer.calls import placing
from dialer.campaigns.models import Campaign, CustomField, LeadList
from dialer.core.clock import now
from dialer.leads import services
from dialer.leads.choosing import where_of
from dialer.leads.models import Lead, LeadState
from tests.factories import get_lead, make_leads, make_list, make_session


def filtered(campaign: Campaign, *conditions: tuple[str, str, str], match: str = "all") -> Campaign:
    rows = [dict(zip(("field", "op", "value"), one, strict=True)) for one in conditions]
    Campaign.objects.for_tenant(campaign.tenant_id).filter(pk=campaign.pk).update(
        lead_filter={"match": match, "conditions": rows}
    )
    return Campaign.objects.for_tenant(campaign.tenant_id).select_related("tenant").get(pk=campaign.pk)  # type: ignore[no-any-return]


def test_only_leads_that_pass_are_dialed(campaign: Campaign) -> None:
    where = make_list(campaign)
    [ada] = make_leads(where, 1, company='100% Byron\'s "Ltd"')
    [bob] = make_leads(where, 1, company="Other")
    filtered(campaign, ("company", "contains", "0% byron's \"l"), ("attempts", "at_most", "3"))
    for _ in range(2):
        make_session(campaign)
    assert len(placing.pace(campaign_id=campaign.pk).queued) == 1
    assert get_lead(ada.pk).state == LeadState.RESERVED
    assert get_lead(bob.pk).state == LeadState.WAITING


def test_a_filter_on_a_field_that_is_gone_dials_nobody(campaign: Campaign) -> None:
    make_leads(make_list(campaign), 2)
    field = CustomField.objects.create(tenant_id=campaign.tenant_id, campaign=campaign, name="berth", label="Berth")
    with_field = filtered(campaign, ("custom.berth", "empty", ""))
    assert len(services.reserve(campaign_id=campaign.pk, count=1, at=now(), where=where_of(with_field))) == 1
    field.delete()
    assert services.reserve(campaign_id=campaign.pk, count=5, at=now(), where=where_of(with_field)) == []


def test_lists_of_one_priority_take_turns_by_their_mix(campaign: Campaign) -> None:
    lists = [make_list(campaign, mix=mix) for mix in (30, 10)]
    for one in lists:
        make_leads(one, 60)
    many = Counter(lead.list_id for lead in services.reserve(campaign_id=campaign.pk, count=40, at=now()))
    # 30 are meant; the first turns, drawn with a mean of one, move that by 0.75 of the one less 0.25 of the other.
    assert 26 <= many[lists[0].pk] <= 37
    Lead.objects.for_tenant(campaign.tenant_id).update(state=LeadState.WAITING)
    singly: Counter[int] = Counter()
    for _ in range(100):
        [lead] = services.reserve(campaign_id=campaign.pk, count=1, at=now())
        singly[lead.list_id] += 1
        Lead.objects.for_tenant(campaign.tenant_id).filter(pk=lead.pk).update(state=LeadState.WAITING)
    # 75 of 100 are meant; five deviations of sqrt(100 * 0.75 * 0.25) are 22.
    assert 53 <= singly[lists[0].pk] <= 97


def test_priority_goes_before_mix_and_lists_without_one_go_by_time(campaign: Campaign) -> None:
    first, second = make_list(campaign, mix=1), make_list(campaign, mix=1000)
    [urgent] = make_leads(first, 1, priority=5)
    make_leads(second, 5)
    assert services.reserve(campaign_id=campaign.pk, count=1, at=now()) == [urgent]
    LeadList.objects.for_tenant(campaign.tenant_id).update(mix=0)
    rest = services.reserve(campaign_id=campaign.pk, count=9, at=now())
    assert [lead.next_attempt_at for lead in rest] == sorted(lead.next_attempt_at for lead in rest)
