"""Calling an address that a customer of the installation typed (a webhook), without being led into our own network.

Whoever sets a webhook chooses whom this server talks to. So the name is resolved here, every address that it stands
for must be on the public internet (or in a network that the operator allows, WEBHOOK_NETWORKS), and the connection
goes to the very address that was looked at: a name that says something else a moment later changes nothing. Redirects
are not followed, proxies of the environment are not used, and the whole exchange has one deadline.
The rule follows OWASP's "Server Side Request Forgery Prevention" cheat sheet, case 2.
"""

from __future__ import annotations

import contextlib
import http.client
import ipaddress
import json
import socket
import ssl
import threading
from collections.abc import Iterable, Mapping
from typing import Any
from urllib.parse import urlsplit

from django.conf import settings

PATIENCE_S = 5.0
"""From the connection to the last line of the answer's head."""

Address = ipaddress.IPv4Address | ipaddress.IPv6Address
Network = ipaddress.IPv4Network | ipaddress.IPv6Network

_NAT64 = ipaddress.ip_network("64:ff9b::/96")
_OURS_ALL_THE_SAME = (ipaddress.ip_address("168.63.129.16"),)
"""Public by its number, and yet the inside of a network: Azure's host agent."""


class NotCalled(Exception):
    """An address that is not called, or could not be reached; the text says why, for the one who set it."""


def is_inside(address: Address, allowed: Iterable[Network] = ()) -> bool:
    """Whether an address is not on the public internet, and in no network that is allowed. Pure.

    Private, loopback, link-local (where clouds keep their metadata), shared, reserved and multicast addresses are
    inside; so is an IPv6 address that carries such an IPv4 one (mapped, 6to4, Teredo, NAT64).
    """
    found = _carried(address)
    if any(one.version == found.version and found in one for one in allowed):
        return False
    site_local = isinstance(found, ipaddress.IPv6Address) and found.is_site_local
    return not found.is_global or found.is_multicast or site_local or found in _OURS_ALL_THE_SAME


def _carried(address: Address) -> Address:
    """The IPv4 address that an IPv6 address stands for, or the address itself."""
    if isinstance(address, ipaddress.IPv4Address):
        return address
    if address in _NAT64:
        return ipaddress.IPv4Address(int(address) & 0xFFFFFFFF)
    teredo = address.teredo
    return address.ipv4_mapped or address.sixtofour or (teredo[1] if teredo else address)


def look_up(url: str) -> tuple[str, str, int, str]:
    """Where a URL leads: the host it names, the address to connect to, the port, and what to ask for there.

    Raises NotCalled for a URL that is no web address, a name that is not known, or an address inside.
    """
    parts = urlsplit(url)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise NotCalled("the address must begin with http:// or https://")
    if parts.username is not None or parts.password is not None:
        raise NotCalled("the address must hold no name and password")
    try:
        port = parts.port or (443 if parts.scheme == "https" else 80)
        found = socket.getaddrinfo(parts.hostname, port, type=socket.SOCK_STREAM)
    except ValueError as error:  # a port that is none, a name that cannot be written for the DNS
        raise NotCalled(f"the address is not good: {error}") from error
    except OSError as error:
        raise NotCalled(f"{parts.hostname} is not known: {error.strerror}") from error
    numbers = [str(one[4][0]) for one in found]
    for number in numbers:
        if is_inside(ipaddress.ip_address(number), settings.WEBHOOK_NETWORKS):
            raise NotCalled(
                f"{parts.hostname} is {number}, an address inside the network; "
                "whoever runs this installation can allow it (WEBHOOK_NETWORKS)"
            )
    target = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    return parts.hostname, numbers[0], port, target


def post(url: str, data: Mapping[str, Any]) -> int:
    """Send JSON there by POST, and return the status of the answer; its text is not read. Raises NotCalled."""
    patience_s = PATIENCE_S
    host, number, port, target = look_up(url)
    safe = urlsplit(url).scheme == "https"
    context = ssl.create_default_context() if safe else None
    connection = _Pinned(host, number, port, patience_s, context)
    overdue = threading.Timer(patience_s, connection.give_up)  # each read has its limit; this is that of all together
    overdue.daemon = True
    overdue.start()
    try:
        connection.request("POST", target, json.dumps(data).encode(), {"Content-Type": "application/json"})
        status = connection.getresponse().status
        if connection.given_up:  # the line's end looks like the end of the answer's head
            raise TimeoutError
        return status
    except (OSError, ValueError, http.client.HTTPException) as error:
        late = connection.given_up or isinstance(error, TimeoutError)
        raise NotCalled(f"no answer within {patience_s:g} s" if late else _words(error)) from error
    finally:
        overdue.cancel()
        connection.close()


def _words(error: Exception) -> str:
    return str(getattr(error, "strerror", None) or error or type(error).__name__)[:160]


class _Pinned(http.client.HTTPConnection):
    """A connection to one address, which speaks (and checks the certificate) for the name that was asked for."""

    def __init__(self, host: str, number: str, port: int, patience_s: float, context: ssl.SSLContext | None) -> None:
        super().__init__(host, port, timeout=patience_s)
        self.default_port = 443 if context else 80  # so that the Host header leaves the usual port out
        self._number = number
        self._tls = context
        self.given_up = False

    def connect(self) -> None:
        """Connect to the address that was looked at; the name is not resolved again."""
        self.sock = socket.create_connection((self._number, self.port), self.timeout)
        if self._tls is not None:
            self.sock = self._tls.wrap_socket(self.sock, server_hostname=self.host, do_handshake_on_connect=False)
            self.sock.do_handshake()
        if self.given_up:
            raise TimeoutError

    def give_up(self) -> None:
        """End it from another thread: whoever reads or writes sees the end of the line."""
        self.given_up = True
        if self.sock is not None:
            with contextlib.suppress(OSError):
                self.sock.shutdown(socket.SHUT_RDWR)
