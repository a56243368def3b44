"""What the benches of calls stand on: leads of chosen behaviour, robots with phones, the product's processes."""

from __future__ import annotations

import asyncio
import os
import random
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.error import URLError
from urllib.request import urlopen

import psutil
from asgiref.sync import sync_to_async
from django.contrib.auth import BACKEND_SESSION_KEY, HASH_SESSION_KEY, SESSION_KEY
from django.contrib.auth.hashers import make_password
from django.contrib.sessions.backends.db import SessionStore

from asterisk.sandbox import DEFAULT_MIX, Mix
from asterisk.sandbox.behaviour import Behaviour, table
from asterisk.sandbox.phone import Phone, PhoneError
from asterisk.sandbox.robot import Habits, Robot
from asterisk.sandbox.robot_desk import Desk
from asterisk.sandbox.robots import phone_ip
from asterisk.sandbox.rtp import Clock
from deploy.local.supervisor import Supervisor
from dialer.campaigns.models import Campaign
from dialer.core.steady import steady
from dialer.leads.services import NewLead, add_leads
from dialer.people.models import Role, Tenant, User
from tests import factories

ROOT = Path(__file__).resolve().parents[2]
PASSWORD = "a bench's password"
AREA_CODES = ("212", "312", "305", "404", "602", "713", "206", "415", "617", "702")
QUICK_S = 4.0
"""Most leads ring no longer than this, so that the bench ends while somebody still watches."""


def say(text: str) -> None:
    """Progress, for people."""
    print(text, file=sys.stderr, flush=True)


def address() -> str:
    """Where the web listens."""
    return f"http://{os.environ['WEB_HOST']}:{os.environ['WEB_PORT']}"


# ---- leads whose behaviour is chosen


Wanted = Callable[[Behaviour], bool]
Shares = tuple[tuple[float, Wanted], ...]


class Numbers:
    """Numbers that the simulated carrier treats in a wanted way, each given out once."""

    def __init__(self, seed: int, mix: Mix = DEFAULT_MIX) -> None:
        self._entries = list(enumerate(table(seed, mix)))
        self._chance = random.Random(f"bench {seed}")
        self._used: dict[int, int] = {}

    def take(self, wanted: Wanted, count: int) -> list[str]:
        """`count` numbers whose far ends satisfy `wanted`."""
        fitting = [entry for entry, behaviour in self._entries if wanted(behaviour)]
        if not fitting:
            raise SystemExit("The carrier's table has no number of a kind that the bench needs; use another seed.")
        self._chance.shuffle(fitting)
        return [self._number(fitting[place % len(fitting)]) for place in range(count)]

    def _number(self, entry: int) -> str:
        turn = self._used[entry] = self._used.get(entry, -1) + 1
        area, tens = AREA_CODES[turn % len(AREA_CODES)], turn // len(AREA_CODES)
        return f"+1{area}555{tens:01d}{entry:03d}"


SHARES: Shares = (
    (0.36, lambda far: far.kind == "person" and _rings_s(far) <= QUICK_S),
    (0.06, lambda far: far.kind == "hangs_up_mid_call" and _rings_s(far) <= 2 * QUICK_S),
    (0.05, lambda far: far.kind == "hangs_up_at_once" and _rings_s(far) <= 2 * QUICK_S),
    (0.18, lambda far: far.kind == "machine" and _rings_s(far) <= QUICK_S),
    (0.01, lambda far: far.kind == "fax"),
    (0.02, lambda far: far.kind == "person" and _rings_s(far) > 17),  # we give up before they answer
    (0.10, lambda far: far.kind == "no_answer"),
    (0.06, lambda far: far.kind == "busy" and far.ring_s == 0),
    (0.02, lambda far: far.kind == "busy" and far.ring_s > 0),
    (0.06, lambda far: far.kind == "congestion"),
    (0.08, lambda far: far.kind == "invalid"),
)
"""All behaviours of the carrier. Fewer phones than usual just ring, for each of those costs a line for 15 s."""


