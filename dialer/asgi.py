"""The ASGI application: pages over HTTP, screens over WebSockets."""

from __future__ import annotations

from dialer.settings import use_environment

use_environment()

from channels.auth import AuthMiddlewareStack  # noqa: E402
from channels.routing import ProtocolTypeRouter, URLRouter  # noqa: E402
from django.core.asgi import get_asgi_application  # noqa: E402
from django.urls import path  # noqa: E402

pages = get_asgi_application()

from dialer.desk.phone_socket import PhoneSocket  # noqa: E402
from dialer.live.origin import SameOrigin  # noqa: E402
from dialer.live.routing import urlpatterns  # noqa: E402

sockets = [*urlpatterns, path("phone/ws/", PhoneSocket.as_asgi())]
application = ProtocolTypeRouter({"http": pages, "websocket": SameOrigin(AuthMiddlewareStack(URLRouter(sockets)))})
