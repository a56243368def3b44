"""The faults: each is done, lasts for as long as its seed says, and is over when its function returns."""

from __future__ import annotations

import random
import signal
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from functools import partial

import redis

from deploy.local.up import REPLACE_ORDER
from tests.chaos.rig import Rig
from tests.floor import until

Deed = Callable[[Rig, random.Random], None]
PROCESSES = ("web", "switchboard", "pacing", "worker", "agi")
TAKES_OVER_WITHIN_S = 5.0


@dataclass(frozen=True, slots=True)
class Fault:
    """One kind of fault. `limit_s`: how long everything may take to be right again once it is over."""

    name: str
    do: Deed
    limit_s: float = 10.0
    ends_calls: bool = False
    """The switch itself goes: its calls cannot live on."""
    records: bool = True
    """What is recorded meanwhile must be there."""


class TooSlow(AssertionError):
    """Another switchboard did not take over in time."""


def _kill(name: str, rig: Rig, chance: random.Random) -> None:
    before = rig.floor.processes.status()[name].pid
    rig.floor.processes.kill(name)
    rig.floor.processes.wait(lambda status: status[name].pid not in (None, before), 15)


def _freeze(name: str, rig: Rig, chance: random.Random) -> None:
    rig.floor.processes.kill(name, signal.SIGSTOP)
    try:
        time.sleep(chance.uniform(1.0, 6.0))
    finally:
        rig.floor.processes.kill(name, signal.SIGCONT)


def _nobody(rig: Rig, chance: random.Random) -> None:
    """No switchboard at all for a while. Who calls us is told so by the dialplan, with the word of `agi` or without."""
    rig.floor.processes.take_away("switchboard")
    try:
        rig.callers.call()
        time.sleep(chance.uniform(2.0, 6.0))
        if chance.random() < 0.5:
            rig.floor.processes.kill("agi", chance.choice((signal.SIGKILL, signal.SIGSTOP)))
            rig.callers.call()
        time.sleep(chance.uniform(2.0, 6.0))
    finally:
        rig.floor.processes.kill("agi", signal.SIGCONT)
        rig.floor.processes.bring_back("switchboard")


def _takeover(rig: Rig, chance: random.Random) -> None:
    """Two switchboards for one switch: the second takes over when the first dies, and hands over when it is ended."""
    second = rig.second_switchboard()
    try:
        rig.floor.processes.take_away("switchboard")
        began, led = time.monotonic(), rig.leads_itself("standby")
        until(lambda: rig.leads_itself("standby") > led, 15, "the second switchboard leads")
        if time.monotonic() - began > TAKES_OVER_WITHIN_S:
            raise TooSlow(f"it took {time.monotonic() - began:.1f} s to take over")
        time.sleep(chance.uniform(0.5, 3.0))
    finally:
        rig.floor.processes.bring_back("switchboard")
        led = rig.leads_itself("switchboard")
        second.stop(8)  # drains, and hands over to the one that stands by now
        rig.standby = None
    until(lambda: rig.leads_itself("switchboard") > led, 15, "the first switchboard leads again")


def _leader_frozen(rig: Rig, chance: random.Random) -> None:
    """The switchboard that leads is frozen, and another takes over; the first wakes up beside it."""
    second = rig.second_switchboard()
    try:
        before = rig.floor.processes.status()["switchboard"].pid
        began, led = time.monotonic(), rig.leads_itself("standby")
        rig.floor.processes.kill("switchboard", signal.SIGSTOP)
        try:
            until(lambda: rig.leads_itself("standby") > led, 15, "the second switchboard leads")
            if time.monotonic() - began > TAKES_OVER_WITHIN_S:
                raise TooSlow(f"it took {time.monotonic() - began:.1f} s to take over")
            time.sleep(chance.uniform(0.5, 4.0))
        finally:
            rig.floor.processes.kill("switchboard", signal.SIGCONT)
        rig.floor.processes.wait(lambda status: status["switchboard"].pid not in (None, before), 15)
    finally:
        second.stop(8)
        rig.standby = None


def _two_and_no_database(rig: Rig, chance: random.Random) -> None:
    """Two switchboards, and the lock that tells which one leads is gone for a moment: one leads afterwards."""
    second = rig.second_switchboard()
    try:
        rig.floor.stack.restart("postgres")
        time.sleep(chance.uniform(1.0, 12.0))
    finally:
        second.stop(8)
        rig.standby = None


def _deploy(rig: Rig, chance: random.Random) -> None:
    """Every process is replaced under load, one after the other."""
    for name in REPLACE_ORDER:
        rig.floor.processes.replace(name)


