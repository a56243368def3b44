"""A dialing floor with everything in between that faults need: proxies, a clock that can be stepped, a small disk."""

from __future__ import annotations

import os
import random
import re
import subprocess
import time
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

from django.conf import settings
from django.db.models import QuerySet, Sum

from asterisk.sandbox.robot import Habits, Robot, lognormal
from deploy.local.supervisor import Supervisor
from dialer.agents.models import AgentSession
from dialer.calls.models import CallTask, PacingState
from dialer.campaigns.models import Campaign, DialMethod
from dialer.core import health
from dialer.core.clock import now
from dialer.leads.models import Lead
from dialer.people.models import Tenant
from tests import factories
from tests.chaos.ari_proxy import AriProxy
from tests.chaos.callers import Callers
from tests.chaos.proxy import Loop, Proxy
from tests.floor import ROOT, Floor, Numbers, until

HABITS = Habits(
    talk_s=lognormal(4.0, most_s=12.0),
    hangs_up=0.6,
    talks_at_most_s=14.0,
    wrap_s=lognormal(0.4, most_s=1.0),
    dispositions=(("NI", 5), ("SALE", 1), ("OTHER", 2)),
    pauses=0.02,
    pause_s=lognormal(1.0, most_s=2.0),
    pause_codes=("BREAK",),
)
CLOCK_CHANGES = (
    datetime(2026, 11, 1, 6, tzinfo=UTC),  # 02:00 EDT becomes 01:00 EST in New York
    datetime(2027, 3, 14, 7, tzinfo=UTC),  # 02:00 EST becomes 03:00 EDT
)
MAX_WAIT_S = 10
"""How long somebody who calls us waits for an agent."""
DISK_MB = 24
"""The size of the recordings' disk, where we may make one."""
BALLAST = "full"
_AMI_TIME = re.compile(rb"Timestamp: (\d+\.\d+)")


@dataclass(frozen=True, slots=True)
class Signs:
    """Whether the switchboard has its switch, its last beat, and how often pacing has decided."""

    switch_up: bool
    beats: str
    decided: int


