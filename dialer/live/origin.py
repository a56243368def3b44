"""Only our own pages may open a screen's socket: browsers send cookies along with any site's WebSocket."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any
from urllib.parse import urlsplit

from django.conf import settings

Application = Callable[[dict[str, Any], Callable[..., Any], Callable[..., Any]], Awaitable[None]]


class SameOrigin:
    """Refuse (403) a socket whose Origin is neither the host it asked for nor our public address."""

    def __init__(self, inner: Application) -> None:
        self.inner = inner

    async def __call__(self, scope: dict[str, Any], receive: Callable[..., Any], send: Callable[..., Any]) -> None:
        headers = {name: value.decode("latin-1") for name, value in scope["headers"] if name in (b"origin", b"host")}
        if is_own(headers.get(b"origin", ""), headers.get(b"host", "")):
            await self.inner(scope, receive, send)
            return
        await receive()
        await send({"type": "websocket.close", "code": 4403})


def is_own(origin: str, host: str) -> bool:
    """Whether a page of `origin` may talk to us at `host` (its Host header)."""
    parts = urlsplit(origin)
    if parts.scheme not in ("http", "https") or not parts.netloc:
        return False
    trusted = {urlsplit(settings.PUBLIC_URL).netloc, *(urlsplit(one).netloc for one in settings.CSRF_TRUSTED_ORIGINS)}
    return parts.netloc == host or parts.netloc in trusted
