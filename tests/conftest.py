"""Fixtures that every suite may use. They only call tests/factories.py."""

from __future__ import annotations

import os
from collections.abc import Iterator

import pytest
from django.db import connections
from hypothesis import settings

from dialer.campaigns.models import Campaign
from dialer.desk import vocabulary
from dialer.floor import reading
from dialer.live import threads
from dialer.people.models import Tenant
from tests import factories

# Examples per property, few enough for every run of the suite; no deadline, since the machine may be busy. In CI they
# are the same ones each time, so that a change is judged by what it changed; elsewhere they are new ones, and
# EXAMPLES=3000 looks for longer.
settings.register_profile(
    "cordboard",
    max_examples=int(os.environ.get("EXAMPLES", "40")),
    deadline=None,
    print_blob=True,
    derandomize=bool(os.environ.get("CI")),
)
settings.load_profile("cordboard")


@pytest.fixture(scope="session")
def django_db_modify_db_settings() -> None:
    """A test waits for its first connection for as long as the machine takes.

    The pool opens with the first query, by threads of its own, and the five seconds that a page may wait are nothing on
    a machine that many tests share. Processes that tests start keep those five seconds.
    """
    connections["default"].settings_dict["OPTIONS"]["pool"]["timeout"] = 60.0


@pytest.fixture(autouse=True)
def _nothing_kept() -> Iterator[None]:
    """What desks keep for a moment, and sockets' connections, are not kept from one test to the next."""
    vocabulary.pause_codes.forget()
    vocabulary.dispositions.forget()
    reading.forget()
    yield
    threads.give_back_connections()


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
