"""The audit trail: who did what to whom, append-only and hash-chained per tenant.

Each entry carries the hash of the one before it, so one that was changed or taken out of the middle shows; the database
refuses UPDATE and DELETE besides. `verify` finds the first break. What was cut off at the very end shows only to
somebody who kept the last hash (`manage.py verify_audit` prints it, to be kept elsewhere).
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from typing import Any

from django.db import connection, transaction

from .clock import now
from .models import AuditEntry

GENESIS = "0" * 64
"""What the first entry of a tenant says about the one before it."""


def record(*, tenant_id: int, actor: Any, action: str, subject: str = "", data: dict[str, Any] | None = None) -> None:
    """Append one entry, in the caller's transaction: what is rolled back was never done.

    `actor` is the user who did it, or None for the dialer itself; `action` a dotted word, e.g. agent.paused; `subject`
    the outward id of what it was done to. No telephone numbers or customers' names in `data`.
    """
    with transaction.atomic():
        _one_at_a_time(tenant_id)
        last = AuditEntry.objects.for_tenant(tenant_id).order_by("-seq").values_list("seq", "hash").first()
        seq, previous = last or (0, GENESIS)
        entry = AuditEntry(
            tenant_id=tenant_id,
            seq=seq + 1,
            at=now(),
            actor_id=getattr(actor, "pk", None),
            actor_name=str(getattr(actor, "shown_name", "") or "the dialer")[:150],
            action=action,
            subject=subject,
            data=data or {},
            previous=previous,
        )
        entry.hash = hash_of(entry)
        AuditEntry.objects.bulk_create([entry])


def hash_of(entry: AuditEntry) -> str:
    """The SHA-256 over everything that an entry says, the hash of the one before included."""
    told = [
        *(entry.tenant_id, entry.seq, entry.at.isoformat(), entry.actor_id, entry.actor_name),
        *(entry.action, entry.subject, entry.data, entry.previous),
    ]
    text = json.dumps(told, sort_keys=True, separators=(",", ":"), ensure_ascii=True)
    return hashlib.sha256(text.encode()).hexdigest()


@dataclass(frozen=True, slots=True)
class Verified:
    """What a look through a tenant's trail found: how many entries hold, the last hash, and the first break, if any."""

    entries: int
    last_hash: str
    broken: str = ""


def verify(tenant_id: int) -> Verified:
    """Read a tenant's trail from its beginning and compare every hash."""
    previous, held = GENESIS, 0
    for entry in AuditEntry.objects.for_tenant(tenant_id).order_by("seq").iterator(chunk_size=2000):
        if entry.seq != held + 1:
            return Verified(held, previous, f"entry {held + 1} is missing")
        if entry.previous != previous:
            return Verified(held, previous, f"entry {entry.seq} does not follow the one before it")
        if entry.hash != hash_of(entry):
            return Verified(held, previous, f"entry {entry.seq} was changed")
        previous, held = entry.hash, entry.seq
    return Verified(held, previous)


def _one_at_a_time(tenant_id: int) -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(hashtext('cordboard.audit'), %s)", [tenant_id])
