"""What the integration tests share."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
from asgiref.sync import sync_to_async
from django.db import connections


@pytest.fixture
async def connections_given_back(transactional_db: None) -> AsyncIterator[None]:
    """For async tests: the thread that runs the test's own queries lets go of its connection."""
    yield
    await sync_to_async(connections.close_all)()
