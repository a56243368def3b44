"""The whole product on a stack of its own, for tests: real servers, real Asterisk, every process of the Procfile.

Agents are played through the same pages, sockets and SIP as people use (`Seat` by hand, `Floor.hire` by robots). They
live on an event loop in a thread, so the tests themselves are plain functions that ask the database and the carrier.
"""

from __future__ import annotations

import asyncio
import copy
import os
import shutil
import threading
import time
import urllib.request
from collections.abc import Callable, Coroutine, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, TypeVar

import environ
from django.db import InterfaceError, OperationalError, connections

from asterisk.sandbox import TruthCall, read_truth
from asterisk.sandbox.behaviour import Behaviour, table
from asterisk.sandbox.phone import Phone, PhoneError
from asterisk.sandbox.robot import Deed, Habits, Robot
from asterisk.sandbox.robot_desk import Desk, View
from asterisk.sandbox.rtp import Clock
from deploy.local.stack import HOME, Stack
from deploy.local.supervisor import Supervisor
from dialer.calls.models import CallTask
from dialer.campaigns.models import Campaign
from dialer.leads.models import Lead
from dialer.people.models import Tenant, User
from dialer.telephony import outbox
from dialer.telephony.models import CommandKind
from tests import factories

ROOT = Path(__file__).resolve().parents[1]
T = TypeVar("T")

AGENT_TONE = 440
"""What an agent's phone sends; an echo brings it back, which proves that both directions carry."""


def until(condition: Callable[[], T | None], within_s: float = 10.0, what: str = "") -> T:
    """Ask until the answer is true, and return it. The database may be away meanwhile. AssertionError when too late."""
    deadline = time.monotonic() + within_s
    while True:
        answer: T | None = None
        with suppress(OperationalError, InterfaceError):
            answer = condition()
        if answer:
            return answer
        if time.monotonic() > deadline:
            raise AssertionError(f"not within {within_s:g} s: {what or condition}")
        connections["default"].close_if_unusable_or_obsolete()
        time.sleep(0.05)


class Numbers:
    """Numbers of the simulated carrier that say themselves what they do, each given out once (see behaviour.py)."""

    PERSON, MACHINE, BUSY, NO_ANSWER, CONGESTION, INVALID, AT_ONCE, FAX = range(2, 10)
    STEADY, ECHO = 900, 901

    def __init__(self) -> None:
        self._used: set[str] = set()

    def of(self, kind: int, *, ring: int = 0, seconds: int = 0) -> str:
        """A number of a kind with a voice that nobody had; `seconds` until the far end hangs up, 0 never."""
        return self._first(f"+1555{kind}{ring}{seconds:02d}{voice:03d}" for voice in range(900))

    def echo(self, ring: int = 0) -> str:
        """A person who says back what they hear, and does not hang up for ten minutes or more."""
        return self._first(f"+15552{ring}{seconds:02d}{self.ECHO}" for seconds in range(60, 100))

    def steady(self, ring: int = 0) -> str:
        """A person with a voice of 1000 Hz who does not hang up for ten minutes or more."""
        return self._first(f"+15552{ring}{seconds:02d}{self.STEADY}" for seconds in range(60, 100))

    def table(self, wanted: Callable[[Behaviour], bool]) -> str:
        """A New York number whose entry in the carrier's table (of the stack's seed, 1) is as wanted."""
        fitting = [entry for entry, far in enumerate(table(1)) if wanted(far)]
        return self._first(f"+1212555{entry:04d}" for entry in fitting)

    def _first(self, candidates: Iterator[str]) -> str:
        found = next(number for number in candidates if number not in self._used)
        self._used.add(found)
        return found


class _ByHand(Robot):
    """A robot that sees but does nothing by itself, and remembers all that it saw."""

    def __init__(self, desk: Desk, campaign: str, name: str) -> None:
        super().__init__(desk, campaign, name=name)
        self.seen: list[View] = []

    def _deed_for(self, view: View) -> Deed | None:
        return None

    def _see(self, view: View) -> None:
        self.seen.append(view)
        super()._see(view)


