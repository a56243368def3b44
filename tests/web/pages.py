"""Reading answers: the desk's attributes, the message it shows, who gets what."""

from __future__ import annotations

import re
from html import unescape

from django.http import HttpResponse
from django.test import Client


def attributes(response: HttpResponse) -> dict[str, str]:
    """The data attributes of the desk's root."""
    root = re.search(r'<main id="desk"[^>]*>', response.content.decode())
    assert root is not None
    return {name: unescape(value) for name, value in re.findall(r'data-([a-z-]+)="([^"]*)"', root[0])}


def message(response: HttpResponse) -> str:
    """What an alert on the page says, or nothing."""
    found = re.search(r'role="alert">.*?<span>(.*?)</span>', response.content.decode(), re.S)
    return unescape(found[1]) if found else ""


def sends_to_sign_in(response: HttpResponse) -> bool:
    """Whether the answer leads to the sign-in form."""
    return response.status_code == 302 and response["Location"].startswith("/sign-in/?next=")


def refused(clients: dict[str, Client], address: str, method: str = "get", /, **data: str) -> dict[str, int]:
    """The status that each browser gets."""
    return {name: getattr(client, method)(address, data).status_code for name, client in clients.items()}
