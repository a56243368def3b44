"""Changing many leads at once, and taking it back. Leads on a call or with a promised call are left as they are."""

from __future__ import annotations

from contextlib import suppress
from datetime import timedelta
from typing import Any

from django.core.exceptions import EmptyResultSet
from django.db import connection, transaction
from django.utils.translation import gettext_lazy as lazy

from dialer.campaigns.models import Campaign, LeadList
from dialer.core import audit
from dialer.core.clock import now
from dialer.core.models import TenantQuerySet
from dialer.people.models import User

from .models import BulkChange, LeadState
from .rules import CALLBACK_PRIORITY

MOST = 100_000
"""Leads of one change: it is one transaction, and somebody waits for it."""
UNDONE_WITHIN = timedelta(days=1)
ACTIONS: dict[str, Any] = {
    "again": lazy("Call again now"),
    "done": lazy("Do not call any more"),
    "move": lazy("Move to another list"),
}
BY_RULE = "rule"
"""The change of leads that a new recycle rule does not have called any more."""
WORDS = {**ACTIONS, BY_RULE: lazy("Not called any more, by a changed recycle rule")}

_NOTE = """
INSERT INTO leads_bulkchangedlead (tenant_id, change_id, lead_id, list_id, state, priority, attempts, next_attempt_at)
SELECT %s, %s, chosen.* FROM ({chosen}) AS chosen
"""
_CHANGE = {
    "again": "state = 'waiting', next_attempt_at = %(at)s, refused_rule = ''",
    "done": "state = 'done'",
    "move": "list_id = %(list)s, priority = %(priority)s",
}
_APPLY = """
UPDATE leads_lead AS lead SET {change} FROM leads_bulkchangedlead AS before
WHERE before.change_id = %(change)s AND lead.id = before.lead_id
"""
# A lead whose attempts or state are other than the change left them has been dialed or changed since.
_UNDO = """
UPDATE leads_lead AS lead SET state = before.state, list_id = before.list_id, priority = before.priority,
    next_attempt_at = before.next_attempt_at
FROM leads_bulkchangedlead AS before
WHERE before.change_id = %(change)s AND lead.id = before.lead_id AND lead.attempts = before.attempts
    AND lead.priority <> %(promised)s AND {as_left}
"""
_AS_LEFT = {
    "again": "lead.state = 'waiting' AND lead.next_attempt_at = %(at)s",
    "done": "lead.state = 'done'",
    BY_RULE: "lead.state = 'done'",
    "move": "lead.state = before.state AND lead.list_id = %(list)s",
}


class TooMany(Exception):
    """More leads than one change takes."""


def change(*, campaign: Campaign, rows: TenantQuerySet, action: str, target: LeadList | None, by: User) -> BulkChange:
    """Do something to all these leads of a campaign. Raises TooMany."""
    at = now()
    chosen = (
        rows.exclude(state=LeadState.RESERVED)
        .exclude(priority=CALLBACK_PRIORITY)
        .values_list("pk", "list_id", "state", "priority", "attempts", "next_attempt_at")[: MOST + 1]
        .select_for_update(of=("self",), no_key=True)
    )
    with transaction.atomic(), connection.cursor() as cursor:
        made = BulkChange.objects.create(
            tenant_id=campaign.tenant_id, campaign=campaign, made_by=by, action=action, target=target, made_at=at
        )
        with suppress(EmptyResultSet):  # Django knows by itself that nobody is like that
            sql, params = chosen.query.sql_with_params()
            cursor.execute(_NOTE.format(chosen=sql), [campaign.tenant_id, made.pk, *params])
            if cursor.rowcount > MOST:
                raise TooMany
        cursor.execute(_APPLY.format(change=_CHANGE[action]), _values(made, at))
        made.count = cursor.rowcount
        made.save(update_fields=["count"])
        _record(made, by, "leads.changed")
    assert isinstance(made, BulkChange)
    return made


def undo(*, made: BulkChange, by: User) -> int:
    """Put back the leads that nothing happened to since; how many. Twice is once."""
    with transaction.atomic(), connection.cursor() as cursor:
        rows = BulkChange.objects.for_tenant(made.tenant_id).filter(pk=made.pk, undone_at=None)
        if not rows.update(undone_at=now()):
            return 0
        cursor.execute(_UNDO.format(as_left=_AS_LEFT[made.action]), _values(made, made.made_at))
        count = cursor.rowcount
        _record(made, by, "leads.changed_back")
    return int(count)


def _values(made: BulkChange, at: Any) -> dict[str, Any]:
    target = made.target
    return {
        "change": made.pk,
        "at": at,
        "promised": CALLBACK_PRIORITY,
        "list": target.pk if target else None,
        "priority": target.priority if target else None,
    }


def _record(made: BulkChange, by: User, action: str) -> None:
    audit.record(
        tenant_id=made.tenant_id,
        actor=by,
        action=action,
        subject=str(made.public_id),
        data={"what": made.action, "leads": made.count},
    )
