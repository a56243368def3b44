"""A campaign's own hours and weekdays narrow those of the law and of the tenant; nothing widens them."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from dialer.campaigns.models import Campaign
from dialer.compliance.facts import Asked
from dialer.compliance.rules import Allow, Deny
from dialer.compliance.services import judge

ASKED = [Asked("+12125550111", ("America/New_York",))]


@pytest.mark.parametrize(
    ("window", "moment", "again"),
    [
        # It is UTC-4 in New York; 1 June 2026 is a Monday.
        ({}, datetime(2026, 6, 1, 13, tzinfo=UTC), None),
        ({"window_opens": 600}, datetime(2026, 6, 1, 13, tzinfo=UTC), datetime(2026, 6, 1, 14, tzinfo=UTC)),
        ({"window_opens": 600}, datetime(2026, 6, 1, 14, tzinfo=UTC), None),
        ({"window_closes": 1020}, datetime(2026, 6, 1, 21, tzinfo=UTC), datetime(2026, 6, 2, 12, tzinfo=UTC)),
        ({"window_days": [1, 2]}, datetime(2026, 6, 1, 15, tzinfo=UTC), datetime(2026, 6, 2, 12, tzinfo=UTC)),
        ({"window_days": [6]}, datetime(2026, 6, 1, 15, tzinfo=UTC), datetime(2026, 6, 7, 12, tzinfo=UTC)),
        ({"window_opens": 0, "window_closes": 1440}, datetime(2026, 6, 1, 11, tzinfo=UTC),
         datetime(2026, 6, 1, 12, tzinfo=UTC)),
    ],
)  # fmt: skip
def test_the_gate_keeps_the_campaign_s_hours(
    campaign: Campaign, window: dict[str, object], moment: datetime, again: datetime | None
) -> None:
    type(campaign.tenant).objects.filter(pk=campaign.tenant_id).update(window_opens=480, window_closes=1260)
    Campaign.objects.for_tenant(campaign.tenant_id).update(**window)
    fresh = Campaign.objects.for_tenant(campaign.tenant_id).select_related("tenant").get(pk=campaign.pk)
    [judged] = judge(campaign=fresh, asked=ASKED, at=moment)
    if again is None:
        assert isinstance(judged.answer, Allow), judged.answer
    else:
        assert isinstance(judged.answer, Deny)
        assert judged.answer.again_at == again