UNHURRIED: Shares = (
    (0.50, lambda far: far.kind == "person" and far.talk_s >= 30),
    (0.12, lambda far: far.kind == "machine"),
    (0.14, lambda far: far.kind == "no_answer"),
    (0.10, lambda far: far.kind == "busy"),
    (0.06, lambda far: far.kind == "congestion"),
    (0.08, lambda far: far.kind == "invalid"),
)
"""People who have time to talk: an agent then takes about one call a minute, as on a real floor."""


def _rings_s(far: Behaviour) -> float:
    return far.delay_s + far.ring_s


def fill(campaign: Campaign, numbers: Numbers, count: int, shares: Shares = SHARES) -> None:
    """Give a campaign a list (not active yet) of `count` leads with these shares of behaviours, in no order."""
    chosen: list[str] = []
    for share, wanted in shares:
        chosen += numbers.take(wanted, round(share * count))
    chosen = (chosen + numbers.take(shares[0][1], max(0, count - len(chosen))))[:count]
    random.Random(str(campaign.pk)).shuffle(chosen)
    rows = [NewLead(phone=number, first_name="Bench", last_name=f"Lead {place}") for place, number in enumerate(chosen)]
    _, errors = add_leads(lead_list=factories.make_list(campaign, is_active=False), rows=rows, region="US")
    if errors:
        raise SystemExit(f"The bench made a lead that is none: {errors[0].message}")


# ---- people


def make_agents(tenant: Tenant, prefix: str, count: int, *, endpoint_from: int = 0) -> list[User]:
    """Agents who can sign in; with phone accounts when `endpoint_from` is given."""
    password = make_password(PASSWORD)
    return User.objects.bulk_create(
        User(
            username=f"{prefix}{place}",
            tenant=tenant,
            role=Role.AGENT,
            password=password,
            endpoint=str(endpoint_from + place) if endpoint_from else f"{prefix}{place}",
            endpoint_secret=f"secret-{prefix}-{place}" if endpoint_from else "",
        )
        for place in range(count)
    )


def session_key(user: User) -> str:
    """A signed-in browser session of a user, made on the server: signing in is slow on purpose."""
    store = SessionStore()
    store[SESSION_KEY] = str(user.pk)
    store[BACKEND_SESSION_KEY] = "django.contrib.auth.backends.ModelBackend"
    store[HASH_SESSION_KEY] = user.get_session_auth_hash()
    store.create()
    return str(store.session_key)


@dataclass
class Crew:
    """Robots at work with their phones, all on this event loop."""

    clock: Clock = field(default_factory=Clock)
    phones: list[Phone] = field(default_factory=list)
    robots: list[Robot] = field(default_factory=list)
    _desks: list[Desk] = field(default_factory=list)
    _runs: list[asyncio.Task[None]] = field(default_factory=list)

    async def hire(self, users: Sequence[User], campaign: Campaign, habits: Habits, *, by_form: bool) -> None:
        """Register each user's phone, sign in, and begin to work. `by_form`: through the sign-in page."""
        server = (os.environ["ASTERISK_SIP_HOST"], int(os.environ["ASTERISK_SIP_PORT"]))
        keys = {} if by_form else {user.pk: await sync_to_async(session_key)(user) for user in users}
        for user in users:
            phone = Phone(
                user.endpoint,
                user.endpoint_secret,
                server,
                phone_ip(server[0]),
                sends="keepalive",
                listen=False,
                expires_s=600,
                clock=self.clock,
            )
            await phone.start()
            self.phones.append(phone)
            await _register(phone)
            desk = Desk(address())
            self._desks.append(desk)
            if by_form:
                await desk.sign_in(user.username, PASSWORD)
            else:
                desk.use_session(keys[user.pk])
            robot = Robot(desk, str(campaign.public_id), habits=habits, seed=user.username, name=user.username)
            self.robots.append(robot)
            self._runs.append(asyncio.create_task(robot.run(), name=user.username))

    async def all_ready(self, within_s: float = 60.0) -> None:
        """Wait until every robot is ready (or in a call already)."""
        await asyncio.gather(*(robot.until("ready", "reserved", "in_call", within_s=within_s) for robot in self.robots))

    async def go_home(self, within_s: float = 25.0) -> bool:
        """Let everybody finish and leave, and take the phones off. False when somebody had to be dragged out."""
        for robot in self.robots:
            robot.stop()
        _, late = await asyncio.wait(self._runs, timeout=within_s) if self._runs else ((), ())
        for task in late:
            task.cancel()
        failed = [
            one for one in await asyncio.gather(*self._runs, return_exceptions=True) if isinstance(one, Exception)
        ]
        for error in failed:
            say(f"a robot failed: {error!r}")
        for phone in self.phones:
            with suppress(PhoneError):
                await phone.close()
        for desk in self._desks:
            await desk.close()
        return not late and not failed


