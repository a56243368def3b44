"""App configuration of handling."""

from django.apps import AppConfig


class HandlingConfig(AppConfig):
    """What agents do with a call that is connected: hold, transfer, conference, park, and the like."""

    name = "dialer.handling"
