"""Asking for pacing: asks are merged, never lost, never late; the consumer survives Redis and PostgreSQL."""

from __future__ import annotations

import os
import pickle
import signal
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import quote

import psycopg
import pytest
from django.db import connection
from redis.exceptions import RedisError

from deploy.local.valkey import Valkey
from dialer.calls.models import CallTask, PacingState
from dialer.campaigns.models import Campaign
from dialer.core import notify
from tasks import pacing
from tasks.queues import pacing_queue
from tests import factories

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def empty_queue() -> Iterator[None]:
    def clear() -> None:
        pacing_queue.storage.flush_queue()
        for key in pacing_queue.storage.conn.scan_iter("cordboard:tick-queued:*"):
            pacing_queue.storage.conn.delete(key)

    clear()
    yield
    clear()


@pytest.fixture
def paced(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """The campaigns for which pacing ran."""
    ran: list[int] = []

    def pace(*, campaign_id: int) -> Any:
        ran.append(campaign_id)
        return pacing_module_result

    monkeypatch.setattr(pacing, "pace", pace)
    return ran


class _Nothing:
    queued = ()
    refused = 0
    decision = None


pacing_module_result = _Nothing()


def work_off(at: datetime | None = None) -> int:
    """Carry out what is queued, as a worker does; how many jobs there were."""
    done = 0
    while pacing_queue.storage.queue_size():
        pacing_queue.execute(pacing_queue.dequeue(), at)
        done += 1
    return done


@pytest.mark.django_db
@pytest.mark.usefixtures("empty_queue")
class TestAsking:
    def test_asks_for_one_campaign_are_one_until_it_runs(self, paced: list[int]) -> None:
        for _ in range(5):
            pacing.ask_many([1, 2])
        assert work_off() == 2
        assert paced == [1, 2]
        pacing.ask(1)
        assert work_off() == 1

    def test_an_ask_during_a_tick_gets_a_tick_of_its_own(self, monkeypatch: pytest.MonkeyPatch) -> None:
        ran: list[int] = []

        def pace(*, campaign_id: int) -> Any:
            ran.append(campaign_id)
            if len(ran) == 1:
                pacing.ask(campaign_id)
            return pacing_module_result

        monkeypatch.setattr(pacing, "pace", pace)
        pacing.ask(1)
        assert work_off() == 2

    def test_a_backlog_is_not_worked_off_late(self, paced: list[int]) -> None:
        pacing.ask(1)
        assert work_off(datetime.now(UTC).replace(tzinfo=None) + timedelta(seconds=pacing.GOOD_FOR_S + 1)) == 1
        assert paced == []

    def test_an_ask_that_failed_can_be_made_again(self, paced: list[int], monkeypatch: pytest.MonkeyPatch) -> None:
        def fails(data: bytes, priority: int | None = None) -> None:
            raise RedisError("gone")

        with monkeypatch.context() as patch:
            patch.setattr(pacing_queue.storage, "enqueue", fails)
            with pytest.raises(RedisError):
                pacing.ask(1)
        pacing.ask(1)
        assert work_off() == 1

    @pytest.mark.django_db(transaction=True)  # a job begins by giving back the connection
    def test_redis_emptied_mid_campaign_costs_no_learning(self) -> None:
        campaign = factories.make_campaign(factories.make_tenant(), dial_method="predictive")
        factories.make_leads(factories.make_list(campaign), 10)
        factories.make_session(campaign)
        pacing.ask(campaign.pk)
        assert work_off() == 1
        before = PacingState.objects.for_tenant(campaign.tenant_id).get(campaign=campaign)
        pacing.ask(campaign.pk)
        pacing_queue.storage.conn.flushdb()
        assert work_off() == 0
        pacing.ask(campaign.pk)
        assert work_off() == 1
        after = PacingState.objects.for_tenant(campaign.tenant_id).get(campaign=campaign)
        assert after.revision == before.revision + 1
        assert after.memory

    def test_what_others_put_into_the_queue_is_not_run(self, tmp_path: Path) -> None:
        trap = tmp_path / "trap"

        class Evil:
            def __reduce__(self) -> tuple[Callable[[str], int], tuple[str]]:
                return os.system, (f"touch {trap}",)

        pacing_queue.storage.enqueue(pickle.dumps(Evil()))
        with pytest.raises(ValueError):
            pacing_queue.dequeue()
        assert not trap.exists()


# ---- the consumer as a process of its own


def _database_url() -> str:
    one = connection.settings_dict
    password = f":{quote(one['PASSWORD'], safe='')}" if one["PASSWORD"] else ""
    return (
        f"postgres://{one['USER']}{password}@{quote(one['HOST'] or 'localhost', safe='')}:{one['PORT']}/{one['NAME']}"
    )


@contextmanager
def consumer(queue: str, redis_url: str) -> Iterator[subprocess.Popen[str]]:
    env = {**os.environ, "DATABASE_URL": _database_url(), "REDIS_URL": redis_url}
    process = subprocess.Popen(
        [sys.executable, "-m", "tasks.consume", queue], cwd=ROOT, env=env, text=True, stderr=subprocess.PIPE
    )
    try:
        yield process
    finally:
        process.kill()
        process.wait()


@pytest.fixture
def valkey(tmp_path: Path) -> Iterator[Valkey]:
    """A Redis of this test's own, that it may kill."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    server = Valkey(tmp_path, tmp_path / "valkey.log", port, durable=False)
    server.start()
    yield server
    server.stop()


@pytest.fixture
def own_queue(valkey: Valkey, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """Lets this process ask over the test's own Redis."""
    from redis import Redis

    conn = Redis.from_url(valkey.url)
    monkeypatch.setattr(pacing_queue.storage, "conn", conn)
    yield valkey.url
    conn.close()


class Waiting:
    """Waits for PostgreSQL's word that a call was queued."""

    def __init__(self) -> None:
        self._link = psycopg.connect(_database_url(), autocommit=True)
        self._link.execute(f"LISTEN {notify.CALLS}")

    def for_a_call(self, ask: Callable[[], None], within_s: float = 15.0) -> None:
        """Ask each second, as the beat does, until a call is queued."""
        for _ in range(int(within_s)):
            with suppress(RedisError):
                ask()
            for _notification in self._link.notifies(timeout=1.0, stop_after=1):
                return
        raise AssertionError("no call was queued")

    def close(self) -> None:
        self._link.close()


@pytest.fixture
def waiting(transactional_db: None) -> Iterator[Waiting]:
    made = Waiting()
    yield made
    made.close()


def _campaign_with_a_ready_agent() -> Campaign:
    campaign = factories.make_campaign(factories.make_tenant())
    factories.make_leads(factories.make_list(campaign), 10)
    factories.make_session(campaign)
    return campaign


def _end_calls(campaign: Campaign) -> None:
    CallTask.objects.for_tenant(campaign.tenant_id).update(
        state="ended", outcome="no_answer", ended_at=datetime.now(UTC)
    )


def test_the_consumer_survives_its_servers_and_drains(
    waiting: Waiting, valkey: Valkey, own_queue: str, transactional_db: None
) -> None:
    campaign = _campaign_with_a_ready_agent()

    def ask() -> None:
        pacing.ask(campaign.pk)

    with consumer("pacing", own_queue) as process:
        waiting.for_a_call(ask)
        assert CallTask.objects.for_tenant(campaign.tenant_id).count() == 1

        _end_calls(campaign)
        valkey.kill()
        valkey.start()
        waiting.for_a_call(ask)

        _end_calls(campaign)
        with connection.cursor() as cursor:  # PostgreSQL went and came back, as the consumer sees it
            cursor.execute(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database()"
                " AND pid <> pg_backend_pid() AND query NOT LIKE 'LISTEN%'"
            )
        waiting.for_a_call(ask, within_s=5)

        process.send_signal(signal.SIGTERM)
        _, said = process.communicate(timeout=10)
    assert process.returncode == 0
    assert "Traceback" not in said, said


def test_an_unknown_queue_is_refused() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "tasks.consume", "nothing"], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert done.returncode == 1
    assert "usage" in done.stderr
