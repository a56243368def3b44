"""Thresholds that are crossed become one alert each, which ends by itself; mail and webhook are told once."""

from __future__ import annotations

import contextlib
import ipaddress
import json
import socket
import threading
from collections.abc import Iterator
from datetime import timedelta
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import Any

import pytest
from django.core import mail

from dialer.calls.rules import Kind
from dialer.campaigns.models import Campaign
from dialer.core.clock import now
from dialer.core.language import speaking
from dialer.floor import alerts, reading
from dialer.floor.models import Alert, Threshold
from tasks import alerts as jobs
from tasks.queues import worker_queue
from tests import factories, switch

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _jobs_run_here(monkeypatch: pytest.MonkeyPatch) -> None:
    """Jobs give their connection back, but here it holds the test's own transaction."""
    monkeypatch.setattr("tasks.queues.close_old_connections", lambda: None)
    monkeypatch.setattr(worker_queue, "immediate", True)


@pytest.fixture(autouse=True)
def _our_own_network_is_allowed(settings: Any) -> None:
    """The webhooks of these tests are on the loopback."""
    settings.WEBHOOK_NETWORKS = [ipaddress.ip_network("127.0.0.0/8")]


@pytest.fixture
def hook() -> Iterator[tuple[str, list[Any]]]:
    """A webhook on the loopback, and what it was told."""
    told: list[Any] = []

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            told.append(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
            self.send_response({"/elsewhere": 302, "/broken": 500}.get(self.path, 204))
            if self.path == "/elsewhere":
                self.send_header("Location", "/again")
            self.end_headers()

        def log_message(self, *args: Any) -> None: ...

    server = HTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}", told
    server.shutdown()
    thread.join()
    server.server_close()


def wait_for_an_agent(campaign: Campaign) -> Any:
    """Somebody answered and nobody is free."""
    call = factories.make_call(campaign)
    for kind in (Kind.PLACED, Kind.RINGING, Kind.ANSWERED, Kind.READY):
        switch.tell(call.pk, kind)
    return call


def test_an_alert_begins_once_and_ends_by_itself(campaign: Campaign, hook: tuple[str, list[Any]]) -> None:
    address, told = hook
    threshold = factories.make_threshold(campaign, mail_to="boss@example.com", webhook=f"{address}/hook")
    jobs.look()
    assert not Alert.objects.for_tenant(campaign.tenant).exists()
    call = wait_for_an_agent(campaign)
    jobs.look()
    jobs.look()
    alert = Alert.objects.for_tenant(campaign.tenant).get()
    assert alert.text == f"{campaign.name}: Customers waiting is 1, above 0."
    assert [one.to for one in mail.outbox] == [["boss@example.com"]]
    assert [(one["figure"], one["value"]) for one in told] == [("waiting", 1)]
    assert (alert.mailed[:4], alert.hooked) == ("Sent", "Answered 204")
    with speaking("es"):
        assert alert.shown_text() == f"{campaign.name}: Clientes en espera: 1, por encima de 0."
        assert alert.shown_telling() == f"Enviado {alert.mailed[5:]} Respondió 204"
    assert [one.pk for one in reading.read_floor(campaign.tenant_id).alerts] == [alert.pk]
    switch.tell(call.pk, Kind.HUNG_UP, cause=16)
    jobs.look()
    alert.refresh_from_db()
    assert alert.ended_at is not None
    threshold.refresh_from_db()
    assert threshold.over_since is None


def test_it_has_to_last(campaign: Campaign) -> None:
    threshold = factories.make_threshold(campaign, for_s=30)
    wait_for_an_agent(campaign)
    assert alerts.look() == []
    Threshold.objects.for_tenant(campaign.tenant).update(over_since=now() - timedelta(seconds=31))
    assert len(alerts.look()) == 1
    assert alerts.look() == []
    assert Alert.objects.for_tenant(campaign.tenant).get().threshold_id == threshold.pk


