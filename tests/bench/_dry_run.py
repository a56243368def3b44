"""The dry run of a campaign of many leads, timed whole: what somebody waits for who asks what the next hour would dial.

The leads lie in ten zones and twenty area codes of the United States; a third of them rest, one in a hundred is on the
tenant's list, one in twenty on the official one, half have a consent of one of two kinds.
"""

from __future__ import annotations

import time
from datetime import datetime, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory

from django.db import connection, transaction

from dialer.campaigns.models import Campaign
from dialer.compliance import national
from dialer.compliance.facts import load
from dialer.core.clock import now
from dialer.planning.dry_run import dry_run
from tests import factories

_AREAS = (212, 310, 312, 415, 602, 617, 702, 713, 786, 808, 907, 202, 303, 404, 503, 206, 214, 215, 305, 313)

_LEADS = """
INSERT INTO leads_lead (tenant_id, campaign_id, list_id, public_id, first_name, last_name, company, notes, phone,
    time_zones, state, priority, attempts, next_attempt_at, custom, last_outcome, refused_rule, created_at)
SELECT %(tenant)s, %(campaign)s, %(list)s, gen_random_uuid(), 'First' || i %% 977, 'Last' || i %% 7919, '', '',
    '+1' || (%(areas)s::int[])[1 + i %% %(count)s] || (2000000 + i),
    ARRAY[(%(zones)s::text[])[1 + i %% cardinality(%(zones)s::text[])]],
    CASE WHEN i %% 20 = 7 THEN 'done' ELSE 'waiting' END,
    i %% 3, i %% 4, %(at)s + CASE WHEN i %% 3 = 0 THEN interval '5 hours' ELSE interval '-1 minute' * (i %% 50) END,
    '{}', '', '', %(at)s
FROM generate_series(1, %(leads)s) AS i
"""
_DNC = """
INSERT INTO compliance_dncentry (tenant_id, phone, kind, source, added_at)
SELECT tenant_id, phone, 'dnc', 'bench', now() FROM leads_lead WHERE list_id = %(list)s AND id %% 100 = 0
"""
_CONSENT = """
INSERT INTO compliance_consent (tenant_id, public_id, phone, kind, source, proof, given_at, added_at, revoked_how)
SELECT tenant_id, gen_random_uuid(), phone, CASE WHEN id %% 4 = 0 THEN 'written' ELSE 'express' END, 'bench', '',
    now() - interval '30 days', now(), '' FROM leads_lead WHERE list_id = %(list)s AND id %% 2 = 0
"""
_ZONES = (
    *("America/New_York", "America/Chicago", "America/Denver", "America/Los_Angeles", "America/Phoenix"),
    *("America/Anchorage", "Pacific/Honolulu", "America/Detroit", "America/Boise", "America/Juneau"),
)


def measure_dry_run_s(leads: int = 1_000_000) -> float:
    """Seconds that one dry run takes over so many leads, the second of two; the leads are gone afterwards."""
    at = (now() - timedelta(days=1)).replace(hour=18, minute=5)  # it is day in all of North America
    with transaction.atomic():
        campaign = _campaign(leads, at)
        took = 0.0
        for _ in range(2):
            began = time.perf_counter()
            run = dry_run(campaign=campaign, at=at)
            took = time.perf_counter() - began
        refused = {rule: number for rule, (_, number) in run.refused.items()}
        print(f"dry run: {run.total:,} leads, {run.dialable:,} dialable, {refused}, {run.waiting}; {took:.2f} s")
        assert run.total == leads
        assert run.dialable + sum(number for _, number in run.refused.values()) + sum(run.waiting.values()) == leads
        transaction.set_rollback(True)
    return took


def _campaign(leads: int, at: datetime) -> Campaign:
    tenant = factories.make_tenant()
    campaign = factories.make_campaign(tenant, name="Dry run", purpose="sales", dial_method="predictive")
    where = factories.make_list(campaign)
    values = {
        **{"tenant": tenant.pk, "campaign": campaign.pk, "list": where.pk, "leads": leads, "at": at},
        **{"areas": list(_AREAS), "count": len(_AREAS), "zones": list(_ZONES)},
    }
    with connection.cursor() as cursor:
        for statement in (_LEADS, _DNC, _CONSENT):
            cursor.execute(statement, values)
        for table in ("leads_lead", "compliance_dncentry", "compliance_consent"):
            cursor.execute(f"ANALYZE {table}")
    with TemporaryDirectory() as folder:
        path = Path(folder, "national.txt")
        # One in twenty of the leads, and as many others as there are leads.
        ours = [f"1{_AREAS[i % len(_AREAS)]}{2_000_000 + i}" for i in range(1, leads, 20)]
        path.write_text("\n".join([*ours, *(f"1{9_000_000_000 + 37 * i}" for i in range(leads))]) + "\n")
        national.load(path=path, name="national-us", country_code=1, as_of=at - timedelta(days=1), may_shrink=True)
    load(campaign=campaign, asked=[], at=at, by_hand=False)  # the packs are read once per process
    return campaign
