"""Prepared statements do what the ORM's do, on the ORM's connection, and say what is wrong as it does."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.db import IntegrityError, connection, transaction
from django.db.models import Q, QuerySet

from dialer.agents.models import AgentSession, AgentStateChange
from dialer.campaigns.models import Campaign, PauseCode
from dialer.core import prepared
from dialer.core.clock import now
from dialer.people.models import Tenant
from tests import factories


def _sessions(campaign_id: int, state: str) -> QuerySet[AgentSession]:
    rows = AgentSession.objects.across_tenants().filter(Q(campaign_id=campaign_id) & Q(state=state))
    rows = rows.select_related("user__tenant", "campaign", "call")
    rows = rows.only("state", "call__state", "user__username", "user__tenant__name", "campaign__name")
    return rows.order_by("id")


READ = prepared.Read(_sessions, -1, "a state")


def test_a_read_gives_the_same_objects_for_other_values(campaign: Campaign, tenant: Tenant) -> None:
    other = factories.make_campaign(tenant)
    rows = [factories.make_session(campaign), factories.make_session(campaign), factories.make_session(other)]
    assert READ.all(campaign.pk, "ready") == rows[:2]
    assert READ.all(other.pk, "ready") == rows[2:]
    assert READ.first(campaign.pk, "offline") is None
    read = READ.first(other.pk, "ready")
    assert read is not None
    with connection.execute_wrapper(lambda *_: pytest.fail("it was read already")):
        assert (read.user.username, read.campaign.name, read.call) == (rows[2].user.username, other.name, None)


def test_a_read_must_use_its_values() -> None:
    with pytest.raises(ValueError, match="does not use"):
        prepared.Read(lambda _: PauseCode.objects.across_tenants().all(), -1).all(1)


def test_writing_a_row(campaign: Campaign) -> None:
    session = factories.make_session(campaign)
    later = now() + timedelta(hours=1)
    session.notice, session.state_since, session.endpoint = "Ünïcode “quotes” '; --", later, "not written"
    prepared.update(session, ("notice", "state_since"))
    read = AgentSession.objects.across_tenants().get(pk=session.pk)
    assert (read.notice, read.state_since) == (session.notice, later)
    assert read.endpoint != "not written"


def test_what_is_prepared_and_what_is_kept(tenant: Tenant) -> None:
    """Our own statements are prepared once; nothing is kept of the ORM's, whose text has the values in it."""
    sql = "SELECT name AS only_here FROM people_tenant WHERE id = %s"
    for _ in range(3):
        assert prepared.run(sql, [tenant.pk]).fetchone() == (tenant.name,)
    there = prepared.run("SELECT count(*) FROM pg_prepared_statements WHERE statement LIKE %s", ["%only_here%"])
    assert there.fetchone() == (1,)
    for number in range(20):
        assert not Tenant.objects.filter(name=f"kept {number}").exists()
    kept = [*connection.connection._prepared._counts, *connection.connection._prepared._names]
    assert [text for text, _ in kept if b"only_here" in text]
    assert not [text for text, _ in kept if b"kept 1" in text]


@pytest.mark.django_db(transaction=True)
def test_adding_rows_together_is_one_transaction() -> None:
    session = factories.make_session(factories.make_campaign(factories.make_tenant()))
    before = AgentStateChange.objects.across_tenants().count()

    def add(*states: str | None) -> None:
        moment = now()
        with prepared.together(), transaction.atomic():
            assert prepared.lock(AgentSession, session.pk) == session
            for state in states:
                row = AgentStateChange(tenant_id=session.tenant_id, session=session, state=state, event="told")
                row.at = row.until = moment
                prepared.insert(row)

    add("paused", "ready")
    assert AgentStateChange.objects.across_tenants().count() == before + 2
    with pytest.raises(IntegrityError):
        add("paused", None)
    assert AgentStateChange.objects.across_tenants().count() == before + 2


@pytest.mark.django_db(transaction=True)
def test_a_table_that_changed_since() -> None:
    """A statement prepared before a migration is asked anew, not refused for ever."""
    tenant = factories.make_tenant()
    sql = "SELECT * FROM people_tenant WHERE id = %s"
    wide = len(prepared.run(sql, [tenant.pk]).fetchone() or ())
    with connection.cursor() as cursor:
        cursor.execute("ALTER TABLE people_tenant ADD COLUMN later integer")
        try:
            assert len(prepared.run(sql, [tenant.pk]).fetchone() or ()) == wide + 1
        finally:
            cursor.execute("ALTER TABLE people_tenant DROP COLUMN later")
