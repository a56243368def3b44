"""`manage.py verify_audit`: is every tenant's audit trail whole? Exits with 1 at the first that is not."""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand, CommandError

from dialer.core.audit import verify
from dialer.core.models import AuditEntry


class Command(BaseCommand):
    """Reads the trails and compares every hash."""

    help = (
        "Verify the hash chains of the audit trail; keep the last hashes elsewhere to prove that nothing was cut off."
    )

    def handle(self, *args: Any, **options: Any) -> None:
        """Verify every tenant that has a trail."""
        tenants = AuditEntry.objects.across_tenants().order_by().values_list("tenant_id", flat=True).distinct()
        broken = 0
        for tenant_id in sorted(tenants):
            found = verify(tenant_id)
            state = f"BROKEN: {found.broken}" if found.broken else "whole"
            self.stdout.write(f"tenant {tenant_id}: {found.entries} entries, last hash {found.last_hash}, {state}")
            broken += bool(found.broken)
        if broken:
            raise CommandError(f"{broken} audit trail(s) are broken.")
