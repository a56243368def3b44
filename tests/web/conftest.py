"""The standing people of the web tests: an owner's house with each role in it, and a stranger from next door."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import pytest
from django.test import Client

from dialer.campaigns.models import Campaign, DialMethod
from dialer.people.models import Role, Team, Tenant, User
from tests import factories


@dataclass
class House:
    """One tenant's people, and the admin of another tenant."""

    tenant: Tenant
    team: Team
    agent: User
    teammate: User
    supervisor: User
    admin: User
    manager: User
    stranger: User


@pytest.fixture
def house(tenant: Tenant, stranger: Tenant) -> House:
    """Everybody."""
    team = factories.make_team(tenant)
    factories.make_pause_code(tenant, "BREAK", "Break")
    return House(
        tenant=tenant,
        team=team,
        agent=factories.make_user(tenant, Role.AGENT, team=team),
        teammate=factories.make_user(tenant, Role.AGENT, team=team),
        supervisor=factories.make_user(tenant, Role.SUPERVISOR, team=team),
        admin=factories.make_user(tenant, Role.ADMIN),
        manager=factories.make_user(tenant, Role.MANAGER),
        stranger=factories.make_user(stranger, Role.ADMIN, endpoint="strangersphone"),
    )


@pytest.fixture
def as_() -> Callable[[User | None], Client]:
    """A browser in which somebody is signed in, or nobody."""

    def signed_in(user: User | None) -> Client:
        client = Client()
        if user is not None:
            client.force_login(user)
        return client

    return signed_in


@pytest.fixture
def manual(house: House, campaign: Campaign) -> Campaign:
    """A manual campaign of the house."""
    return factories.make_campaign(
        house.tenant, dial_method=DialMethod.MANUAL, disposition_set=campaign.disposition_set
    )


@pytest.fixture
def preview(house: House, campaign: Campaign) -> Campaign:
    """A preview campaign of the house."""
    return factories.make_campaign(
        house.tenant, dial_method=DialMethod.PREVIEW, disposition_set=campaign.disposition_set
    )
