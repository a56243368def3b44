"""`./run bench floor`: what the floor's boards and the desks take, and how fast an emergency stop is.

Part one: 500 agents with their desk open (300 of them taking calls), 50 viewers of the wallboard, and the events of
25 calls a second, written as the switchboard writes them, in a process of their own. Part two: calls ring on a real
Asterisk and are stopped.

`board_age_ms` is how old a wallboard's figures were just before newer ones came, by the clock of this machine.
`agent_event_ms` is from a call's event to the fragment's arrival at its agent's socket.
`dropped_messages` are gaps in the boards' numbering, at all viewers together; `closed_sockets` those that were lost.
`bench_loop_late_ms` is how late this process reads what came, which is a part of all of these.
`web_cpu_share` is the web process's part of one core. `counter_drift` is how far counters and rows are apart.
`emergency_stop_ms` is from the command to the switch's own word that nothing rings any more.
Progress goes to stderr; the last line of stdout is JSON.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import re
import sys
import time
from collections import Counter
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

import aiohttp
import django

from dialer.settings import use_environment

use_environment()
django.setup()

from asterisk.sandbox.robot_desk import Desk, DeskError  # noqa: E402
from deploy.local.supervisor import Supervisor  # noqa: E402
from dialer.agents.models import AgentSession  # noqa: E402
from dialer.calls.models import CallTask  # noqa: E402
from dialer.calls.rules import CallState  # noqa: E402
from dialer.campaigns.models import Campaign  # noqa: E402
from dialer.core.clock import now  # noqa: E402
from dialer.floor import counters, emergency  # noqa: E402
from dialer.people.models import User  # noqa: E402
from dialer.telephony.models import SwitchCommand  # noqa: E402
from tests import factories  # noqa: E402
from tests.bench import _floor as house  # noqa: E402

say = house.say
_REV = re.compile(r'data-rev="(\d+)"')
_NOW = re.compile(r'data-now="([^"]+)"')


@dataclass
class Seen:
    """What the sockets got."""

    ages_ms: list[float] = field(default_factory=list)
    events_ms: list[float] = field(default_factory=list)
    boards: int = 0
    gaps: int = 0
    open: int = 0
    closed: int = 0
    measuring: bool = False

    async def view(self, key: str) -> None:
        """One viewer of the wallboard, until cancelled."""
        origin = house.address()
        jar = aiohttp.CookieJar(unsafe=True)
        headers = {"Origin": origin, "Cookie": f"sessionid={key}"}
        last_rev, last_now = 0, 0.0
        async with (
            aiohttp.ClientSession(cookie_jar=jar, headers=headers) as browser,
            browser.ws_connect(f"{origin}/ws/board/wallboard/", max_msg_size=0) as socket,
        ):
            self.open += 1
            async for message in socket:
                at = time.time()
                rev, shown = _REV.search(str(message.data)), _NOW.search(str(message.data))
                if rev is None or shown is None:
                    continue
                if self.measuring and last_rev:
                    self.boards += 1
                    self.gaps += max(0, int(rev[1]) - last_rev - 1)
                    self.ages_ms.append((at - last_now) * 1000)
                last_rev, last_now = int(rev[1]), datetime.fromisoformat(shown[1]).timestamp()
            self.closed += 1

    async def sit(self, key: str, after_s: float) -> None:
        """One agent's desk, until cancelled."""
        await asyncio.sleep(after_s)
        async with Desk(house.address()) as desk:
            desk.use_session(key)
            try:
                shown = False
                async for view in desk.pushes():
                    self.open += not shown
                    shown = True
                    if self.measuring and view.latency_ms is not None:
                        self.events_ms.append(view.latency_ms)
            except DeskError:
                pass
            self.closed += 1