def test_whoever_was_forgotten_is_told_later_and_nobody_twice(campaign: Campaign) -> None:
    factories.make_threshold(campaign, mail_to="boss@example.com")
    wait_for_an_agent(campaign)
    [alert] = alerts.look()
    assert alerts.untold() == [], "its own job may be at it"
    Alert.objects.for_tenant(campaign.tenant).update(began_at=now() - alerts.FORGOTTEN)
    assert alerts.untold() == [alert]
    alerts.tell(alert)
    assert alerts.untold() == []


def test_below(campaign: Campaign) -> None:
    factories.make_threshold(campaign, figure="ready", above=False, value=1)
    assert len(alerts.look()) == 1
    factories.make_session(campaign)
    alerts.look()
    assert Alert.objects.for_tenant(campaign.tenant).get().ended_at is not None


def test_a_webhook_that_sends_on_is_not_followed(campaign: Campaign, hook: tuple[str, list[Any]]) -> None:
    address, told = hook
    factories.make_threshold(campaign, webhook=f"{address}/elsewhere")
    wait_for_an_agent(campaign)
    jobs.look()
    assert Alert.objects.for_tenant(campaign.tenant).get().hooked == "Answered 302"
    assert len(told) == 1


def told_of(campaign: Campaign, webhook: str) -> str:
    """What became of an alert's webhook, after all that the product does about it by itself."""
    factories.make_threshold(campaign, webhook=webhook)
    wait_for_an_agent(campaign)
    jobs.look()
    Alert.objects.for_tenant(campaign.tenant).update(began_at=now() - alerts.FORGOTTEN)
    assert alerts.untold() == []
    hooked: str = Alert.objects.for_tenant(campaign.tenant).get().hooked
    return hooked


def test_a_webhook_inside_the_network_is_not_called(
    campaign: Campaign, hook: tuple[str, list[Any]], settings: Any
) -> None:
    """Also one that was saved before the operator's rule said so."""
    settings.WEBHOOK_NETWORKS = []
    address, told = hook
    assert "127.0.0.1, an address inside the network" in told_of(campaign, f"{address}/hook")
    assert told == []


def test_a_webhook_that_is_broken(campaign: Campaign, hook: tuple[str, list[Any]]) -> None:
    address, told = hook
    assert told_of(campaign, f"{address}/broken") == "Answered 500"
    assert len(told) == 1


def test_a_webhook_that_is_not_there(campaign: Campaign) -> None:
    assert told_of(campaign, "http://127.0.0.1:9/") == "Not reached: Connection refused."


@pytest.mark.parametrize("says", [b"", b"HTTP/1.1 200 OK\r\nX-Slow: "], ids=["nothing", "without end"])
def test_a_webhook_that_hangs(campaign: Campaign, monkeypatch: pytest.MonkeyPatch, says: bytes) -> None:
    """It takes the call and says nothing, or does not stop: the worker is kept for the patience, no longer."""
    monkeypatch.setattr(alerts.hooks, "PATIENCE_S", 0.6)
    over = threading.Event()
    with socket.create_server(("127.0.0.1", 0)) as server:

        def serve() -> None:
            line, _ = server.accept()
            with line, contextlib.suppress(OSError):
                line.sendall(says)
                while says and not over.wait(0.1):
                    line.sendall(b".")
                over.wait(20)

        thread = threading.Thread(target=serve)
        thread.start()
        try:
            told = told_of(campaign, f"http://127.0.0.1:{server.getsockname()[1]}/")
        finally:
            over.set()
            thread.join()
    assert told == "Not reached: no answer within 0.6 s."


def test_a_webhook_that_speaks_no_http(campaign: Campaign) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:

        def serve() -> None:
            line, _ = server.accept()
            with line:
                line.recv(65536)
                line.sendall(b"220 mail.example ready\r\n")

        thread = threading.Thread(target=serve)
        thread.start()
        told = told_of(campaign, f"http://127.0.0.1:{server.getsockname()[1]}/")
        thread.join()
    assert told.startswith("Not reached: ")
