"""The switchboard's pulse: how far behind events it is, what waits, and how the switch and its trunks are."""

from __future__ import annotations

from collections.abc import Callable

from dialer.core import health

from .store import Store


class SwitchPulse:
    """Keeps the figures and writes them each second. Everything belongs to the switchboard's loop."""

    def __init__(self, store: Store, switch_name: str, waiting: Callable[[], int]) -> None:
        """`waiting` counts the messages in all mailboxes."""
        self._store = store
        self._name = f"{health.SWITCHBOARD} {switch_name}"
        self._waiting = waiting
        self._lags = health.Lags()
        self._trunks: dict[str, bool] = {}
        self.switch_up = False
        self.events = 0

    def handled(self, lag_s: float) -> None:
        """An event of a call is in the database, so long after it was heard."""
        self.events += 1
        self._lags.note(lag_s)

    def trunk_seen(self, trunk: str, reachable: bool) -> None:
        """A trunk came or went."""
        self._trunks[trunk] = reachable

    async def beat(self) -> None:
        """Write it down."""
        data = {
            "switch_up": self.switch_up,
            "trunks": dict(self._trunks),
            "waiting": self._waiting(),
            "events": self.events,
        }
        await self._store.run(
            health.beat, name=self._name, kind=health.SWITCHBOARD, lag_ms=self._lags.p99_ms(), data=data
        )
