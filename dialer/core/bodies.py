"""How large a request may be: one that is larger is refused by its own word, or where it grows too large.

Django's handler reads a request's body to its end before anything else looks at it, so a file of many gigabytes would
be received, and lie on the disk, before it is refused. `BoundedBodies` stands before the handler and reads no further;
`TooLargeMiddleware` answers such a request with a page, where its reader's language is known.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

from django.http import HttpRequest, HttpResponseBase
from django.shortcuts import render

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
App = Callable[[Any, Any, Any], Awaitable[None]]

USUAL = 16 * 1024 * 1024
"""Bytes of a request to an address that takes no large files: a recorded message of two minutes is 2 MB."""
TOO_LARGE = "cordboard.too_large"
"""In the scope of a request that is larger than it may be: how large that is, in bytes."""


class BoundedBodies:
    """An ASGI application before which no more of a body is read than `most` says for its path."""

    def __init__(self, app: App, most: Callable[[str], int]) -> None:
        self._app, self._most = app, most

    async def __call__(self, scope: Scope, receive: Receive, send: Any) -> None:
        """Hand a request on, its body cut off where it is too large."""
        most = self._most(scope["path"])
        told = next((value for name, value in scope["headers"] if name.lower() == b"content-length"), b"")
        read = int(told) if told.isdigit() and int(told) > most else 0

        async def bounded() -> MutableMapping[str, Any]:
            nonlocal read
            if TOO_LARGE in scope:  # the end was told; until the answer is sent there is nothing to be heard
                await asyncio.get_running_loop().create_future()
            if read <= most:
                message = await receive()
                read += len(message.get("body", b""))
            if read <= most:
                return message
            scope[TOO_LARGE] = most
            return {"type": "http.request", "body": b"", "more_body": False}

        await self._app(scope, bounded, send)


class TooLargeMiddleware:
    """Answers a request whose body was cut off; nothing of it is looked at."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self._get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        """The page, or what others answer."""
        most = getattr(request, "scope", {}).get(TOO_LARGE)
        if most is None:
            return self._get_response(request)
        response = render(request, "413.html", {"most_mb": most // 1024 // 1024}, status=413)
        response["Connection"] = "close"  # what is still on its way is not taken
        return response
