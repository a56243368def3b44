"""What a trunk carries and still takes, over all campaigns and tenants, and a campaign's fair share of it.

Ticks of different campaigns run at the same time. Whoever is about to launch holds the trunk's lock until the calls are
committed, so the counts under it are true and the caps hold for all of them together.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from math import inf

from django.conf import settings
from django.db import connection

from dialer.campaigns.models import Campaign, CampaignStatus
from dialer.core.ids import first_id_at
from dialer.pacing.allocate import Claim, Trunk, share_out

from .models import PacingState

FRESH = timedelta(seconds=2)
"""A wish that a campaign did not get fulfilled counts for so long; its next tick makes it again."""
RECENT = timedelta(seconds=30)


@dataclass(frozen=True, slots=True)
class Use:
    """A trunk's calls at one moment: live ones by campaign, and those decided within the last second."""

    trunk: str
    held: Mapping[int, int]
    last_second: int

    def as_trunk(self) -> Trunk:
        """What it takes now."""
        lines, per_second = limits_of(self.trunk)
        return Trunk(self.trunk, lines, sum(self.held.values()), max(0, per_second - self.last_second))


def limits_of(trunk: str) -> tuple[int, int]:
    """Lines and calls per second of a trunk (ASTERISK_TRUNK_LIMITS)."""
    known: dict[str, tuple[int, int]] = settings.TRUNK_LIMITS
    return known.get(trunk) or known["*"]


_USE = """
SELECT campaign_id, sum(held)::int, sum(fresh)::int FROM (
    SELECT campaign_id, 1 AS held, 0 AS fresh FROM calls_calltask WHERE state <> 'ended' AND trunk = %(trunk)s
    UNION ALL
    SELECT campaign_id, 0, 1 FROM calls_calltask WHERE id >= %(second)s AND trunk = %(trunk)s AND NOT inbound
) AS one GROUP BY campaign_id
"""


def use_of(trunk: str, at: datetime) -> Use:
    """Count a trunk's calls, agents' own included."""
    with connection.cursor() as cursor:
        cursor.execute(_USE, {"trunk": trunk, "second": first_id_at(at - timedelta(seconds=1))})
        rows = cursor.fetchall()
    return Use(trunk, {row[0]: row[1] for row in rows if row[1]}, sum(row[2] for row in rows))


def lock(trunk: str) -> None:
    """Be the only one who launches on the trunk until the transaction ends."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(hashtext('cordboard.trunk'), hashtext(%s))", [trunk])


def share_of(
    *, campaign: Campaign, worth: tuple[float, ...], launched_at: datetime | None, use: Use, at: datetime
) -> int:
    """How many of the calls it wants (their worth, in order) the campaign may launch on the locked trunk now."""
    trunk = use.as_trunk()
    others = _unmet(use.trunk, campaign.pk, at)
    if len(worth) + sum(len(state.wanted) for state in others) <= trunk.room:
        return len(worth)
    recent = _recent(use.trunk, at)
    claims = [
        Claim(
            str(who),
            wish,
            weight,
            use.held.get(who, 0),
            recent.get(who, 0),
            (at - launched).total_seconds() if launched else inf,
        )
        for who, wish, weight, launched in (
            (campaign.pk, worth, campaign.priority, launched_at),
            *((one.campaign_id, tuple(one.wanted), one.campaign.priority, one.launched_at) for one in others),
        )
    ]
    return share_out(claims, trunk)[str(campaign.pk)]


def _unmet(trunk: str, campaign_id: int, at: datetime) -> list[PacingState]:
    """The other campaigns on the trunk that wanted more than they got, just now."""
    rows = (
        PacingState.objects.across_tenants()
        .filter(decided_at__gt=at - FRESH, campaign__status=CampaignStatus.ACTIVE)
        .exclude(wanted=[])
        .exclude(campaign=campaign_id)
        .select_related("campaign")
        .only("wanted", "launched_at", "campaign__trunk", "campaign__priority")
    )
    return [state for state in rows if (state.campaign.trunk or settings.TRUNK) == trunk]


def _recent(trunk: str, at: datetime) -> dict[int, int]:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT campaign_id, count(*) FROM calls_calltask WHERE id >= %s AND trunk = %s AND NOT inbound "
            "GROUP BY campaign_id",
            [first_id_at(at - RECENT), trunk],
        )
        return dict(cursor.fetchall())
