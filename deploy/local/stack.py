"""A stack: the servers that Cordboard stands on, started for one state folder, and the environment that names them.

`./run` uses one that lasts, `./run test` and `./run bench` throw-away ones, and tests take single servers away:

    with Stack(folder, asterisk=True) as stack:
        stack.manage("migrate")
        stack.kill("redis")            # SIGKILL, and it stays away
        stack.start_service("redis")   # returns when it answers
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from .files import secret
from .identity import Identity
from .ledger import TAG, Ledger
from .network import Ports, loopback_network
from .postgres import Postgres
from .servers import Server, ServerFailed
from .supervisor import Backoff
from .valkey import Valkey

if TYPE_CHECKING:
    from asterisk.sandbox import Sandbox

ROOT = Path(__file__).resolve().parents[2]
HOME = ROOT / ".cordboard"
TREE = HOME / "asterisk-tree"
"""Where the private Asterisk is unpacked; all stacks share it."""

SWITCHES = ("carrier", "pbx")
"""The sandbox's two, in the order in which they start."""

Report = Callable[[str], None]


class AsteriskUnavailable(Exception):
    """A private Asterisk cannot be had here; the text says why."""


class Stack:
    """Embedded PostgreSQL, Valkey and (wanted or not) Asterisk with its simulated carrier, below one folder.

    `given` holds environment variables of the user's own: a server that they name (DATABASE_URL, REDIS_URL,
    ASTERISK_ARI_URL) is not started. No server outlives the process that calls `start`.
    """

    def __init__(
        self,
        state_dir: Path,
        *,
        asterisk: bool = True,
        environment: str = "test",
        durable: bool = False,
        given: Mapping[str, str] | None = None,
        seed: int = 1,
        report: Report | None = None,
        ledger: Ledger | None = None,
    ) -> None:
        self.state_dir = state_dir.resolve()
        self.log_dir = self.state_dir / "log"
        self.ports = Ports(self.state_dir)
        self.network = loopback_network(self.state_dir)
        self._environment, self._durable, self._seed = environment, durable, seed
        self._given = dict(given or {})
        self._asterisk = asterisk
        self._report: Report = report or (lambda text: None)
        self._ledger = ledger
        self._tag = ""
        self._servers: dict[str, Server] = {}
        self._sandbox: Sandbox | None = None
        self._pauses: dict[str, tuple[float, float]] = {}
        self._backoff = Backoff()

    # ---- the whole

    def prepare(self) -> None:
        """Whatever can take long or be refused, before anything is started. Raises AsteriskUnavailable."""
        self.state_dir.mkdir(parents=True, exist_ok=True)
        self._open_paths()
        if self._asterisk and "ASTERISK_ARI_URL" not in self._given:
            self._sandbox = self._find_sandbox()

    def start(self) -> None:
        """Start everything; returns when every server answers. Raises ServerFailed or AsteriskUnavailable."""
        if self._asterisk and self._sandbox is None:
            self.prepare()
        self.state_dir.mkdir(parents=True, exist_ok=True)
        self._open_paths()
        if self._ledger:
            self._tag = self._ledger.begin()
        try:
            self._make_servers()
            for server in self._servers.values():
                server.launch()
                self._record(server.name, server.pid)
            if self._sandbox:  # boots while the others get ready
                self._start_sandbox()
            for server in self._servers.values():
                server.wait_ready()
                self._record(server.name, server.pid)
        except BaseException:
            self.stop()
            raise

    def stop(self) -> None:
        """Stop everything in order: Asterisk, Valkey, PostgreSQL."""
        if self._sandbox:
            self._sandbox.stop()
        for server in reversed(self._servers.values()):
            server.stop()
        if self._ledger:
            self._ledger.close()

    def remove(self) -> None:
        """Delete the data of a throw-away stack; logs stay until its next start."""
        for server in self._servers.values():
            if isinstance(server, Postgres):
                server.remove()
        shutil.rmtree(self.state_dir / "valkey", ignore_errors=True)

    def __enter__(self) -> Stack:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()
        if not self._durable:
            self.remove()

    @property
    def env(self) -> dict[str, str]:
        """The whole environment for processes of this stack."""
        return {**without_stack(os.environ), **self.settings}

    @property
    def settings(self) -> dict[str, str]:
        """What the stack says itself, in the words of dialer/settings: it holds passwords."""
        environment = self._given.get("CORDBOARD_ENV", self._environment)
        own = {
            "CORDBOARD_ENV": environment,
            "DJANGO_SETTINGS_MODULE": f"dialer.settings.{environment}",
            "CORDBOARD_DATA_DIR": str(self.state_dir),
            "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ.get('PATH', os.defpath)}",
            "VIRTUAL_ENV": str(Path(sys.executable).parent.parent),
            "PYTHONUNBUFFERED": "1",
        }
        if self._tag:
            own[TAG] = self._tag
        if not {"SECRET_KEY", "SECRET_KEY_FILE"} & self._given.keys():
            secret(self.state_dir / "secrets" / "secret_key", 48)
            own["SECRET_KEY_FILE"] = str(self.state_dir / "secrets" / "secret_key")
        if postgres := self._servers.get("postgres"):
            own["DATABASE_URL"] = postgres.url  # type: ignore[attr-defined]
        if redis := self._servers.get("redis"):
            own["REDIS_URL"] = redis.url  # type: ignore[attr-defined]
        if self._sandbox:
            own |= self._sandbox.env()
        return {**self._given, **own}

    def manage(self, *arguments: str, check: bool = True) -> subprocess.CompletedProcess[str]:
        """Run a management command on this stack and catch its output. CalledProcessError when it fails and `check`."""
        return subprocess.run(
            [sys.executable, "manage.py", *arguments],
            cwd=ROOT,
            env=self.env,
            text=True,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            check=check,
        )

    # ---- its parts: "postgres", "redis", and Asterisk's "pbx" and "carrier"

    def pids(self) -> dict[str, int]:
        """Process ids of the servers that run."""
        own = {name: server.pid for name, server in self._servers.items()}
        others = self._sandbox.pids() if self._sandbox else {}
        return {name: pid for name, pid in {**own, **others}.items() if pid}

    def kill(self, name: str) -> None:
        """SIGKILL one server and wait until it is gone; it stays away until `start_service`."""
        if server := self._servers.get(name):
            server.kill()
        else:
            self._own_sandbox().kill(name)
        self._record(name, None)

    def start_service(self, name: str) -> None:
        """Start one server that is away; returns when it answers."""
        if server := self._servers.get(name):
            server.start()
            self._record(name, server.pid)
        else:
            self._start_sandbox(name)

    def stop_service(self, name: str) -> None:
        """Stop one server in order; it stays away until `start_service`."""
        if server := self._servers.get(name):
            server.stop()
        else:
            self._own_sandbox().stop(name)
        self._record(name, None)

    def restart(self, name: str) -> None:
        """Stop one server in order and start it again."""
        self.stop_service(name)
        self.start_service(name)

    def heal(self) -> list[str]:
        """Start again every server that died, with growing pauses; names of those that were dead. Call it often."""
        dead = [name for name, server in self._servers.items() if server.pid is None]
        if self._sandbox:
            alive = self._sandbox.pids()
            dead += [name for name in SWITCHES if not _is_alive(alive.get(name))]
        now = time.monotonic()
        for name in list(dead):
            pause, due = self._pauses.get(name, (0.0, 0.0))
            if now < due:
                dead.remove(name)
                continue
            pause = self._backoff.after(pause, now - due if due else 0)
            self._pauses[name] = (pause, now + pause)
            self._record(name, None, "backing-off")
            self._report(f"{name} died and is started again")
            self._revive(name)
        for server in self._servers.values():
            server.trim_log()
        return dead

    # ---- inside

    def _revive(self, name: str) -> None:
        try:
            self.start_service(name)
        except (ServerFailed, OSError, AsteriskUnavailable) as error:
            self._report(f"{name}: {error}")

    def _make_servers(self) -> None:
        if "DATABASE_URL" not in self._given:
            port = self.ports.take("postgres")
            log = self.log_dir / "postgres.log"
            self._servers["postgres"] = Postgres(self.state_dir, log, port, durable=self._durable)
        if "REDIS_URL" not in self._given:
            port = self.ports.take("redis")
            self._servers["redis"] = Valkey(self.state_dir, self.log_dir / "redis.log", port, durable=self._durable)

    def _find_sandbox(self) -> Sandbox:
        try:
            from asterisk.sandbox import Sandbox, SandboxUnavailable
        except ImportError as error:
            raise AsteriskUnavailable(f"this copy of Cordboard has no sandbox ({error})") from error
        sandbox = Sandbox(self.state_dir / "asterisk", TREE, self.network, self._seed)
        try:
            sandbox.ensure_tree(self._report)
        except SandboxUnavailable as error:
            raise AsteriskUnavailable(str(error)) from error
        return sandbox

    def _own_sandbox(self) -> Sandbox:
        if self._sandbox is None:
            raise KeyError("this stack has no Asterisk")
        return self._sandbox

    def _start_sandbox(self, name: str | None = None) -> None:
        from asterisk.sandbox import SandboxFailed, SandboxUnavailable

        sandbox = self._own_sandbox()
        try:
            sandbox.start(name)
        except SandboxUnavailable as error:
            raise AsteriskUnavailable(str(error)) from error
        except SandboxFailed as error:
            raise ServerFailed(str(error)) from error
        for started, pid in sandbox.pids().items():
            self._record(started, pid)

    def _record(self, name: str, pid: int | None, state: str = "") -> None:
        if self._ledger:
            restarts = sum(entry.restarts for entry in self._ledger.entries() if entry.name == name)
            if state == "backing-off":
                restarts += 1
            self._ledger.record(
                name, pid, kind="server", state=state or ("running" if pid else "stopped"), restarts=restarts
            )

    def _open_paths(self) -> None:
        """Let other accounts pass through (not list) our own folders: PostgreSQL may run under another account."""
        folder = self.state_dir
        while folder.is_relative_to(HOME) and folder.exists():
            folder.chmod(folder.stat().st_mode | 0o111)
            folder = folder.parent