class Seat:
    """One agent with a desk and a phone, played by a test."""

    def __init__(self, floor: Floor, user: User, campaign: Campaign, phone: Phone, robot: _ByHand) -> None:
        self.floor, self.user, self.campaign, self.phone, self.robot = floor, user, campaign, phone, robot

    def press(self, deed: str, **fields: str) -> View:
        """Press a button of the desk; what it shows then."""
        return self.floor.do(self.robot.desk.do(deed, **fields))

    def until(self, *states: str, within_s: float = 10.0) -> View:
        """Wait until the pushed desk shows one of these states."""
        try:
            return self.floor.do(self.robot.until(*states, within_s=within_s), within_s + 5)
        except TimeoutError:
            raise AssertionError(f"{self.robot.name} is {self.robot.view} and not {states}") from None

    def join(self) -> Seat:
        """Join the campaign and wait for the phone to be on the line."""
        answer = self.press("join", campaign=str(self.campaign.public_id))
        assert not answer.message, answer.message
        until(lambda: self.robot.view is not None and self.robot.view.leg == "up", what="the leg is up")
        return self

    def ready(self) -> Seat:
        """Join if need be, and go ready."""
        if self.robot.view is None or self.robot.view.state == "offline":
            self.join()
        answer = self.press("ready")
        assert not answer.message, answer.message
        return self

    def dispose(self, code: str = "NI", then: str = "") -> None:
        """Finish wrap-up; `then` "pause" takes a break, so that nothing more is dialed for this agent."""
        view = self.until("wrapup")
        if then == "pause":
            self.press("pause", code="BREAK")
        answer = self.press("dispose", call=view.call, code=code, note="")
        assert answer.state in ("ready", "paused"), answer
        self.until("ready", "paused", "reserved", "in_call")  # the pushed desk, which is what others look at

    def hears(self, *tones: int, within_s: float = 15.0) -> None:
        """Wait until the agent's phone hears all these tones."""
        self.floor.do(self.phone.wait_hears(*tones, timeout_s=within_s), within_s + 5)

    def leave(self) -> None:
        """Be gone, as tidily as the state allows."""
        view = self.robot.view
        if view is not None and view.state in ("in_call", "reserved"):
            self.press("hang-up")
            view = self.until("wrapup", "paused", "ready", "offline")
        if view is not None and view.state == "wrapup":
            self.dispose(then="pause")
        self.press("leave")
        self.until("offline")
        self.floor.close_seat(self)


class Caller:
    """Somebody on the simulated carrier who calls us."""

    def __init__(self, floor: Floor, number: str, phone: str, dialed: str, seconds: int = 0) -> None:
        """`number`: their own, empty when it is withheld; `phone`: how our rows have it; `dialed`: what they dial.

        `seconds`: when they hang up, counted from when they dial; 0 never.
        """
        self.floor, self.phone, self.dialed = floor, phone, dialed
        self._name = f"Local/{dialed}*{number}{f'*{seconds}' if seconds else ''}@calling"

    def call(self, says: str = "echo") -> Caller:
        """Dial; whoever answers is told back what they say (echo), a tone (steady), or a voice (talk)."""
        self.floor.cli("carrier", "channel", "originate", f"{self._name}/n", "extension", f"{says}@customer")
        return self

    def lines(self) -> list[str]:
        """The channels of their line at the carrier."""
        shown = self.floor.cli("carrier", "core", "show", "channels", "concise").splitlines()
        return [line.split("!")[0] for line in shown if line.startswith(f"{self._name}-")]

    def hang_up(self) -> None:
        """Hang up."""
        for line in self.lines():
            self.floor.cli("carrier", "channel", "request", "hangup", line)

    def gone(self, within_s: float = 10.0) -> None:
        """Wait until their line is free."""
        until(lambda: not self.lines(), within_s, "the caller's line is free")

    def row(self, *states: str, within_s: float = 10.0) -> CallTask:
        """Their call, once it is in one of these states."""

        def found() -> CallTask | None:
            rows = CallTask.objects.across_tenants().filter(inbound=True, caller_id=self.dialed, phone=self.phone)
            return rows.filter(state__in=states).select_related("campaign", "queue", "lead", "disposition").first()

        return until(found, within_s, f"the call to us is {' or '.join(states)}")


