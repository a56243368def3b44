"""What the demo lets its agents do with a call: pause the recording, and transfer to places that answer."""

from __future__ import annotations

from dialer.calls.management.demo import CAMPAIGNS
from dialer.campaigns.models import Campaign
from dialer.handling.models import HandlingSettings, Target, TransferPreset
from dialer.people.models import Tenant

OFFICE = "+15552100003"
"""The simulated carrier has a person there who picks up after a second and stays on the line."""


def seed_handling(tenant: Tenant) -> None:
    """Make it for each campaign of the demo for which nothing was settled yet."""
    names = [values["name"] for values in CAMPAIGNS]
    campaigns = list(Campaign.objects.for_tenant(tenant).filter(name__in=names).order_by("pk"))
    settled = set(HandlingSettings.objects.for_tenant(tenant).values_list("pk", flat=True))
    for campaign in campaigns:
        if campaign.pk in settled:
            continue
        own = {"tenant": tenant, "campaign": campaign}
        HandlingSettings.objects.create(**own, may_pause_recording=True)
        number = {"phone": OFFICE, "time_zone": tenant.time_zone}
        anybody = {"target": Target.CAMPAIGN, "to_campaign": campaigns[0], "position": 1}
        for name, leads_to in (("Harbour office", number), ("Whoever is free", anybody)):
            TransferPreset.objects.across_tenants().get_or_create(**own, name=name, defaults=leads_to)
