"""A server that a stack starts, watches and stops itself: what PostgreSQL and Valkey have in common."""

from __future__ import annotations

import contextlib
import ctypes
import os
import pwd
import signal
import subprocess
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import IO, Any

from .identity import Identity, wait_until

LOG_LIMIT = 10_000_000
"""Bytes a server's log may reach before it is cut."""
_PR_SET_PDEATHSIG, _PR_SET_CHILD_SUBREAPER = 1, 36
_libc = ctypes.CDLL(None, use_errno=True)


class ServerFailed(Exception):
    """A server did not come up; the text carries the end of its log."""


# The kernel sends the signal when the *thread* that made the child ends, so one thread that lasts makes them all.
_spawner = ThreadPoolExecutor(max_workers=1, thread_name_prefix="spawner")


def as_account(account: pwd.struct_passwd | None) -> dict[str, Any]:
    """Arguments for subprocess that drop to this account."""
    return {} if account is None else {"user": account.pw_uid, "group": account.pw_gid, "extra_groups": []}


def die_with_parent(number: int) -> Callable[[], None]:
    """A preexec function: the child gets this signal when the *thread* that started it ends, however it ends."""
    parent = os.getpid()

    def before_exec() -> None:
        _libc.prctl(_PR_SET_PDEATHSIG, number, 0, 0, 0)
        if os.getppid() != parent:  # it ended while we were being made
            os._exit(1)

    return before_exec


def adopt_orphans() -> None:
    """Make this process the parent of every orphan below it, so that the last sweep sees grandchildren too."""
    _libc.prctl(_PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)


def spawn(
    argv: Sequence[str | Path],
    *,
    env: Mapping[str, str],
    cwd: Path,
    output: IO[bytes] | int,
    death_signal: int = signal.SIGTERM,
    account: pwd.struct_passwd | None = None,
    keep: Sequence[int] = (),
) -> subprocess.Popen[bytes]:
    """Start a child in a session of its own; it gets `death_signal` when this process ends, however it ends.

    `keep`: file descriptors of ours that the child has, too, under the same numbers.
    """

    def fork() -> subprocess.Popen[bytes]:
        return subprocess.Popen(
            [str(part) for part in argv],
            env=dict(env),
            cwd=cwd,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
            preexec_fn=die_with_parent(death_signal),
            pass_fds=keep,
            **as_account(account),
        )

    return _spawner.submit(fork).result()


def tail(path: Path, lines: int = 15) -> str:
    """The last lines of a text file; empty when there is none."""
    try:
        with path.open("rb") as file:
            file.seek(0, os.SEEK_END)
            file.seek(max(0, file.tell() - 200 * lines))
            return "\n".join(file.read().decode(errors="replace").splitlines()[-lines:])
    except OSError:
        return ""


class Server(ABC):
    """One embedded server: a child process, its log file and the question whether it serves."""

    name: str
    stop_signal: int = signal.SIGTERM

    def __init__(self, log: Path) -> None:
        self.log = log
        self._child: subprocess.Popen[bytes] | None = None

    @abstractmethod
    def prepare(self) -> None:
        """Make files and folders; clear what a crash left behind."""

    @abstractmethod
    def ready(self) -> bool:
        """True when the server answers."""

    @abstractmethod
    def _launch(self, output: IO[bytes]) -> subprocess.Popen[bytes]:
        """Start the process."""

    @property
    def pid(self) -> int | None:
        """Process id while it runs."""
        return self._child.pid if self._child and self._child.poll() is None else None

    def launch(self) -> None:
        """Start the process without waiting for it; nothing happens when it runs already."""
        if self.pid is not None:
            return
        self.prepare()
        self.log.parent.mkdir(parents=True, exist_ok=True)
        with self.log.open("ab") as output:
            self._child = self._launch(output)

    def wait_ready(self, seconds: float = 30) -> None:
        """Wait until the server answers. Raises ServerFailed with the end of its log."""
        if not wait_until(lambda: self.pid is None or self.ready(), seconds) or self.pid is None:
            self.stop(2)
            raise ServerFailed(f"{self.name} did not start. The end of {self.log}:\n{tail(self.log)}")

    def start(self, seconds: float = 30) -> None:
        """Start and wait until it answers. Raises ServerFailed."""
        self.launch()
        self.wait_ready(seconds)

    def stop(self, seconds: float = 10) -> None:
        """Stop in order, or by force when that takes longer than `seconds`."""
        if self._child is None:
            return
        if self._child.poll() is None:
            self._child.send_signal(self.stop_signal)
            with contextlib.suppress(subprocess.TimeoutExpired):
                self._child.wait(seconds)
        self.kill()

    def kill(self) -> None:
        """End it at once with SIGKILL, its children too, and wait until it is gone."""
        child, self._child = self._child, None
        if child is None:
            return
        who = Identity.of(child.pid)
        if child.poll() is None and who:
            who.signal_group(signal.SIGKILL)
            child.wait(10)

    def trim_log(self) -> None:
        """Keep the log from growing for ever: past the limit its newer half is kept aside and the file emptied."""
        try:
            if self.log.stat().st_size > LOG_LIMIT:
                self.log.with_suffix(".log.1").write_bytes(self.log.read_bytes()[-LOG_LIMIT // 2 :])
                os.truncate(self.log, 0)  # the server appends, so it goes on at the start
        except OSError:
            pass
