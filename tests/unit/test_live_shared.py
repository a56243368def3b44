"""Boards rendered together: one that cannot be rendered takes no other along."""

from __future__ import annotations

from collections.abc import Sequence

import pytest
from django.db import OperationalError

from dialer.live.shared import Board, Shown, _rendered


def render(keys: Sequence[str]) -> dict[str, Shown]:
    if "gone" in keys:
        raise LookupError("its tenant is gone")
    if "away" in keys:
        raise OperationalError("the database is away")
    return {key: (key, f"<p>{key}</p>") for key in keys}


BOARD = Board("tried", lambda user, query: "", render)


def test_a_board_that_cannot_be_rendered_takes_no_other_along(caplog: pytest.LogCaptureFixture) -> None:
    shown = _rendered(BOARD, ["en.one", "en.gone", "es.two", "en.three"])
    assert sorted(shown) == ["en.one", "en.three", "es.two"]
    assert "could not be rendered" in caplog.text


def test_a_database_that_is_away_is_away_for_all() -> None:
    with pytest.raises(OperationalError):
        _rendered(BOARD, ["en.one", "en.away"])
