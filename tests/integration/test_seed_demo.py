"""The demo tenant: made once, whole, and safe to point at a real trunk."""

from __future__ import annotations

import re
from io import StringIO
from typing import Any

import pytest
from django.apps import apps
from django.core.management import CommandError, call_command

from dialer.calls.management.demo import CAMPAIGNS, PASSWORD, ROBOTS, SLUG, refill, robot_name, seed
from dialer.campaigns.models import Campaign
from dialer.compliance.models import DncEntry
from dialer.leads.models import Lead, LeadState
from dialer.people.models import Role, Tenant, User

pytestmark = pytest.mark.django_db
LEADS = 80
"""Per list, instead of the demo's hundreds: enough for these tests, and quick."""


@pytest.fixture(autouse=True)
def _short_lists(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("dialer.calls.management.demo.LEADS_PER_LIST", LEADS)


def seeded() -> str:
    out = StringIO()
    call_command("seed_demo", stdout=out)
    return out.getvalue()


def everything() -> dict[str, int]:
    models = [model for model in apps.get_models() if model.__module__.startswith("dialer.")]
    managers: list[Any] = [getattr(model, "unscoped", model._default_manager) for model in models]
    return {model.__name__: manager.count() for model, manager in zip(models, managers, strict=True)}


def test_twice_is_once() -> None:
    seeded()
    first = everything()
    seeded()
    assert everything() == first
    assert first["Lead"] == LEADS * len(CAMPAIGNS)


def test_a_second_run_is_a_few_reads(django_assert_max_num_queries: Any) -> None:
    seed()
    with django_assert_max_num_queries(40):
        seed()


def test_what_is_missing_is_added_and_what_was_changed_stays() -> None:
    seed()
    User.objects.filter(username="robot03").delete()
    Campaign.objects.across_tenants().filter(name="Winter survey").update(dial_level="2.50")
    seed()
    assert User.objects.filter(username="robot03").exists()
    assert str(Campaign.objects.across_tenants().get(name="Winter survey").dial_level) == "2.50"


def test_everybody_can_sign_in_and_is_told_so() -> None:
    said = seeded()
    assert PASSWORD in said
    for username in ("admin", "supervisor", "manager", "agent"):
        assert User.objects.get(username=username).check_password(PASSWORD)
        assert username in said
    robots = User.objects.filter(username__startswith="robot")
    assert {robot.username for robot in robots} == {robot_name(number) for number in range(1, ROBOTS + 1)}
    secrets = [user.endpoint_secret for user in User.objects.exclude(endpoint="")]
    assert len(set(secrets)) == len(secrets) == ROBOTS + 1
    assert min(map(len, secrets)) >= 20
    assert not any(secret in said for secret in secrets)
    assert set(User.objects.values_list("role", flat=True)) == set(Role.values)


def test_nobody_real_can_be_rung() -> None:
    seed()
    numbers = [*Lead.objects.across_tenants().values_list("phone", flat=True)]
    numbers += Campaign.objects.across_tenants().values_list("caller_id", flat=True)
    assert all(re.fullmatch(r"\+1[2-9]\d\d55501\d\d", number) for number in numbers)
    assert not Lead.objects.across_tenants().filter(time_zones=[]).exists()
    assert DncEntry.objects.across_tenants().count() == 3 * len(CAMPAIGNS)


def test_the_demo_calls_at_any_hour() -> None:
    seed()
    tenant = Tenant.objects.get(slug=SLUG)
    assert (tenant.window_opens, tenant.window_closes) == (0, 1440)


def test_production_refuses(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CORDBOARD_ENV", "production")
    with pytest.raises(CommandError):
        seeded()
    assert not Tenant.objects.filter(slug=SLUG).exists()


def test_a_list_that_runs_out_begins_again() -> None:
    tenant = seed()
    assert refill() == 0
    leads = Lead.objects.for_tenant(tenant).filter(campaign__name="Harbour renewals")
    leads.update(state=LeadState.DONE, attempts=5)
    leads.filter(pk=leads.first().pk).update(state=LeadState.RESERVED)
    assert refill() == LEADS - 1
    assert leads.filter(state=LeadState.WAITING, attempts=0).count() == LEADS - 1
    assert leads.filter(state=LeadState.RESERVED).count() == 1
