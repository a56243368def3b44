"""Every row belongs to a tenant, every query says which, and a stranger sees nothing."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from django.apps import apps
from django.conf import settings
from django.db import IntegrityError, models, transaction
from django.db.models import ProtectedError

from dialer.calls import placing, services
from dialer.calls.rules import Event, Kind
from dialer.campaigns import facts
from dialer.campaigns.models import CustomField, ScriptAnswer, ScriptPage
from dialer.compliance.models import DncEntry
from dialer.compliance.services import add_to_dnc, remove_from_dnc
from dialer.core.clock import now
from dialer.core.models import TenantScoped, UnscopedQuery
from dialer.handling.models import Monitor
from dialer.leads.models import Callback, LeadNumber
from dialer.people.models import Tenant
from dialer.telephony import outbox
from dialer.telephony.models import CommandKind
from dialer.whatif import services as whatif
from dialer.whatif.rules import Settings
from tests import factories
from tests.factories import (
    handled,
    make_call,
    make_campaign,
    make_import_rows,
    make_lead,
    make_pause_code,
    make_session,
    make_team,
    make_user,
)

SCOPED = [model for model in apps.get_models() if issubclass(model, TenantScoped)]
OURS = [Path(settings.BASE_DIR, name) for name in ("dialer", "asterisk", "tasks", "agi")]


def names(model: type[models.Model]) -> str:
    return model.__name__


@pytest.fixture
def full_house(tenant: Tenant) -> Tenant:
    """A tenant with at least one row of every model."""
    campaign = make_campaign(tenant)
    make_team(tenant)
    make_pause_code(tenant)
    session = make_session(campaign)
    call = make_call(campaign, lead=make_lead(campaign))
    services.begin_placing(call_id=call.pk)
    for event in (Event(Kind.READY, verdict="HUMAN"), Event(Kind.BRIDGED, session=session.pk)):
        services.apply_event(call_id=call.pk, event=event, at=now())
    handled(call)
    Monitor.objects.create(
        tenant=tenant, watcher=make_session(campaign, state="paused"), watched=session, mode="listen", asked_at=now()
    )
    for number in ("+12125550155", "+12125550156"):
        add_to_dnc(tenant_id=tenant.pk, number=number, source="test", by=None)
    listed = DncEntry.objects.for_tenant(tenant).get(phone=number)
    remove_from_dnc(entry=listed, why="a slip", by=make_user(tenant))
    factories.make_compliance_rows(tenant)
    outbox.send(tenant_id=tenant.pk, kind=CommandKind.PROVISION)
    dialing_ahead = make_campaign(tenant, dial_method="predictive")
    placing.pace(campaign_id=dialing_ahead.pk)
    facts.note(tenant_id=tenant.pk, campaign_id=dialing_ahead.pk, facts=[facts.Fact("failed", 3.0)], at=now())
    factories.make_floor_rows(campaign)
    factories.make_campaign_rows(campaign)
    CustomField.objects.create(tenant=tenant, campaign=campaign, name="berth", label="Berth")
    page = ScriptPage.objects.create(tenant=tenant, campaign=campaign, title="Opening", body="Good day.")
    ScriptAnswer.objects.create(tenant=tenant, page=page, label="Yes", leads_to=page)
    LeadNumber.objects.create(tenant=tenant, lead=make_lead(campaign), phone="+12125550156", kind="mobile")
    Callback.objects.create(
        tenant=tenant, lead=make_lead(campaign), promised_for=now(), zone="America/New_York", made_at=now()
    )
    factories.make_did(factories.make_queue(campaign))
    make_import_rows(campaign)
    whatif.ask(campaign=campaign, user=make_user(tenant), settings=Settings(), stress=None)
    return tenant


QUERIES: list[Callable[[Any], object]] = [
    lambda objects: list(objects.all()),
    lambda objects: objects.filter(pk=1).exists(),
    lambda objects: objects.exclude(pk=1).count(),
    lambda objects: objects.get(pk=1),
    lambda objects: objects.first(),
    lambda objects: objects.values_list("pk"),
    lambda objects: objects.update(pk=1),
    lambda objects: objects.get_or_create(pk=1),
    lambda objects: objects.raw("SELECT 1"),
    lambda objects: objects.in_bulk(),
    lambda objects: objects.none(),
]


@pytest.mark.parametrize("model", SCOPED, ids=names)
def test_a_query_that_names_no_tenant_is_refused(model: type[TenantScoped], db: None) -> None:
    for query in QUERIES:
        with pytest.raises(UnscopedQuery, match=model.__name__):
            query(model.objects)


@pytest.mark.parametrize("model", SCOPED, ids=names)
def test_a_stranger_sees_none_of_a_tenant_s_rows(
    model: type[TenantScoped], full_house: Tenant, stranger: Tenant
) -> None:
    assert model.objects.for_tenant(full_house).exists(), f"full_house makes no {model.__name__}"
    assert not model.objects.for_tenant(stranger).exists()
    assert not model.objects.for_tenant(stranger.pk).exists()
    assert model.objects.across_tenants().count() == model.objects.for_tenant(full_house).count()


@pytest.mark.parametrize("model", SCOPED, ids=names)
def test_the_tenant_of_a_row_is_required_and_protected(model: type[TenantScoped]) -> None:
    field = model._meta.get_field("tenant")
    assert not field.null
    assert field.remote_field.on_delete is models.PROTECT  # type: ignore[union-attr]
    assert model._meta.default_manager_name == "unscoped"


def test_every_model_of_ours_is_scoped_or_said_not_to_be() -> None:
    """Users have a tenant of their own kind; a tenant is one; national lists and pulses are the installation's."""
    ours = [model for model in apps.get_models() if model.__module__.startswith("dialer.")]
    assert {model.__name__ for model in ours if model not in SCOPED} == {
        "Tenant",
        "User",
        "NationalList",
        "Pulse",
        "NationalChunk",
    }


def test_a_tenant_with_rows_cannot_be_deleted(full_house: Tenant) -> None:
    with pytest.raises(ProtectedError):
        full_house.delete()


def test_a_row_without_a_tenant_is_refused(tenant: Tenant) -> None:
    campaign = make_campaign(tenant)
    with pytest.raises(IntegrityError), transaction.atomic():
        type(campaign).objects.create(name="x", disposition_set=campaign.disposition_set)


def test_no_code_goes_around_the_scope() -> None:
    """Django's own manager is for Django; and what shows rows to people never asks for those of all tenants."""
    around = re.compile(r"\.(unscoped|_base_manager|_default_manager)\b")
    shown = re.compile(r"(views?|forms|api|serializers|topic)\w*\.py$")
    for folder in OURS:
        for path in folder.rglob("*.py"):
            if "migrations" in path.parts:
                continue
            text = path.read_text()
            if path != Path(settings.BASE_DIR, "dialer/core/models.py"):
                assert not around.search(text), path
            if shown.search(path.name):
                assert "across_tenants" not in text, path
