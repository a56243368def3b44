"""Which addresses a webhook may name, and that what was looked at is what is connected to."""

from __future__ import annotations

import ipaddress
import socket
from typing import Any

import pytest
from django.core.exceptions import ImproperlyConfigured
from hypothesis import given
from hypothesis import strategies as st

from dialer.core import hooks
from dialer.settings import schema

INSIDE = (
    *("127.0.0.1", "127.9.9.9", "0.0.0.0", "10.1.2.3", "172.16.0.1", "172.31.255.255", "192.168.1.1", "100.64.0.1"),
    *(
        "169.254.169.254",
        "169.254.0.1",
        "168.63.129.16",
        "100.100.100.200",
        "224.0.0.1",
        "239.1.1.1",
        "255.255.255.255",
    ),
    *(
        "255.255.255.255",
        "192.0.2.1",
        "198.18.0.1",
        "240.0.0.1",
        "::1",
        "::",
        "fe80::1",
        "fc00::1",
        "fd00:ec2::254",
        "fec0::1",
        "ff02::1",
    ),
    *("::ffff:127.0.0.1", "::ffff:10.0.0.1", "64:ff9b::a9fe:a9fe", "2002:7f00:1::", "2001:db8::1"),
)
OUTSIDE = ("93.184.216.34", "8.8.8.8", "172.32.0.1", "2606:4700::1111", "::ffff:8.8.8.8", "64:ff9b::808:808")


@pytest.mark.parametrize("number", INSIDE)
def test_inside(number: str) -> None:
    assert hooks.is_inside(ipaddress.ip_address(number))


@pytest.mark.parametrize("number", OUTSIDE)
def test_outside(number: str) -> None:
    assert not hooks.is_inside(ipaddress.ip_address(number))


@given(st.ip_addresses(v=4))
def test_an_ipv4_address_in_ipv6_clothes_is_the_same_address(number: ipaddress.IPv4Address) -> None:
    inside = hooks.is_inside(number)
    for prefix in ("::ffff:0:0", "64:ff9b::"):
        dressed = ipaddress.IPv6Address(int(ipaddress.IPv6Address(prefix)) + int(number))
        assert hooks.is_inside(dressed) == inside
        assert not hooks.is_inside(dressed, [ipaddress.ip_network(number)])


def test_the_operator_may_allow_a_network() -> None:
    allowed = [ipaddress.ip_network("10.20.0.0/16"), ipaddress.ip_network("fd00::/64")]
    assert not hooks.is_inside(ipaddress.ip_address("10.20.3.4"), allowed)
    assert not hooks.is_inside(ipaddress.ip_address("fd00::7"), allowed)
    assert hooks.is_inside(ipaddress.ip_address("10.21.3.4"), allowed)


def test_the_setting_is_read_and_refused_by_name(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOOK_TEST", "10.20.0.0/16, 192.168.5.7,fd00::/8")
    assert [str(one) for one in schema.networks("HOOK_TEST")] == ["10.20.0.0/16", "192.168.5.7/32", "fd00::/8"]
    monkeypatch.setenv("HOOK_TEST", "10.20.0.1/16")
    with pytest.raises(ImproperlyConfigured, match=r"HOOK_TEST: '10.20.0.1/16' is not an address or a network"):
        schema.networks("HOOK_TEST")


def named(monkeypatch: pytest.MonkeyPatch, *numbers: str) -> list[str]:
    """Have each look-up of a name say these addresses; the names that were asked for."""
    asked: list[str] = []

    def getaddrinfo(host: str, port: int, *args: Any, **kwargs: Any) -> list[Any]:
        asked.append(host)
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (number, port)) for number in numbers]

    monkeypatch.setattr(hooks.socket, "getaddrinfo", getaddrinfo)
    return asked


def test_a_name_that_leads_inside_is_refused_even_beside_one_outside(monkeypatch: pytest.MonkeyPatch) -> None:
    named(monkeypatch, "93.184.216.34", "169.254.169.254")
    with pytest.raises(hooks.NotCalled, match=r"rebind\.example is 169\.254\.169\.254, an address inside the network"):
        hooks.look_up("https://rebind.example/x")


@pytest.mark.parametrize(
    ("url", "why"),
    [
        ("ftp://hooks.example/", "must begin with http"),
        ("https:///x", "must begin with http"),
        ("https://me:secret@hooks.example/", "no name and password"),
        ("https://hooks.example:99999/", "not good"),
        ("http://127.0.0.1/", "inside the network"),
        ("http://[::1]/", "inside the network"),
        ("http://2130706433/", "inside the network"),  # 127.0.0.1 as one number
    ],
)
def test_what_is_not_called(url: str, why: str) -> None:
    with pytest.raises(hooks.NotCalled, match=why):
        hooks.look_up(url)


def test_the_connection_goes_to_what_was_looked_at(monkeypatch: pytest.MonkeyPatch) -> None:
    """The name is asked for once: what it says later leads nowhere else."""
    asked = named(monkeypatch, "93.184.216.34")
    reached: list[tuple[str, int]] = []

    def refuse(address: tuple[str, int], timeout: float) -> socket.socket:
        reached.append(address)
        raise ConnectionRefusedError(111, "Connection refused")

    monkeypatch.setattr(hooks.socket, "create_connection", refuse)
    with pytest.raises(hooks.NotCalled, match="Connection refused"):
        hooks.post("https://hooks.example/x?y=1", {})
    assert asked == ["hooks.example"]
    assert reached == [("93.184.216.34", 443)]