def _is_alive(pid: int | None) -> bool:
    who = Identity.of(pid) if pid else None
    return bool(who and who.alive())


def _names_a_stack(name: str) -> bool:
    """True for the variables of the settings' schema, which `given` or the stack itself decides."""
    if name.startswith(("CORDBOARD_", "ASTERISK_", "CARRIER_")):
        return True
    return name in {
        "SECRET_KEY",
        "SECRET_KEY_FILE",
        "PHONE_SOCKET_URL",
        "STUN_URLS",
        "TURN_URLS",
        "TURN_SECRET",
        "TURN_SECRET_FILE",
        "TURN_USERNAME",
        "TURN_PASSWORD",
        "TURN_PASSWORD_FILE",
        "ALLOWED_HOSTS",
        "PUBLIC_URL",
        "DATABASE_URL",
        "REDIS_URL",
        "WEB_HOST",
        "WEB_PORT",
        "DJANGO_SETTINGS_MODULE",
    }


def without_stack(environ: Mapping[str, str]) -> dict[str, str]:
    """The machine's own variables (certificates, locale), without any that name a stack."""
    return {name: value for name, value in environ.items() if not _names_a_stack(name)}


def given_by_user(environ: Mapping[str, str] = os.environ) -> dict[str, str]:
    """The settings that the user's own environment makes, empty ones aside."""
    return {name: value for name, value in environ.items() if value and _names_a_stack(name) and name != TAG}
