"""What pacing learns from, kept until the campaign's next tick takes it: each fact exactly once, whoever crashes.

A fact is written in the transaction of what happened and deleted in that of the tick that learned from it. Nothing is
written for campaigns that do not dial ahead.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from dialer.core import prepared

from .models import PacingFact

FORGET_AFTER = timedelta(minutes=10)
"""What nobody learned from by then (a campaign that was stopped) teaches nothing about now."""


@dataclass(frozen=True, slots=True)
class Fact:
    """One thing to learn from, in the words and units (seconds) of `pacing.Seen`."""

    kind: str
    seconds: float = 0.0
    lag: float = 0.0
    stayed: bool = True
    talked: float | None = None


def note(*, tenant_id: int, campaign_id: int, facts: Sequence[Fact], at: datetime) -> None:
    """Keep facts of a campaign that dials ahead, in the transaction of what happened."""
    for fact in facts:
        prepared.insert(
            PacingFact(
                tenant_id=tenant_id,
                campaign_id=campaign_id,
                kind=fact.kind,
                seconds=max(0.0, fact.seconds),
                lag=max(0.0, fact.lag),
                stayed=fact.stayed,
                talked=fact.talked,
                at=at,
            )
        )


_WRAP_END = """
INSERT INTO campaigns_pacingfact (tenant_id, campaign_id, kind, seconds, lag, stayed, talked, at)
SELECT %(tenant)s, c.id, 'wrap_end', %(seconds)s, 0, %(stayed)s, (
    SELECT EXTRACT(EPOCH FROM call.ended_at - call.connected_at) FROM calls_calltask AS call WHERE call.id = %(call)s
), %(at)s
FROM campaigns_campaign AS c WHERE c.id = %(campaign)s AND c.dial_method IN ('predictive', 'blended')
"""


def note_wrap_end(
    *, tenant_id: int, campaign_id: int, call: UUID | None, seconds: float, stayed: bool, at: datetime
) -> None:
    """An agent's wrap-up after a call is over; nothing is kept unless the campaign dials ahead."""
    values: dict[str, Any] = {"tenant": tenant_id, "campaign": campaign_id, "call": call, "stayed": stayed, "at": at}
    prepared.run(_WRAP_END, {**values, "seconds": max(0.0, seconds)})


_TAKE = "DELETE FROM campaigns_pacingfact WHERE campaign_id = %s RETURNING kind, seconds, lag, stayed, talked, at"


def take(*, campaign_id: int, at: datetime) -> list[Fact]:
    """Take what there is to learn, oldest first, in the transaction of the tick that learns from it."""
    found = prepared.run(_TAKE, [campaign_id]).fetchall()
    rows = sorted((row for row in found if at - row[5] < FORGET_AFTER), key=lambda row: row[5])
    return [Fact(*row[:5]) for row in rows]


def forget_old(*, at: datetime) -> int:
    """Remove what nobody will learn from any more; how many."""
    return PacingFact.objects.across_tenants().filter(at__lt=at - FORGET_AFTER).delete()[0]
