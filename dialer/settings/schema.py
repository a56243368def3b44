"""The one schema of environment variables. A wrong or missing value stops the start with its name and the cure."""

from __future__ import annotations

import ipaddress
import os
import sys
from pathlib import Path

import environ
from django.core.exceptions import ImproperlyConfigured

BASE_DIR = Path(__file__).resolve().parents[2]

env = environ.Env()


def secret(name: str, *, default: str | None = None) -> str:
    """Read NAME, or the file that NAME_FILE names; secrets come from nowhere else."""
    if value := os.environ.get(name):
        return value
    if path := os.environ.get(f"{name}_FILE"):
        try:
            return Path(path).read_text().strip()
        except OSError as error:
            raise ImproperlyConfigured(f"{name}_FILE: {path} cannot be read ({error.strerror}).") from error
    if default is not None:
        return default
    raise ImproperlyConfigured(f"{name} is not set: give {name} or {name}_FILE (a file that holds it).")


def one_of(name: str, allowed: tuple[str, ...], default: str) -> str:
    """Read NAME and insist that it is one of the allowed words."""
    value = os.environ.get(name, default)
    if value not in allowed:
        raise ImproperlyConfigured(f"{name} is {value!r}; it must be one of {', '.join(allowed)}.")
    return value


def process_name() -> str:
    """What this process is, for its log lines: web, switchboard, pacing, worker, agi, or the name of its command."""
    words = [Path(word).name for word in sys.argv]
    for known in ("switchboard", "pacing", "worker", "agi", "uvicorn"):
        if known in words or (sys.argv[:1] and known in Path(sys.argv[0]).parts):
            return "web" if known == "uvicorn" else known
    return words[1] if len(words) > 1 and words[0] == "manage.py" else (words[0] if words else "")


def socket_of(ari_url: str) -> str:
    """The address of Asterisk's SIP socket, which is served beside ARI: http://host:8088/ari gives ws://host:8088/ws."""
    base = ari_url.rstrip("/").removesuffix("/ari")
    return f"ws{base.removeprefix('http')}/ws" if base.startswith("http") else ""


def trunk_limits(name: str) -> dict[str, tuple[int, int]]:
    """Read NAME as "trunk=lines/calls per second, …": what each trunk takes. `*` stands for those not named."""
    limits = {"*": (2000, 200)}
    for part in filter(None, (part.strip() for part in os.environ.get(name, "").split(","))):
        trunk, _, figures = part.partition("=")
        lines, _, per_second = figures.partition("/")
        try:
            limits[trunk.strip()] = int(lines), int(per_second)
        except ValueError:
            raise ImproperlyConfigured(
                f"{name}: {part!r} is not NAME=LINES/CALLS-PER-SECOND, such as carrier=200/20."
            ) from None
    return limits


def networks(name: str) -> list[ipaddress.IPv4Network | ipaddress.IPv6Network]:
    """Read NAME as networks or single addresses, parted by commas: "10.20.0.0/16, 192.168.5.7"."""
    found = []
    for part in filter(None, (part.strip() for part in os.environ.get(name, "").split(","))):
        try:
            found.append(ipaddress.ip_network(part))
        except ValueError:
            raise ImproperlyConfigured(
                f"{name}: {part!r} is not an address or a network, such as 192.168.5.7 or 10.20.0.0/16."
            ) from None
    return found
