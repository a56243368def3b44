"""A page that cannot be made during an outage says to come again; one that fails by our fault does not."""

from __future__ import annotations

from typing import Any

import pytest
from django.db.utils import OperationalError
from django.test import Client
from psycopg_pool import PoolTimeout

from .conftest import House


@pytest.mark.parametrize(
    ("cause", "status", "again"), [(PoolTimeout("no connection"), 503, "2"), (ValueError("ours"), 500, None)]
)
def test_the_page(house: House, monkeypatch: pytest.MonkeyPatch, cause: Exception, status: int, again: Any) -> None:
    def fail(*args: object, **kwargs: object) -> None:
        raise OperationalError("it did not work") from cause

    browser = Client(raise_request_exception=False)
    browser.force_login(house.supervisor)
    monkeypatch.setattr("dialer.compliance.views._dnc_page", fail)
    answer = browser.get("/dnc/")
    assert (answer.status_code, answer.get("Retry-After")) == (status, again)
    assert "Nothing was half done" in answer.content.decode()
