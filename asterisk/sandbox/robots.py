"""`python -m asterisk.sandbox.robots`: plays the demo floor until SIGTERM, and the phone of the demo's human agent.

Robots use the web as people do (robot.py) and headless SIP phones (phone.py; none with the simulated switch). Their
phones' secrets are read from the database: they are written nowhere else.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import signal
import socket
from dataclasses import dataclass

import django
from asgiref.sync import sync_to_async

from dialer.settings import use_environment

from .phone import Phone, PhoneError
from .robot import Robot
from .robot_desk import Desk, DeskError
from .rtp import Clock

log = logging.getLogger("asterisk.sandbox.robots")

HUMAN = "agent"
PHONE_EXPIRES_S = 30
"""How long a registration lasts: a switch that was restarted knows the phones again after two thirds of it."""
RETRY_S = 2.0
REFILL_S = 240.0
LEAVE_S = 4.0
"""How long robots may take to finish and leave after SIGTERM."""
GOODBYE_S = 1.0
"""How long a phone may take to take its registration back."""


@dataclass(frozen=True, slots=True)
class Account:
    """Who somebody on the demo floor is."""

    username: str
    endpoint: str
    secret: str
    campaign: str
    """The public id of the campaign that a robot works in; empty for the human agent."""


def read_accounts() -> list[Account]:
    """The demo's robots, spread over its two paced campaigns, and the human agent. Empty when there is no demo."""
    from dialer.calls.management.demo import ROBOTS, SLUG, robot_name
    from dialer.campaigns.models import PACED, Campaign
    from dialer.people.models import User

    paced = Campaign.objects.across_tenants().filter(tenant__slug=SLUG, dial_method__in=PACED)
    campaigns = [str(public_id) for public_id in paced.order_by("id").values_list("public_id", flat=True)]
    robots = [robot_name(number) for number in range(1, ROBOTS + 1)]
    users = User.objects.filter(tenant__slug=SLUG, username__in=[HUMAN, *robots], is_active=True)
    accounts = []
    for user in users.order_by("username"):
        place = robots.index(user.username) if user.username in robots else None
        campaign = campaigns[place % len(campaigns)] if place is not None and campaigns else ""
        accounts.append(Account(user.username, user.endpoint, user.endpoint_secret, campaign))
    return accounts


def phone_ip(server: str) -> str:
    """The address that a phone lives at: .10 of the switch's own loopback network, else this machine's towards it."""
    if server.startswith("127."):
        return f"{server.rpartition('.')[0]}.10"
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        probe.connect((server, 9))
        return str(probe.getsockname()[0])


class Floor:
    """Everybody on the demo floor."""

    def __init__(self, address: str, accounts: list[Account], sip: tuple[str, int] | None, password: str) -> None:
        """`sip` is where phones register; None when the switch needs none."""
        self._address, self._accounts, self._sip, self._password = address, accounts, sip, password
        self._clock = Clock()
        self._robots: list[Robot] = []
        self._stopping = asyncio.Event()

    async def run(self) -> None:
        """Play until `stop`; then everybody leaves."""
        async with asyncio.TaskGroup() as everybody:
            helpers = [everybody.create_task(self._keep_supplied(), name="refill")]
            if self._sip:
                helpers += [everybody.create_task(self._phone(one), name="phone") for one in self._accounts]
            robots = [everybody.create_task(self._robot(one), name=one.username) for one in self._robot_accounts()]
            await self._stopping.wait()
            for robot in self._robots:
                robot.stop()
            if robots:
                await asyncio.wait(robots, timeout=LEAVE_S)
            for task in (*robots, *helpers):
                task.cancel()

    def stop(self) -> None:
        """End the shift."""
        self._stopping.set()

    def _robot_accounts(self) -> list[Account]:
        return [account for account in self._accounts if account.campaign]

    async def _robot(self, account: Account) -> None:
        """Sign in, again and again until it works, and work until the end."""
        async with Desk(self._address) as desk:
            await self._sign_in(desk, account)
            robot = Robot(desk, account.campaign, seed=account.username, name=account.username)
            self._robots.append(robot)
            if not self._stopping.is_set():
                await robot.run()

    async def _sign_in(self, desk: Desk, account: Account) -> None:
        while True:
            try:
                return await desk.sign_in(account.username, self._password)
            except DeskError as error:
                log.debug("%s could not sign in: %s", account.username, error)
                await asyncio.sleep(RETRY_S)

    async def _phone(self, account: Account) -> None:
        """Keep the account's phone registered; it answers by itself."""
        assert self._sip is not None
        phone = Phone(
            account.endpoint,
            account.secret,
            self._sip,
            phone_ip(self._sip[0]),
            sends="keepalive",
            listen=False,
            expires_s=PHONE_EXPIRES_S,
            clock=self._clock,
        )
        await phone.start()
        try:
            while True:
                try:  # the switchboard makes the accounts known a moment after it starts
                    await phone.register()
                    break
                except PhoneError as error:
                    log.debug("phone %s: %s", account.endpoint, error)
                    await asyncio.sleep(RETRY_S)
            await asyncio.Event().wait()
        finally:
            with contextlib.suppress(PhoneError, TimeoutError):
                await asyncio.wait_for(phone.close(), GOODBYE_S)

    async def _keep_supplied(self) -> None:
        """Let lists that run out begin again, so that the floor never falls silent."""
        from django.db import DatabaseError

        from dialer.calls.management.demo import refill

        while True:
            try:
                if count := await sync_to_async(refill)():
                    log.info("%d leads of the demo begin again", count)
            except DatabaseError as error:
                log.warning("the demo's lists were not looked at: %s", type(error).__name__)
            await asyncio.sleep(REFILL_S)


async def play() -> int:
    """Play the floor that the environment describes; the exit status."""
    from django.conf import settings

    from dialer.calls.management.demo import PASSWORD

    accounts = await sync_to_async(read_accounts)()
    if not accounts:
        log.error("there is no demo to play: run `manage.py seed_demo` first")
        return 1
    host = os.environ.get("WEB_HOST", "127.0.0.1")
    if host in ("0.0.0.0", "::", ""):  # noqa: S104 - where the web listens, not where we do
        host = "127.0.0.1"
    address = f"http://{host}:{os.environ.get('WEB_PORT', '8000')}"
    sip = (settings.SIP_HOST, settings.SIP_PORT) if settings.SWITCH == "asterisk" and settings.SIP_HOST else None
    floor = Floor(address, accounts, sip, PASSWORD)
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, floor.stop)
    await floor.run()
    return 0


def main() -> None:
    """Set Django up and play."""
    use_environment()
    django.setup()
    raise SystemExit(asyncio.run(play()))


if __name__ == "__main__":
    main()
