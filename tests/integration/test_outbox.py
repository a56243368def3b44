"""The outbox of commands to the switch: a deadline, one taker, a result."""

from __future__ import annotations

from datetime import timedelta
from functools import partial
from uuid import uuid4

import psycopg
import pytest
from django.db import connection, transaction

from dialer.core import notify
from dialer.people.models import Tenant
from dialer.telephony import outbox
from dialer.telephony.models import CommandKind, CommandStatus, SwitchCommand
from tests.threads import at_once


def send(tenant: Tenant) -> SwitchCommand:
    return outbox.send(tenant_id=tenant.pk, kind=CommandKind.HANG_UP, target=uuid4(), args={"by": "agent"})


def stored(command: SwitchCommand) -> SwitchCommand:
    found = SwitchCommand.objects.across_tenants().get(pk=command.pk)
    assert isinstance(found, SwitchCommand)
    return found


def test_commands_are_taken_oldest_first_and_once(tenant: Tenant) -> None:
    sent = [send(tenant) for _ in range(3)]
    assert [command.pk for command in outbox.take(by=uuid4(), limit=2)] == [command.pk for command in sent[:2]]
    assert [command.pk for command in outbox.take(by=uuid4())] == [sent[2].pk]
    assert outbox.take(by=uuid4()) == []
    outbox.finish(sent[0].pk)
    outbox.finish(sent[1].pk, error="x" * 500)
    done, failed = stored(sent[0]), stored(sent[1])
    assert (done.status, done.result, done.done_at is not None) == (CommandStatus.DONE, "", True)
    assert (failed.status, len(failed.result)) == (CommandStatus.FAILED, 300)


def test_what_is_past_its_deadline_is_not_carried_out(tenant: Tenant) -> None:
    late, fresh = send(tenant), send(tenant)
    SwitchCommand.objects.across_tenants().filter(pk=late.pk).update(deadline=late.created_at - timedelta(seconds=1))
    assert [command.pk for command in outbox.take(by=uuid4())] == [fresh.pk]
    assert [command.pk for command in outbox.expire()] == [late.pk]
    assert stored(late).status == CommandStatus.EXPIRED
    assert stored(late).result


def test_what_was_taken_and_never_finished_ends_too(tenant: Tenant) -> None:
    """Whoever was to carry it out failed; who asked is told, and may ask again."""
    stuck, under_way = send(tenant), send(tenant)
    outbox.take(by=uuid4())
    rows = SwitchCommand.objects.across_tenants()
    rows.filter(pk=under_way.pk).update(deadline=under_way.created_at - timedelta(seconds=1))
    rows.filter(pk=stuck.pk).update(deadline=stuck.created_at - outbox.STUCK - timedelta(seconds=1))
    assert [command.pk for command in outbox.expire()] == [stuck.pk]
    assert stored(under_way).status == CommandStatus.TAKEN


def test_who_heard_no_answer_asks_again_and_gets_what_they_took(tenant: Tenant) -> None:
    """The database broke off between the commit and the word of it."""
    sent, this = [send(tenant) for _ in range(3)], uuid4()
    assert len(outbox.take(by=this, limit=2)) == 2
    assert [one.pk for one in outbox.take(by=uuid4())] == [sent[2].pk]
    assert [one.pk for one in outbox.take(by=this)] == [one.pk for one in sent[:2]]
    outbox.finish(sent[0].pk)
    assert [one.pk for one in outbox.take(by=this)] == [sent[1].pk]


def test_a_hang_up_that_was_promised_outlasts_a_database_that_is_away(tenant: Tenant) -> None:
    hang_up = send(tenant)
    listening = outbox.send(tenant_id=tenant.pk, kind=CommandKind.MONITOR, target=uuid4())
    rows = SwitchCommand.objects.across_tenants()
    away = timedelta(minutes=5)
    for one in rows:
        rows.filter(pk=one.pk).update(deadline=one.deadline - away)
    assert [one.pk for one in outbox.expire()] == [listening.pk]
    assert [one.pk for one in outbox.take(by=uuid4())] == [hang_up.pk]


def test_what_a_dead_switchboard_had_taken_is_given_back(tenant: Tenant) -> None:
    command, finished = send(tenant), send(tenant)
    outbox.take(by=uuid4())
    outbox.finish(finished.pk)
    assert outbox.release_taken() == 1
    assert [one.pk for one in outbox.take(by=uuid4())] == [command.pk]


@pytest.mark.django_db(transaction=True)
def test_takers_at_once_share_the_commands(tenant: Tenant) -> None:
    sent = {send(tenant).pk for _ in range(40)}
    taken = at_once([partial(outbox.take, by=uuid4(), limit=10) for _ in range(6)])
    got = [command.pk for batch in taken for command in batch]
    got += [command.pk for command in outbox.take(by=uuid4())]
    assert len(got) == len(set(got))
    assert set(got) == sent


@pytest.mark.django_db(transaction=True)
def test_a_command_wakes_the_switchboard_when_and_only_when_it_is_committed(tenant: Tenant) -> None:
    where = connection.get_connection_params()
    names = ("host", "port", "user", "password", "dbname")
    with psycopg.connect(**{name: where[name] for name in names if where.get(name)}, autocommit=True) as listener:
        listener.execute(f"LISTEN {notify.COMMANDS}")
        with transaction.atomic():
            send(tenant)
            transaction.set_rollback(True)
        with transaction.atomic():
            notify.notify(notify.COMMANDS, "after")
        send(tenant)
        heard = [note.payload for note in listener.notifies(timeout=10, stop_after=2)]
    assert heard == ["after", ""]


def test_closed_commands_go_after_a_while_and_stops_stay(tenant: Tenant) -> None:
    old, fresh, open_still = send(tenant), send(tenant), send(tenant)
    stop = outbox.send(tenant_id=tenant.pk, kind=CommandKind.STOP, target=None, args={})
    for one in (old, fresh, stop):
        outbox.finish(one.pk)
    long_ago = old.created_at - outbox.KEEP
    rows = SwitchCommand.objects.across_tenants()
    rows.filter(pk__in=[old.pk, stop.pk]).update(done_at=long_ago - timedelta(seconds=1))
    assert outbox.forget(at=old.created_at) == 1
    assert set(rows.values_list("pk", flat=True)) == {fresh.pk, open_still.pk, stop.pk}
