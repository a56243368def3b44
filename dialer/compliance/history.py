"""What earlier calls say of numbers and leads: read in one statement for a whole batch.

Calls lie above this app, but every one was made on a verdict (`CallTask.verdict_row`), so the attempts on a number are
those of its verdicts that became calls. A call that ended before the switch was asked for it is none.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from dialer.core import prepared

LOOK_BACK = timedelta(days=8)
"""How far any rule looks back, a day more than seven."""

_CALLS = """
WITH verdict AS (
    SELECT id, phone, lead_id FROM compliance_gateverdict
    WHERE tenant_id = %(tenant)s AND phone = ANY(%(phones)s::text[]) AND at > %(since)s AND allowed
    UNION
    SELECT id, phone, lead_id FROM compliance_gateverdict
    WHERE lead_id = ANY(%(leads)s::bigint[]) AND tenant_id = %(tenant)s AND at > %(since)s AND allowed
)
SELECT v.id, v.phone, v.lead_id, c.queued_at, c.connected_at,
    CASE WHEN c.outcome = 'abandoned' OR c.ending = 'abandoned' THEN COALESCE(c.ended_at, c.queued_at) END
FROM verdict v JOIN calls_calltask c ON c.verdict_row_id = v.id
WHERE c.state <> 'ended' OR c.placed_at IS NOT NULL
"""


@dataclass(slots=True)
class History:
    """Earlier calls of a batch: to each number, and to each lead on any number."""

    calls: dict[str, list[datetime]] = field(default_factory=dict)
    abandoned: dict[str, datetime] = field(default_factory=dict)
    lead_calls: dict[int, list[datetime]] = field(default_factory=dict)
    talked: dict[int, datetime] = field(default_factory=dict)


def history_of(
    *, tenant_id: int, phones: Sequence[str], lead_ids: Sequence[int], at: datetime, without: int | None = None
) -> History:
    """The calls of the last eight days to these numbers and leads; `without` the one made on this verdict."""
    values = {"tenant": tenant_id, "phones": list(phones), "leads": list(lead_ids), "since": at - LOOK_BACK}
    found = History()
    for verdict, phone, lead, queued_at, connected_at, abandoned_at in prepared.run(_CALLS, values):
        if verdict == without:
            continue
        found.calls.setdefault(phone, []).append(queued_at)
        if abandoned_at is not None:
            found.abandoned[phone] = max(abandoned_at, found.abandoned.get(phone, abandoned_at))
        if lead is not None:
            found.lead_calls.setdefault(lead, []).append(queued_at)
            if connected_at is not None:
                found.talked[lead] = max(connected_at, found.talked.get(lead, connected_at))
    return found
