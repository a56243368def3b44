"""The connection to one Asterisk: events in by ARI and AMI, what is learnt on each (re)connection, and told.

ARI controls calls, AMI records them and is the second witness.
"""

from __future__ import annotations

import asyncio
import logging
from contextlib import suppress
from datetime import UTC, datetime
from typing import Any

from dialer.telephony.events import SwitchDown, SwitchEvent, SwitchUp
from dialer.telephony.port import EventSink, Guard, SwitchUnreachable, unguarded

from .accounts import Accounts
from .ami import Ami
from .ari import Ari, AriError, AriUnreachable, part
from .needs import lacks
from .settings import AsteriskSettings
from .watch import Watch

log = logging.getLogger(__name__)

AMI_PATIENCE_S, AMI_AGAIN_S = 3.0, 0.5
"""How long the first SwitchUp, and each later one, waits for AMI before it goes without."""
GREET_PAUSE_S = 0.5
LOOKS_BEFORE_SAID = 8
"""An Asterisk that has just started lacks modules for a moment: only what is missing for longer is said."""
SUBSCRIBE_AT_ONCE = 40


class Connection:
    """One Asterisk, connected for as long as `run` runs; everything belongs to the event loop that runs it."""

    def __init__(self, settings: AsteriskSettings) -> None:
        self._settings = settings
        self._app = settings.app
        self.guard: Guard = unguarded
        self._ari = Ari(settings.ari_url, settings.ari_user, settings.ari_password, settings.app, self._ask_guard)
        self._ami = Ami(settings.ami_host, settings.ami_port, settings.ami_user, settings.ami_password, self._ask_guard)
        self._accounts = Accounts(self._ari, settings.app, settings.sip_host)
        self._trunks = {settings.trunk}
        self._phones: set[str] = set()
        """Endpoints of phones that we called or made known: looked at again after a reconnect."""
        self._subscribed: set[str] = set()
        self._sink: EventSink = _nobody
        self._connection = 0
        """Counts event connections, so that work begun on one is not finished on the next."""
        self._connected = asyncio.Event()
        self._lost = asyncio.Event()
        self._ami_up = asyncio.Event()
        self._up = False
        self._boot_id = ""
        self._unfit_looks = 0
        self._held_back: list[SwitchEvent] = []
        self._watch = Watch(settings.app, self._trunks, self._pass_on)

    async def run(self, sink: EventSink) -> None:
        """Connect, feed `sink`, reconnect for ever; returns only by cancellation."""
        self._sink = sink
        try:
            async with asyncio.TaskGroup() as group:
                group.create_task(self._ari.run(self._watch.on_ari, self._on_ari_up, self._on_ari_down))
                group.create_task(self._ami.run(self._watch.on_ami, self._ami_up.set, self._on_ami_down))
                group.create_task(self._greet_each_connection())
        finally:
            self._forget_what_was_seen()
            self._sink = _nobody

    def _on_ari_up(self) -> None:
        self._connection += 1
        self._ami.hurry()
        self._forget_what_was_seen()
        self._lost.clear()
        self._connected.set()

    def _on_ari_down(self, reason: str) -> None:
        self._connected.clear()
        self._lost.set()
        self._forget_what_was_seen()
        if self._up:
            self._up = False
            self._tell(SwitchDown(datetime.now(UTC), reason))

    def _on_ami_down(self, reason: str) -> None:
        self._ami_up.clear()
        log.warning("AMI is down (%s): calls go on, recordings cannot be started", reason)

    def _forget_what_was_seen(self) -> None:
        self._held_back.clear()
        self._subscribed.clear()
        self._watch.forget()

    async def _greet_each_connection(self) -> None:
        while True:
            await self._connected.wait()
            connection = self._connection
            try:
                if await self._is_unfit():
                    await asyncio.sleep(GREET_PAUSE_S)
                    continue
                boot_id = await self._get_ready()
            except (AriError, AriUnreachable) as error:
                log.warning("ARI: connected, but not ready (%s)", error)
                await asyncio.sleep(GREET_PAUSE_S)
                continue
            if connection != self._connection or not self._connected.is_set():
                continue
            self._up = True
            self._tell(SwitchUp(datetime.now(UTC), boot_id))
            held_back, self._held_back = self._held_back, []
            for event in held_back:
                self._tell(event)
            await self._lost.wait()

    async def _is_unfit(self) -> bool:
        """Whether this Asterisk lacks what calls need: then nothing is dialed through it; the log says why, once."""
        lacking = await lacks(self._ari, self._app)
        self._unfit_looks = self._unfit_looks + 1 if lacking else 0
        if self._unfit_looks == LOOKS_BEFORE_SAID:
            log.error("no calls through this Asterisk (asterisk/conf/README.md): %s", "; ".join(lacking))
        return bool(lacking)

    async def _get_ready(self) -> str:
        """Learn which run of Asterisk this is, subscribe, and recognise our channels; the boot id."""
        boot_id = await self._read_boot_id()
        patience = AMI_AGAIN_S if self._boot_id else AMI_PATIENCE_S
        if boot_id != self._boot_id:
            self._accounts.forget()
            self._boot_id = boot_id
        for trunk in sorted(self._trunks):
            try:
                await self._subscribe(trunk)
            except AriError as error:
                log.error("Asterisk knows no trunk %s (%s); ASTERISK_TRUNK?", trunk, error.message)
        states = {endpoint["resource"]: endpoint.get("state") == "online" for endpoint in await self._endpoints()}
        self._watch.learn_endpoints(states)
        await self._subscribe(*(self._phones & states.keys()))
        for channel in await self._ari.request("GET", "/channels"):
            self._watch.claim(channel)
        for bridge in await self._ari.request("GET", "/bridges"):
            self._watch.learn_bridge(bridge["id"], bridge["channels"])
        if not self._ami.up:
            with suppress(TimeoutError):
                await asyncio.wait_for(self._ami_up.wait(), patience)
            if not self._ami.up:
                log.warning("AMI is not there yet: calls can be made, recordings cannot be started")
        return boot_id

    async def _endpoints(self) -> list[dict[str, Any]]:
        return list(await self._ari.request("GET", "/endpoints/PJSIP"))

    async def _read_boot_id(self) -> str:
        info = await self._ari.request("GET", "/asterisk/info", params={"only": "status"})
        return str(info["status"]["startup_time"])

    async def _subscribe(self, *endpoints: str) -> None:
        """See all that happens on endpoints, instant failures included.

        Raises AriError when there is no such endpoint.
        """
        new = sorted(set(endpoints) - self._subscribed)
        path = f"/applications/{part(self._app)}/subscription"
        for start in range(0, len(new), SUBSCRIBE_AT_ONCE):
            some = new[start : start + SUBSCRIBE_AT_ONCE]
            await self._ari.request(
                "POST", path, params={"eventSource": ",".join(f"endpoint:PJSIP/{name}" for name in some)}
            )
            self._subscribed.update(some)

    def _pass_on(self, event: SwitchEvent) -> None:
        if self._up:
            self._tell(event)
        elif self._connected.is_set():
            self._held_back.append(event)

    def _tell(self, event: SwitchEvent) -> None:
        try:
            self._sink(event)
        except Exception:
            log.exception("%s could not be handled", type(event).__name__)

    async def _ask_guard(self) -> None:
        await self.guard()

    def _must_be_up(self) -> None:
        """Nothing is begun whose events we would not see."""
        if not self._up:
            raise SwitchUnreachable("Asterisk is not connected")


def _nobody(_: SwitchEvent) -> None:
    """A sink for the time before and after `run`."""
