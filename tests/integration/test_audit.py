"""The audit trail: a chain that nobody can change unseen, and that the database lets nobody change at all."""

from __future__ import annotations

from io import StringIO

import pytest
from django.core.management import CommandError, call_command
from django.db import IntegrityError, connection, transaction

from dialer.core import audit
from dialer.core.models import AuditEntry
from dialer.people.models import Tenant
from tests import factories
from tests.threads import at_once


def trail(tenant: Tenant) -> list[AuditEntry]:
    return list(AuditEntry.objects.for_tenant(tenant).order_by("seq"))


def test_entries_follow_each_other(tenant: Tenant, stranger: Tenant) -> None:
    boss = factories.make_user(tenant, "supervisor", first_name="Sam")
    for number in range(3):
        audit.record(tenant_id=tenant.pk, actor=boss, action="agent.paused", subject="x", data={"n": number})
    audit.record(tenant_id=stranger.pk, actor=None, action="campaign.stopped")
    entries = trail(tenant)
    assert [one.seq for one in entries] == [1, 2, 3]
    assert [one.previous for one in entries] == [audit.GENESIS, entries[0].hash, entries[1].hash]
    assert audit.verify(tenant.pk) == audit.Verified(3, entries[2].hash)
    assert audit.verify(stranger.pk).entries == 1


@pytest.mark.parametrize("change", ["UPDATE core_auditentry SET action = 'x'", "DELETE FROM core_auditentry"])
def test_the_database_refuses_changes(tenant: Tenant, change: str) -> None:
    audit.record(tenant_id=tenant.pk, actor=None, action="a")
    with pytest.raises(IntegrityError, match="append-only"), transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(change)
    assert audit.verify(tenant.pk).entries == 1


@pytest.mark.parametrize(
    ("change", "found"),
    [
        ("UPDATE core_auditentry SET actor_name = 'Nobody' WHERE seq = 2", "entry 2 was changed"),
        ("DELETE FROM core_auditentry WHERE seq = 2", "entry 2 is missing"),
        ("UPDATE core_auditentry SET previous = hash WHERE seq = 3", "entry 3 does not follow"),
    ],
)
def test_changes_past_the_database_are_found(tenant: Tenant, change: str, found: str) -> None:
    for _ in range(3):
        audit.record(tenant_id=tenant.pk, actor=None, action="a")
    with connection.cursor() as cursor:
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
        cursor.execute("ALTER TABLE core_auditentry DISABLE TRIGGER audit_append_only")
        cursor.execute(change)
    assert found in audit.verify(tenant.pk).broken
    with pytest.raises(CommandError):
        call_command("verify_audit", stdout=StringIO())


@pytest.mark.django_db(transaction=True)
def test_many_at_once_make_one_chain(tenant: Tenant) -> None:
    def some() -> None:
        for _ in range(5):
            audit.record(tenant_id=tenant.pk, actor=None, action="a")

    at_once([some] * 4)
    assert audit.verify(tenant.pk).entries == 20
    out = StringIO()
    call_command("verify_audit", stdout=out)
    assert "20 entries" in out.getvalue()
