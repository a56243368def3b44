"""Whole lists of numbers against the do-not-call lists that apply to a campaign."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest

from dialer.campaigns.models import Campaign
from dialer.compliance import national
from dialer.compliance import services as compliance
from dialer.compliance.laws import Level
from dialer.compliance.scrub import never_dialed
from dialer.core.clock import now
from dialer.people.models import Tenant
from tests import factories

FIRST, SECOND, THIRD, BRITISH = 12125550101, 12125550102, 12125550103, 442079460958
ALL = [FIRST, SECOND, THIRD, BRITISH]


@pytest.fixture
def official(db: None, tmp_path: Path) -> None:
    """The first two numbers are on the official list."""
    path = tmp_path / "list.txt"
    path.write_text("2125550101\n2125550102\n")
    national.load(path=path, name="national-us", country_code=1, as_of=now() - timedelta(days=1))


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


@pytest.mark.usefixtures("official")
def test_an_official_list_but_for_those_who_consented(tenant: Tenant) -> None:
    assert never_dialed(factories.make_campaign(tenant, purpose="service"), ALL) == set(), "the law asks for none"
    campaign = factories.make_campaign(tenant, purpose="sales")
    assert never_dialed(campaign, ALL) == {FIRST, SECOND}
    compliance.add_consent(
        tenant_id=campaign.tenant_id,
        number=f"+{SECOND}",
        kind=Level.WRITTEN,
        source="web form",
        proof="form 12",
        given_at=now(),
        expires_at=None,
        by=factories.make_user(campaign.tenant, "admin"),
    )
    assert never_dialed(campaign, ALL) == {FIRST}
