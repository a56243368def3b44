"""A real web process for browsers to talk to, on the database that the tests use."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from django.conf import settings
from django.db import connection

CHROMIUM = os.environ.get("CHROMIUM", "/usr/bin/chromium")


@dataclass(frozen=True)
class Site:
    """Where the web process answers."""

    address: str
    pid: int


def database_url() -> str:
    """The address of the database that this process is connected to (under pytest: the test database)."""
    at = connection.settings_dict
    password = f":{at['PASSWORD']}" if at["PASSWORD"] else ""
    return f"postgres://{at['USER']}{password}@{at['HOST']}:{at['PORT']}/{at['NAME']}"


@contextmanager
def serve(**environment: str) -> Iterator[Site]:
    """Run uvicorn on a socket that listens before it starts, so the first request waits instead of failing."""
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        listening.listen(64)
        address = f"http://127.0.0.1:{listening.getsockname()[1]}"
        command = [sys.executable, "-m", "uvicorn", "dialer.asgi:application", "--fd", str(listening.fileno())]
        command += ["--no-access-log", "--log-level", "warning", "--timeout-graceful-shutdown", "1"]
        env = {
            **os.environ,
            "CORDBOARD_ENV": "test",
            "DJANGO_SETTINGS_MODULE": "dialer.settings.test",
            "DATABASE_URL": database_url(),
            "REDIS_URL": settings.REDIS_URL,
            "PUBLIC_URL": address,
            "ASTERISK_RECORDINGS_DIR": str(settings.RECORDINGS_DIR),
            "ASTERISK_SIP_HOST": "pbx.example",
            "CORDBOARD_PHONE": "sip",
            **environment,
        }
        process = subprocess.Popen(command, env=env, pass_fds=[listening.fileno()], cwd=settings.BASE_DIR)
        try:
            yield Site(address, process.pid)
        finally:
            process.send_signal(signal.SIGTERM)
            try:
                process.wait(timeout=10)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
