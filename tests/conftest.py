"""Fixtures that every suite may use. They only call tests/factories.py."""

from __future__ import annotations

import pytest

from dialer.campaigns.models import Campaign
from dialer.people.models import Tenant
from tests import factories


@pytest.fixture
def tenant(db: None) -> Tenant:
    """A tenant that may call at any hour."""
    return factories.make_tenant()


@pytest.fixture
def stranger(db: None) -> Tenant:
    """Another tenant, who must see nothing of the first one's."""
    return factories.make_tenant()


@pytest.fixture
def campaign(tenant: Tenant) -> Campaign:
    """An active progressive campaign of `tenant`."""
    return factories.make_campaign(tenant)