class Floor:
    """One stack with the product on it."""

    def __init__(self, name: str, *, durable: bool = False) -> None:
        """`durable`: what PostgreSQL and Redis have committed outlives their being killed."""
        self.name = name
        self.state_dir = HOME / f"{name}-{os.getpid()}"
        self.stack = Stack(self.state_dir, asterisk=True, environment="test", durable=durable)
        self.numbers = Numbers()
        self.supervisor: Supervisor | None = None
        self.robots: list[Robot] = []
        self.phones: list[Phone] = []
        self._desks: list[Desk] = []
        self._runs: dict[Robot, asyncio.Task[None]] = {}
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name=f"{name} people", daemon=True)
        self._clock = Clock()

    # ---- life

    def start_servers(self) -> None:
        """PostgreSQL (migrated), Valkey, both Asterisks, and the loop on which people live."""
        self._thread.start()
        self.stack.start()
        self.stack.manage("migrate", "--no-input", "--verbosity", "0")

    def start_product(self, **changes: str) -> None:
        """Every process of the Procfile; `changes` go over the stack's environment."""
        port = str(self.stack.ports.take("web"))
        self.address = f"http://127.0.0.1:{port}"
        self.env = {**self.stack.env, "WEB_HOST": "127.0.0.1", "WEB_PORT": port, "PUBLIC_URL": self.address, **changes}
        self.supervisor = Supervisor.from_procfile(ROOT / "Procfile", env=self.env, log_dir=self.stack.log_dir)
        self.supervisor.start()
        until(self.web_answers, 30, "the web is up")

    def close(self) -> None:
        """End people, processes and servers; logs stay beside the folder of the stack."""
        with suppress(Exception):
            self.do(self._send_home(), 20)
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(5)
        if self.supervisor is not None:
            self.supervisor.stop(8)
        self.stack.stop()
        self.stack.remove()
        logs = HOME / f"{self.name}-log"
        shutil.rmtree(logs, ignore_errors=True)
        with suppress(OSError):
            shutil.copytree(self.stack.log_dir, logs)
        shutil.rmtree(self.state_dir, ignore_errors=True)

    async def _send_home(self) -> None:
        for run in self._runs.values():
            run.cancel()
        await asyncio.gather(*self._runs.values(), return_exceptions=True)
        await asyncio.gather(*(phone.close() for phone in self.phones), return_exceptions=True)
        for desk in self._desks:
            await desk.close()

    @contextmanager
    def pointed(self) -> Iterator[None]:
        """Let Django's models in this process stand on this floor's database."""
        default = connections["default"]
        default.close()
        saved = copy.deepcopy(default.settings_dict)
        there = environ.Env.db_url_config(self.stack.settings["DATABASE_URL"])
        try:
            for key in ("NAME", "USER", "PASSWORD", "HOST", "PORT"):
                default.settings_dict[key] = there.get(key, "")
            default.settings_dict["OPTIONS"] = {}
            yield
        finally:
            default.close()
            default.settings_dict.clear()
            default.settings_dict.update(saved)

    def do(self, work: Coroutine[Any, Any, T], within_s: float = 15.0) -> T:
        """Run something on the loop where people live, and wait for it."""
        return asyncio.run_coroutine_threadsafe(work, self._loop).result(within_s)

    def web_answers(self) -> bool:
        """Whether the web says that it is healthy."""
        try:
            with urllib.request.urlopen(f"{self.address}/healthz", timeout=2) as answer:
                return bool(answer.status == 200)
        except OSError:
            return False

    @property
    def processes(self) -> Supervisor:
        """The processes of the Procfile."""
        assert self.supervisor is not None
        return self.supervisor

    # ---- people

    def phone(self, user: User, **options: Any) -> Phone:
        """A phone of a user's account, registered. The switch is told of the account first."""
        assert user.tenant_id is not None
        outbox.send(tenant_id=user.tenant_id, kind=CommandKind.PROVISION)
        return self.do(self._register(user, options), 25)

    async def _register(self, user: User, options: dict[str, Any]) -> Phone:
        server = (self.env["ASTERISK_SIP_HOST"], int(self.env["ASTERISK_SIP_PORT"]))
        host = f"{self.stack.network}.10"
        values = {"sends": "tone", "tone": AGENT_TONE, "expires_s": 30, "clock": self._clock, **options}
        phone = Phone(user.endpoint, user.endpoint_secret, server, host, **values)
        await phone.start()
        self.phones.append(phone)
        async with asyncio.timeout(20):
            while True:
                try:
                    await phone.register()
                    return phone
                except PhoneError:  # the switch does not know the account yet
                    await asyncio.sleep(0.1)

    def seat(self, campaign: Campaign, user: User | None = None, **phone: Any) -> Seat:
        """An agent at an open desk, with a registered phone, not yet in the campaign."""
        user = user or factories.make_user(campaign.tenant)
        registered = self.phone(user, **phone)
        robot = self.do(self._sit_down(user, campaign))
        return Seat(self, user, campaign, registered, robot)

    async def _sit_down(self, user: User, campaign: Campaign) -> _ByHand:
        robot = _ByHand(await self._desk(user), str(campaign.public_id), user.username)
        self._runs[robot] = asyncio.create_task(robot.run(), name=user.username)
        await robot.until("offline")
        return robot

    async def _desk(self, user: User) -> Desk:
        desk = Desk(self.address)
        self._desks.append(desk)
        await desk.sign_in(user.username, factories.PASSWORD)
        return desk

    def close_seat(self, seat: Seat) -> None:
        """Close a seat's desk and phone."""
        self.do(self._close_seat(seat))

    async def _close_seat(self, seat: Seat) -> None:
        run = self._runs.pop(seat.robot)
        run.cancel()
        await asyncio.gather(run, seat.phone.close(), seat.robot.desk.close(), return_exceptions=True)
        self.phones.remove(seat.phone)
        self._desks.remove(seat.robot.desk)

    def hire(self, campaign: Campaign, count: int, habits: Habits) -> list[Robot]:
        """Robots that work in a campaign by themselves until the floor closes."""
        users = [factories.make_user(campaign.tenant) for _ in range(count)]
        for user in users:
            self.phone(user, sends="keepalive", listen=False)
        return [self.do(self._hire(user, campaign, habits)) for user in users]

    async def _hire(self, user: User, campaign: Campaign, habits: Habits) -> Robot:
        robot = Robot(await self._desk(user), str(campaign.public_id), habits=habits, seed=user.username)
        robot.name = user.username
        self.robots.append(robot)
        self._runs[robot] = asyncio.create_task(robot.run(), name=user.username)
        return robot

    def send_home(self, robots: list[Robot], within_s: float = 20.0) -> None:
        """Let robots finish what they have in hand and leave."""
        self.do(self._leave(robots, within_s), within_s + 5)
        self.robots = [robot for robot in self.robots if robot not in robots]

    async def _leave(self, robots: list[Robot], within_s: float) -> None:
        for robot in robots:
            robot.stop()
        _, late = await asyncio.wait([self._runs[robot] for robot in robots], timeout=within_s)
        assert not late, f"{len(late)} robots did not leave: {[robot.view for robot in robots]}"

    # ---- rows and truth

    def tenant(self, **values: Any) -> Tenant:
        """A tenant that may call at any hour, with a pause code."""
        tenant = factories.make_tenant(**values)
        factories.make_pause_code(tenant)
        return tenant

    def lead(self, campaign: Campaign, number: str, **values: Any) -> Lead:
        """A lead that is due now."""
        return factories.make_lead(campaign, phone=number, **values)

    def calls_to(self, number: str) -> list[CallTask]:
        """Our calls to a number, oldest first."""
        return list(CallTask.objects.across_tenants().filter(phone=number).order_by("queued_at"))

    def ended(self, number: str, within_s: float = 10.0) -> CallTask:
        """The one call to a number, once it has ended."""

        def found() -> CallTask | None:
            calls = self.calls_to(number)
            return calls[0] if calls and all(call.state == "ended" for call in calls) else None

        return until(found, within_s, "the call has ended")

    def caller(self, dialed: str, number: str = "") -> Caller:
        """Somebody who dials one of ours, with a new number of their own unless given; `withheld`: it is not shown."""
        chosen = "" if number == "withheld" else number or self.numbers.of(Numbers.PERSON)
        return Caller(self, chosen, chosen, dialed)

    def live(self, number: str, *states: str, within_s: float = 10.0) -> CallTask:
        """The call to a number, once it is in one of these states."""

        def found() -> CallTask | None:
            return next((call for call in self.calls_to(number) if call.state in states), None)

        return until(found, within_s, f"the call is {' or '.join(states)}")

    def truths(self) -> list[TruthCall]:
        """What the carrier wrote about all calls that are over."""
        return read_truth(self.stack.settings["CARRIER_TRUTH"])

    def truth(self, number: str, within_s: float = 15.0) -> TruthCall:
        """What the carrier wrote about the one call to a number."""

        def found() -> list[TruthCall]:
            return [call for call in self.truths() if call.number == number]

        calls = until(found, within_s, "the carrier wrote the call down")
        assert len(calls) == 1, "the number was called more than once"
        return calls[0]

    def carrier_channel(self, number: str, within_s: float = 15.0) -> str:
        """The name of the one channel on which the carrier has this number, whatever else it carries."""

        def found() -> list[str]:
            rows = [line.split("!") for line in self.cli("carrier", "core", "show", "channels", "concise").splitlines()]
            return [row[0] for row in rows if len(row) > 8 and row[8].lstrip("+") == number.lstrip("+")]

        [name] = until(found, within_s, "the carrier has the number on the line")
        return name

    def cli(self, name: str, *words: str) -> str:
        """A console command on `pbx` or `carrier`."""
        assert self.stack._sandbox is not None
        return self.stack._sandbox.cli(name, *words)
