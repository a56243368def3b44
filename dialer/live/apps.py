"""App configuration of live."""

from django.apps import AppConfig


class LiveConfig(AppConfig):
    """The WebSocket consumer and its topics."""

    name = "dialer.live"