async def _register(phone: Phone) -> None:
    """Register, once the switchboard has made the account known."""
    for attempt in range(40):
        try:
            return await phone.register()
        except PhoneError:
            if attempt == 39:
                raise
            await asyncio.sleep(0.5)


# ---- the product


@contextmanager
def product() -> Iterator[Supervisor]:
    """Web, switchboard, pacing and worker running, from the Procfile and this environment."""
    steady()  # pauses of the one who measures would be taken for the product's
    log_dir = Path(os.environ["CORDBOARD_DATA_DIR"]) / "log"
    with Supervisor.from_procfile(ROOT / "Procfile", env=os.environ, log_dir=log_dir) as supervisor:
        _wait_for_web()
        yield supervisor


def _wait_for_web(within_s: float = 30.0) -> None:
    until = time.monotonic() + within_s
    while True:
        try:
            with urlopen(f"{address()}/healthz", timeout=2) as answer:
                if answer.status == 200:
                    return
        except (URLError, OSError):
            pass
        if time.monotonic() > until:
            raise SystemExit("The web did not come up; see the logs.")
        time.sleep(0.2)


def peak_rss_mb(pids: dict[str, int]) -> dict[str, float]:
    """The most memory that each process ever held, in MB."""
    found = {}
    for name, pid in pids.items():
        with suppress(OSError):
            status = Path(f"/proc/{pid}/status").read_text()
            found[name] = round(int(status.partition("VmHWM:")[2].split()[0]) / 1024, 1)
    return found


def cpu_s(pids: dict[str, int]) -> dict[str, float]:
    """Seconds of processor time that each process has used."""
    ticks = os.sysconf("SC_CLK_TCK")
    found = {}
    for name, pid in pids.items():
        with suppress(OSError):
            fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
            found[name] = round((int(fields[11]) + int(fields[12])) / ticks, 1)
    return found


def cpu_of_family_s(process: psutil.Process) -> float:
    """Seconds of processor time of a process, its children that ended, and those that live."""
    total = 0.0
    with suppress(psutil.Error):
        own = process.cpu_times()
        total = own.user + own.system + own.children_user + own.children_system
        for child in process.children(recursive=True):
            with suppress(psutil.Error):
                times = child.cpu_times()
                total += times.user + times.system
    return total


# ---- figures


class Lag:
    """How late this process's own event loop is: what the robots measure contains it."""

    def __init__(self) -> None:
        self.late_ms: list[float] = []

    async def watch(self, every_s: float = 0.05) -> None:
        """Measure until cancelled."""
        loop = asyncio.get_running_loop()
        while True:
            due = loop.time() + every_s
            await asyncio.sleep(every_s)
            self.late_ms.append((loop.time() - due) * 1000)


def percentiles(values: Sequence[float]) -> dict[str, Any]:
    """p50, p99 and the largest, rounded; with how many there were."""
    if not values:
        return {"p50": None, "p99": None, "max": None, "count": 0}
    ordered = sorted(values)

    def at(share: float) -> float:
        return round(ordered[min(len(ordered) - 1, int(share * len(ordered)))], 1)

    return {"p50": at(0.50), "p99": at(0.99), "max": round(ordered[-1], 1), "count": len(ordered)}