class Calls:
    """The calls, which run in a process of their own, and how many there were so far."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self._process = process
        self.begun = Counter[str]()

    @classmethod
    async def start(cls, campaign: Campaign, options: argparse.Namespace) -> Calls:
        """Begin calls, until the measuring is over."""
        asked = ("--rate", options.rate, "--talk", options.talk, "--for", options.warm + options.seconds)
        command = [sys.executable, "-m", "tests.bench._calls", str(campaign.pk), *map(str, asked)]
        return cls(await asyncio.create_subprocess_exec(*command, stdout=asyncio.subprocess.PIPE))

    async def follow(self) -> None:
        """Read how far it is; returns when all calls are over. Raises RuntimeError when it failed."""
        assert self._process.stdout is not None
        async for line in self._process.stdout:
            self.begun = Counter(json.loads(line))
        if code := await self._process.wait():
            raise RuntimeError(f"the calls ended with exit code {code}")

    def stop(self) -> None:
        """End it, if it still runs."""
        with suppress(ProcessLookupError):
            self._process.terminate()


async def part_one(options: argparse.Namespace, supervisor: Supervisor, rows: Rows) -> dict[str, Any]:
    """Boards and desks while calls run."""
    seen, lag, calls = Seen(), house.Lag(), None
    sockets = [asyncio.create_task(seen.sit(key, n / 40)) for n, key in enumerate(rows.keys)]
    sockets += [asyncio.create_task(seen.view(rows.viewer)) for _ in range(options.viewers)]
    try:
        for _ in range(240):
            if seen.open >= len(sockets):
                break
            await asyncio.sleep(0.25)
        say(f"{seen.open} of {len(sockets)} sockets are open; warming up")
        opened = len(sockets)
        calls = await Calls.start(rows.campaign, options)
        running = asyncio.create_task(calls.follow())
        await asyncio.sleep(options.warm)
        sockets.append(asyncio.create_task(lag.watch()))
        web = {"web": supervisor.pids()["web"]}
        seen.measuring, before, began = True, house.cpu_s(web)["web"], time.monotonic()
        counted = calls.begun.copy()
        await asyncio.sleep(options.seconds)
        took, used = time.monotonic() - began, house.cpu_s(web)["web"] - before
        seen.measuring = False
        done = calls.begun - counted
        closed, late = seen.closed, lag.late_ms.copy()
        say("waiting until the calls are over")
        await running
    finally:
        if calls is not None:
            calls.stop()
        for socket in sockets:
            socket.cancel()
        await asyncio.gather(*sockets, return_exceptions=True)
    return {
        "board_age_ms": house.percentiles(seen.ages_ms),
        "agent_event_ms": house.percentiles(seen.events_ms),
        "dropped_messages": seen.gaps,
        "closed_sockets": closed,
        "boards_received": seen.boards,
        "web_cpu_share": round(used / took, 3),
        "max_rss_mb": house.peak_rss_mb(web)["web"],
        "calls_per_s": round(done["calls"] / took, 1),
        "events_per_s": round(done["events"] / took, 1),
        "sockets": opened,
        "bench_loop_late_ms": house.percentiles(late),
    }


@dataclass
class Rows:
    """What is in the database."""

    campaign: Campaign
    ringers: Campaign
    boss: User
    keys: list[str]
    viewer: str


def seed(options: argparse.Namespace) -> Rows:
    """A tenant with its agents on the floor: `busy` of them ready, the others paused."""
    tenant = factories.make_tenant("The bench's floor")
    campaign = factories.make_campaign(tenant, name="Crowd", wrapup_s=0, max_lines=1000)
    ringers = factories.make_campaign(tenant, name="Ringers", disposition_set=campaign.disposition_set, amd=False)
    users = house.make_agents(tenant, "sits", options.agents)
    for place, user in enumerate(users):
        state = "ready" if place < options.busy else "paused"
        factories.make_session(campaign, user, state=state, pause_code="" if state == "ready" else "BREAK")
    boss = factories.make_user(tenant, "admin", username="boss")
    keys = [house.session_key(user) for user in users]
    return Rows(campaign, ringers, boss, keys, house.session_key(boss))


def drift(rows: Rows) -> int:
    """How far the counters are off, once everything has happened."""
    moment = now()
    return counters.compare(
        tenant_id=rows.campaign.tenant_id, starts=moment - timedelta(hours=2), ends=moment, repair=False
    )


def stopped(rows: Rows, supervisor: Supervisor, count: int) -> dict[str, Any]:
    """Let calls ring on the real switch, stop them, and see how long the switch's confirmation took."""
    AgentSession.objects.across_tenants().update(state="offline", pause_code="", ended_at=now())
    supervisor.bring_back("switchboard")
    numbers = house.Numbers(int(os.environ.get("CARRIER_SEED", "1")))
    phones = numbers.take(lambda far: far.kind == "no_answer", count)
    for phone in phones:
        factories.make_call(rows.ringers, phone=phone)
    live = CallTask.objects.across_tenants().filter(campaign=rows.ringers)
    until = time.monotonic() + 20
    while time.monotonic() < until and live.filter(state=CallState.RINGING).count() < 0.9 * count:
        time.sleep(0.1)
    rang = live.filter(state=CallState.RINGING).count()
    made = emergency.stop(by=rows.boss, campaigns=[rows.ringers], what="the bench")
    command: SwitchCommand = emergency.confirmed(made, within_s=20)
    took = (command.done_at - command.created_at).total_seconds() * 1000 if command.done_at else None
    return {
        "emergency_stop_ms": round(took) if took is not None else None,
        "emergency_stop": {"rang": rang, "status": command.status, "result": command.result},
    }


def main() -> int:
    """Run the bench; 0 when it could be run, whatever the figures."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--agents", type=int, default=500)
    parser.add_argument("--busy", type=int, default=300)
    parser.add_argument("--viewers", type=int, default=50)
    parser.add_argument("--rate", type=float, default=25.0, help="calls that begin per second")
    parser.add_argument("--talk", type=float, default=15.0, help="seconds that people talk, on average")
    parser.add_argument("--warm", type=float, default=15.0)
    parser.add_argument("--seconds", type=float, default=60.0)
    parser.add_argument("--ringing", type=int, default=30, help="calls that ring when they are stopped")
    options = parser.parse_args()
    with house.product() as supervisor:
        for name in ("switchboard", "pacing", "worker"):
            supervisor.take_away(name)  # or it would look for these agents' phones
        say("seeding")
        rows = seed(options)
        result = asyncio.run(part_one(options, supervisor, rows))
        result["counter_drift"] = drift(rows)
        if "CARRIER_TRUTH" in os.environ:
            result |= stopped(rows, supervisor, options.ringing)
    result["load_1m"], result["cores"] = round(os.getloadavg()[0], 1), os.cpu_count()
    print(json.dumps(result))
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
