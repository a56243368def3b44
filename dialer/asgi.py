"""The ASGI application: pages over HTTP, screens over WebSockets."""

from __future__ import annotations

import re

from dialer.settings import use_environment

use_environment()

import django  # noqa: E402
from asgiref.sync import sync_to_async  # noqa: E402
from channels.auth import AuthMiddlewareStack  # noqa: E402
from channels.routing import ProtocolTypeRouter, URLRouter  # noqa: E402
from django.core.handlers.asgi import ASGIHandler  # noqa: E402
from django.http import HttpRequest, HttpResponseBase  # noqa: E402
from django.urls import get_resolver, path  # noqa: E402

django.setup(set_prefix=False)

from dialer.core.bodies import USUAL, BoundedBodies  # noqa: E402
from dialer.core.steady import steady  # noqa: E402
from dialer.desk.phone_socket import PhoneSocket  # noqa: E402
from dialer.leads.importing.services import MAX_BYTES  # noqa: E402
from dialer.live.origin import SameOrigin  # noqa: E402
from dialer.live.routing import urlpatterns  # noqa: E402


class Pages(ASGIHandler):
    """Django's handler with the whole of a request, middleware and view, in one thread.

    Our views are synchronous. Django's own way goes back to the event loop before and after each middleware, some
    twenty times per page, and each time waits for its turn among all sockets and renders.
    """

    def load_middleware(self, is_async: bool = False) -> None:
        """Build the chain for a thread, whatever is asked for."""
        super().load_middleware(is_async=False)

    async def get_response_async(self, request: HttpRequest) -> HttpResponseBase:
        """Answer a request."""
        return await sync_to_async(self.get_response, thread_sensitive=True)(request)


def largest_body(path: str) -> int:
    """Bytes that a request to this address may have: files of leads are large, nothing else is."""
    return MAX_BYTES + 1024 * 1024 if _TAKES_LEADS.fullmatch(path) else USUAL


_TAKES_LEADS = re.compile(r"/campaigns/[0-9a-f-]{36}/lists/new/")
sockets = [*urlpatterns, path("phone/ws/", PhoneSocket.as_asgi())]
application = ProtocolTypeRouter(
    {
        "http": BoundedBodies(Pages(), largest_body),
        "websocket": SameOrigin(AuthMiddlewareStack(URLRouter(sockets))),
    }
)
_ = get_resolver().url_patterns  # imports every view before the first page is asked for
steady()
