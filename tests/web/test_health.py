"""/readyz and /metrics: what works, in figures; and not for everybody."""

from __future__ import annotations

import re
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.test import Client

from dialer.calls import placing
from dialer.campaigns.models import Campaign, DialMethod
from dialer.core import health
from dialer.core.clock import now
from dialer.core.models import Pulse
from dialer.floor import reading
from tests import factories

from .conftest import House

RULES = Path(__file__).resolve().parents[2] / "deploy/monitoring/alerts.yml"
BOARD: dict[str, Any] = {"switch_up": True, "trunks": {"carrier": True}, "waiting": 3}


def beat(lag_ms: float = 12.0, ago_s: float = 0.0, **data: Any) -> None:
    """A switchboard that said something so long ago."""
    health.beat(name="switchboard test", kind=health.SWITCHBOARD, lag_ms=lag_ms, data={**BOARD, **data})
    Pulse.objects.update(at=now() - timedelta(seconds=ago_s))


def figure(text: str, name: str, **labels: str) -> float:
    inside = ",".join(f'{key}="{value}"' for key, value in labels.items())
    found = re.search(rf"^{name}{re.escape('{' + inside + '}') if labels else ''} (\S+)$", text, re.M)
    assert found, f"{name} {labels} is not in\n{text}"
    return float(found[1])


def test_ready_only_with_everything(db: None, client: Client) -> None:
    assert client.get("/readyz").status_code == 503
    assert client.get("/readyz").json()["switchboard"] == "no switchboard leads"
    beat()
    assert client.get("/readyz").json() == dict.fromkeys(("database", "redis", "switchboard", "switch"), "ok")
    beat(switch_up=False)
    assert client.get("/readyz").json()["switch"] == "the switch is not connected"
    beat(ago_s=60)
    assert client.get("/readyz").status_code == 503


def test_ready_without_redis(db: None, client: Client, settings: Any) -> None:
    settings.REDIS_URL = "redis://127.0.0.1:1/0"
    beat()
    assert client.get("/readyz").json()["redis"] == "Redis does not answer"


def test_figures(campaign: Campaign, client: Client) -> None:
    Campaign.objects.across_tenants().update(dial_method=DialMethod.PREDICTIVE)
    beat(lag_ms=250.0)
    health.beat(name="web test", kind=health.WEB, lag_ms=80.0, data={"screens": 4})
    factories.make_session(campaign)
    factories.make_call(campaign, lead=factories.make_lead(campaign))
    text = client.get("/metrics").content.decode()
    assert figure(text, "cordboard_up", dependency="database") == 1
    assert figure(text, "cordboard_calls", state="queued") == 1
    assert figure(text, "cordboard_calls_ended_lately", outcome="abandoned") == 0
    assert figure(text, "cordboard_agents", state="ready") == 1
    assert figure(text, "cordboard_event_lag_seconds", switchboard="switchboard test") == 0.25
    assert figure(text, "cordboard_events_waiting", switchboard="switchboard test") == 3
    assert figure(text, "cordboard_screen_latency_seconds", web="web test") == 0.08
    assert figure(text, "cordboard_trunk_up", trunk="carrier") == 1
    assert figure(text, "cordboard_abandonment_ledger_certain", campaign=str(campaign.public_id)) == 0
    assert figure(text, "cordboard_jobs_waiting", queue="pacing") >= 0
    assert campaign.name not in text


def test_the_alert_rules_name_figures_that_are_there(campaign: Campaign, client: Client) -> None:
    """A rule about a figure that nobody gives never fires. (promtool tests when they do: alerts_test.yml.)"""
    beat()
    told = set(re.findall(r"^# TYPE (\w+)", client.get("/metrics").content.decode(), re.M))
    expressions = re.findall(r"^\s+expr: (.+)$", RULES.read_text(), re.M)
    named = [set(re.findall(r"\bcordboard_\w+", one)) for one in expressions]
    assert len(named) >= 11 and all(named)
    assert set().union(*named) <= told
    assert set(re.findall(r"alert: (\w+)", RULES.read_text())) == set(
        re.findall(r"alertname: (\w+)", RULES.with_name("alerts_test.yml").read_text())
    ), "each alert has a test"


@pytest.mark.parametrize(
    ("where", "headers", "token", "status"),
    [
        ("127.0.0.1", {}, "", 200),
        ("::1", {}, "", 200),
        ("10.0.0.5", {}, "", 404),
        ("127.0.0.1", {"X-Forwarded-For": "203.0.113.9"}, "", 404),
        ("127.0.0.1", {}, "secret", 404),
        ("10.0.0.5", {"Authorization": "Bearer secret"}, "secret", 200),
        ("10.0.0.5", {"Authorization": "Bearer wrong"}, "secret", 404),
    ],
)
def test_not_for_everybody(
    db: None, client: Client, settings: Any, where: str, headers: dict[str, str], token: str, status: int
) -> None:
    settings.METRICS_TOKEN = token
    assert client.get("/metrics", headers=headers, REMOTE_ADDR=where).status_code == status


def test_dialing_stops_and_says_so_when_nobody_leads_the_switch(campaign: Campaign) -> None:
    factories.make_session(campaign)
    factories.make_lead(campaign)
    beat(ago_s=30)
    paced = placing.pace(campaign_id=campaign.pk)
    assert paced.queued == ()
    assert paced.decision is not None
    assert paced.decision.reason.startswith("Dialing stops: no switchboard has been heard of for ")
    beat(lag_ms=1900.0)
    paced = placing.pace(campaign_id=campaign.pk)
    assert len(paced.queued) == 1
    factories.make_session(campaign)
    factories.make_lead(campaign, phone=factories.number_of(7))
    beat(lag_ms=2500.0)
    assert placing.pace(campaign_id=campaign.pk).queued == ()
    beat()
    assert len(placing.pace(campaign_id=campaign.pk).queued) == 1


def test_the_wallboard_says_so(house: House, campaign: Campaign, as_: Any) -> None:
    beat(ago_s=30)
    page = as_(house.supervisor).get("/floor/").content.decode()
    assert "Dialing stops: no switchboard has been heard of for " in page
    reading.forget()
    beat()
    assert "Dialing stops" not in as_(house.supervisor).get("/floor/").content.decode()
