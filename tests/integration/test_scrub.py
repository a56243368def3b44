"""Whole lists of numbers against the do-not-call lists that apply to a campaign."""

from __future__ import annotations

from dialer.campaigns.models import Campaign
from dialer.compliance import services as compliance
from dialer.compliance.scrub import never_dialed
from tests import factories

FIRST, SECOND, THIRD, BRITISH = 12125550101, 12125550102, 12125550103, 442079460958
ALL = [FIRST, SECOND, THIRD, BRITISH]


def test_nobody_is_on_no_list(campaign: Campaign) -> None:
    assert never_dialed(campaign, ALL) == set()
    assert never_dialed(campaign, []) == set()


def test_own_lists_of_the_tenant_and_of_the_campaign(campaign: Campaign) -> None:
    boss = factories.make_user(campaign.tenant, "admin")
    other = factories.make_campaign(campaign.tenant)
    stranger = factories.make_campaign(factories.make_tenant())
    compliance.add_to_dnc(tenant_id=campaign.tenant_id, number=f"+{FIRST}", source="x", by=None)
    compliance.add_to_dnc(tenant_id=campaign.tenant_id, number=f"+{SECOND}", source="x", by=None, campaign=campaign)
    compliance.add_pattern(tenant_id=campaign.tenant_id, prefix="+4420", note="London", by=boss)
    assert never_dialed(campaign, ALL) == {FIRST, SECOND, BRITISH}
    assert never_dialed(other, ALL) == {FIRST, BRITISH}
    assert never_dialed(stranger, ALL) == set()
