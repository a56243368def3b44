"""Who a process is: its id together with its start time, so that a recycled process id is never signalled."""

from __future__ import annotations

import contextlib
import os
import signal
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any


@cache
def boot_id() -> str:
    """This boot of the machine; start times are counted from it."""
    try:
        return Path("/proc/sys/kernel/random/boot_id").read_text().strip()
    except OSError:
        return ""


def _stat_fields(pid: int) -> list[str] | None:
    """Fields of /proc/PID/stat from the state on (the name before it may hold spaces and brackets)."""
    try:
        return Path(f"/proc/{pid}/stat").read_text(errors="replace").rpartition(")")[2].split()
    except OSError:
        return None


@dataclass(frozen=True)
class Identity:
    """One process of one boot: `ticks` is its start in clock ticks since boot."""

    pid: int
    ticks: int
    boot: str

    @classmethod
    def of(cls, pid: int) -> Identity | None:
        """The process that has this id now; None when there is none."""
        fields = _stat_fields(pid)
        return cls(pid, int(fields[19]), boot_id()) if fields else None

    @classmethod
    def from_json(cls, data: dict[str, Any]) -> Identity:
        """Read back what `to_json` wrote."""
        return cls(int(data["pid"]), int(data["ticks"]), str(data["boot"]))

    def to_json(self) -> dict[str, Any]:
        """Plain data for a JSON file."""
        return {"pid": self.pid, "ticks": self.ticks, "boot": self.boot}

    def alive(self) -> bool:
        """True while this very process runs (a zombie does not)."""
        fields = _stat_fields(self.pid)
        if not fields or self.boot != boot_id():
            return False
        return int(fields[19]) == self.ticks and fields[0] not in "ZX"

    def uptime(self) -> float:
        """Seconds since the process started."""
        return time.clock_gettime(time.CLOCK_BOOTTIME) - self.ticks / os.sysconf("SC_CLK_TCK")

    def signal(self, number: int) -> bool:
        """Signal this process and no other; False when it is gone. PermissionError when it is somebody else's."""
        try:
            handle = os.pidfd_open(self.pid)
        except ProcessLookupError:
            return False
        try:  # the handle holds whoever has the id now; only then is the start time compared
            if not self.alive():
                return False
            signal.pidfd_send_signal(handle, number)
            return True
        except ProcessLookupError:
            return False
        finally:
            os.close(handle)

    def signal_group(self, number: int) -> bool:
        """Signal the process and, when it leads a group, the whole group; False when it is gone."""
        if not self.alive():
            return False
        try:
            if os.getpgid(self.pid) == self.pid and self.pid != os.getpgrp():
                os.killpg(self.pid, number)
                return True
        except ProcessLookupError:
            return False
        return self.signal(number)


def wait_until(condition: Callable[[], bool], seconds: float, every: float = 0.02) -> bool:
    """Look at a condition of the outside world until it holds; False when the time (seconds) is up."""
    end = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > end:
            return False
        time.sleep(every)
    return True


def tagged(variable: str, value: str) -> list[Identity]:
    """Every process that was started with VARIABLE=value in its environment, as far as we may look."""
    needle = f"{variable}={value}".encode()
    found: list[Identity] = []
    for entry in Path("/proc").iterdir():
        if not entry.name.isdigit() or int(entry.name) == os.getpid():
            continue
        with contextlib.suppress(OSError):
            who = Identity.of(int(entry.name))
            if who and needle in (entry / "environ").read_bytes().split(b"\0"):
                found.append(who)
    return found


def end(processes: Iterable[Identity], seconds: float = 5.0, first: int = signal.SIGTERM) -> list[Identity]:
    """Ask the processes (and the groups they lead) to end, kill the late; gives those that were alive."""
    there = [who for who in processes if who.alive()]
    for who in there:
        who.signal_group(first)
    if not wait_until(lambda: not any(who.alive() for who in there), seconds):
        for who in there:
            who.signal_group(signal.SIGKILL)
        wait_until(lambda: not any(who.alive() for who in there), 5)
    return there