def _asterisk_killed(rig: Rig, chance: random.Random) -> None:
    rig.floor.stack.kill("pbx")
    time.sleep(chance.uniform(0.0, 2.0))
    rig.floor.stack.start_service("pbx")


def _asterisk_restarted(rig: Rig, chance: random.Random) -> None:
    rig.floor.stack.restart("pbx")


def _asterisk_reloaded(rig: Rig, chance: random.Random) -> None:
    rig.floor.cli("pbx", "core", "reload")


def _ami_half_open(rig: Rig, chance: random.Random) -> None:
    rig.loop.do(rig.ami.freeze())
    try:
        time.sleep(chance.uniform(3.0, 12.0))
    finally:
        rig.loop.do(rig.ami.thaw())


def _ari_dropped(rig: Rig, chance: random.Random) -> None:
    if chance.random() < 0.5:
        rig.floor.cli("pbx", "ari", "shutdown", "websocket", "sessions")
    else:
        rig.loop.do(rig.ari.cut())


def _events_disturbed(rig: Rig, chance: random.Random) -> None:
    rig.ari.disturbs = True
    try:
        time.sleep(chance.uniform(5.0, 12.0))
    finally:
        rig.ari.disturbs = False


def _postgres_restarted(rig: Rig, chance: random.Random) -> None:
    rig.floor.stack.restart("postgres")


def _postgres_refuses(rig: Rig, chance: random.Random) -> None:
    rig.database.refuses = True
    try:
        rig.loop.do(rig.database.cut())
        time.sleep(20.0)
    finally:
        rig.database.refuses = False


def _postgres_hangs(rig: Rig, chance: random.Random) -> None:
    rig.loop.do(rig.database.freeze())
    try:
        time.sleep(chance.uniform(4.0, 12.0))
    finally:
        rig.loop.do(rig.database.thaw())


def _postgres_slow(rig: Rig, chance: random.Random) -> None:
    """A tenth of a second more for each question and its answer."""
    rig.database.delay_s = 0.05
    try:
        time.sleep(chance.uniform(8.0, 15.0))
    finally:
        rig.database.delay_s = 0.0


def _redis_killed(rig: Rig, chance: random.Random) -> None:
    rig.floor.stack.kill("redis")
    try:
        time.sleep(chance.uniform(0.5, 5.0))
    finally:
        rig.floor.stack.start_service("redis")


def _redis_emptied(rig: Rig, chance: random.Random) -> None:
    with redis.Redis.from_url(rig.floor.stack.settings["REDIS_URL"]) as client:
        client.flushall()


def _clock_steps(by_s: float, rig: Rig, chance: random.Random) -> None:
    rig.step_clock(by_s)


def _disk_full(rig: Rig, chance: random.Random) -> None:
    if not rig.small_disk:
        return
    rig.fill_disk()
    try:
        time.sleep(chance.uniform(4.0, 10.0))
    finally:
        with suppress(OSError):
            rig.empty_disk()


CATALOGUE: tuple[Fault, ...] = (
    *(Fault(f"{name}_killed", partial(_kill, name)) for name in PROCESSES),
    *(Fault(f"{name}_frozen", partial(_freeze, name)) for name in PROCESSES),
    Fault("no_switchboard", _nobody),
    Fault("takeover", _takeover),
    Fault("leader_frozen", _leader_frozen),
    Fault("two_and_no_database", _two_and_no_database),
    Fault("deploy", _deploy),
    Fault("asterisk_killed", _asterisk_killed, 15.0, ends_calls=True),
    Fault("asterisk_restarted", _asterisk_restarted, 15.0, ends_calls=True),
    Fault("asterisk_reloaded", _asterisk_reloaded),
    Fault("ami_half_open", _ami_half_open, records=False),
    Fault("ari_dropped", _ari_dropped),
    Fault("events_disturbed", _events_disturbed),
    Fault("postgres_restarted", _postgres_restarted),
    Fault("postgres_refuses", _postgres_refuses),
    Fault("postgres_hangs", _postgres_hangs),
    Fault("postgres_slow", _postgres_slow),
    Fault("redis_killed", _redis_killed),
    Fault("redis_emptied", _redis_emptied),
    Fault("clock_forward", partial(_clock_steps, 3600.0)),
    Fault("clock_back", partial(_clock_steps, -3600.0)),
    Fault("disk_full", _disk_full, records=False),
)


def schedule(seed: int, count: int, only: tuple[str, ...] = ()) -> list[Fault]:
    """`count` faults in an order that the seed decides: every kind comes before one comes again."""
    chance = random.Random(f"schedule {seed}")
    kinds = [one for one in CATALOGUE if not only or one.name in only]
    chosen: list[Fault] = []
    while len(chosen) < count:
        chosen += chance.sample(kinds, len(kinds))
    return chosen[:count]