@dataclass
class Rig:
    """The floor, and everything that faults are done with."""

    floor: Floor
    seed: int
    loop: Loop = field(default_factory=lambda: Loop("chaos proxies"))
    tenant: Tenant = field(init=False)
    campaigns: list[Campaign] = field(init=False, default_factory=list)
    robots: list[Robot] = field(init=False, default_factory=list)
    ami: Proxy = field(init=False)
    ari: AriProxy = field(init=False)
    database: Proxy = field(init=False)
    callers: Callers = field(init=False)
    small_disk: bool = field(init=False, default=False)
    offset_s: float = field(init=False, default=0.0)
    standby: Supervisor | None = field(init=False, default=None)

    # ---- life

    def start(self, *, robots: int, leads: int) -> None:
        """Everything up, and robots at work. `floor.pointed()` is for the caller to do afterwards."""
        self.floor.start_servers()
        stack = self.floor.stack.settings
        self.ami = Proxy(stack["ASTERISK_AMI_HOST"], int(stack["ASTERISK_AMI_PORT"]))
        self.ami.answers = self._stepped_ami
        ari = urlsplit(stack["ASTERISK_ARI_URL"])
        self.ari = AriProxy(f"{ari.scheme}://{ari.netloc}", self.seed)
        data = urlsplit(stack["DATABASE_URL"])
        assert data.hostname is not None and data.port is not None
        self.database = Proxy(data.hostname, data.port)
        ports = [self.loop.do(one.start()) for one in (self.ami, self.ari, self.database)]
        behind = f"{data.username}:{data.password}@127.0.0.1:{ports[2]}"
        self._make_disk()
        settings.CLOCK_OFFSET_FILE = str(self.floor.state_dir / "clock")
        self.step_clock(self._to_clock_change())
        self.floor.start_product(
            ASTERISK_AMI_HOST="127.0.0.1",
            ASTERISK_AMI_PORT=str(ports[0]),
            ASTERISK_ARI_URL=f"http://127.0.0.1:{ports[1]}/ari",
            DATABASE_URL=urlunsplit(data._replace(netloc=behind)),
            CORDBOARD_CLOCK_OFFSET_FILE=settings.CLOCK_OFFSET_FILE,
        )
        with self.floor.pointed():
            self._people(robots, leads)

    def _to_clock_change(self) -> float:
        """A clock that crosses a change to or from daylight saving time within the run's first minutes."""
        chance = random.Random(f"clock {self.seed}")
        change = chance.choice(CLOCK_CHANGES)
        return (change - timedelta(seconds=chance.uniform(30, 150)) - datetime.now(UTC)).total_seconds()

    def _people(self, robots: int, leads: int) -> None:
        self.tenant = self.floor.tenant(time_zone="America/New_York")
        ratio = factories.make_campaign(
            self.tenant, dial_method=DialMethod.RATIO, dial_level="1.5", ring_timeout_s=15, wrapup_s=20
        )
        screened = factories.make_campaign(
            self.tenant, dial_method=DialMethod.PREDICTIVE, amd=True, ring_timeout_s=15, wrapup_s=20
        )
        self.campaigns = [ratio, screened]
        self._fill(ratio, leads * 2 // 3)
        self._fill(screened, leads // 3)
        queue = factories.make_queue(ratio, max_wait_s=MAX_WAIT_S)
        self.callers = Callers(self.floor, factories.make_did(queue).phone, self.seed)
        some = max(1, robots // 3)
        self.robots = self.floor.hire(ratio, robots - some, HABITS) + self.floor.hire(screened, some, HABITS)

    def _fill(self, campaign: Campaign, count: int) -> None:
        """Leads of all behaviours, mostly people; nobody rings for long."""
        numbers, chance = self.floor.numbers, random.Random(f"leads {self.seed} {campaign.pk}")
        kinds = (
            (12, lambda ring: numbers.of(Numbers.PERSON, ring=ring)),
            (9, lambda ring: numbers.of(Numbers.PERSON, ring=ring, seconds=chance.randint(1, 9))),
            (2, lambda ring: numbers.of(Numbers.BUSY, ring=ring)),
            (2, lambda ring: numbers.of(Numbers.NO_ANSWER, seconds=3)),
            (1, lambda ring: numbers.of(Numbers.CONGESTION)),
            (1, lambda ring: numbers.of(Numbers.AT_ONCE, ring=ring)),
            (2, lambda ring: numbers.of(Numbers.MACHINE, ring=ring, seconds=12)),
        )
        lead_list = factories.make_list(campaign)
        due = now() - timedelta(days=1)
        made = [kind(chance.randint(0, 3)) for _, kind in chance.choices(kinds, [one[0] for one in kinds], k=count)]
        Lead.objects.bulk_create(
            Lead(
                tenant_id=campaign.tenant_id,
                campaign_id=campaign.pk,
                list=lead_list,
                phone=number,
                next_attempt_at=due,
                time_zones=["America/New_York"],
                first_name="Ada",
                last_name="Byron",
            )
            for number in made
        )

    def close(self) -> None:
        """End everything; the disk is given back."""
        settings.CLOCK_OFFSET_FILE = ""
        if self.standby is not None:
            self.standby.stop(5)
        if self.small_disk:  # first, or the folder of the stack could not be removed
            subprocess.run(["umount", "-l", str(self.recordings)], check=False, capture_output=True)
        self.floor.close()
        for one in (getattr(self, name, None) for name in ("ami", "ari", "database")):  # a start may have failed
            if one is not None:
                with suppress(Exception):
                    self.loop.do(one.close())
        self.loop.close()

    # ---- what faults are done with

    @property
    def recordings(self) -> Path:
        """Where Asterisk records."""
        return Path(self.floor.stack.settings["ASTERISK_RECORDINGS_DIR"])

    def _make_disk(self) -> None:
        """A small file system for recordings, so that it can be full. Needs root; without it the fault is not done."""
        if os.geteuid() != 0:
            return
        command = ["mount", "-t", "tmpfs", "-o", f"size={DISK_MB}m,mode=0777", "tmpfs", str(self.recordings)]
        self.small_disk = subprocess.run(command, check=False, capture_output=True).returncode == 0

    def fill_disk(self) -> None:
        """Leave not a byte for recordings."""
        with suppress(OSError), (self.recordings / BALLAST).open("wb", buffering=0) as file:
            while file.write(b"\0" * 65536):
                pass

    def empty_disk(self) -> None:
        """Give back what `fill_disk` took, and let go of recordings that were looked at already."""
        (self.recordings / BALLAST).unlink(missing_ok=True)

    def step_clock(self, by_s: float) -> None:
        """Step the clock of every process of ours (this one, too)."""
        self.offset_s += by_s
        self.ari.offset_s = self.offset_s
        path = Path(settings.CLOCK_OFFSET_FILE)
        fresh = path.with_suffix(".new")
        fresh.write_text(f"{self.offset_s}\n")
        fresh.rename(path)

    def _stepped_ami(self, data: bytes) -> bytes:
        """AMI's messages with their times on the stepped clock."""
        return _AMI_TIME.sub(lambda found: b"Timestamp: %.6f" % (float(found[1]) + self.offset_s), data)

    def second_switchboard(self) -> Supervisor:
        """Start another switchboard, and wait until it stands by."""
        log = self.floor.stack.log_dir / "standby.log"
        said = log.read_text().count("standing by") if log.exists() else 0
        self.standby = Supervisor(
            {"standby": "python -m asterisk.switchboard"},
            env=self.floor.env,
            log_dir=self.floor.stack.log_dir,
            cwd=ROOT,
        )
        self.standby.start()
        until(lambda: log.exists() and log.read_text().count("standing by") > said, 30, "another stands by")
        return self.standby

    def leads_itself(self, name: str) -> int:
        """How often a switchboard (by its log's name) has said that it leads."""
        log = self.floor.stack.log_dir / f"{name}.log"
        return log.read_text(errors="replace").count("leading switch") if log.exists() else 0

    # ---- how it goes

    def signs(self) -> Signs:
        """What the processes do, as the database tells it."""
        [board] = health.pulses(health.SWITCHBOARD)[:1] or [None]
        decided = PacingState.objects.across_tenants().aggregate(sum=Sum("revision"))["sum"] or 0
        if board is None:
            return Signs(False, "", decided)
        return Signs(bool(board.data.get("switch_up")), f"{board.at}", decided)

    def at_work(self, within_s: float = 150.0) -> None:
        """Wait until calls are connected in both campaigns."""
        for campaign in self.campaigns:
            calls = campaign.calls.filter(connected_at__isnull=False)
            until(lambda calls=calls: calls.count() >= 2, within_s, "the floor works")

    def go_home(self) -> list[str]:
        """Let everybody finish, and wait until all calls are over. Who and what is stuck, as texts."""
        self.callers.stop()
        stuck = self.callers.left()
        if stuck:
            stuck += self._at_work_still()
        try:
            self.floor.send_home(self.robots, 60)
        except (AssertionError, TimeoutError) as error:
            stuck += [str(error) or type(error).__name__, *self._at_work_still()]
        deadline = time.monotonic() + 30
        while self._live().exists() and time.monotonic() < deadline:
            time.sleep(0.2)
        return stuck + self._live_told()

    def _live(self) -> QuerySet[CallTask]:
        return CallTask.objects.across_tenants().exclude(state="ended")

    def _live_told(self) -> list[str]:
        """Each call that is not over, with its story's end."""
        told = []
        for call in self._live():
            story = list(call.events.order_by("-seq").values_list("kind", "state")[:6])
            told.append(f"call {call.pk} is {call.state}, inbound {call.inbound}, agent {call.user_id}: {story[::-1]}")
        return told

    def _at_work_still(self) -> list[str]:
        """The calls that are not over and the agents who have not left: the robots' screens and the rows."""
        sessions = AgentSession.objects.across_tenants().filter(ended_at=None)
        rows = [f"agent {one.user_id} is {one.state} since {one.state_since}, leg {one.leg}" for one in sessions]
        return [*self._live_told(), *rows, *(f"{robot.name} sees {robot.view}" for robot in self.robots)]
