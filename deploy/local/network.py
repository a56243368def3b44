"""Addresses of a stack: its own /24 of the loopback network, and TCP ports that it keeps."""

from __future__ import annotations

import hashlib
import socket
from collections.abc import Iterator
from pathlib import Path

from .files import read_json, write_json

# Below the kernel's ephemeral range, so that no outgoing connection takes a remembered port.
FIRST_PORT, PORT_COUNT = 20000, 10000


def _digest(path: Path) -> bytes:
    return hashlib.sha256(str(path.resolve()).encode()).digest()


def loopback_network(state_dir: Path) -> str:
    """The stack's own /24 as "127.A.B", from a hash of the folder's absolute path; A is 16 to 250."""
    digest = _digest(state_dir)
    number = int.from_bytes(digest[:4], "big") % (235 * 256)
    return f"127.{16 + number // 256}.{number % 256}"


def is_free(port: int, host: str = "127.0.0.1") -> bool:
    """True when a server could listen on this TCP port now."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError:
            return False
        return True


class Ports:
    """The ports a stack chose, remembered in its ports.json as long as they are free."""

    def __init__(self, state_dir: Path) -> None:
        self._state_dir = state_dir
        self._file = state_dir / "ports.json"

    def take(self, name: str, preferred: range = range(0), host: str = "127.0.0.1") -> int:
        """A free port for this server: the remembered one, one of `preferred`, else one derived from the folder."""
        known = read_json(self._file)
        others = {port for other, port in known.items() if other != name}
        for port in self._candidates(name, known.get(name), preferred):
            if port not in others and is_free(port, host):
                if known.get(name) != port:
                    write_json(self._file, {**known, name: port})
                return port
        raise OSError("no free TCP port was found")

    def _candidates(self, name: str, remembered: object, preferred: range) -> Iterator[int]:
        if isinstance(remembered, int):
            yield remembered
        yield from preferred
        start = int.from_bytes(_digest(self._state_dir / name)[:4], "big")
        for step in range(PORT_COUNT):
            yield FIRST_PORT + (start + step * 7) % PORT_COUNT
